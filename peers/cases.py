"""The benchmark cases: network shapes, data and starting weights.

Everything here is plain NumPy and depends on fixed seeds only. The inputs are written to files once, and every peer and gf read the same
bits. `crates/gf-bench/src/cases.rs` is the same table in Rust.
"""
from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Case:
    """A network with its loss and batch size."""

    key: str
    sizes: tuple[int, ...]  # widths, input and output included
    activations: tuple[str, ...]  # one per dense layer
    loss: str  # "mse" (sum of squares / n) or "cross-entropy" (mean)
    samples: int

    @property
    def dim(self) -> int:
        """The number p of parameters."""
        return sum((i + 1) * o for i, o in zip(self.sizes, self.sizes[1:]))

    @property
    def dense(self) -> bool:
        """Whether its p x p matrices fit into the memory of a small machine."""
        return self.dim < 10_000

    @property
    def indefinite(self) -> bool:
        """Whether H + I/h is indefinite at the starting weights: no Cholesky factorization, no CG."""
        return self.key == "A"


def _hidden(key, sizes, activation, loss, samples):
    return Case(key, sizes, (activation,) * (len(sizes) - 2) + ("identity",), loss, samples)


ORIGINAL_SIZES = (2, 50, 30, 10, 10, 5, 1)
ORIGINAL_ACTIVATIONS = ("identity", "relu", "relu", "relu", "identity", "identity")

CASES = {
    case.key: case
    for case in (
        Case("A", ORIGINAL_SIZES, ORIGINAL_ACTIVATIONS, "mse", 64),
        _hidden("B", (64, 32, 10), "tanh", "cross-entropy", 256),
        _hidden("C", (64, 64, 32, 10), "tanh", "cross-entropy", 1024),
        _hidden("D", (8, 32, 32, 32, 32, 1), "tanh", "mse", 512),
        _hidden("E", (784, 512, 512, 10), "relu", "cross-entropy", 256),
    )
}

STEP_SIZE = 0.05  # of the implicit steps, in flow time

# The original experiment: points, points trained on, batch, and the methods' settings.
ORIGINAL_POINTS, ORIGINAL_TRAINING, ORIGINAL_BATCH = 4000, 3200, 64
EXPLICIT_STEP_SIZE, IMPLICIT_STEP_SIZE = 0.01, 0.05
IMPLICIT_DIFFERENCE, NEWTON_DIFFERENCE = 1e-5, 1e-2
NEWTON_DAMPING, ARMIJO_C, ARMIJO_FACTOR, ARMIJO_MINIMUM = 1e-4, 1e-4, 0.2, 1e-8


def draw_parameters(sizes, seed) -> np.ndarray:
    """He-scaled weights (inputs x units, row by row) and small biases, layer after layer, as one vector."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, o in zip(sizes, sizes[1:]):
        parts.append((rng.standard_normal((i, o)) * np.sqrt(2.0 / i)).ravel())
        parts.append(rng.standard_normal(o) * 0.01)
    return np.concatenate(parts)


def split_parameters(sizes, theta):
    """The vector as a list of (weights, biases): views of it."""
    layers, at = [], 0
    for i, o in zip(sizes, sizes[1:]):
        layers.append((theta[at : at + i * o].reshape(i, o), theta[at + i * o : at + (i + 1) * o]))
        at += (i + 1) * o
    return layers


def original_points(rng):
    """The original project's synthetic problem: inputs (4000 x 2) and targets (4000 x 1)."""
    t = np.linspace(-1, 1, ORIGINAL_POINTS).reshape(-1, 1)
    y = np.abs(0.5 * (t + 0.2) ** 5 + 0.3 * (t - 0.1) + 0.1 * t**3 * rng.random((ORIGINAL_POINTS, 1)))
    x = np.column_stack((t, t**3)) + 0.1 * rng.random((ORIGINAL_POINTS, 2))
    return x, y


def draw_data(case: Case, digits: Path):
    """Inputs (n x d) and targets: n x k numbers for mse, n classes otherwise. `digits` is the compressed CSV of gf's handwritten digits."""
    rng = np.random.default_rng(2000 + ord(case.key))
    n = case.samples
    if case.key == "A":  # one batch of the original problem
        x, y = original_points(rng)
        pick = rng.permutation(len(y))[:n]
        return x[pick], y[pick]
    if case.key in "BC":
        with gzip.open(digits, "rt") as file:
            rows = np.loadtxt(file, delimiter=",")
        pick = rng.permutation(len(rows))[:n]
        return rows[pick, :-1] / 16.0, rows[pick, -1].astype(np.int64)
    if case.key == "D":
        x = rng.standard_normal((n, case.sizes[0]))
        return x, np.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3]
    # E: ten Gaussian clusters squashed into [0, 1]
    classes = case.sizes[-1]
    y = rng.integers(0, classes, n)
    centers = rng.random((classes, case.sizes[0]))
    x = np.clip(centers[y] + 0.3 * rng.standard_normal((n, case.sizes[0])), 0, 1)
    return x, y.astype(np.int64)


def write_inputs(folder: Path, digits: Path, keys) -> None:
    """Writes the inputs of the cases `keys` and of the original experiment below `folder`."""
    for key in keys:
        case, into = CASES[key], folder / key
        into.mkdir(parents=True, exist_ok=True)
        x, y = draw_data(case, digits)
        direction = np.random.default_rng(3000 + ord(key)).standard_normal(case.dim)
        np.save(into / "x.npy", np.ascontiguousarray(x, dtype=np.float64))
        np.save(into / "y.npy", np.ascontiguousarray(y))
        np.save(into / "theta.npy", draw_parameters(case.sizes, 1000 + ord(key)))
        np.save(into / "direction.npy", direction / np.linalg.norm(direction))
    into = folder / "original"
    into.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4000)
    x, y = original_points(rng)
    np.save(into / "x.npy", x)
    np.save(into / "y.npy", y)
    np.save(into / "train.npy", rng.permutation(ORIGINAL_POINTS)[:ORIGINAL_TRAINING].astype(np.int64))
    np.save(into / "theta.npy", draw_parameters(ORIGINAL_SIZES, 4001))


def read_inputs(folder: Path):
    """The arrays of one case's folder, by name."""
    return {path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))}
