"""What is compared with what, the bars, and how often each call is timed. Nothing here starts a process."""
from __future__ import annotations

from dataclasses import dataclass

PEERS = ("jax", "torch", "curvlinops", "numpy")
CASES = "ABCDE"
THREADS = 2
AGREEMENT = 1e-9  # relative, between the systems' results
RESIDUAL = 1e-10  # that an implicit step has to reach
EIGENPAIR_RESIDUAL = 1e-6  # that every eigenpair has to reach, relative to the largest modulus
SLOW = 5.0  # seconds of a call of which only three samples are taken
BATCH, QUICK_BATCH = 0.1, 0.03  # seconds of the calls of a sample
SETTLE = 0.005  # seconds between a request and the first call
WARM_UP = 0.1  # seconds of the calls before them
MOST_CALLS = 10_000  # of each


@dataclass(frozen=True)
class Row:
    """One line of the table, for several cases: an operation of gf against one of the peers."""

    title: str
    operation: str  # of gf
    against: str  # of the peers
    bars: dict[str, float]  # the least ratio asked for, by case


ROWS = (
    Row("full Hessian", "full-hessian", "full-hessian", {"A": 20, "B": 28, "C": 28, "D": 33}),
    Row("loss + gradient", "gradient", "gradient", {"A": 8, "B": 4, "C": 2.5, "D": 4, "E": 1.0}),
    Row("Hessian product, fixed point", "hessian-product", "hessian-product", {"A": 8, "B": 7, "C": 4, "D": 6, "E": 1.0}),
    Row(
        "Hessian product, nothing kept",
        "fresh-hessian-product",
        "fresh-hessian-product",
        {"A": 8, "B": 5, "C": 4, "D": 5, "E": 1.2},
    ),
    Row(
        "implicit step : dense peer",
        "implicit-step",
        "dense-implicit-step",
        {"A": 300, "B": 500, "C": 1000, "D": 400},
    ),
    Row(
        "implicit step : matrix-free peer",
        "implicit-step",
        "matrix-free-step",
        {"A": 4, "B": 4, "C": 3, "D": 3, "E": 1.0},
    ),
    Row(
        "dense implicit step",
        "dense-implicit-step",
        "dense-implicit-step",
        {"A": 4.5, "B": 5.5, "C": 8, "D": 10},
    ),
    Row("top-10 eigenpairs", "top-eigenpairs", "top-eigenpairs", {"A": 1, "B": 1, "C": 3, "D": 1, "E": 3}),
    Row("original: explicit step", "original-explicit", "original-explicit", {"original": 6}),
    Row("original: implicit step", "original-implicit", "original-implicit", {"original": 500}),
    Row("original: Newton step", "original-newton", "original-newton", {"original": 8}),
)

# Operations timed in the same rounds.
GROUPS = {
    "cases": (
        ("full-hessian",),
        ("gradient",),
        ("hessian-product",),
        ("fresh-hessian-product",),
        ("implicit-step", "dense-implicit-step", "matrix-free-step"),
        ("top-eigenpairs",),
    ),
    "original": (("original-explicit",), ("original-implicit",), ("original-newton",)),
}

# Full Hessians as n p^2 flops, as a fraction of the rate of matrix multiplication on as many threads.
EFFICIENCY_BARS = {"B": 0.6, "C": 0.75, "D": 0.45}
# And as a multiple of the time to fill the matrix.
FILL_BARS = {"A": 2.0}

