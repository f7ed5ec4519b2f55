"""A reference for the central flow with one active eigenvalue: Runge-Kutta with tiny steps and JAX's exact derivatives, in double precision.

    python peers/golden_central_flow.py crates/gf-spectrum/tests/golden

Gradient flow until the sharpness reaches 2/h (found by bisection), then
theta' = -g - x/2 grad(lambda), x = -2 <grad(lambda), g> / |grad(lambda)|^2.
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

UNITS, ROWS, STEPS, FINE = 6, 8, 60, 40
rng = np.random.default_rng(2)
X = np.linspace(-1, 1, ROWS)
Y = np.cos(3 * np.arccos(X)).round(6)
START = rng.normal(size=3 * UNITS + 1).round(6)


def value(theta):
    w, b = theta[:UNITS], theta[UNITS : 2 * UNITS]
    out = jnp.tanh(X[:, None] * w + b) @ theta[2 * UNITS : 3 * UNITS] + theta[3 * UNITS]
    return 0.5 * jnp.mean((out - Y) ** 2)


gradient = jax.grad(value)


def top(theta):
    return jnp.linalg.eigvalsh(jax.hessian(value)(theta))[-1]


def slope_and_variance(theta):
    _, vectors = jnp.linalg.eigh(jax.hessian(value)(theta))
    u = jax.lax.stop_gradient(vectors[:, -1])
    d = jax.grad(lambda t: u @ jax.jvp(gradient, (t,), (u,))[1])(theta)
    g = gradient(theta)
    return d, g, -2 * (d @ g) / (d @ d)


def active(theta):
    d, g, x = slope_and_variance(theta)
    return -g - 0.5 * x * d


def step(f, theta, dt):
    k1 = f(theta)
    k2 = f(theta + 0.5 * dt * k1)
    k3 = f(theta + 0.5 * dt * k2)
    k4 = f(theta + dt * k3)
    return theta + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


free_step = jax.jit(lambda theta, dt: step(lambda t: -gradient(t), theta, dt))
active_step = jax.jit(lambda theta, dt: step(active, theta, dt))
top = jax.jit(top)
slope_and_variance = jax.jit(slope_and_variance)


def main():
    theta = jnp.array(START)
    h = round(2 / (1.1 * float(top(theta))), 4)
    edge, dt, t = 2 / h, h / FINE, 0.0
    while True:
        after = free_step(theta, dt)
        if top(after) >= edge:
            break
        theta, t = after, t + dt
        assert t < STEPS * h, f"the sharpness stays at {float(top(theta))} below {edge}"
    low, high = 0.0, dt
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if top(free_step(theta, middle)) >= edge else (middle, high)
    theta, entered = free_step(theta, low), t + low
    rest = STEPS * h - entered
    count = int(np.ceil(rest / dt))
    for _ in range(count):
        theta = active_step(theta, rest / count)
        assert slope_and_variance(theta)[2] > 0, "it leaves the edge"
    _, g, x = slope_and_variance(theta)
    record = {
        "units": UNITS, "x": X.tolist(), "y": Y.tolist(), "start": START.tolist(), "h": h, "steps": STEPS,
        "entered": entered / h, "theta": np.asarray(theta).tolist(), "sharpness": float(top(theta)),
        "loss": float(value(theta)), "variance": float(x), "gradient_norm": float(jnp.linalg.norm(g)),
    }  # fmt: skip
    print({k: v for k, v in record.items() if not isinstance(v, list)})
    (pathlib.Path(sys.argv[1]) / "central-flow.json").write_text(json.dumps(record) + "\n")


main()
