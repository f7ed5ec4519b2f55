//! Model flops: 2·m·n·k a matrix product; elementwise work counts only where there is nothing else.

use gf_core::Cost;

use crate::{dense, shape::Shape};

/// The cost of each evaluation on a batch of `rows` samples.
///
/// Products and matrices share the forward and backward pass with the gradient at the same point: `linearize`, `dense_hessian`
/// and `dense_gauss_newton` are the work on top of it. (At a point where no gradient was asked they run the two passes first.)
pub(crate) fn of(shape: &Shape, rows: usize) -> Cost {
    let n = rows as f64;
    // All products ã Θ; those without bias and first layer, as in δ Wᵀ; the numbers in all z.
    let (mut affine, mut inner, mut units) = (0.0, 0.0, 0.0);
    for (l, layer) in shape.layers.iter().enumerate() {
        affine += 2.0 * n * layer.len() as f64;
        if l > 0 {
            inner += 2.0 * n * (layer.inputs * layer.units) as f64;
        }
        units += n * layer.units as f64;
    }
    Cost {
        value: affine,
        value_and_gradient: 2.0 * affine + inner,
        linearize: 4.0 * units,
        hessian_product: 2.0 * affine + 4.0 * inner,
        dense_hessian: dense::flops(shape, n, true),
        gauss_newton_product: 2.0 * affine + 2.0 * inner,
        dense_gauss_newton: dense::flops(shape, n, false),
    }
}
