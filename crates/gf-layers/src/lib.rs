//! Dense networks as objectives with exact gradients, Hessian products, Hessians and Gauss-Newton matrices.
