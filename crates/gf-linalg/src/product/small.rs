//! Products of up to two million multiply-adds, for which packing costs more than it brings.
//!
//! Nothing is packed: A is read as it lies, a block of sums stays in registers, every number of the result is written once.

use pulp::{Arch, Simd, WithSimd};

use super::{Finish, Update, View, ViewMut};

/// Multiply-adds up to which products are faster here (all limits are measured).
const LARGEST: usize = 1 << 21;
/// The lengths of sums in AᵀB for which that holds. Shorter ones are not worth adding up in vectors; with longer ones, columns that lie a power
/// of two apart displace each other from the first-level cache.
const DOTS: std::ops::RangeInclusive<usize> = 16..=256;
/// Columns of a block of sums.
const COLUMNS: usize = 4;

/// Computes the sum, if it is small enough and of a layout that is supported.
#[inline]
pub(super) fn sum(pairs: &[(View<'_>, View<'_>)], finish: &mut Finish<'_>, out: &mut ViewMut<'_>) -> bool {
    let is_transposed = pairs[0].0.is_transposed;
    for (a, b) in pairs {
        let depth = a.shape().1;
        let is_supported = !is_transposed || !b.is_transposed && DOTS.contains(&depth);
        if a.is_transposed != is_transposed || !is_supported || out.rows * out.columns * depth > LARGEST {
            return false;
        }
    }
    match finish {
        Finish::Store(update) if is_transposed => {
            let dots = Dots { pairs, update: *update, out };
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V4::try_new() {
                simd.vectorize(avx512::Run(simd, dots));
                return true;
            }
            Arch::new().dispatch(dots);
        }
        _ if is_transposed => return false,
        _ => Arch::new().dispatch(Combinations { pairs, finish, out }),
    }
    true
}

/// Σ A·B, column by column of A: every sum is one chain of multiply-adds.
struct Combinations<'a, 'v, 'f, 'o> {
    pairs: &'a [(View<'v>, View<'v>)],
    finish: &'a mut Finish<'f>,
    out: &'a mut ViewMut<'o>,
}

/// Vectors of rows of a strip of A that is used at a time.
const STRIP: usize = 4;
/// The numbers of a strip that is copied at most: half of a first-level cache.
const KEPT: usize = 2560;

/// A strip of A, or of two, its columns one after the other.
#[repr(align(64))]
struct Kept([f64; KEPT]);

impl WithSimd for Combinations<'_, '_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (rows, lanes) = (self.out.rows, S::F64_LANES);
        let mut first = 0;
        let mut kept = if self.displaces_itself::<S>() { Some(Kept([0.0; KEPT])) } else { None };
        while rows - first >= STRIP * lanes {
            self.strip(simd, first, kept.as_mut());
            first += STRIP * lanes;
        }
        match (rows - first) / lanes {
            1 => self.rows::<S, 1, false>(simd, first),
            2 => self.rows::<S, 2, false>(simd, first),
            3 => self.rows::<S, 3, false>(simd, first),
            _ => {}
        }
        if rows % lanes > 0 {
            if rows > lanes && !matches!(self.finish, Finish::Store(Update::Add)) {
                // A whole vector is faster, though some of its rows are known already and computed again, alike.
                self.rows::<S, 1, false>(simd, rows - lanes);
            } else {
                self.rows::<S, 1, true>(simd, rows - rows % lanes);
            }
        }
    }
}

impl Combinations<'_, '_, '_, '_> {
    /// Whether the columns of a strip share so few sets of the first-level cache that they displace each other from one use to the next:
    /// where they lie a multiple of a kilobyte apart.
    #[inline(always)]
    fn displaces_itself<S: Simd>(&self) -> bool {
        let depth: usize = self.pairs.iter().map(|(a, _)| a.columns).sum();
        let is_spread = self.pairs.iter().all(|(a, _)| !a.stride.is_multiple_of(128));
        // Few columns stay in the cache even so.
        let numbers = depth * STRIP * S::F64_LANES;
        !is_spread && self.out.columns >= 2 * COLUMNS && self.pairs.len() <= 2 && (KEPT / 4..=KEPT).contains(&numbers)
    }

