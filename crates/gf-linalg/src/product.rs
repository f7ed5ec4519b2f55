//! Matrix products over slices, through faer: always sequential, so that the same call gives the same bits.
//!
//! Every product ends by clearing the vector state that faer's kernels leave dirty.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use crate::state::clear_upper_vector_state;

/// A read-only matrix over a slice.
#[derive(Clone, Copy)]
pub struct View<'a>(MatRef<'a, f64>);

impl<'a> View<'a> {
    /// The leading `rows` × `cols` numbers of `data`, column by column.
    ///
    /// # Panics
    /// When `data` is too short.
    #[inline]
    pub fn columns(data: &'a [f64], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, rows)
    }

    /// Column-major with consecutive columns `stride` ≥ rows numbers apart.
    ///
    /// # Panics
    /// When `data` is too short.
    #[inline]
    pub fn strided(data: &'a [f64], rows: usize, cols: usize, stride: usize) -> Self {
        debug_assert!(stride >= rows);
        Self(MatRef::from_column_major_slice_with_stride(data, rows, cols, stride))
    }

    /// The transposed matrix, over the same numbers.
    #[inline]
    pub fn transpose(self) -> Self {
        Self(self.0.transpose())
    }
}

/// A matrix over a slice, to be written.
pub struct ViewMut<'a>(MatMut<'a, f64>);

impl<'a> ViewMut<'a> {
    /// The leading `rows` × `cols` numbers of `data`, column by column.
    ///
    /// # Panics
    /// When `data` is too short.
    #[inline]
    pub fn columns(data: &'a mut [f64], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, rows)
    }

    /// Column-major with consecutive columns `stride` ≥ rows numbers apart.
    ///
    /// # Panics
    /// When `data` is too short.
    #[inline]
    pub fn strided(data: &'a mut [f64], rows: usize, cols: usize, stride: usize) -> Self {
        debug_assert!(stride >= rows);
        Self(MatMut::from_column_major_slice_with_stride_mut(data, rows, cols, stride))
    }
}

/// What a product does with what its output held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// out = A·B.
    Replace,
    /// out += A·B.
    Add,
}

/// A·B into `out`. Sequential; allocates nothing after a thread's first product.
///
/// Fast forms: A column-major or transposed, B column-major (its rows contiguous along the summed index). 2·m·n·k flops.
///
/// # Panics
/// When the shapes do not fit.
#[inline]
pub fn product(a: View<'_>, b: View<'_>, update: Update, out: ViewMut<'_>) {
    let accumulate = match update {
        Update::Replace => Accum::Replace,
        Update::Add => Accum::Add,
    };
    matmul(out.0, accumulate, a.0, b.0, 1.0, Par::Seq);
    clear_upper_vector_state();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_layouts_match_the_triple_loop() {
        let numbers: Vec<f64> = (0..1000).map(|k| f64::from(k * 37 % 101) - 50.0).collect();
        for (m, n, k) in [(1, 1, 1), (3, 4, 5), (17, 1, 9), (1, 8, 6), (5, 7, 1), (20, 15, 30), (4, 3, 0)] {
            let (a, b) = (&numbers[..m * k + 7], &numbers[100..100 + k * n]);
            for transposed in [false, true] {
                let at = |i: usize, l: usize| if transposed { a[l + i * k] } else { a[i + l * (m + 1)] };
                if !transposed && k > 0 && (m + 1) * (k - 1) + m > a.len() {
                    continue;
                }
                let view = if transposed { View::columns(a, k, m).transpose() } else { View::strided(a, m, k, m + 1) };
                let mut out = vec![1.0; m * n];
                product(view, View::columns(b, k, n), Update::Add, ViewMut::columns(&mut out, m, n));
                for i in 0..m {
                    for j in 0..n {
                        let sum: f64 = 1.0 + (0..k).map(|l| at(i, l) * b[l + j * k]).sum::<f64>();
                        assert_eq!(out[i + j * m], sum, "integers are exact: {m} {n} {k} {transposed}");
                    }
                }
            }
        }
    }
}
