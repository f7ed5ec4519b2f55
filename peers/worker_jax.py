"""JAX, in float64, everything compiled; SciPy solves what JAX has no solver for."""
from __future__ import annotations

import jax

jax.config.update("jax_enable_x64", True)

import jax.flatten_util
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import jax.scipy.sparse.linalg as jsparse
import jaxlib
import numpy as np
import scipy
import scipy.linalg as sla
import scipy.sparse.linalg as ssl
from jax.experimental.sparse.linalg import lobpcg_standard

import cases
import eigenpairs
import plan
from protocol import serve

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "identity": lambda z: z}
CHUNKS = (16, 32, 64, 128, 256, 512)
SOLVERS = ("lu", "cholesky", "single-cholesky", "scipy-lu", "scipy-cholesky")
TOLERANCE = 1e-10


def blocking(function, *arguments):
    """Makes a call that waits for the result of `function(*arguments)`, compiled anew: the first call shows what that takes."""

    def make():
        compiled = jax.jit(lambda *a: function(*a))
        return lambda: jax.block_until_ready(compiled(*arguments))

    return make


class Jax:
    """The operations of one case."""

    name = "jax"

    def versions(self):
        return {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "scipy": scipy.__version__}

    def compiles(self, variant):
        return True

    def load(self, key, folder, threads, steps):
        if key not in cases.CASES:
            return {}
        self.case = cases.CASES[key]
        inputs = cases.read_inputs(folder)
        self.x = jnp.asarray(inputs["x"])
        classes = self.case.loss == "cross-entropy"
        self.y = jax.nn.one_hot(inputs["y"], self.case.sizes[-1], dtype=np.float64) if classes else jnp.asarray(inputs["y"])
        tree = [(jnp.asarray(w), jnp.asarray(b)) for w, b in cases.split_parameters(self.case.sizes, inputs["theta"])]
        self.theta, self.unravel = jax.flatten_util.ravel_pytree(tree)
        self.v = jnp.asarray(inputs["direction"])
        self.gradient = jax.grad(self.loss)
        fresh = self.products(tree)
        operations = {
            "gradient": {
                "flat": blocking(jax.value_and_grad(self.loss), self.theta, self.x, self.y),
                "tree": blocking(jax.value_and_grad(self.tree_loss), tree, self.x, self.y),
            },
            "fresh-hessian-product": fresh,
            "hessian-product": {"linearized beforehand": self.linearized, **fresh},
            "matrix-free-step": self.matrix_free_steps(),
            "top-eigenpairs": eigenpairs.variants(("linearized", "jvp(grad)"), self.numpy_products, self.case.dim),
        }
        if self.case.dense:
            # Forty products an iteration: hopeless where a product takes long.
            operations["top-eigenpairs"]["LOBPCG"] = self.lobpcg
            self.hessians = self.all_hessians()
            arguments = self.theta, self.x, self.y
            operations["full-hessian"] = {name: blocking(h, *arguments) for name, h in self.hessians.items()}
            operations["dense-implicit-step"] = {
                f"{name} + {solver}": lambda name=name, solver=solver: self.dense_step(name, solver)
                for name in self.hessians
                for solver in SOLVERS
            }
        return operations

    # ---- the loss and its derivatives

    def tree_loss(self, parameters, x, y):
        a = x
        for (w, b), activation in zip(parameters, self.case.activations):
            a = ACTIVATIONS[activation](a @ w + b)
        if self.case.loss == "mse":
            return jnp.sum((a - y) ** 2) / x.shape[0]
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a), axis=-1))

    def loss(self, theta, x, y):
        return self.tree_loss(self.unravel(theta), x, y)

    def product(self, theta, v, x, y):
        return jax.jvp(lambda t: self.gradient(t, x, y), (theta,), (v,))[1]

    def products(self, tree):
        def of_tree(t, v, x, y):
            return jax.jvp(lambda s: jax.grad(self.tree_loss)(s, x, y), (t,), (v,))[1]

        def reverse(t, v, x, y):
            return jax.grad(lambda s: jnp.vdot(self.gradient(s, x, y), v))(t)

        data = self.x, self.y
        return {
            "jvp(grad) flat": blocking(self.product, self.theta, self.v, *data),
            "jvp(grad) tree": blocking(of_tree, tree, self.unravel(self.v), *data),
            "grad(g.v) flat": blocking(reverse, self.theta, self.v, *data),
        }

    def linearized(self):
        """The gradient linearized at theta: a function of v that keeps what depends on theta alone."""
        make = jax.jit(lambda t, x, y: jax.linearize(lambda s: self.gradient(s, x, y), t)[1])
        return blocking(lambda linear, v: linear(v), make(self.theta, self.x, self.y), self.v)()

    def all_hessians(self):
        def chunked(size):
            def hessian(t, x, y):
                linear = jax.linearize(lambda s: self.gradient(s, x, y), t)[1]
                return jax.lax.map(linear, jnp.eye(t.size, dtype=t.dtype), batch_size=size)

            return hessian

        return {
            "jax.hessian": jax.hessian(self.loss),
            "jacrev(jacrev)": jax.jacrev(jax.jacrev(self.loss)),
            **{f"linearize, {size} at a time": chunked(size) for size in CHUNKS},
        }

    # ---- steps: (H + I/h) d = -g

    def dense_step(self, name, solver):
        h = cases.STEP_SIZE

        def system(t, x, y):
            matrix = self.hessians[name](t, x, y) + jnp.eye(t.size, dtype=t.dtype) / h
            return matrix, -self.gradient(t, x, y)

        def by_lu(t, x, y):
            return t + jnp.linalg.solve(*system(t, x, y))

        def by_cholesky(t, x, y):
            matrix, b = system(t, x, y)
            return t + jsl.cho_solve(jsl.cho_factor(matrix, lower=True), b)

        def by_single_cholesky(t, x, y):
            matrix, b = system(t, x, y)
            factor = jsl.cho_factor(matrix.astype(jnp.float32), lower=True)
            d = jnp.zeros_like(b)
            for _ in range(plan.REFINEMENTS):
                d += jsl.cho_solve(factor, (b - matrix @ d).astype(jnp.float32)).astype(b.dtype)
            return t + d

        inside = {"lu": by_lu, "cholesky": by_cholesky, "single-cholesky": by_single_cholesky}
        if solver in inside:
            return blocking(inside[solver], self.theta, self.x, self.y)()
        build = jax.jit(system)

        def by_scipy():
            matrix, b = build(self.theta, self.x, self.y)
            # Symmetric, so the transpose of a C-ordered copy is the Fortran order that LAPACK overwrites.
            matrix, b = np.array(matrix).T, np.asarray(b)
            options = {"overwrite_a": True, "check_finite": False}
            if solver == "scipy-lu":
                return np.asarray(self.theta) + sla.lu_solve(sla.lu_factor(matrix, **options), b, check_finite=False)
            return np.asarray(self.theta) + sla.cho_solve(sla.cho_factor(matrix, **options), b, check_finite=False)

        return by_scipy

    def matrix_free_steps(self):
        if self.case.indefinite:
            return {f"SciPy MINRES, rtol {rtol:.0e}": lambda rtol=rtol: self.minres_step(rtol) for rtol in (1e-10, 1e-12, 1e-14)}
        data = self.theta, self.x, self.y
        h = cases.STEP_SIZE

        # (I + h H) d = -h g, as in the textbook form of the step.
        def linearized(t, x, y):
            g, linear = jax.linearize(lambda s: self.gradient(s, x, y), t)
            return t + jsparse.cg(lambda d: d + h * linear(d), -h * g, tol=TOLERANCE)[0]

        def plain(t, x, y):
            g = self.gradient(t, x, y)
            return t + jsparse.cg(lambda d: d + h * self.product(t, d, x, y), -h * g, tol=TOLERANCE)[0]

        return {"CG, linearized": blocking(linearized, *data), "CG, jvp(grad)": blocking(plain, *data)}

    def minres_step(self, rtol):
        h, p = cases.STEP_SIZE, self.case.dim
        linearize = jax.jit(lambda t, x, y: jax.linearize(lambda s: self.gradient(s, x, y), t))
        apply = jax.jit(lambda linear, d: d + h * linear(d))

        def step():
            g, linear = linearize(self.theta, self.x, self.y)
            operator = ssl.LinearOperator((p, p), matvec=lambda d: np.asarray(apply(linear, d)), dtype=np.float64)
            delta, _ = ssl.minres(operator, -h * np.asarray(g), rtol=rtol, maxiter=20 * p)
            return np.asarray(self.theta) + delta

        return step

    # ---- eigenpairs

    def numpy_products(self):
        """Makers of products of NumPy vectors: compiled once, linearized anew by every call."""
        data = self.theta, self.x, self.y
        plain = jax.jit(self.product)
        linearize = jax.jit(lambda t, x, y: jax.linearize(lambda s: self.gradient(s, x, y), t)[1])
        apply = jax.jit(lambda linear, v: linear(v))

        def linearized():
            linear = linearize(*data)
            return lambda v: np.asarray(apply(linear, v))

        def by_jvp():
            return lambda v: np.asarray(plain(self.theta, v, self.x, self.y))

        return {"linearized": linearized, "jvp(grad)": by_jvp}

    def lobpcg(self):
        start = jnp.asarray(np.random.default_rng(0).standard_normal((self.case.dim, eigenpairs.PAIRS)))

        # It asks for residuals of 10 p (|Av| + |lambda|) times this.
        tolerance = eigenpairs.TOLERANCE / (20 * self.case.dim)

        def solve(t, x, y, start):
            linear = jax.linearize(lambda s: self.gradient(s, x, y), t)[1]
            return lobpcg_standard(jax.vmap(linear, in_axes=1, out_axes=1), start, m=60, tol=tolerance)

        compiled = jax.jit(solve)

        def call():
            values, vectors, iterations = jax.block_until_ready(compiled(self.theta, self.x, self.y, start))
            # Its source: a block at the start; three for the projected problem and one for the residuals in each iteration.
            products = eigenpairs.PAIRS * (1 + 4 * int(iterations))
            return eigenpairs.Found(np.asarray(values), np.asarray(vectors).T, products)

        return call

    def judge(self, found):
        return eigenpairs.judge(found, self.numpy_products()["jvp(grad)"]())

    def residual(self, after):
        delta = after - np.asarray(self.theta)
        g = np.asarray(self.gradient(self.theta, self.x, self.y))
        r = np.asarray(self.product(self.theta, jnp.asarray(delta), self.x, self.y)) + delta / cases.STEP_SIZE + g
        return float(np.linalg.norm(r) / np.linalg.norm(g))

    def array(self, operation, variant, result):
        if operation == "top-eigenpairs":
            return result.values
        if operation == "gradient":
            value, gradient = result
            return np.concatenate([[value], jax.flatten_util.ravel_pytree(gradient)[0]])
        return jax.flatten_util.ravel_pytree(result)[0]


if __name__ == "__main__":
    serve(Jax)
