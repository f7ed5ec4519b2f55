//! Products of some thousand multiply-adds, for which faer's packing and planning take longer than the arithmetic.
//!
//! Nothing is packed: A is read as it lies, a block of sums stays in registers, every number of the result is written once.

use pulp::{Arch, Simd, WithSimd};

use super::{Update, View, ViewMut};

/// Multiply-adds up to which products are faster here (all limits are measured).
const LARGEST: usize = 1 << 21;
/// The lengths of sums in AᵀB for which that holds. Shorter ones are not worth adding up in vectors; with longer ones, columns that lie a power
/// of two apart displace each other from the first-level cache.
const DOTS: std::ops::RangeInclusive<usize> = 16..=256;
/// Columns of a block of sums.
const COLUMNS: usize = 4;

/// Computes the product, if it is small enough and of a layout that is supported.
#[inline]
pub(super) fn product(a: View<'_>, b: View<'_>, update: Update, out: &mut ViewMut<'_>) -> bool {
    let depth = a.shape().1;
    if out.rows * out.columns * depth > LARGEST {
        return false;
    }
    if a.is_transposed {
        if b.is_transposed || !DOTS.contains(&depth) {
            return false;
        }
        let dots = Dots { a, b, update, out };
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V4::try_new() {
            simd.vectorize(avx512::Run(simd, dots));
            return true;
        }
        Arch::new().dispatch(dots);
    } else {
        Arch::new().dispatch(Combinations { a, b, update, out });
    }
    true
}

/// out = or += A·B, column by column of A: every sum is one chain of multiply-adds.
struct Combinations<'a, 'b> {
    a: View<'a>,
    b: View<'a>,
    update: Update,
    out: &'a mut ViewMut<'b>,
}

impl WithSimd for Combinations<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (rows, lanes) = (self.out.rows, S::F64_LANES);
        let mut first = 0;
        while rows - first >= 4 * lanes {
            self.rows::<S, 4, false>(simd, first);
            first += 4 * lanes;
        }
        match (rows - first).div_ceil(lanes) {
            0 => {}
            1 => self.rows::<S, 1, true>(simd, first),
            2 => self.rows::<S, 2, true>(simd, first),
            3 => self.rows::<S, 3, true>(simd, first),
            _ => self.rows::<S, 4, true>(simd, first),
        }
    }
}

impl Combinations<'_, '_> {
    /// R vectors of rows from `first` on, the last one cut short where `PARTIAL`.
    #[inline(always)]
    fn rows<S: Simd, const R: usize, const PARTIAL: bool>(&mut self, simd: S, first: usize) {
        let columns = self.out.columns;
        let mut column = 0;
        while columns - column >= COLUMNS {
            self.block::<S, R, COLUMNS, PARTIAL>(simd, first, column);
            column += COLUMNS;
        }
        match columns - column {
            1 => self.block::<S, R, 1, PARTIAL>(simd, first, column),
            2 => self.block::<S, R, 2, PARTIAL>(simd, first, column),
            3 => self.block::<S, R, 3, PARTIAL>(simd, first, column),
            _ => {}
        }
    }

    #[inline(always)]
    fn block<S: Simd, const R: usize, const C: usize, const PARTIAL: bool>(
        &mut self,
        simd: S,
        first: usize,
        column: usize,
    ) {
        let Self { a, b, update, out } = self;
        let height = if PARTIAL { out.rows - first } else { R * S::F64_LANES };
        let mut sums = [[simd.splat_f64s(0.0); R]; C];
        let (step, across) = if b.is_transposed { (b.stride, 1) } else { (1, b.stride) };
        for l in 0..a.columns {
            let vectors: [S::f64s; R] = load::<S, R, PARTIAL>(simd, &a.data[l * a.stride + first..][..height]);
            let scalars = &b.data[l * step + column * across..];
            for c in 0..C {
                let x = simd.splat_f64s(scalars[c * across]);
                for r in 0..R {
                    sums[c][r] = simd.mul_add_f64s(vectors[r], x, sums[c][r]);
                }
            }
        }
        for c in 0..C {
            let to = &mut out.data[(column + c) * out.stride + first..][..height];
            if *update == Update::Add {
                let old = load::<S, R, PARTIAL>(simd, to);
                for r in 0..R {
                    sums[c][r] = simd.add_f64s(sums[c][r], old[r]);
                }
            }
            store::<S, R, PARTIAL>(simd, sums[c], to);
        }
    }
}

