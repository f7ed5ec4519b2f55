"""Golden values of schedules: the learning rates of torch.optim.lr_scheduler, in double precision, with h = 1.

    python peers/golden_schedules.py crates/gf-optim/tests/golden

writes schedules.json: for each case gf's `schedule` table, the batches an epoch, and the factor of every step. Schedulers that PyTorch steps once an epoch are
held over its batches; the others are stepped once a batch. OneCycleLR counts its peak and its end one step earlier than gf, which divides the cycle in epochs:
it is asked for one step more, and for the `pct_start` that puts its peak where gf's is. The cosine is compared up to its end, where PyTorch's rises again.
"""

import json
import math
import pathlib
import sys

import torch
from torch.optim import lr_scheduler as lrs

BATCHES = 4


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=1.0)


def rates(make, steps, each=1):
    """The rate of every step; the scheduler moves after each `each` steps."""
    opt = optimizer()
    scheduler = make(opt)
    found = []
    for k in range(1, steps + 1):
        found.append(opt.param_groups[0]["lr"])
        opt.step()
        if k % each == 0:
            scheduler.step()
    return found


def one_cycle(epochs, rise, start, end):
    steps = epochs * BATCHES
    return rates(
        lambda opt: lrs.OneCycleLR(
            opt, max_lr=1.0, total_steps=steps + 1, pct_start=(rise * steps + 1) / (steps + 1),
            div_factor=start, final_div_factor=end, cycle_momentum=False,
        ),
        steps,
    )


def warm_cosine(warm, epochs, start, minimum):
    w, e = warm * BATCHES, epochs * BATCHES
    return rates(
        lambda opt: lrs.SequentialLR(
            opt,
            [lrs.LinearLR(opt, start_factor=start, total_iters=w), lrs.CosineAnnealingLR(opt, T_max=e - w, eta_min=minimum)],
            milestones=[w],
        ),
        e,
    )


def plateau(losses, **settings):
    """The factor of every step where the loss is measured at the end of each epoch."""
    opt = optimizer()
    scheduler = lrs.ReduceLROnPlateau(opt, threshold_mode="abs", eps=0.0, **settings)
    found = []
    for loss in losses:
        found += [opt.param_groups[0]["lr"]] * BATCHES
        opt.step()
        scheduler.step(loss)
    return found


LOSSES = [1.0, 0.9, 0.9, 0.95, 0.9, 0.91, 0.92, 0.5, 0.6, 0.55, 0.51, 0.499, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.3, 0.29, 0.28, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]

CASES = [
    {"schedule": {"step": {"factor": 0.1, "every": 3.0}},
     "factors": rates(lambda opt: lrs.StepLR(opt, step_size=3, gamma=0.1), 40, BATCHES)},
    # One batch an epoch: PyTorch's is constant over an epoch, gf's is not.
    {"schedule": {"exponential": {"rate": 0.25}}, "batches": 1,
     "factors": rates(lambda opt: lrs.ExponentialLR(opt, gamma=math.exp(-0.25)), 40)},
    {"schedule": {"cosine": {"minimum": 0.01}},
     "factors": rates(lambda opt: lrs.CosineAnnealingLR(opt, T_max=40, eta_min=0.01), 40)},
    {"schedule": {"cosine": {"minimum": 0.05}, "warmup": {"epochs": 2.0, "from": 0.25}},
     "factors": warm_cosine(2, 12, 0.25, 0.05)},
    {"schedule": {"warmup": {"epochs": 3.0, "from": 0.1}},
     "factors": rates(lambda opt: lrs.LinearLR(opt, start_factor=0.1, total_iters=12), 20)},
    {"schedule": {"one-cycle": {}}, "factors": one_cycle(10, 0.3, 25.0, 1e4)},
    {"schedule": {"one-cycle": {"rise": 0.45, "start_divisor": 10.0, "end_divisor": 100.0}},
     "factors": one_cycle(7, 0.45, 10.0, 100.0)},
    {"schedule": {"plateau": {"patience": 3.0}}, "losses": LOSSES,
     "factors": plateau(LOSSES, factor=0.5, patience=3, threshold=0.0)},
    {"schedule": {"plateau": {"factor": 0.2, "patience": 1.0, "min_delta": 0.05, "cooldown": 2.0, "minimum": 0.01}},
     "losses": LOSSES,
     "factors": plateau(LOSSES, factor=0.2, patience=1, threshold=0.05, cooldown=2, min_lr=0.01)},
    {"schedule": {"plateau": {"factor": 0.7, "patience": 0.0}}, "losses": LOSSES,
     "factors": plateau(LOSSES, factor=0.7, patience=0, threshold=0.0, min_lr=1e-4)},
]

if __name__ == "__main__":
    for case in CASES:
        case.setdefault("batches", BATCHES)
    target = pathlib.Path(sys.argv[1]) / "schedules.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"torch": torch.__version__, "cases": CASES}) + "\n")
