"""Writes the eigenvalues of a small network's Hessian, by JAX and SciPy, to crates/gf-spectrum/tests/golden/hessian.json.

    python golden_spectrum.py crates/gf-spectrum/tests/golden/hessian.json

The network is 6-10-8-3 with tanh and softmax cross-entropy; its weights and data are sines, so that a test can write them down again.
"""
import json
import sys

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import scipy.linalg

SIZES, SAMPLES = (6, 10, 8, 3), 24


def sines(count, frequency):
    """sin(frequency k) for k = 1, 2, ..."""
    return np.sin(frequency * np.arange(1, count + 1))


def main():
    x = jnp.asarray(sines(SAMPLES * SIZES[0], 0.7).reshape(SAMPLES, SIZES[0]))
    y = jax.nn.one_hot(np.arange(SAMPLES) * 7 % SIZES[-1], SIZES[-1], dtype=np.float64)
    dim = sum((i + 1) * o for i, o in zip(SIZES, SIZES[1:]))

    def loss(theta):
        a, at = x, 0
        for layer, (i, o) in enumerate(zip(SIZES, SIZES[1:])):
            w, b = theta[at : at + i * o].reshape(i, o), theta[at + i * o : at + (i + 1) * o]
            a, at = a @ w + b, at + (i + 1) * o
            if layer + 2 < len(SIZES):
                a = jnp.tanh(a)
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a), axis=-1))

    hessian = np.asarray(jax.hessian(loss)(jnp.asarray(0.6 * sines(dim, 1.3))))
    values = scipy.linalg.eigh(0.5 * (hessian + hessian.T), eigvals_only=True)
    gradient = np.asarray(jax.grad(loss)(jnp.asarray(0.6 * sines(dim, 1.3))))
    found = {"eigenvalues": values.tolist(), "gradient_norm": float(np.linalg.norm(gradient)), "trace": float(np.trace(hessian))}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(found, file)
        file.write("\n")


if __name__ == "__main__":
    main()
