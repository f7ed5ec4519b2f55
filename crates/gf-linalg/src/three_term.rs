//! The passes over vectors of p numbers that one step of the three-term recurrence makes: w ← (A + shift·I)v − β·v₋ − α·v, then, where vectors are
//! to stay orthogonal, once more against v and v₋ and to unit length.

use crate::passes::{Pass, Vector, run};

/// w += shift·current − β·before. Returns currentᵀw: not finite where w is not.
pub(crate) fn remove_before(beta: f64, before: &[f64], shift: f64, current: &[f64], w: &mut [f64]) -> f64 {
    #[derive(Clone, Copy)]
    struct RemoveBefore(f64, f64);
    impl Pass<2, 1, 1> for RemoveBefore {
        #[inline(always)]
        fn row<V: Vector>(self, [before, current]: [V; 2], [w]: [V; 1]) -> ([V; 1], [V; 1]) {
            let Self(beta, shift) = self;
            let w = w + current * shift - before * beta;
            ([w], [current * w])
        }
    }
    let [alpha] = run(RemoveBefore(beta, shift), [before, current], [w]);
    alpha
}

/// w −= α·current. Returns \[currentᵀw, beforeᵀw, wᵀw\].
pub(crate) fn remove_current(alpha: f64, before: &[f64], current: &[f64], w: &mut [f64]) -> [f64; 3] {
    #[derive(Clone, Copy)]
    struct RemoveCurrent(f64);
    impl Pass<2, 1, 3> for RemoveCurrent {
        #[inline(always)]
        fn row<V: Vector>(self, [before, current]: [V; 2], [w]: [V; 1]) -> ([V; 1], [V; 3]) {
            let w = w - current * self.0;
            ([w], [current * w, before * w, w * w])
        }
    }
    run(RemoveCurrent(alpha), [before, current], [w])
}

/// w = (w − a·current − b·before)·scale. Returns wᵀw.
pub(crate) fn correct([a, b]: [f64; 2], scale: f64, before: &[f64], current: &[f64], w: &mut [f64]) -> f64 {
    #[derive(Clone, Copy)]
    struct Correct([f64; 2], f64);
    impl Pass<2, 1, 1> for Correct {
        #[inline(always)]
        fn row<V: Vector>(self, [before, current]: [V; 2], [w]: [V; 1]) -> ([V; 1], [V; 1]) {
            let Self([a, b], scale) = self;
            let w = (w - current * a - before * b) * scale;
            ([w], [w * w])
        }
    }
    let [square] = run(Correct([a, b], scale), [before, current], [w]);
    square
}
