//! Matrix products over slices, through faer: always sequential, so that the same call gives the same bits.
//!
//! Every product ends by clearing the vector state that faer's kernels leave dirty.

mod small;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use crate::state::clear_upper_vector_state;

/// A read-only matrix over a slice.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f64],
    /// Of what lies in `data`, column by column.
    rows: usize,
    columns: usize,
    stride: usize,
    is_transposed: bool,
}

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
        check(data, rows, cols, stride);
        Self { data, rows, columns: cols, stride, is_transposed: false }
    }

    /// The transposed matrix, over the same numbers.
    #[inline]
    pub fn transpose(self) -> Self {
        Self { is_transposed: !self.is_transposed, ..self }
    }

    /// Rows and columns, as the matrix is seen.
    #[inline]
    fn shape(&self) -> (usize, usize) {
        if self.is_transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    #[inline]
    fn to_faer(self) -> MatRef<'a, f64> {
        let matrix = MatRef::from_column_major_slice_with_stride(self.data, self.rows, self.columns, self.stride);
        if self.is_transposed { matrix.transpose() } else { matrix }
    }
}

/// A matrix over a slice, to be written.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f64],
    rows: usize,
    columns: usize,
    stride: usize,
}

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
        check(data, rows, cols, stride);
        Self { data, rows, columns: cols, stride }
    }
}

/// # Panics
/// When the matrix does not lie in `data`.
#[inline]
fn check(data: &[f64], rows: usize, columns: usize, stride: usize) {
    assert!(stride >= rows && data.len() >= last_number(rows, columns, stride), "a matrix within its slice");
}

/// One past the last number of a matrix.
#[inline]
fn last_number(rows: usize, columns: usize, stride: usize) -> usize {
    if columns == 0 { 0 } else { (columns - 1) * stride + rows }
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
pub fn product(a: View<'_>, b: View<'_>, update: Update, mut out: ViewMut<'_>) {
    let ((rows, depth), (other_depth, columns)) = (a.shape(), b.shape());
    assert!(depth == other_depth && rows == out.rows && columns == out.columns, "shapes of a product");
    if small::product(a, b, update, &mut out) {
        return;
    }
    let accumulate = match update {
        Update::Replace => Accum::Replace,
        Update::Add => Accum::Add,
    };
    let out = MatMut::from_column_major_slice_with_stride_mut(out.data, out.rows, out.columns, out.stride);
    matmul(out, accumulate, a.to_faer(), b.to_faer(), 1.0, Par::Seq);
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
