"""What every peer's worker has in common: the loop over JSON lines, and the clock.

The requests and replies are those of `crates/gf-bench/src/worker.rs`, whose table describes them. A system's module defines a class with

    name                              the peer's name
    load(case, folder, threads, steps)  reads the inputs; returns {operation: {variant: factory}}
    versions()                        {package: version}
    compiles(variant)                 whether the first call compiles
    residual(array)                   relative residual of an implicit step that led to `array`
    judge(result)                     {"residual": ..., "work": {"products": ...}} of eigenpairs

where a factory makes a call without arguments that blocks until its result is ready and returns it, and `call.array(result)` (or the
system's `array(operation, result)`) turns the result into one flat NumPy vector.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

import plan

STEPS = ("dense-implicit-step", "matrix-free-step")


def seconds(call, warm_up, calls):
    """Seconds of each of `calls` calls, after `warm_up` calls that are not timed."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


class Worker:
    """Answers the requests to one system."""

    def __init__(self, system, inputs: Path, threads: int):
        self.system, self.inputs, self.threads = system, inputs, threads
        self.operations, self.calls = {}, {}

    def answer(self, request):
        command = request["command"]
        if command == "load":
            return self.load(request)
        if command == "prepare":
            return self.prepare(request)
        if command == "time":
            # Who asked falls asleep meanwhile, and its processor is free for a second thread when that wakes up.
            time.sleep(plan.SETTLE)
            call, per = self.calls[request["operation"], request["variant"]]
            return {"seconds": [s / per for s in seconds(call, request["warm_up"], request["calls"])]}
        raise ValueError(f"no command {command!r}")

    def load(self, request):
        self.calls.clear()
        folder = self.inputs / request["case"]
        self.operations = self.system.load(request["case"], folder, self.threads, request.get("steps", 10))
        return {
            "system": self.system.name,
            "versions": self.system.versions(),
            "threads": self.threads,
            "operations": {
                name: {"variants": list(variants), "flops": getattr(self.system, "flops", {}).get(name)}
                for name, variants in self.operations.items()
            },
        }

    def prepare(self, request):
        operation, variant = request["operation"], request["variant"]
        per = getattr(self.system, "steps", 1)
        start = time.perf_counter()
        call = self.operations[operation][variant]()
        result = call()
        first = (time.perf_counter() - start) / per
        # A second call shows the time without compilation; where nothing is compiled and calls are slow, the first does.
        reply = {"first": first, "second": first}
        if self.system.compiles(variant) or first * per < 5:
            start = time.perf_counter()
            result = call()
            reply["second"] = (time.perf_counter() - start) / per
        self.calls[operation, variant] = call, per
        if not request.get("save"):
            return reply
        array = np.ascontiguousarray(self.system.array(operation, variant, result), dtype=np.float64).ravel()
        if not np.isfinite(array).all():
            raise FloatingPointError("the result is not finite")
        if operation in STEPS:
            reply["residual"] = self.system.residual(array)
        if operation == "top-eigenpairs":
            reply |= self.system.judge(result)
        if hasattr(self.system, "validation_error"):
            reply["validation_error"] = self.system.validation_error
        np.save(request["save"], array)
        return reply


def serve(system) -> None:
    """Runs the loop on standard input and output until `quit`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--system")
    options = parser.parse_args()
    # What libraries print must not end up between the replies.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(system(options.system) if options.system else system(), options.inputs, options.threads)
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "quit":
            return
        try:
            reply = {"ok": True, **worker.answer(request)}
        except Exception as error:  # what a peer cannot do is a result too
            reply = {"ok": False, "error": f"{type(error).__name__}: {str(error).strip()[:300]}"}
        print(json.dumps(reply), file=replies, flush=True)