    /// A strip of rows from `first` on. The first block copies what it reads of A, the others read the copy.
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, first: usize, kept: Option<&mut Kept>) {
        let Some(kept) = kept else { return self.rows::<S, STRIP, false>(simd, first) };
        self.block::<S, STRIP, COLUMNS, false, true>(simd, (first, first), 0, &mut kept.0);
        let height = STRIP * S::F64_LANES;
        let mut pairs = [self.pairs[0]; 2];
        let mut start = 0;
        for (copy, (a, b)) in pairs.iter_mut().zip(self.pairs) {
            let numbers = height * a.columns;
            *copy = (View::columns(&kept.0[start..start + numbers], height, a.columns), *b);
            start += numbers;
        }
        let pairs = &pairs[..self.pairs.len()];
        Combinations { pairs, finish: self.finish, out: self.out }.columns::<S, STRIP, false>(
            simd,
            (0, first),
            COLUMNS,
        );
    }

    /// R vectors of rows from `first` on, the last one cut short where `PARTIAL`.
    #[inline(always)]
    fn rows<S: Simd, const R: usize, const PARTIAL: bool>(&mut self, simd: S, first: usize) {
        self.columns::<S, R, PARTIAL>(simd, (first, first), 0);
    }

    /// Columns from `column` on of R vectors of rows, from `from` on in A, `first` in the result.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const PARTIAL: bool>(
        &mut self,
        simd: S,
        (from, first): (usize, usize),
        mut column: usize,
    ) {
        let (columns, at) = (self.out.columns, (from, first));
        while columns - column >= COLUMNS {
            self.block::<S, R, COLUMNS, PARTIAL, false>(simd, at, column, &mut []);
            column += COLUMNS;
        }
        match columns - column {
            1 => self.block::<S, R, 1, PARTIAL, false>(simd, at, column, &mut []),
            2 => self.block::<S, R, 2, PARTIAL, false>(simd, at, column, &mut []),
            3 => self.block::<S, R, 3, PARTIAL, false>(simd, at, column, &mut []),
            _ => {}
        }
    }

    /// C columns of R vectors of rows; what is read of A goes to `kept` where `KEEP`.
    #[inline(always)]
    fn block<S: Simd, const R: usize, const C: usize, const PARTIAL: bool, const KEEP: bool>(
        &mut self,
        simd: S,
        (from, first): (usize, usize),
        column: usize,
        kept: &mut [f64],
    ) {
        let Self { pairs, finish, out } = self;
        let height = if PARTIAL { out.rows - first } else { R * S::F64_LANES };
        let mut sums = [[simd.splat_f64s(0.0); R]; C];
        let mut kept = kept.chunks_exact_mut(R * S::F64_LANES);
        for (a, b) in *pairs {
            let (step, across) = if b.is_transposed { (b.stride, 1) } else { (1, b.stride) };
            for l in 0..a.columns {
                let vectors: [S::f64s; R] = load::<S, R, PARTIAL>(simd, &a.data[l * a.stride + from..][..height]);
                if KEEP && let Some(kept) = kept.next() {
                    store::<S, R, PARTIAL>(simd, vectors, kept);
                }
                let scalars = &b.data[l * step + column * across..];
                for c in 0..C {
                    let x = simd.splat_f64s(scalars[c * across]);
                    for r in 0..R {
                        sums[c][r] = simd.mul_add_f64s(vectors[r], x, sums[c][r]);
                    }
                }
            }
        }
        // A loop for each way to finish, short enough to be unrolled: sums that are indexed at run time would not stay in registers.
        match finish {
            Finish::Store(Update::Replace) => {}
            Finish::Store(Update::Add) => {
                for c in 0..C {
                    let at = Part { column: column + c, first, height };
                    let old = at.load::<S, R, PARTIAL>(simd, out.data, out.stride);
                    for r in 0..R {
                        sums[c][r] = simd.add_f64s(sums[c][r], old[r]);
                    }
                }
            }
            Finish::Scale { x, sums: kept } => {
                if let Some(kept) = kept {
                    for c in 0..C {
                        let at = Part { column: column + c, first, height };
                        at.store::<S, R, PARTIAL>(simd, sums[c], kept);
                    }
                }
                for c in 0..C {
                    let at = Part { column: column + c, first, height };
                    let x = at.load::<S, R, PARTIAL>(simd, x.data, x.stride);
                    for r in 0..R {
                        sums[c][r] = simd.mul_f64s(sums[c][r], x[r]);
                    }
                }
            }
            Finish::Combine { x, u, v } => {
                for c in 0..C {
                    let at = Part { column: column + c, first, height };
                    let x = at.load::<S, R, PARTIAL>(simd, x.data, x.stride);
                    let u = at.load::<S, R, PARTIAL>(simd, u.data, u.stride);
                    let v = at.load::<S, R, PARTIAL>(simd, v.data, v.stride);
                    for r in 0..R {
                        sums[c][r] = simd.mul_add_f64s(x[r], sums[c][r], simd.mul_f64s(u[r], v[r]));
                    }
                }
            }
        }
        for c in 0..C {
            let at = Part { column: column + c, first, height };
            at.store::<S, R, PARTIAL>(simd, sums[c], out);
        }
    }
}