/// R vectors; where `PARTIAL`, zeros from the end of `x` on, which lies in the last vector.
#[inline(always)]
fn load<S: Simd, const R: usize, const PARTIAL: bool>(simd: S, x: &[f64]) -> [S::f64s; R] {
    let mut vectors = [simd.splat_f64s(0.0); R];
    let (whole, rest) = S::as_simd_f64s(x);
    let full = if PARTIAL { R - 1 } else { R };
    vectors[..full].copy_from_slice(&whole[..full]);
    if PARTIAL {
        vectors[R - 1] = if whole.len() == R { whole[R - 1] } else { simd.partial_load_f64s(rest) };
    }
    vectors
}

/// As [`load`].
#[inline(always)]
fn store<S: Simd, const R: usize, const PARTIAL: bool>(simd: S, vectors: [S::f64s; R], out: &mut [f64]) {
    let (whole, rest) = S::as_mut_simd_f64s(out);
    let full = if PARTIAL { R - 1 } else { R };
    whole[..full].copy_from_slice(&vectors[..full]);
    if PARTIAL {
        if whole.len() == R {
            whole[R - 1] = vectors[R - 1];
        } else {
            simd.partial_store_f64s(rest, vectors[R - 1]);
        }
    }
}

/// out = or += AᵀB for A and B that both lie along the summed index.
struct Dots<'a, 'b> {
    a: View<'a>,
    b: View<'a>,
    update: Update,
    out: &'a mut ViewMut<'b>,
}

impl WithSimd for Dots<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.run(simd, OneByOne);
    }
}

impl Dots<'_, '_> {
    #[inline(always)]
    fn run<S: Simd, H: HorizontalSums<S>>(mut self, simd: S, horizontal: H) {
        let mut row = 0;
        while self.out.rows - row >= 8 {
            self.columns::<S, H, 8>(simd, horizontal, row);
            row += 8;
        }
        while self.out.rows - row >= 4 {
            self.columns::<S, H, 4>(simd, horizontal, row);
            row += 4;
        }
        match self.out.rows - row {
            1 => self.columns::<S, H, 1>(simd, horizontal, row),
            2 => self.columns::<S, H, 2>(simd, horizontal, row),
            3 => self.columns::<S, H, 3>(simd, horizontal, row),
            _ => {}
        }
    }

    #[inline(always)]
    fn columns<S: Simd, H: HorizontalSums<S>, const R: usize>(&mut self, simd: S, horizontal: H, row: usize) {
        let mut column = 0;
        while self.out.columns - column >= 3 {
            self.block::<S, H, R, 3>(simd, horizontal, row, column);
            column += 3;
        }
        match self.out.columns - column {
            1 => self.block::<S, H, R, 1>(simd, horizontal, row, column),
            2 => self.block::<S, H, R, 2>(simd, horizontal, row, column),
            _ => {}
        }
    }

