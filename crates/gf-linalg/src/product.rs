//! Matrix products over slices: always sequential, so that the same call gives the same bits.
//!
//! Small ones by kernels of our own ([`small`]), large ones through faer, after which the vector state that its kernels leave dirty is cleared.

mod small;

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use crate::{slices, state::clear_upper_vector_state};

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

    /// Column `c` of what lies in `data`.
    #[inline]
    fn column(&self, c: usize) -> &'a [f64] {
        &self.data[c * self.stride..][..self.rows]
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

    /// Column `c`.
    #[inline]
    fn column(&mut self, c: usize) -> &mut [f64] {
        &mut self.data[c * self.stride..][..self.rows]
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
pub fn product(a: View<'_>, b: View<'_>, update: Update, out: ViewMut<'_>) {
    sum_of_products(&[(a, b)], Finish::Store(update), out);
}

/// What becomes of the sums S of products.
#[derive(Debug)]
pub enum Finish<'a> {
    /// out = or += S.
    Store(Update),
    /// out = X⊙S, and S itself to `sums` if there is such a place.
    Scale {
        /// X.
        x: View<'a>,
        /// For S.
        sums: Option<ViewMut<'a>>,
    },
    /// out = X⊙S + U⊙V.
    Combine {
        /// X.
        x: View<'a>,
        /// U.
        u: View<'a>,
        /// V.
        v: View<'a>,
    },
}

impl Finish<'_> {
    fn fits(&self, rows: usize, columns: usize) -> bool {
        let fits = |view: &View<'_>| !view.is_transposed && view.shape() == (rows, columns);
        match self {
            Self::Store(_) => true,
            Self::Scale { x, sums } => fits(x) && sums.as_ref().is_none_or(|s| (s.rows, s.columns) == (rows, columns)),
            Self::Combine { x, u, v } => fits(x) && fits(u) && fits(v),
        }
    }
}

/// Σ A·B of the pairs, finished into `out` while the sums are at hand: what is written and read again for one product after the other, and
/// for elementwise functions of the result, stays in registers. Sequential, like [`product`].
///
/// # Panics
/// When the shapes do not fit, or there is no pair, or what finishes is transposed.
pub fn sum_of_products(pairs: &[(View<'_>, View<'_>)], mut finish: Finish<'_>, mut out: ViewMut<'_>) {
    for (a, b) in pairs {
        let ((rows, depth), (other_depth, columns)) = (a.shape(), b.shape());
        assert!(depth == other_depth && rows == out.rows && columns == out.columns, "shapes of a product");
    }
    assert!(!pairs.is_empty() && finish.fits(out.rows, out.columns), "shapes of a sum of products");
    if !small::sum(pairs, &mut finish, &mut out) {
        one_by_one(pairs, finish, out);
    }
}

