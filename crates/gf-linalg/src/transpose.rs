//! Square tiles transposed in registers.

/// Rows and columns of a tile: those of a register of eight numbers.
pub(crate) const SIDE: usize = 8;

/// A tile, column by column.
pub(crate) type Tile = [[f64; SIDE]; SIDE];

/// What a copy needs of the processor.
pub(crate) trait Kernel: Copy {
    /// Columns become rows.
    fn transpose(self, tile: Tile) -> Tile;
    /// A bit for each row: whether any of its numbers is not 0.
    fn nonzero_rows(self, tile: &Tile) -> u8;
}

/// Work that moves numbers tile by tile.
pub(crate) trait Tiled {
    /// Does it. Has to be `#[inline(always)]`: it is compiled once for each kernel.
    fn run(self, kernel: impl Kernel);
}

/// Does it with the fastest kernel that the processor has.
pub(crate) fn with_best_kernel(work: impl Tiled) {
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        if let Some(simd) = V4::try_new() {
            simd.vectorize(Compiled { kernel: simd, work });
            return;
        }
        if let Some(simd) = V3::try_new() {
            simd.vectorize(Compiled { kernel: Portable, work });
            return;
        }
    }
    work.run(Portable);
}

/// Without instructions of a certain processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Kernel for Portable {
    #[inline(always)]
    fn transpose(self, tile: Tile) -> Tile {
        let mut rows = [[0.0; SIDE]; SIDE];
        for (c, column) in tile.iter().enumerate() {
            for r in 0..SIDE {
                rows[r][c] = column[r];
            }
        }
        rows
    }

    #[inline(always)]
    fn nonzero_rows(self, tile: &Tile) -> u8 {
        let any = any_bits(tile);
        let mut rows = 0;
        for r in 0..SIDE {
            rows |= u8::from(any[r] & MAGNITUDE != 0) << r;
        }
        rows
    }
}

/// The bits of a number but its sign.
const MAGNITUDE: u64 = u64::MAX >> 1;

/// The bits that are set in any number of each row.
#[inline(always)]
fn any_bits(tile: &Tile) -> [u64; SIDE] {
    let mut any = [0; SIDE];
    for column in tile {
        for r in 0..SIDE {
            any[r] |= column[r].to_bits();
        }
    }
    any
}

/// Work as a function that can be compiled for certain instructions.
#[cfg(target_arch = "x86_64")]
struct Compiled<K, T> {
    kernel: K,
    work: T,
}

#[cfg(target_arch = "x86_64")]
impl<K: Kernel, T: Tiled> pulp::NullaryFnOnce for Compiled<K, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.work.run(self.kernel);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use pulp::{cast, f64x8, x86::V4};

    use super::{Kernel, MAGNITUDE, Tile, any_bits};

    impl Kernel for V4 {
        #[inline(always)]
        fn transpose(self, tile: Tile) -> Tile {
            let x: [f64x8; 8] = cast(tile);
            let even = quarters(
                self,
                [low(self, x[0], x[1]), low(self, x[2], x[3]), low(self, x[4], x[5]), low(self, x[6], x[7])],
            );
            let odd = quarters(
                self,
                [high(self, x[0], x[1]), high(self, x[2], x[3]), high(self, x[4], x[5]), high(self, x[6], x[7])],
            );
            cast([even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3]])
        }

        #[inline(always)]
        fn nonzero_rows(self, tile: &Tile) -> u8 {
            self.avx512f._mm512_test_epi64_mask(cast(any_bits(tile)), cast([MAGNITUDE; 8]))
        }
    }

    // Functions that are always inlined, no closures: one that the compiler leaves alone is compiled without AVX-512.

    /// The numbers in even places of two columns, in turn.
    #[inline(always)]
    fn low(simd: V4, a: f64x8, b: f64x8) -> f64x8 {
        cast(simd.avx512f._mm512_unpacklo_pd(cast(a), cast(b)))
    }

    /// The numbers in odd places of two columns, in turn.
    #[inline(always)]
    fn high(simd: V4, a: f64x8, b: f64x8) -> f64x8 {
        cast(simd.avx512f._mm512_unpackhi_pd(cast(a), cast(b)))
    }

    /// A 4 × 4 matrix of pairs of numbers, transposed.
    #[inline(always)]
    fn quarters(simd: V4, [a, b, c, d]: [f64x8; 4]) -> [f64x8; 4] {
        let (ab, cd) = (evens_and_odds(simd, a, b), evens_and_odds(simd, c, d));
        let (first, second) = (evens_and_odds(simd, ab[0], cd[0]), evens_and_odds(simd, ab[1], cd[1]));
        [first[0], second[0], first[1], second[1]]
    }

    /// Pairs 0 and 2 of both, and pairs 1 and 3 of both.
    #[inline(always)]
    fn evens_and_odds(simd: V4, a: f64x8, b: f64x8) -> [f64x8; 2] {
        [
            cast(simd.avx512f._mm512_shuffle_f64x2::<0b10_00_10_00>(cast(a), cast(b))),
            cast(simd.avx512f._mm512_shuffle_f64x2::<0b11_01_11_01>(cast(a), cast(b))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Both<'a>(&'a Tile, &'a mut (Tile, u8));

    impl Tiled for Both<'_> {
        #[inline(always)]
        fn run(self, kernel: impl Kernel) {
            *self.1 = (kernel.transpose(*self.0), kernel.nonzero_rows(self.0));
        }
    }

    #[test]
    fn every_kernel_finds_the_rows_that_are_not_zero() {
        for rows in 0..=u8::MAX {
            let mut tile = [[0.0; SIDE]; SIDE];
            tile[1] = [-0.0; SIDE];
            for r in (0..SIDE).filter(|r| rows >> r & 1 == 1) {
                tile[(r + usize::from(rows)) % SIDE][r] = [1.0, -2.0, f64::NAN, f64::MIN_POSITIVE / 4.0][r % 4];
            }
            let (mut portable, mut best) = (([[0.0; SIDE]; SIDE], 0), ([[0.0; SIDE]; SIDE], 0));
            Both(&tile, &mut portable).run(Portable);
            with_best_kernel(Both(&tile, &mut best));
            assert_eq!((portable.1, best.1), (rows, rows));
            let bits = |tile: Tile| tile.map(|column| column.map(f64::to_bits));
            assert_eq!(bits(portable.0), bits(best.0));
        }
    }
}
