//! Dense and matrix-free linear algebra for gf: products, factorizations, Krylov solvers, vectorized slice functions.
