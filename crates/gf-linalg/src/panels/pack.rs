//! Matrices in groups of columns, packed once.

use std::ops::Range;

use crate::{
    Aligned,
    transpose::{Kernel, SIDE, Tiled, with_best_kernel},
};

/// Rows whose bits a word holds.
pub(super) const WORD: usize = u64::BITS as usize;

/// An n × columns matrix in groups of W columns; a group holds n rows of W consecutive numbers. Columns beyond the last are 0.
#[derive(Debug, Default)]
pub struct Packed<const W: usize> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    data: Aligned,
    /// Group after group a bit for each row: whether any of its numbers is not 0.
    nonzero: Vec<u64>,
}

impl<const W: usize> Packed<W> {
    /// Makes room for n = `rows` by `columns`. What the groups hold is then unspecified. Allocates only to grow.
    fn reset(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.data.grow(self.groups() * W * rows);
        self.nonzero.clear();
        self.nonzero.resize(self.groups() * rows.div_ceil(WORD), 0);
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.columns.div_ceil(W)
    }

    /// Some rows of a group.
    pub(super) fn group(&self, group: usize, rows: &Range<usize>) -> &[f64] {
        &self.data[group * W * self.rows..][rows.start * W..rows.end * W]
    }

    /// The bits of some rows of a group, the first of which begins a word.
    pub(super) fn nonzero(&self, group: usize, rows: &Range<usize>) -> &[u64] {
        &self.nonzero[group * self.rows.div_ceil(WORD)..][rows.start / WORD..rows.end.div_ceil(WORD)]
    }

    /// The room of each group and its bits.
    fn groups_mut(&mut self) -> (&mut [f64], &mut [u64], usize, usize) {
        let (size, words) = ((W * self.rows).max(1), self.rows.div_ceil(WORD).max(1));
        let numbers = self.groups() * W * self.rows;
        (&mut self.data[..numbers], &mut self.nonzero, size, words)
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
        let (data, nonzero, size, words) = self.groups_mut();
        let column = |c: usize| &source[c * rows..][..rows];
        let groups = data.par_chunks_exact_mut(size).zip(nonzero.par_chunks_exact_mut(words)).enumerate();
        groups.for_each(|(g, (packed, nonzero))| {
            with_best_kernel(Group::<W, _, _> { rows, g, columns, column, packed, nonzero });
        });
    }

    /// Packs columns that are computed from others on the way, n numbers each.
    ///
    /// # Panics
    /// When a column has fewer than n numbers.
    pub fn pack_from<C: Column>(&mut self, rows: usize, columns: usize, column: impl Fn(usize) -> C) {
        self.reset(rows, columns);
        let (data, nonzero, size, words) = self.groups_mut();
        let groups = data.chunks_exact_mut(size).zip(nonzero.chunks_exact_mut(words)).enumerate();
        for (g, (packed, nonzero)) in groups {
            with_best_kernel(Group::<W, _, _> { rows, g, columns, column: &column, packed, nonzero });
        }
    }
}

/// A column that is packed.
pub trait Column: Copy {
    /// The same, eight numbers at a time.
    type Eights: Eights;
    /// The leading `count` eights.
    fn eights(self, count: usize) -> Self::Eights;
    /// Number `n`.
    fn number(self, n: usize) -> f64;
}

/// The numbers of a column, eight at a time.
pub trait Eights: Copy {
    /// The numbers from 8·t on.
    fn eight(self, t: usize) -> [f64; SIDE];
}

impl<'a> Column for &'a [f64] {
    type Eights = &'a [[f64; SIDE]];

    #[inline(always)]
    fn eights(self, count: usize) -> Self::Eights {
        &self.as_chunks().0[..count]
    }

    #[inline(always)]
    fn number(self, n: usize) -> f64 {
        self[n]
    }
}

impl Eights for &[[f64; SIDE]] {
    #[inline(always)]
    fn eight(self, t: usize) -> [f64; SIDE] {
        self[t]
    }
}

/// The column x⊙y.
#[derive(Debug, Clone, Copy)]
pub struct Product<T>(pub T, pub T);

impl<T: Column> Column for Product<T> {
    type Eights = Product<T::Eights>;

    #[inline(always)]
    fn eights(self, count: usize) -> Self::Eights {
        Product(self.0.eights(count), self.1.eights(count))
    }

    #[inline(always)]
    fn number(self, n: usize) -> f64 {
        self.0.number(n) * self.1.number(n)
    }
}

impl<T: Eights> Eights for Product<T> {
    #[inline(always)]
    fn eight(self, t: usize) -> [f64; SIDE] {
        let (x, y) = (self.0.eight(t), self.1.eight(t));
        let mut product = [0.0; SIDE];
        for k in 0..SIDE {
            product[k] = x[k] * y[k];
        }
        product
    }
}

/// The column x⊙y + u⊙v.
#[derive(Debug, Clone, Copy)]
pub struct Combination<T>(pub Product<T>, pub Product<T>);

impl<T: Column> Column for Combination<T> {
    type Eights = Combination<T::Eights>;

    #[inline(always)]
    fn eights(self, count: usize) -> Self::Eights {
        Combination(self.0.eights(count), self.1.eights(count))
    }

