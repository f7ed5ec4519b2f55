//! Vectorized loops over columns.

use pulp::{Arch, Simd, WithSimd};

use super::real::Real;

/// The largest |x| and its first place; a maximum of 0 where there is none.
pub(super) fn largest(x: &[f64]) -> (usize, f64) {
    struct Largest<'a>(&'a [f64]);
    impl WithSimd for Largest<'_> {
        type Output = (usize, f64);
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> (usize, f64) {
            let (head, tail) = S::as_simd_f64s(self.0);
            let mut best = [simd.splat_f64s(0.0); 4];
            let chunks = head.chunks_exact(4);
            let rest = chunks.remainder();
            for x in chunks {
                for v in 0..4 {
                    best[v] = simd.max_f64s(best[v], simd.abs_f64s(x[v]));
                }
            }
            for x in rest {
                best[0] = simd.max_f64s(best[0], simd.abs_f64s(*x));
            }
            let best = simd.max_f64s(simd.max_f64s(best[0], best[1]), simd.max_f64s(best[2], best[3]));
            let value = tail.iter().fold(simd.reduce_max_f64s(best), |max, x| max.max(x.abs()));
            const CHUNK: usize = 64;
            let found = self.0.chunks(CHUNK).position(|chunk| {
                // Without a branch in the loop, which is then vectorized.
                chunk.iter().fold(false, |found, x| found | (x.abs() == value))
            });
            let start = found.map_or(0, |chunk| chunk * CHUNK);
            (start + self.0[start..].iter().position(|x| x.abs() == value).unwrap_or(0), value)
        }
    }
    Arch::new().dispatch(Largest(x))
}

/// x /= d.
pub(super) fn divide(x: &mut [f64], d: f64) {
    struct Divide<'a>(&'a mut [f64], f64);
    impl WithSimd for Divide<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            self.0.iter_mut().for_each(|x| *x /= self.1);
        }
    }
    Arch::new().dispatch(Divide(x, d));
}

/// The rows \[x, y\] times the inverse of the symmetric 2 × 2 `block` \[a, b; b, d\], given as a, b, d with |b| large enough to divide by.
pub(super) fn eliminate_pair(block: [f64; 3], x: &mut [f64], y: &mut [f64]) {
    struct Pair<'a>([f64; 3], &'a mut [f64], &'a mut [f64]);
    impl WithSimd for Pair<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let [a, b, d] = self.0;
            // Scaled by b as in LAPACK, so that the determinant does not overflow.
            let (a, d) = (a / b, d / b);
            let scale = 1.0 / (a * d - 1.0) / b;
            for (x, y) in self.1.iter_mut().zip(self.2) {
                (*x, *y) = (scale * (d * *x - *y), scale * (a * *y - *x));
            }
        }
    }
    Arch::new().dispatch(Pair(block, x, y));
}

/// Columns that a pass over a triangle takes at a time.
pub(super) const GROUP: usize = 8;

/// x −= Σ c_k·column_k over [`GROUP`] columns of the length of x.
pub(super) fn subtract_columns<T: Real>(columns: [&[T]; GROUP], c: [T; GROUP], x: &mut [T]) {
    struct Subtract<'a, T>([&'a [T]; GROUP], [T; GROUP], &'a mut [T]);
    impl<T: Real> WithSimd for Subtract<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(columns, c, x) = self;
            let heads = columns.map(|column| T::vectors::<S>(&column[..x.len()]));
            let scalars = c.map(|c| T::splat(simd, c));
            let (head, tail) = T::vectors_mut::<S>(x);
            for i in 0..head.len() {
                let mut sum = [T::splat(simd, T::default()); 2];
                for k in 0..GROUP {
                    sum[k % 2] = T::fused_vectors(simd, scalars[k], heads[k].0[i], sum[k % 2]);
                }
                head[i] = T::subtract_vectors(simd, head[i], T::add_vectors(simd, sum[0], sum[1]));
            }
            for i in 0..tail.len() {
                let mut sum = [T::default(); 2];
                for k in 0..GROUP {
                    sum[k % 2] = c[k].fused(heads[k].1[i], sum[k % 2]);
                }
                tail[i] -= sum[0] + sum[1];
            }
        }
    }
    Arch::new().dispatch(Subtract(columns, c, x));
}

/// Σ column_k·x for [`GROUP`] columns of the length of x. Eight partial sums each, on every processor.
pub(super) fn dot_columns<T: Real>(columns: [&[T]; GROUP], x: &[T]) -> [T; GROUP] {
    struct Dot<'a, T>([&'a [T]; GROUP], &'a [T]);
    impl<T: Real> WithSimd for Dot<'_, T> {
        type Output = [T; GROUP];
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [T; GROUP] {
            const LANES: usize = 8;
            let Self(columns, x) = self;
            let columns = columns.map(|column| &column[..x.len()]);
            let mut sums = [[T::default(); LANES]; GROUP];
            let whole = x.len() / LANES * LANES;
            for start in (0..whole).step_by(LANES) {
                let x: &[T; LANES] = x[start..].first_chunk().expect("whole lanes");
                for (sums, column) in sums.iter_mut().zip(&columns) {
                    let column: &[T; LANES] = column[start..].first_chunk().expect("whole lanes");
                    for lane in 0..LANES {
                        sums[lane] = column[lane].fused(x[lane], sums[lane]);
                    }
                }
            }
            std::array::from_fn(|k| {
                let tail =
                    x[whole..].iter().zip(&columns[k][whole..]).fold(T::default(), |sum, (x, c)| x.fused(*c, sum));
                sums[k].iter().fold(T::default(), |sum, x| sum + *x) + tail
            })
        }
    }
    Arch::new().dispatch(Dot(columns, x))
}

/// y += Σ c_k·column_k, and Σ column_k·x returned, over [`GROUP`] columns of the length of x and y: both halves of a symmetric product in one pass.
pub(super) fn dot_and_add_columns(columns: [&[f64]; GROUP], c: [f64; GROUP], x: &[f64], y: &mut [f64]) -> [f64; GROUP] {
    // A tile of the columns stays in the first-level cache between the two.
    const ROWS: usize = 256;
    let mut sums = [0.0; GROUP];
    for start in (0..x.len()).step_by(ROWS) {
        let end = (start + ROWS).min(x.len());
        let part = columns.map(|column| &column[start..end]);
        for (sum, dot) in sums.iter_mut().zip(dot_columns(part, &x[start..end])) {
            *sum += dot;
        }
        subtract_columns(part, c.map(|c| -c), &mut y[start..end]);
    }
    sums
}

/// |x| added to each entry of `sums`; returns Σ|x|.
pub(super) fn add_magnitudes(x: &[f64], sums: &mut [f64]) -> f64 {
    struct Magnitudes<'a>(&'a [f64], &'a mut [f64]);
    impl WithSimd for Magnitudes<'_> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            let (x, x_tail) = S::as_simd_f64s(self.0);
            let (sums, sums_tail) = S::as_mut_simd_f64s(self.1);
            let mut total = simd.splat_f64s(0.0);
            for (x, sum) in x.iter().zip(sums) {
                let x = simd.abs_f64s(*x);
                *sum = simd.add_f64s(*sum, x);
                total = simd.add_f64s(total, x);
            }
            let mut rest = 0.0;
            for (x, sum) in x_tail.iter().zip(sums_tail) {
                *sum += x.abs();
                rest += x.abs();
            }
            simd.reduce_sum_f64s(total) + rest
        }
    }
    assert_eq!(x.len(), sums.len(), "slices of one length");
    Arch::new().dispatch(Magnitudes(x, sums))
}