/// Some rows of a column.
#[derive(Clone, Copy)]
struct Part {
    column: usize,
    first: usize,
    height: usize,
}

impl Part {
    #[inline(always)]
    fn load<S: Simd, const R: usize, const PARTIAL: bool>(self, simd: S, x: &[f64], stride: usize) -> [S::f64s; R] {
        load::<S, R, PARTIAL>(simd, &x[self.column * stride + self.first..][..self.height])
    }

    #[inline(always)]
    fn store<S: Simd, const R: usize, const PARTIAL: bool>(self, simd: S, x: [S::f64s; R], out: &mut ViewMut<'_>) {
        store::<S, R, PARTIAL>(simd, x, &mut out.data[self.column * out.stride + self.first..][..self.height]);
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

/// out = or += Σ AᵀB for A and B that both lie along the summed index.
struct Dots<'a, 'v, 'o> {
    pairs: &'a [(View<'v>, View<'v>)],
    update: Update,
    out: &'a mut ViewMut<'o>,
}

impl WithSimd for Dots<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.run(simd, OneByOne);
    }
}

impl Dots<'_, '_, '_> {
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
        let Self { pairs, update, out } = self;
        let mut sums = [[simd.splat_f64s(0.0); R]; C];
        for (a, b) in *pairs {
            let depth = a.rows;
            let left: [_; R] = std::array::from_fn(|r| S::as_simd_f64s(&a.data[(row + r) * a.stride..][..depth]));
            let right: [_; C] = std::array::from_fn(|c| S::as_simd_f64s(&b.data[(column + c) * b.stride..][..depth]));
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
    pub(super) struct Run<'a, 'v, 'o>(pub(super) V4, pub(super) Dots<'a, 'v, 'o>);

    impl NullaryFnOnce for Run<'_, '_, '_> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs with the vectors of every kind that this processor has, not only the widest.
    fn with_all<R>(mut run: impl FnMut(&dyn Fn(&[(View<'_>, View<'_>)], &mut Finish<'_>, &mut ViewMut<'_>)) -> R) {
        fn on<S: Simd>(simd: S, pairs: &[(View<'_>, View<'_>)], finish: &mut Finish<'_>, out: &mut ViewMut<'_>) {
            match finish {
                Finish::Store(update) if pairs[0].0.is_transposed => {
                    simd.vectorize(Dots { pairs, update: *update, out });
                }
                _ => simd.vectorize(Combinations { pairs, finish, out }),
            }
        }
        run(&|pairs, finish, out| on(pulp::Scalar::new(), pairs, finish, out));
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = pulp::x86::V3::try_new() {
                run(&|pairs, finish, out| on(simd, pairs, finish, out));
            }
            if let Some(simd) = pulp::x86::V4::try_new() {
                run(&|pairs, finish, out| on(simd, pairs, finish, out));
            }
        }
    }

    #[test]
    fn vectors_of_every_width_give_the_sums_of_the_plain_loops() {
        for (m, n, k) in [(1, 1, 1), (5, 7, 9), (19, 5, 16), (37, 6, 31), (64, 3, 64), (128, 11, 33)] {
            let (a, b): (Vec<f64>, Vec<f64>) =
                (0..m.max(n) * k).map(|i| ((i % 11) as f64 - 5.0, (i * 7 % 13) as f64 - 6.0)).unzip();
            let dots = (View::columns(&a, k, m).transpose(), View::columns(&b, k, n));
            let combinations = (View::columns(&a, m, k), View::columns(&b, k, n));
            with_all(|sum| {
                for (pair, across) in [(dots, true), (combinations, false)] {
                    let mut out = vec![2.0; m * n];
                    sum(&[pair, pair], &mut Finish::Store(Update::Add), &mut ViewMut::columns(&mut out, m, n));
                    for i in 0..m {
                        for j in 0..n {
                            let of_a = |l: usize| if across { a[l + i * k] } else { a[i + l * m] };
                            let expected = 2.0 + 2.0 * (0..k).map(|l| of_a(l) * b[l + j * k]).sum::<f64>();
                            assert_eq!(out[i + j * m], expected, "{m} {n} {k} {across}");
                        }
                    }
                }
            });
        }
    }
}
