"""The ten highest eigenpairs of the Hessian by ARPACK (SciPy), from the products of a peer."""
from __future__ import annotations

import numpy as np
import scipy.sparse.linalg as ssl

PAIRS = 10
TOLERANCE = 1e-6  # of residuals, relative to the largest modulus
# (tolerance, basis vectors): ARPACK's own default basis is 21. A loose tolerance is no disadvantage as long as the measured residuals hold.
SETTINGS = ((1e-6, 21), (1e-5, 21), (1e-6, 30), (1e-4, 30), (1e-5, 40), (1e-3, 40))


class Found:
    """Eigenvalues (descending), eigenvectors (rows), and the products it took."""

    def __init__(self, values, vectors, products):
        self.values, self.vectors, self.products = values, vectors, products


def variants(kinds, products, dim):
    """A variant for each kind of product and each setting. `products()` gives, for each kind, a maker of a function of a NumPy vector:
    what depends on the point is made anew by every call, what is compiled only once."""

    def factory(kind, tolerance, basis):
        def make():
            at_the_point = products()[kind]
            return lambda: arpack(at_the_point(), dim, tolerance, basis)

        return make

    return {
        f"ARPACK tol {tolerance:.0e} ncv {basis}, {kind}": factory(kind, tolerance, basis)
        for kind in kinds
        for tolerance, basis in SETTINGS
    }


def arpack(product, dim, tolerance, basis):
    """From a random vector that is always the same."""
    count = 0

    def counted(v):
        nonlocal count
        count += 1
        return product(v)

    operator = ssl.LinearOperator((dim, dim), matvec=counted, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(dim)
    values, vectors = ssl.eigsh(operator, k=PAIRS, which="LA", tol=tolerance, ncv=min(basis, dim), v0=start)
    order = np.argsort(values)[::-1]
    return Found(values[order], vectors.T[order], count)


def judge(found, product):
    """The largest residual over the largest modulus, by products of their own, and what it took."""
    residuals = [np.linalg.norm(product(v) - value * v) for value, v in zip(found.values, found.vectors)]
    return {"residual": float(max(residuals) / np.abs(found.values).max()), "work": {"products": found.products}}