/// The same by faer.
fn one_by_one(pairs: &[(View<'_>, View<'_>)], finish: Finish<'_>, mut out: ViewMut<'_>) {
    let sum = |mut update: Update, out: &mut ViewMut<'_>| {
        for (a, b) in pairs {
            let out = MatMut::from_column_major_slice_with_stride_mut(out.data, out.rows, out.columns, out.stride);
            let accumulate = match update {
                Update::Replace => Accum::Replace,
                Update::Add => Accum::Add,
            };
            matmul(out, accumulate, a.to_faer(), b.to_faer(), 1.0, Par::Seq);
            update = Update::Add;
        }
        clear_upper_vector_state();
    };
    match finish {
        Finish::Store(update) => sum(update, &mut out),
        Finish::Scale { x, sums: Some(mut sums) } => {
            sum(Update::Replace, &mut sums);
            for c in 0..out.columns {
                slices::multiply(x.column(c), sums.column(c), out.column(c));
            }
        }
        Finish::Scale { x, sums: None } => {
            sum(Update::Replace, &mut out);
            for c in 0..out.columns {
                slices::update(x.column(c), out.column(c), |x, s| x * s);
            }
        }
        Finish::Combine { x, u, v } => {
            sum(Update::Replace, &mut out);
            for c in 0..out.columns {
                slices::update(x.column(c), out.column(c), |x, s| x * s);
                slices::multiply_add(u.column(c), v.column(c), out.column(c));
            }
        }
    }
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

    /// Integers, so that every order of additions is exact.
    fn integers(len: usize, seed: usize) -> Vec<f64> {
        (0..len).map(|k| (k * seed % 19) as f64 - 9.0).collect()
    }

    #[test]
    fn sums_of_products_are_finished_alike_by_both_kernels() {
        // Rows around whole vectors, columns around whole blocks, sums of short and long columns, and one product that is too large
        // for the small kernels.
        let shapes =
            [(1, 1, 1), (7, 3, 2), (8, 4, 17), (30, 5, 3), (33, 6, 20), (64, 9, 65), (129, 30, 33), (160, 130, 129)];
        for (m, n, k) in shapes {
            let (a, b, c, d) = (integers(m * k, 7), integers(k * n, 5), integers(m * k, 11), integers(k * n, 3));
            // One set of numbers, seen as m × k or its transpose, as k × n or its transpose.
            for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
                let seen = |x, rows, columns, transposed: bool| match transposed {
                    true => View::columns(x, columns, rows).transpose(),
                    false => View::columns(x, rows, columns),
                };
                let (of_a, of_b) = (|x| seen(x, m, k, left), |x| seen(x, k, n, right));
                let pairs = [(of_a(&a[..]), of_b(&b[..])), (of_a(&c[..]), of_b(&d[..]))];
                let entry = |i: usize, j: usize, count: usize| -> f64 {
                    let at = |x: &[f64], i: usize, j: usize, rows, columns, transposed: bool| {
                        if transposed { x[j + i * columns] } else { x[i + j * rows] }
                    };
                    let sum = |a: &[f64], b: &[f64]| -> f64 {
                        (0..k).map(|l| at(a, i, l, m, k, left) * at(b, l, j, k, n, right)).sum()
                    };
                    sum(&a, &b) + if count > 1 { sum(&c, &d) } else { 0.0 }
                };
                // Columns further apart than they are long, with numbers between that nobody may touch.
                let stride = m + 3;
                let (x, u, v) = (integers(m * n, 13), integers(m * n, 17), integers(stride * n, 2));
                for count in [1, 2] {
                    for way in 0..5 {
                        let (mut out, mut kept) = (vec![3.0; stride * n], vec![5.0; stride * n]);
                        let finish = match way {
                            0 => Finish::Store(Update::Replace),
                            1 => Finish::Store(Update::Add),
                            2 => Finish::Scale { x: View::columns(&x, m, n), sums: None },
                            3 => Finish::Scale {
                                x: View::columns(&x, m, n),
                                sums: Some(ViewMut::strided(&mut kept, m, n, stride)),
                            },
                            _ => Finish::Combine {
                                x: View::columns(&x, m, n),
                                u: View::columns(&u, m, n),
                                v: View::strided(&v, m, n, stride),
                            },
                        };
                        sum_of_products(&pairs[..count], finish, ViewMut::strided(&mut out, m, n, stride));
                        for j in 0..n {
                            for i in 0..stride {
                                let at = i + j * stride;
                                if i >= m {
                                    assert_eq!((out[at], kept[at]), (3.0, 5.0), "between columns");
                                    continue;
                                }
                                let s = entry(i, j, count);
                                let expected = match way {
                                    0 => s,
                                    1 => s + 3.0,
                                    2 | 3 => x[i + j * m] * s,
                                    _ => x[i + j * m] * s + u[i + j * m] * v[at],
                                };
                                let name = format!("{m} {n} {k} {left} {right} {count} {way}");
                                assert_eq!(out[at], expected, "{name}");
                                assert_eq!(kept[at], if way == 3 { s } else { 5.0 }, "{name}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "shapes of a sum of products")]
    fn what_finishes_must_have_the_shape_of_the_result() {
        let (x, mut out) = ([1.0; 9], [0.0; 4]);
        let finish = Finish::Scale { x: View::columns(&x, 3, 2), sums: None };
        let pair = (View::columns(&x, 2, 3), View::columns(&x, 3, 2));
        sum_of_products(&[pair], finish, ViewMut::columns(&mut out, 2, 2));
    }
}
