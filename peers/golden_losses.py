"""Golden values of losses far out: numerical differentiation of their definitions with 4,000 digits, by mpmath.

    python peers/golden_losses.py crates/gf-layers/tests/golden

writes losses-far.json: for one sample with outputs `o` and target row `y` the loss, its gradient, Hessian and third derivative along `u` and
`v` in the outputs, each number rounded once. Nothing here knows a formula for a derivative: steps of 1e-1000 leave more digits than e^-2000,
the smallest number that appears, can hide.
"""

import itertools
import json
import pathlib
import sys

from mpmath import exp, log, mp, mpf

mp.dps = 4000
STEP = mpf(10) ** -1000

LOSSES = [
    {"kind": "huber", "delta": 1.5},
    {"kind": "bce_with_logits", "pos_weight": 2.5},
    {"kind": "softmax_cross_entropy"},
    {"kind": "focal", "gamma": 0.0},
    {"kind": "focal", "gamma": 0.5},
    {"kind": "focal", "gamma": 1.0},
    {"kind": "focal", "gamma": 2.0},
    {"kind": "focal", "gamma": 5.0},
]
OUTPUTS = [
    [0.25, -0.5, 1.0],
    [-1.0, 3.5, 0.5],
    [1.75, 1.75, -2.0],
    [5.0, -40.0, 2.0],
    [30.0, 0.0, -1.0],
    [-30.0, 0.5, 0.0],
    [-30.0, 0.0, -40.0],
    [1000.0, 0.0, -1000.0],
    [-1000.0, 1000.0, 0.0],
    [0.0, 1000.0, -1000.0],
]
U, V = [0.5, -1.25, 2.0], [1.5, 0.75, -0.5]


def value(loss, o, y):
    kind = loss["kind"]
    if kind == "huber":
        delta = mpf(loss["delta"])
        sizes = [abs(a - b) for a, b in zip(o, y)]
        return sum(r * r / 2 if r <= delta else delta * (r - delta / 2) for r in sizes)
    if kind == "bce_with_logits":
        w = mpf(loss["pos_weight"])
        return sum(w * b * log(1 + exp(-a)) + (1 - b) * log(1 + exp(a)) for a, b in zip(o, y))
    # ln p_t and 1 - p_t apart: with 4,000 digits neither loses what the other needs.
    t = y.index(1)
    total = sum(exp(a) for a in o)
    others = sum(exp(a) for c, a in enumerate(o) if c != t) / total
    gamma = mpf(loss.get("gamma", 0))
    return -(others**gamma) * (o[t] - log(total))


def derivative(loss, o, y, directions):
    """Central differences along each direction."""
    total = mpf(0)
    for signs in itertools.product((1, -1), repeat=len(directions)):
        sign = mpf(1)
        point = list(o)
        for s, direction in zip(signs, directions):
            sign *= s
            point = [a + s * STEP * d for a, d in zip(point, direction)]
        total += sign * value(loss, point, y)
    return total / (2 * STEP) ** len(directions)


def main():
    axes = [[mpf(int(c == k)) for c in range(3)] for k in range(3)]
    u, v = ([mpf(x) for x in along] for along in (U, V))
    cases = []
    for loss, outputs in itertools.product(LOSSES, OUTPUTS):
        o, y = [mpf(x) for x in outputs], [1, 0, 0]
        number = lambda *directions: float(derivative(loss, o, y, directions))
        cases.append({
            "loss": loss, "o": outputs, "y": y, "value": number(),
            "gradient": [number(e) for e in axes],
            "hessian": [number(e, f) for e in axes for f in axes],
            "third": [number(u, v, e) for e in axes],
        })  # fmt: skip
    content = {"u": U, "v": V, "cases": cases}
    (pathlib.Path(sys.argv[1]) / "losses-far.json").write_text(json.dumps(content) + "\n")


main()
