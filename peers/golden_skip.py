"""Golden values of networks with skip connections, by JAX's automatic differentiation in float64.

    python3 peers/golden_skip.py crates/gf-layers/tests/golden

writes one JSON file a network of `NETWORKS`. Needs the packages of `requirements/jax.txt`.
"""
from __future__ import annotations

import json
import pathlib
import sys

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "elu": jax.nn.elu,
    "sin": jnp.sin,
}

# Inputs; layers as units, activation, skip; loss; l2. Samples that are no multiple of a vector's length.
NETWORKS = {
    "skip-tanh-stack": (2, [(2, "tanh", 0), (2, "tanh", 1), (2, "tanh", 1), (1, "identity", 0)], "mse", 0.0),
    "skip-first": (3, [(3, "sigmoid", 1), (2, "identity", 0)], "half_mse", 0.1),
    "skip-output-bce": (3, [(2, "gelu", 0), (2, "silu", 1)], "bce_with_logits", 0.0),
    "skip-relu-ce": (2, [(3, "relu", 0), (3, "relu", 1), (3, "identity", 0)], "softmax_cross_entropy", 0.0),
    "skip-mixed": (
        1,
        [(2, "tanh", 0), (2, "softplus", 1), (2, "identity", 1), (3, "sin", 0), (1, "sigmoid", 0), (1, "tanh", 1)],
        "mse",
        0.0,
    ),
    "skip-everywhere-ce": (2, [(2, "tanh", 1), (2, "elu", 1), (2, "tanh", 1)], "softmax_cross_entropy", 0.05),
}
SAMPLES, STEP_SIZE, DAMPING = 7, 0.05, 1e-3


def forward(inputs, layers, theta, x):
    """The outputs: a^l = f(z^l) with z^l = [a^(l-1), 1] Theta^l, and + a^(l-1) where layer l has a skip connection."""
    a, start = x, 0
    for units, activation, skip in layers:
        rows = inputs + 1
        matrix = theta[start : start + rows * units].reshape(rows, units)
        f = ACTIVATIONS[activation](a @ matrix[:-1] + matrix[-1])
        a = f + a if skip else f
        inputs, start = units, start + rows * units
    return a


def loss_of(kind, outputs, y):
    """The mean over the samples, without the l2 term."""
    if kind == "mse":
        terms = (outputs - y) ** 2
    elif kind == "half_mse":
        terms = 0.5 * (outputs - y) ** 2
    elif kind == "bce_with_logits":
        terms = y * jax.nn.softplus(-outputs) + (1 - y) * jax.nn.softplus(outputs)
    else:
        terms = -y * jax.nn.log_softmax(outputs, axis=1)
    return terms.sum() / len(y)


def golden(name, seed):
    inputs, layers, kind, l2 = NETWORKS[name]
    rng = np.random.default_rng(seed)
    sizes = [inputs, *(units for units, _, _ in layers)]
    p = sum((before + 1) * units for before, units in zip(sizes, sizes[1:]))
    x = rng.standard_normal((SAMPLES, inputs))
    y = rng.standard_normal((SAMPLES, sizes[-1]))
    if kind == "bce_with_logits":
        y = (y > 0).astype(float)
    elif kind == "softmax_cross_entropy":
        y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], SAMPLES)]
    theta, v = 0.7 * rng.standard_normal(p), rng.standard_normal(p)

    def outputs(t):
        return forward(inputs, layers, t, x)

    def loss(t):
        return loss_of(kind, outputs(t), y) + 0.5 * l2 * t @ t

    gradient = np.asarray(jax.grad(loss)(theta))
    hessian = np.asarray(jax.hessian(loss)(theta))
    jacobian = np.asarray(jax.jacobian(outputs)(theta)).reshape(-1, p)
    inner = jax.hessian(lambda flat: loss_of(kind, flat.reshape(y.shape), y))(outputs(theta).ravel())
    identity = np.eye(p)
    return {
        "name": name,
        "layer_sizes": sizes,
        "activations": [activation for _, activation, _ in layers],
        "skip": [bool(skip) for _, _, skip in layers],
        "loss": {"kind": kind},
        "l2": l2,
        "n": SAMPLES,
        "eta": STEP_SIZE,
        "damping": DAMPING,
        "x": x,
        "y": y,
        "theta": theta,
        "v": v,
        "output": outputs(theta),
        "loss_value": float(loss(theta)),
        "gradient": gradient,
        "hvp": jax.jvp(jax.grad(loss), (theta,), (v,))[1],
        "hessian": hessian,
        "gauss_newton": jacobian.T @ np.asarray(inner) @ jacobian + l2 * identity,
        "eigenvalues": np.linalg.eigvalsh(hessian),
        "implicit_step": theta - np.linalg.solve(hessian + identity / STEP_SIZE, gradient),
        "newton_step": theta - np.linalg.solve(hessian + DAMPING * identity, gradient),
    }


def plain(value):
    """Arrays as lists."""
    return np.asarray(value).tolist() if hasattr(value, "shape") else value


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for number, name in enumerate(NETWORKS):
        values = {key: plain(value) for key, value in golden(name, number).items()}
        (folder / f"{name}.json").write_text(json.dumps(values) + "\n")
