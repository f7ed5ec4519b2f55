"""Computes what `gf predict` says from what `gf export` wrote, with NumPy alone: nothing here comes from gf.

    gf export MODEL.gfmodel --npy arrays --safetensors model.safetensors
    gf predict MODEL.gfmodel --data rows.csv --out predictions.csv
    python peers/check_export.py arrays model.safetensors rows.csv predictions.csv

reads the arrays and, by hand from its bytes, the safetensors file; runs the forward pass on both; exits with 1 where an output or a probability
differs from gf's by more than 1e-12 of the largest, or the two exports differ in a bit. Where PyTorch is installed the tensors also go through
its `Linear` layers.
"""

import csv
import json
import math
import pathlib
import sys

import numpy as np

ERF = np.vectorize(math.erf)
LIMIT = 1e-12


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": lambda z: np.logaddexp(0, z),
    "silu": lambda z: z * sigmoid(z),
    "gelu": lambda z: z * (1 + ERF(z / math.sqrt(2))) / 2,
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "sin": np.sin,
}


def read_safetensors(path):
    """Eight bytes n, little-endian; n bytes of JSON; the data."""
    content = pathlib.Path(path).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    description = json.loads(header.pop("__metadata__")["gf"])
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F64", entry
        first, last = entry["data_offsets"]
        tensors[name] = np.frombuffer(content[end + first : end + last], "<f8").reshape(entry["shape"])
    return description, tensors


def scaled(rows, scales, undo=False):
    if scales is None:
        return rows
    shifts, scales = np.array(scales["shifts"]), np.array(scales["scales"])
    return shifts + scales * rows if undo else (rows - shifts) / scales


def forward(description, layers, rows, linear):
    a = scaled(rows, description["input_scales"])
    for spec, (w, b) in zip(description["network"]["layers"], layers):
        z = linear(a, w, b)
        a = ACTIVATIONS[spec["activation"]](z) + (a if spec.get("skip") else 0)
    return scaled(a, description["target_scales"], undo=True)


def probabilities(description, outputs):
    if description["outputs"] == "class_logits":
        p = np.exp(outputs - outputs.max(1, keepdims=True))
        return p / p.sum(1, keepdims=True)
    if description["outputs"] == "logits" and outputs.shape[1] == 1:
        return np.hstack([sigmoid(-outputs), sigmoid(outputs)])
    return None


def read_columns(path, wanted):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    names = wanted(list(rows[0]))
    return np.array([[float(row[name]) for name in names] for row in rows])


def main(arrays, tensors, rows, predictions):
    folder = pathlib.Path(arrays)
    description = json.loads((folder / "model.json").read_text())
    of_tensors, tensors = read_safetensors(tensors)
    assert of_tensors == description, "both exports describe one model"
    depth = len(description["network"]["layers"])
    layers = [(np.load(folder / f"W{l}.npy"), np.load(folder / f"b{l}.npy")) for l in range(1, depth + 1)]
    for l, (w, b) in enumerate(layers):
        weight, bias = tensors[f"layers.{l}.weight"], tensors[f"layers.{l}.bias"]
        assert np.array_equal(weight, w.T) and np.array_equal(bias, b), f"layer {l}"
    names = description["feature_names"]
    rows = read_columns(rows, lambda header: names or header[: description["network"]["input"]])
    outputs = forward(description, layers, rows, lambda a, w, b: a @ w + b)
    found = [("outputs", outputs, "prediction")]
    p = probabilities(description, outputs)
    if p is not None:
        found.append(("probabilities", p, "probability_"))
    try:
        import torch
    except ImportError:
        pass
    else:
        def linear(a, w, b):
            layer = torch.nn.Linear(w.shape[0], w.shape[1], dtype=torch.float64)
            layer.load_state_dict({"weight": torch.tensor(w.T.copy()), "bias": torch.tensor(b)})
            return layer(torch.tensor(a)).detach().numpy()

        found.append(("outputs by torch.nn.Linear", forward(description, layers, rows, linear), "prediction"))
    worst = 0.0
    for what, expected, prefix in found:
        of_gf = read_columns(predictions, lambda header: [name for name in header if name.startswith(prefix)])
        error = np.abs(of_gf - expected).max() / np.abs(expected).max()
        worst = max(worst, error)
        print(f"{what}: {expected.shape[0]} x {expected.shape[1]}, largest difference {error:.1e} of the largest")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
