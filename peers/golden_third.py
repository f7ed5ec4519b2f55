"""Golden values of contracted third derivatives: JAX's gradient of u'Hv in double precision.

    python peers/golden_third.py crates/gf-layers/tests/golden

writes third-*.json (networks, keys as in the other golden files with `skip` a flag a layer, and `u`, `v`, `third`) and
third-activations.json (f''' on a grid).
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: jnp.where(z > 0, z, 0.01 * z),
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    "silu": lambda z: z * jax.nn.sigmoid(z),
    "gelu": lambda z: z * norm.cdf(z),
    "elu": lambda z: jnp.where(z > 0, z, jnp.expm1(jnp.minimum(z, 0.0))),
    "sin": jnp.sin,
}

MSE, HALF = {"kind": "mse"}, {"kind": "half_mse"}
BCE = {"kind": "bce_with_logits", "pos_weight": 2.5}
HUBER = {"kind": "huber", "delta": 0.8}
FOCAL = {"kind": "focal", "gamma": 2.0}
CE = {"kind": "softmax_cross_entropy"}
SMOOTH = {"kind": "softmax_cross_entropy", "label_smoothing": 0.1, "class_weights": [0.5, 2.0, 1.25]}

# name: sizes, activations, skips, loss, l2
CASES = {
    "tanh-mse": ([2, 4, 3, 2], ["tanh", "tanh", "identity"], [], MSE, 0.0),
    "sigmoid-half-mse": ([2, 4, 3, 1], ["sigmoid", "sigmoid", "identity"], [], HALF, 0.0),
    "softplus-bce": ([3, 4, 2], ["softplus", "identity"], [], BCE, 0.0),
    "silu-ce": ([2, 4, 3], ["silu", "identity"], [], CE, 0.0),
    "gelu-ce-smooth-weighted": ([2, 3, 3, 3], ["gelu", "gelu", "identity"], [], SMOOTH, 0.0),
    "elu-l2": ([2, 4, 3, 1], ["elu", "elu", "identity"], [], HALF, 0.3),
    "sin-output": ([2, 4, 2], ["sin", "sin"], [], MSE, 0.0),
    "relu-bce": ([3, 5, 4, 1], ["relu", "leaky_relu", "identity"], [], BCE, 0.0),
    "relu-identity-mse": ([2, 5, 3, 4, 1], ["identity", "relu", "identity", "identity"], [], MSE, 0.0),
    "skip-tanh-gelu": ([2, 3, 3, 3, 1], ["tanh", "gelu", "sin", "identity"], [0, 1, 1, 0], MSE, 0.0),
    "skip-ends-ce": ([3, 3, 3], ["tanh", "sigmoid"], [1, 1], SMOOTH, 0.0),
    "skip-relu-identity": ([2, 3, 3, 3, 1], ["tanh", "relu", "identity", "identity"], [0, 1, 1, 0], BCE, 0.1),
    "tanh-huber": ([2, 4, 3, 2], ["tanh", "tanh", "identity"], [], HUBER, 0.0),
    "tanh-focal": ([2, 4, 3], ["tanh", "identity"], [], FOCAL, 0.0),
    "skip-focal-flat": ([3, 3, 4], ["gelu", "sin"], [1, 0], FOCAL | {"gamma": 0.5}, 0.1),
    "softplus-focal-sum": ([2, 3, 3], ["softplus", "identity"], [], FOCAL | {"gamma": 3.5, "reduction": "sum"}, 0.2),
    "skip-ce-sum": ([3, 3, 3], ["tanh", "identity"], [1, 0], SMOOTH | {"reduction": "sum"}, 0.1),
}


def unpack(theta, sizes):
    layers, at = [], 0
    for inputs, units in zip(sizes, sizes[1:]):
        w = theta[at : at + inputs * units].reshape(inputs, units)
        at += inputs * units
        layers.append((w, theta[at : at + units]))
        at += units
    return layers


def loss_of(settings, o, y):
    kind = settings["kind"]
    n = o.shape[0] if settings.get("reduction", "mean") == "mean" else 1
    if kind == "huber":
        r, delta = jnp.abs(o - y), settings["delta"]
        return jnp.sum(jnp.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta))) / n
    if kind == "focal":
        q = jnp.sum(y * jax.nn.log_softmax(o, axis=1), axis=1)
        return -jnp.sum((-jnp.expm1(q)) ** settings["gamma"] * q) / n
    if kind in ("mse", "half_mse"):
        return jnp.sum((o - y) ** 2) / (n if kind == "mse" else 2 * n)
    if kind == "bce_with_logits":
        w = settings["pos_weight"]
        return jnp.sum(w * y * jax.nn.softplus(-o) + (1 - y) * jax.nn.softplus(o)) / n
    k = o.shape[1]
    eps = settings.get("label_smoothing", 0.0)
    weights = jnp.array(settings.get("class_weights", [1.0] * k))
    t = y * (1 - eps) + (1 - y) * eps / (k - 1)
    divisor = jnp.sum(y @ weights) if settings.get("reduction", "mean") == "mean" else 1.0
    return -jnp.sum(weights * t * jax.nn.log_softmax(o, axis=1)) / divisor


def case(number, name):
    sizes, activations, skips, loss, l2 = CASES[name]
    skips = [bool(s) for s in skips] or [False] * len(activations)
    rng = np.random.default_rng(number)
    n = 5
    x = rng.normal(size=(n, sizes[0])).round(6)
    k = sizes[-1]
    if loss["kind"] in ("softmax_cross_entropy", "focal"):
        y = np.eye(k)[rng.permutation(np.arange(n) % k)]
    elif loss["kind"] == "bce_with_logits":
        y = (rng.normal(size=(n, k)) > 0).astype(float)
    else:
        y = rng.normal(size=(n, k)).round(6)
    p = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
    theta, u, v = (rng.normal(size=p).round(6) for _ in range(3))

    def value(theta):
        a = jnp.array(x)
        for (w, b), f, skip in zip(unpack(theta, sizes), activations, skips):
            out = ACTIVATIONS[f](a @ w + b)
            a = a + out if skip else out
        return loss_of(loss, a, jnp.array(y)) + 0.5 * l2 * jnp.sum(theta**2)

    def bilinear(theta):
        return jnp.dot(u, jax.jvp(jax.grad(value), (theta,), (jnp.array(v),))[1])

    third = jax.grad(bilinear)(jnp.array(theta))
    numbers = lambda a: np.asarray(a).tolist()
    return {
        "layer_sizes": sizes, "activations": activations, "skip": skips, "loss": loss, "l2": l2,
        "x": numbers(x), "y": numbers(y), "theta": numbers(theta), "u": numbers(u), "v": numbers(v), "third": numbers(third),
    }  # fmt: skip


def activations():
    z = np.linspace(-5.9, 6.1, 31).round(6)
    third = {}
    for name, f in ACTIVATIONS.items():
        third[name] = np.asarray(jax.vmap(jax.grad(jax.grad(jax.grad(f))))(jnp.array(z))).tolist()
    return {"z": z.tolist(), "third": third}


def main():
    folder = pathlib.Path(sys.argv[1])
    files = {name: case(number, name) for number, name in enumerate(CASES)} | {"activations": activations()}
    for name, content in files.items():
        (folder / f"third-{name}.json").write_text(json.dumps(content) + "\n")


main()
