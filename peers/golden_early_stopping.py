"""Where early stopping ends: a plain implementation of the rule of Keras and PyTorch Lightning (mode "min", NaN not checked).

Writes crates/gf-utils/tests/fixtures/early_stopping.json:  python peers/golden_early_stopping.py
"""

import json
import math
import pathlib

import numpy as np


def ends_at(losses, patience, min_delta):
    """The evaluation, counted from 0, after which the run stops; None if it goes on to the end."""
    best, wait = math.inf, 0
    for evaluation, loss in enumerate(losses):
        if np.less(loss - (-min_delta), best):  # Lightning: monitor_op(current - min_delta, best), min_delta negated for "min"
            best, wait = loss, 0
        else:
            wait += 1
            if wait >= patience:
                return evaluation
    return None


def main():
    rng = np.random.default_rng(6)
    cases = []
    for number in range(60):
        length = int(rng.integers(1, 60))
        # Multiples of 1/8, so that sums with min_delta are exact and ties occur.
        falling = np.maximum(0.0, 40.0 - rng.integers(0, 3) * np.arange(length))
        losses = [float(x) for x in (falling + rng.integers(0, 12, length)) / 8]
        for at in rng.integers(0, length, number % 3):
            losses[at] = math.nan
        patience, min_delta = int(rng.integers(1, 9)), float(rng.integers(0, 4)) / 8
        cases.append(
            {
                "losses": [None if math.isnan(x) else x for x in losses],
                "patience": patience,
                "min_delta": min_delta,
                "ends_at": ends_at(losses, patience, min_delta),
            }
        )
    path = pathlib.Path(__file__).parent.parent / "crates/gf-utils/tests/fixtures/early_stopping.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    stopped = sum(case["ends_at"] is not None for case in cases)
    print(f"{len(cases)} cases, {stopped} of them stop early")


if __name__ == "__main__":
    main()
