//! Products of matrices of a few rows and columns.

use pulp::{Arch, Simd, WithSimd};

/// Overwrites `out` (m × n, column-major) with A·B, A m × k and B k × n, for m, k ≥ 1. For products of up to some thousand numbers, where
/// [`product`](crate::product) would pack and plan longer than it computes; n is what fits into `out`.
///
/// Every entry is one chain of fused multiply-adds in the order of k: the same bits on every processor. 2·m·n·k flops.
///
/// # Panics
/// When `a` does not hold m·k numbers, `out` is no multiple of m, or `b` holds fewer than k·n numbers.
#[inline]
pub fn small_product(m: usize, a: &[f64], k: usize, b: &[f64], out: &mut [f64]) {
    let columns = out.len() / m;
    assert!(a.len() == m * k && out.len() == m * columns && b.len() >= k * columns, "shapes of a product");
    Arch::new().dispatch(Small { m, a, k, b, out });
}

struct Small<'a> {
    m: usize,
    a: &'a [f64],
    k: usize,
    b: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Small<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // The widest run of rows that A has at all.
        match self.m {
            16.. => self.in_runs_of::<16>(),
            8.. => self.in_runs_of::<8>(),
            4.. => self.in_runs_of::<4>(),
            _ => self.in_runs_of::<1>(),
        }
    }
}

impl Small<'_> {
    /// Sums `RUN` rows at a time; the last run ends with the last row, so that some rows may be computed twice, alike.
    #[inline(always)]
    fn in_runs_of<const RUN: usize>(self) {
        let Self { m, a, k, b, out } = self;
        for (out, b) in out.chunks_exact_mut(m).zip(b.chunks_exact(k)) {
            let mut first = 0;
            while first < m {
                let start = first.min(m - RUN);
                let mut sums = [0.0; RUN];
                for (a, b) in a.chunks_exact(m).zip(b) {
                    let a: &[f64; RUN] = a[start..].first_chunk().expect("RUN rows up to the last");
                    for i in 0..RUN {
                        sums[i] = a[i].mul_add(*b, sums[i]);
                    }
                }
                out[start..start + RUN].copy_from_slice(&sums);
                first += RUN;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shapes_match_the_triple_loop() {
        let numbers: Vec<f64> = (0..2000).map(|k| f64::from(k * 37 % 101) - 50.0).collect();
        for m in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 30, 33] {
            for (k, n) in [(1, 1), (3, 51), (11, 6), (30, 3), (5, 0)] {
                let (a, b) = (&numbers[..m * k], &numbers[1000..1000 + k * n + 1]);
                let mut out = vec![f64::NAN; m * n];
                small_product(m, a, k, b, &mut out);
                for i in 0..m {
                    for j in 0..n {
                        let sum: f64 = (0..k).map(|l| a[i + l * m] * b[l + j * k]).sum();
                        assert_eq!(out[i + j * m], sum, "integers are exact: {m} {k} {n}");
                    }
                }
            }
        }
    }
}