    #[inline(always)]
    fn number(self, n: usize) -> f64 {
        self.0.0.number(n).mul_add(self.0.1.number(n), self.1.number(n))
    }
}

impl<T: Eights> Eights for Combination<T> {
    #[inline(always)]
    fn eight(self, t: usize) -> [f64; SIDE] {
        let (x, y, second) = (self.0.0.eight(t), self.0.1.eight(t), self.1.eight(t));
        let mut sum = [0.0; SIDE];
        for k in 0..SIDE {
            sum[k] = x[k].mul_add(y[k], second[k]);
        }
        sum
    }
}

/// Group `g` of a packed matrix. Columns that are missing become 0.
struct Group<'a, const W: usize, C: Column, F: Fn(usize) -> C> {
    rows: usize,
    g: usize,
    columns: usize,
    column: F,
    packed: &'a mut [f64],
    /// Zeros before.
    nonzero: &'a mut [u64],
}

impl<const W: usize, C: Column, F: Fn(usize) -> C> Tiled for Group<'_, W, C, F> {
    #[inline(always)]
    fn run(self, kernel: impl Kernel) {
        let Self { rows, g, columns, column, packed, nonzero } = self;
        for v in (0..W).step_by(SIDE) {
            let first = g * W + v;
            let count = columns.saturating_sub(first).min(SIDE);
            // By tiles as far as they are whole, the rest number by number.
            let tiles = if count == SIDE { rows / SIDE } else { 0 };
            let eights = |c: usize| column((first + c).min(columns - 1)).eights(tiles);
            let [a, b, c, d, e, f, g, h] = std::array::from_fn(eights);
            for t in 0..tiles {
                let tile =
                    [a.eight(t), b.eight(t), c.eight(t), d.eight(t), e.eight(t), f.eight(t), g.eight(t), h.eight(t)];
                let n = t * SIDE;
                nonzero[n / WORD] |= u64::from(kernel.nonzero_rows(&tile)) << (n % WORD);
                for (k, row) in kernel.transpose(tile).into_iter().enumerate() {
                    packed[(n + k) * W + v..][..SIDE].copy_from_slice(&row);
                }
            }
            for n in tiles * SIDE..rows {
                for c in 0..SIDE {
                    let x = if c < count { column(first + c).number(n) } else { 0.0 };
                    packed[n * W + v + c] = x;
                    nonzero[n / WORD] |= u64::from(x != 0.0) << (n % WORD);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{NARROW, WIDE},
        *,
    };

    #[test]
    fn columns_are_computed_on_the_way() {
        for n in [1, 7, 8, 19] {
            let numbers = |seed: usize| -> Vec<f64> { (0..3 * n).map(|k| ((k * seed) % 23) as f64 - 11.0).collect() };
            let (x, y, z) = (numbers(5), numbers(7), numbers(11));
            let slice = |of: &[f64], c: usize| -> Vec<f64> { of[c * n..][..n].to_vec() };
            let columns: Vec<[Vec<f64>; 3]> = (0..3).map(|c| [slice(&x, c), slice(&y, 2 - c), slice(&z, c)]).collect();
            let mut packed = Packed::<NARROW>::default();
            packed.pack_from(n, 3, |c| {
                let [x, y, z] = columns[c].each_ref().map(Vec::as_slice);
                Combination(Product(x, y), Product(y, z))
            });
            for (i, row) in packed.group(0, &(0..n)).chunks_exact(NARROW).enumerate() {
                for c in 0..3 {
                    let [x, y, z] = &columns[c];
                    assert_eq!(row[c], x[i] * y[i] + y[i] * z[i], "{n}: ({i}, {c})");
                }
                assert_eq!(row[3..], [0.0; 5]);
            }
        }
    }

    #[test]
    fn a_bit_says_where_a_row_of_a_group_is_not_zero() {
        for (n, columns) in [(1, 1), (64, 8), (65, 11), (130, 24), (200, 30)] {
            // Column c is not 0 in every (c+5)th row; -0 counts as 0, NaN does not.
            let number = |k: usize| match (k % n % (k / n + 5), k % 3) {
                (0, 0) => f64::NAN,
                (0, _) => 1e-300,
                (_, sign) => {
                    if sign == 0 {
                        0.0
                    } else {
                        -0.0
                    }
                }
            };
            let source: Vec<f64> = (0..n * columns).map(number).collect();
            let (mut one, mut several) = (Packed::<WIDE>::default(), Packed::<WIDE>::default());
            // Packed before, with other bits.
            one.pack(&vec![1.0; 2 * n * columns], 2 * n, columns);
            one.pack(&source, n, columns);
            several.pack_in_parallel(&source, n, columns);
            assert_eq!(one.nonzero, several.nonzero);
            for g in 0..one.groups() {
                let bits = one.nonzero(g, &(0..n));
                for (i, row) in one.group(g, &(0..n)).chunks_exact(WIDE).enumerate() {
                    let bit = bits[i / WORD] >> (i % WORD) & 1 == 1;
                    assert_eq!(bit, row.iter().any(|x| *x != 0.0), "{n} {columns}: row {i} of group {g}");
                }
                let last = bits[n.div_ceil(WORD) - 1];
                assert!(n % WORD == 0 || last >> (n % WORD) == 0, "no bits beyond the last row");
            }
        }
    }
}
