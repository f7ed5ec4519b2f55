"""Golden values of what passes through the layers of a network: JAX in double precision, singular values of products by mpmath.

    python peers/golden_signals.py crates/gf-layers/tests/golden/signals.json
"""

import json
import sys

import jax
import jax.numpy as jnp
import mpmath
import numpy as np

jax.config.update("jax_enable_x64", True)

F = {
    "tanh": jnp.tanh,
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "identity": lambda z: z,
}


def unpack(sizes, theta):
    at, layers = 0, []
    for inputs, units in zip(sizes, sizes[1:]):
        layers.append(theta[at : at + (inputs + 1) * units].reshape(inputs + 1, units))
        at += (inputs + 1) * units
    return layers


def forward(case, layers, x, shifts):
    """Activations of all layers; `shifts` are added to each, so that their derivatives are the signals back."""
    a, seen = x, []
    for (f, skip), theta, (dz, da) in zip(case["kinds"], layers, shifts):
        z = a @ theta[:-1] + theta[-1] + dz
        a = F[f](z) + (a if skip else 0.0) + da
        seen.append((z, a))
    return a, seen


def golden(name, sizes, kinds, rows, l2, scale, rng):
    case = {"kinds": kinds}
    p = sum((i + 1) * u for i, u in zip(sizes, sizes[1:]))
    theta = scale * rng.standard_normal(p)
    x = rng.standard_normal((rows, sizes[0]))
    y = rng.standard_normal((rows, sizes[-1]))
    layers = unpack(sizes, theta)
    zeros = [(np.zeros((rows, u)), np.zeros((rows, u))) for u in sizes[1:]]

    def loss(layers, shifts):
        out, _ = forward(case, layers, x, shifts)
        return jnp.mean(jnp.sum((out - y) ** 2, 1)) + 0.5 * l2 * sum(jnp.sum(t**2) for t in layers)

    gradients, pulls = jax.grad(loss, (0, 1))(layers, zeros)
    _, seen = forward(case, layers, x, zeros)
    rows_out = []
    for l, ((f, _), theta_l) in enumerate(zip(kinds, layers)):
        z, a = (np.asarray(v) for v in seen[l])
        slope = np.asarray(jax.vmap(jax.vmap(jax.grad(F[f])))(z))
        rms = lambda v: float(np.sqrt(np.mean(np.asarray(v) ** 2)))
        rows_out.append(
            {
                "gradient_norm": float(np.linalg.norm(gradients[l])),
                "pull_rms": rms(pulls[l][1]),
                "delta_rms": rms(pulls[l][0]),
                "z": [float(z.mean()), float(z.std())],
                "a": [float(a.mean()), float(a.std())],
                "mean_square_slope": float(np.mean(slope**2)),
                "dead": float(np.mean(np.all(slope == 0, 0))),
                "saturated": float(np.mean(np.abs(slope) < 0.01)),
                "weight_norm": float(np.linalg.norm(theta_l)),
                "spectral_norm": float(np.linalg.svd(theta_l[:-1], compute_uv=False)[0]),
            }
        )
    # Jacobians of all layers at the first two samples: from JAX one by one, multiplied with 60 digits.
    logs, products = [[] for _ in kinds], []
    mpmath.mp.dps = 60
    for i in range(2):
        a, whole = jnp.asarray(x[i]), mpmath.eye(sizes[0])
        for l, ((f, skip), theta_l) in enumerate(zip(kinds, layers)):
            step = lambda a, f=f, skip=skip, t=theta_l: F[f](a @ t[:-1] + t[-1]) + (a if skip else 0.0)
            jacobian = np.asarray(jax.jacobian(step)(a))
            logs[l].append(np.log(np.linalg.svd(jacobian, compute_uv=False)).tolist())
            whole = mpmath.matrix(jacobian.tolist()) * whole
            a = step(a)
        products.append([float(mpmath.log(s)) for s in mpmath.svd_r(whole, compute_uv=False)])
    summary = lambda s: {
        "largest": float(np.exp(np.mean([v[0] for v in s]))),
        "smallest": float(np.exp(np.mean([v[-1] for v in s]))),
        "median": float(np.exp(np.mean([np.median(v) for v in s]))),
        "geometric_mean": float(np.exp(np.mean([np.mean(v) for v in s]))),
    }
    return {
        "name": name,
        "sizes": sizes,
        "kinds": kinds,
        "l2": l2,
        "theta": theta.tolist(),
        "x": x.ravel().tolist(),
        "y": y.ravel().tolist(),
        "layers": rows_out,
        "jacobians": None if any(f == "relu" for f, _ in kinds) else [summary(s) for s in logs],
        "product": None if any(f == "relu" for f, _ in kinds) else summary(products),
    }


def conserved(rng):
    """Time derivatives of the balancedness along -gradient, which are zero, and its values."""
    sizes = [3, 4, 4, 2]
    theta = rng.standard_normal(sum((i + 1) * u for i, u in zip(sizes, sizes[1:])))
    t = unpack(sizes, theta)
    identity = t[0].T @ t[0] - t[1][:-1] @ t[1][:-1].T
    relu = np.sum(t[1] ** 2, 0) - np.sum(t[2][:-1] ** 2, 1)
    return {"sizes": sizes, "theta": theta.tolist(), "identity": identity.ravel().tolist(), "relu": relu.tolist()}


def mean_field():
    """E[f²] and E[f'²] under N(0, q), by composite Gauss–Legendre quadrature on both sides of the kink."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    pieces = [(low, low + 2) for low in range(-12, 12, 2)]
    x = np.concatenate([low + (nodes + 1) * (high - low) / 2 for low, high in pieces])
    w = np.concatenate([weights * (high - low) / 2 for low, high in pieces]) * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    rows = []
    for name, f in F.items():
        for q in (0.3, 2.0):
            z = jnp.asarray(x * q**0.5)
            rows.append([name, q, float(w @ f(z) ** 2), float(w @ jax.vmap(jax.grad(f))(z) ** 2)])
    return rows


def main():
    rng = np.random.default_rng(5)
    cases = [
        golden("tanh-skip", [3, 4, 4, 4, 2], [("tanh", False), ("tanh", True), ("gelu", True), ("identity", False)], 5, 0.1, 0.8, rng),
        golden("relu", [3, 5, 4, 2], [("relu", False), ("relu", False), ("identity", False)], 3, 0.0, 0.9, rng),
        # Many small layers: the smallest singular value of the product is far below 1e-16 of the largest.
        golden("graded", [2] * 33, [("tanh", False)] * 32, 2, 0.0, 0.8, rng),
    ]
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"cases": cases, "conserved": conserved(rng), "mean_field": mean_field()}, out, separators=(",", ":"))
        out.write("\n")
    for case in cases:
        print(case["name"], case["product"], [row["dead"] for row in case["layers"]])


if __name__ == "__main__":
    main()
