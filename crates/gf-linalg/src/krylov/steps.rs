//! The passes over vectors of p numbers that MINRES and its Lanczos process make, beside [`three_term::remove_before`](crate::three_term::remove_before).

use super::minres::Column;
use crate::passes::{Pass, Vector, run};

/// y −= α·v. Returns ‖y‖.
pub(super) fn remove_current(alpha: f64, v: &[f64], y: &mut [f64]) -> f64 {
    #[derive(Clone, Copy)]
    struct RemoveCurrent(f64);
    impl Pass<1, 1, 1> for RemoveCurrent {
        #[inline(always)]
        fn row<V: Vector>(self, [v]: [V; 1], [y]: [V; 1]) -> ([V; 1], [V; 1]) {
            let y = y - v * self.0;
            ([y], [y * y])
        }
    }
    let [square] = run(RemoveCurrent(alpha), [v], [y]);
    square.sqrt()
}

/// y = y·factor.
pub(super) fn scale(factor: f64, y: &mut [f64]) {
    #[derive(Clone, Copy)]
    struct Scale(f64);
    impl Pass<0, 1, 0> for Scale {
        #[inline(always)]
        fn row<V: Vector>(self, []: [V; 0], [y]: [V; 1]) -> ([V; 1], [V; 0]) {
            ([y * self.0], [])
        }
    }
    let [] = run(Scale(factor), [], [y]);
}

/// w_k = (v − ε w_{k−2} − δ w_{k−1})/γ in the place of w_{k−2} = `older`, x += φ w_k, and next = next·factor.
pub(super) fn update(
    column: Column,
    v: &[f64],
    w: &[f64],
    older: &mut [f64],
    x: &mut [f64],
    (factor, next): (f64, &mut [f64]),
) {
    #[derive(Clone, Copy)]
    struct Update {
        column: Column,
        inverse: f64,
        factor: f64,
    }
    impl Pass<2, 3, 0> for Update {
        #[inline(always)]
        fn row<V: Vector>(self, [v, w]: [V; 2], [older, x, next]: [V; 3]) -> ([V; 3], [V; 0]) {
            let Column { epsilon, delta, phi, .. } = self.column;
            let w = (v - older * epsilon - w * delta) * self.inverse;
            ([w, x + w * phi, next * self.factor], [])
        }
    }
    let pass = Update { column, inverse: 1.0 / column.gamma, factor };
    let [] = run(pass, [v, w], [older, x, next]);
}

/// out += Σ c_i v_i with the columns v_i of `basis`, four at a time: long streams, unlike blocks of rows of all columns.
pub(super) fn add_combination(coefficients: &[f64], basis: &[f64], out: &mut [f64]) {
    #[derive(Clone, Copy)]
    struct Add<const K: usize>([f64; K]);
    impl<const K: usize> Pass<K, 1, 0> for Add<K> {
        #[inline(always)]
        fn row<V: Vector>(self, vectors: [V; K], [out]: [V; 1]) -> ([V; 1], [V; 0]) {
            let mut sum = out;
            for i in 0..K {
                sum = sum + vectors[i] * self.0[i];
            }
            ([sum], [])
        }
    }
    let p = out.len();
    let vector = |i: usize| &basis[i * p..][..p];
    let (fours, rest) = coefficients.as_chunks::<4>();
    for (number, four) in fours.iter().enumerate() {
        let [] = run(Add(*four), std::array::from_fn(|i| vector(4 * number + i)), [out]);
    }
    for (i, one) in rest.iter().enumerate() {
        let [] = run(Add([*one]), [vector(4 * fours.len() + i)], [out]);
    }
}
