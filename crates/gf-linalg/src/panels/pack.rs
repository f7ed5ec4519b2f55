//! Matrices in groups of columns, packed once.

use crate::{
    Aligned,
    transpose::{Kernel, SIDE, Tiled, with_best_kernel},
};

/// An n × columns matrix in groups of W columns; a group holds n rows of W consecutive numbers. Columns beyond the last are 0.
#[derive(Debug, Default)]
pub struct Packed<const W: usize> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    data: Aligned,
}

impl<const W: usize> Packed<W> {
    /// Makes room for n = `rows` by `columns`. What the groups hold is then unspecified. Allocates only to grow.
    fn reset(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.data.grow(self.groups() * W * rows);
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.columns.div_ceil(W)
    }

    pub(super) fn group(&self, group: usize) -> &[f64] {
        &self.data[group * W * self.rows..][..W * self.rows]
    }

    /// Packs columns that lie one after the other, n numbers each. Sequential over groups.
    ///
    /// # Panics
    /// When `source` is shorter than n × columns.
    pub fn pack(&mut self, source: &[f64], rows: usize, columns: usize) {
        self.pack_from(rows, columns, |c| &source[c * rows..][..rows]);
    }

    /// As [`Packed::pack`], the groups shared among the threads of the current pool.
    ///
    /// # Panics
    /// When `source` is shorter than n × columns.
    pub fn pack_in_parallel(&mut self, source: &[f64], rows: usize, columns: usize) {
        use rayon::prelude::*;
        self.reset(rows, columns);
        let size = (W * rows).max(1);
        let groups = self.data[..columns.div_ceil(W) * W * rows].par_chunks_exact_mut(size);
        let column = |c: usize| &source[c * rows..][..rows];
        groups
            .enumerate()
            .for_each(|(g, packed)| with_best_kernel(Group::<W, _, _> { rows, g, columns, column, packed }));
    }

    /// Packs columns that are computed from others on the way, n numbers each.
    ///
    /// # Panics
    /// When a column has fewer than n numbers.
    pub fn pack_from<C: Column>(&mut self, rows: usize, columns: usize, column: impl Fn(usize) -> C) {
        self.reset(rows, columns);
        let groups = self.data[..columns.div_ceil(W) * W * rows].chunks_exact_mut((W * rows).max(1));
        for (g, packed) in groups.enumerate() {
            with_best_kernel(Group::<W, _, _> { rows, g, columns, column: &column, packed });
        }
    }
}

/// The numbers of a column that is packed.
pub trait Column {
    /// K of them from number `n` on.
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K];
}

#[inline(always)]
fn some<const K: usize>(x: &[f64], n: usize) -> [f64; K] {
    *x[n..].first_chunk().expect("a column holds n numbers")
}

impl Column for &[f64] {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        some(self, n)
    }
}

/// The column x⊙y.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a>(pub &'a [f64], pub &'a [f64]);

impl Column for Product<'_> {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        let (x, y): ([f64; K], [f64; K]) = (some(self.0, n), some(self.1, n));
        std::array::from_fn(|k| x[k] * y[k])
    }
}

/// The column x⊙y, plus a product where there is a second one.
#[derive(Debug, Clone, Copy)]
pub struct Combination<'a>(pub Product<'a>, pub Option<Product<'a>>);

impl Column for Combination<'_> {
    #[inline(always)]
    fn numbers<const K: usize>(&self, n: usize) -> [f64; K] {
        let Some(second) = self.1 else { return self.0.numbers(n) };
        let (x, y): ([f64; K], [f64; K]) = (some(self.0.0, n), some(self.0.1, n));
        let second: [f64; K] = second.numbers(n);
        std::array::from_fn(|k| x[k].mul_add(y[k], second[k]))
    }
}

/// Group `g` of a packed matrix. Columns that are missing become 0.
struct Group<'a, const W: usize, C: Column, F: Fn(usize) -> C> {
    rows: usize,
    g: usize,
    columns: usize,
    column: F,
    packed: &'a mut [f64],
}

impl<const W: usize, C: Column, F: Fn(usize) -> C> Tiled for Group<'_, W, C, F> {
    #[inline(always)]
    fn run(self, kernel: impl Kernel) {
        let Self { rows, g, columns, column, packed } = self;
        let tiled = rows / SIDE * SIDE;
        for v in (0..W).step_by(SIDE) {
            let first = g * W + v;
            let these: [Option<C>; SIDE] = std::array::from_fn(|c| (first + c < columns).then(|| column(first + c)));
            for n in (0..tiled).step_by(SIDE) {
                let tile = std::array::from_fn(|c| match &these[c] {
                    Some(column) => column.numbers(n),
                    None => [0.0; SIDE],
                });
                for (k, row) in kernel.transpose(tile).into_iter().enumerate() {
                    packed[(n + k) * W + v..][..SIDE].copy_from_slice(&row);
                }
            }
            for n in tiled..rows {
                for c in 0..SIDE {
                    packed[n * W + v + c] = these[c].as_ref().map_or(0.0, |column| column.numbers::<1>(n)[0]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::NARROW, *};

    #[test]
    fn columns_are_computed_on_the_way() {
        for n in [1, 7, 8, 19] {
            let numbers = |seed: usize| -> Vec<f64> { (0..3 * n).map(|k| ((k * seed) % 23) as f64 - 11.0).collect() };
            let (x, y, z) = (numbers(5), numbers(7), numbers(11));
            let slice = |of: &[f64], c: usize| -> Vec<f64> { of[c * n..][..n].to_vec() };
            let columns: Vec<[Vec<f64>; 3]> = (0..3).map(|c| [slice(&x, c), slice(&y, 2 - c), slice(&z, c)]).collect();
            let mut packed = Packed::<NARROW>::default();
            packed.pack_from(n, 3, |c| {
                let [x, y, z] = &columns[c];
                Combination(Product(x, y), (c != 1).then_some(Product(y, z)))
            });
            for (i, row) in packed.group(0).chunks_exact(NARROW).enumerate() {
                for c in 0..3 {
                    let [x, y, z] = &columns[c];
                    let second = if c == 1 { 0.0 } else { y[i] * z[i] };
                    assert_eq!(row[c], x[i] * y[i] + second, "{n}: ({i}, {c})");
                }
                assert_eq!(row[3..], [0.0; 5]);
            }
        }
    }
}