# The full Hessians tried by default: for JAX and PyTorch the fastest of an earlier measurement on another machine, without torch.compile; for
# curvlinops a choice that was not screened. `--screen` tries all of them on this machine.
SHORT_LISTS = {
    "jax": {
        "A": ("linearize, 32 at a time", "linearize, 128 at a time", "jacrev(jacrev)"),
        "B": ("linearize, 64 at a time", "linearize, 32 at a time"),
        "C": ("linearize, 128 at a time",),
        "D": ("linearize, 128 at a time", "linearize, 64 at a time"),
    },
    "torch": {
        "A": ("vmap(vjp), 256 at a time", "vmap(vjp), 64 at a time"),
        "B": ("vmap(vjp), 64 at a time", "vmap(vjp), 256 at a time"),
        "C": ("vmap(vjp), 16 at a time",),
        "D": ("vmap(vjp), 16 at a time", "vmap(vjp), 64 at a time"),
    },
    "curvlinops": {
        "A": ("HessianLinearOperator @ I", "HessianLinearOperator @ I, 256 at a time"),
        "B": ("HessianLinearOperator @ I", "HessianLinearOperator @ I, 64 at a time"),
        "C": ("HessianLinearOperator @ I, 64 at a time",),
        "D": ("HessianLinearOperator @ I, 64 at a time",),
    },
}
# Settings of ARPACK that were the fastest, with the fewest products or with fast ones, in a trial of all.
EIGENPAIR_SHORT_LIST = ("ARPACK tol 1e-05 ncv 21", "ARPACK tol 1e-06 ncv 30", "ARPACK tol 1e-05 ncv 40")
# Solvers of the dense step. Cholesky has nothing to say about the indefinite matrix of A. "single-cholesky" factorizes in single precision and
# refines in double, as gf does.
SOLVERS = {"indefinite": ("lu", "scipy-lu"), "definite": ("cholesky", "scipy-cholesky", "single-cholesky")}
# Rounds of its refinement: as many as gf needs.
REFINEMENTS = 3


def candidates(system, operation, case, offered, best_hessian, indefinite, screen):
    """The variants to be tried of those that a system offers, in order."""
    if operation == "dense-implicit-step":
        if best_hessian is None:
            return []
        solvers = SOLVERS["indefinite"] if indefinite else SOLVERS["definite"] + (SOLVERS["indefinite"] if screen else ())
        return [v for v in (f"{best_hessian} + {solver}" for solver in solvers) if v in offered]
    if screen:
        return list(offered)
    if operation == "top-eigenpairs":
        return [v for v in offered if v.split(",")[0] in EIGENPAIR_SHORT_LIST or not v.startswith("ARPACK")]
    if operation == "full-hessian":
        short = SHORT_LISTS.get(system, {}).get(case)
        if short:
            return [v for v in short if v in offered]
    return list(offered)


def residual_bar(operation):
    """The largest relative residual that counts as a solution."""
    return EIGENPAIR_RESIDUAL if operation == "top-eigenpairs" else RESIDUAL


def chosen_operations(offered, chosen):
    """Those of the offered operations that a run restricted to `chosen` needs; all, where it is not restricted. Dense steps need a Hessian."""
    wanted = set(chosen) | ({"full-hessian"} if "dense-implicit-step" in chosen else set())
    return [name for name in offered if not chosen or name in wanted]


def sampling(seconds, quick):
    """(rounds, calls a round, warm-up calls a round) for calls of about `seconds`. A sample is the median of a round's calls.

    A worker whose turn it is comes back to cold caches and to threads that sleep: short calls warm up for WARM_UP seconds.
    """
    warm_up = int(max(1 if seconds < 1 else 0, min(MOST_CALLS, WARM_UP / seconds)))
    if quick:
        return (3, max(1, min(MOST_CALLS, int(QUICK_BATCH / seconds))), warm_up) if seconds < 1 else (1, 1, 0)
    if seconds > SLOW:
        return 3, 1, 0
    if seconds > 1:
        return 7, 1, 0
    return 11, max(1, min(MOST_CALLS, int(BATCH / seconds))), warm_up


def finalists(screened):
    """The variants that enter the rounds, of {variant: seconds}: the two fastest, or the fastest alone where calls are slow."""
    ordered = sorted(screened, key=screened.get)
    return ordered[: 1 if ordered and screened[ordered[0]] > SLOW else 2]


def rotated(entries, round_number):
    """The entries in another order each round, so that none always follows the same one."""
    at = round_number % max(1, len(entries))
    return entries[at:] + entries[:at]