    #[inline(always)]
    fn block<S: Simd, H: HorizontalSums<S>, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        horizontal: H,
        row: usize,
        column: usize,
    ) {
        let Self { a, b, update, out } = self;
        let depth = a.rows;
        let left: [_; R] = std::array::from_fn(|r| S::as_simd_f64s(&a.data[(row + r) * a.stride..][..depth]));
        let right: [_; C] = std::array::from_fn(|c| S::as_simd_f64s(&b.data[(column + c) * b.stride..][..depth]));
        let mut sums = [[simd.splat_f64s(0.0); R]; C];
        for l in 0..depth / S::F64_LANES {
            for c in 0..C {
                for r in 0..R {
                    sums[c][r] = simd.mul_add_f64s(left[r].0[l], right[c].0[l], sums[c][r]);
                }
            }
        }
        if depth % S::F64_LANES > 0 {
            let left = left.map(|(_, rest)| simd.partial_load_f64s(rest));
            let right = right.map(|(_, rest)| simd.partial_load_f64s(rest));
            for c in 0..C {
                for r in 0..R {
                    sums[c][r] = simd.mul_add_f64s(left[r], right[c], sums[c][r]);
                }
            }
        }
        for c in 0..C {
            let to = &mut out.data[(column + c) * out.stride + row..][..R];
            let sums = horizontal.sums(simd, sums[c]);
            for r in 0..R {
                to[r] = if *update == Update::Add { to[r] + sums[r] } else { sums[r] };
            }
        }
    }
}

/// The sums of the numbers in vectors.
trait HorizontalSums<S: Simd>: Copy {
    fn sums<const R: usize>(self, simd: S, vectors: [S::f64s; R]) -> [f64; R];
}

/// Without instructions of a certain processor.
#[derive(Clone, Copy)]
struct OneByOne;

impl<S: Simd> HorizontalSums<S> for OneByOne {
    #[inline(always)]
    fn sums<const R: usize>(self, simd: S, vectors: [S::f64s; R]) -> [f64; R] {
        let mut sums = [0.0; R];
        for r in 0..R {
            sums[r] = simd.reduce_sum_f64s(vectors[r]);
        }
        sums
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use pulp::{NullaryFnOnce, Simd, cast, f64x8, x86::V4};

    use super::{Dots, HorizontalSums};

    /// Products, compiled for AVX-512.
    pub(super) struct Run<'a, 'b>(pub(super) V4, pub(super) Dots<'a, 'b>);

    impl NullaryFnOnce for Run<'_, '_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.1.run(self.0, Pairwise);
        }
    }

    /// Eight or four vectors at a time: halves are added while vectors are merged.
    #[derive(Clone, Copy)]
    struct Pairwise;

    impl HorizontalSums<V4> for Pairwise {
        #[inline(always)]
        fn sums<const R: usize>(self, simd: V4, x: [f64x8; R]) -> [f64; R] {
            let mut sums = [0.0; R];
            if R >= 4 {
                let first = fours(simd, pairs(simd, x[0], x[1]), pairs(simd, x[2], x[3]));
                let second = match R {
                    8 => fours(simd, pairs(simd, x[4], x[5]), pairs(simd, x[6], x[7])),
                    _ => first,
                };
                let all: [f64; 8] = cast(fours(simd, first, second));
                sums.copy_from_slice(&all[..R]);
            } else {
                for r in 0..R {
                    sums[r] = simd.reduce_sum_f64s(x[r]);
                }
            }
            sums
        }
    }

    // Functions that are always inlined, no closures: one that the compiler leaves alone is compiled without AVX-512.

    /// Sums of two neighbors of a and of b, in turn.
    #[inline(always)]
    fn pairs(simd: V4, a: f64x8, b: f64x8) -> f64x8 {
        let even = simd.avx512f._mm512_unpacklo_pd(cast(a), cast(b));
        let odd = simd.avx512f._mm512_unpackhi_pd(cast(a), cast(b));
        cast(simd.avx512f._mm512_add_pd(even, odd))
    }

    /// Sums of two neighboring pairs of a, then those of b.
    #[inline(always)]
    fn fours(simd: V4, a: f64x8, b: f64x8) -> f64x8 {
        let even = simd.avx512f._mm512_shuffle_f64x2::<0b10_00_10_00>(cast(a), cast(b));
        let odd = simd.avx512f._mm512_shuffle_f64x2::<0b11_01_11_01>(cast(a), cast(b));
        cast(simd.avx512f._mm512_add_pd(even, odd))
    }
}
