//! The two precisions that a factorization works in.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, Neg, Sub, SubAssign};

use pulp::Simd;

/// f64 or f32, with its vectors.
pub(super) trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + DivAssign
    + 'static
{
    /// A vector of them.
    type Vector<S: Simd>: Copy;
    const ONE: Self;

    fn sqrt(self) -> Self;
    fn is_finite(self) -> bool;
    /// self·x + y, rounded once.
    fn fused(self, x: Self, y: Self) -> Self;
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// a·b + c, rounded once.
    fn fused_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    fn add_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn subtract_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn multiply_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// Whole vectors, and what is left.
    fn vectors<S: Simd>(x: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);

    /// Numbers in a vector.
    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
}

macro_rules! real {
    ($real:ty, $vector:ident, $splat:ident, $fused:ident, $add:ident, $subtract:ident, $multiply:ident, $vectors:ident, $vectors_mut:ident) => {
        impl Real for $real {
            type Vector<S: Simd> = S::$vector;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }

            #[inline(always)]
            fn fused(self, x: Self, y: Self) -> Self {
                self.mul_add(x, y)
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }

            #[inline(always)]
            fn fused_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$fused(a, b, c)
            }

            #[inline(always)]
            fn add_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }

            #[inline(always)]
            fn subtract_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$subtract(a, b)
            }

            #[inline(always)]
            fn multiply_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$multiply(a, b)
            }

            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$vectors(x)
            }

            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$vectors_mut(x)
            }
        }
    };
}

real!(f64, f64s, splat_f64s, mul_add_f64s, add_f64s, sub_f64s, mul_f64s, as_simd_f64s, as_mut_simd_f64s);
real!(f32, f32s, splat_f32s, mul_add_f32s, add_f32s, sub_f32s, mul_f32s, as_simd_f32s, as_mut_simd_f32s);
