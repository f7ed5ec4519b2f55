"""Times gf and its peers side by side: started by `cargo xtask peers`, which sets up what this needs.

One run: for each case, every system checks in, its variants are compared with gf's numbers, the fastest are chosen, and then timed in turn.
"""
from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import cases as inputs
import plan
import report
from processes import Process, RequestFailed, WorkerDied

HERE = Path(__file__).resolve().parent
SCRIPTS = {"jax": "worker_jax.py", "torch": "worker_torch.py", "curvlinops": "worker_torch.py", "numpy": "worker_numpy.py"}
QUANTITIES = {
    "full-hessian": "full Hessian",
    "hessian-product": "Hessian product",
    "fresh-hessian-product": "Hessian product",
    "implicit-step": "implicit step",
    "dense-implicit-step": "implicit step",
    "matrix-free-step": "implicit step",
    "original-explicit": "explicit steps",
    "top-eigenpairs": "eigenvalues",
}


class Mismatch(Exception):
    """Two systems computed different numbers."""


def difference(reference, found):
    """max|found - reference| / max|reference|."""
    if reference.shape != found.shape:
        raise Mismatch(f"{found.size} numbers instead of {reference.size}")
    return float(np.max(np.abs(found - reference)) / np.max(np.abs(reference)))


class Progress:
    """What is being done, on standard error: one line that is rewritten on a terminal, plain lines elsewhere."""

    def __init__(self):
        self.live = sys.stderr.isatty()

    def say(self, text):
        """A line that stays."""
        print(f"\r\x1b[K{text}" if self.live else text, file=sys.stderr, flush=True)

    def now(self, text):
        """A line that the next one replaces."""
        if self.live:
            print(f"\r\x1b[K{text[:118]}", end="", file=sys.stderr, flush=True)

    def done(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Run:
    """The whole comparison."""

    def __init__(self, options):
        self.options = options
        self.work = Path(options.work)
        self.progress = Progress()
        self.measurements, self.failures, self.screening, self.efficiency = [], [], [], []
        self.versions, self.rates, self.rates_by_system, self.largest, self.differences = {}, {}, {}, {}, {}

    def start(self, system, threads, stack):
        """A worker of `system`."""
        folder = str(self.work / "inputs")
        if system == "gf":
            command = [str(self.options.gf), "worker", "--inputs", folder]
        else:
            script = str(HERE / SCRIPTS[system])
            command = [sys.executable, "-B", script, "--inputs", folder, "--threads", str(threads), "--system", system]
            if system in ("jax", "numpy"):
                command = command[:-2]
        logs = self.work / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        process = Process(system, command, threads, logs / f"{system}.log")
        stack.callback(process.close)
        return process

    # ---- one case

    def measure_case(self, case, peers):
        """Checks, screens and times all systems on one case."""
        kind = "original" if case == "original" else "cases"
        title = "the original experiment" if case == "original" else f"case {case}"
        self.progress.say(f"{title}: gf, {', '.join(peers)}")
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.work)))
            systems = {}
            for system in ("gf", *peers):
                self.progress.now(f"{title}: starting {system}")
                loaded = self.load(system, case, stack)
                if loaded:
                    systems[system] = loaded
            references = self.prepare_gf(systems["gf"], case, scratch)
            contenders, hessians = {"gf": {op: {"gf": s} for op, s in references.items()}}, {}
            for system in [s for s in peers if s in systems]:
                contenders[system] = self.prepare_peer(systems[system], system, case, scratch, title, hessians, stack)
            for group in plan.GROUPS[kind]:
                if any(name in operations for operations in contenders.values() for name in group):
                    self.time_group(group, case, title, systems, contenders)

    def load(self, system, case, stack):
        """The worker and what it offers; none when it cannot start."""
        process = self.start(system, plan.THREADS, stack)
        try:
            reply = process.request(command="load", case=case, steps=self.options.steps, timeout=300)
        except (RequestFailed, WorkerDied) as error:
            if system == "gf":
                raise SystemExit(f"error: gf on case {case}: {error}") from None
            self.failed(system, case, "all", "", str(error))
            return None
        self.versions |= reply["versions"]
        return {"process": process, "offers": reply["operations"], "case": case}

    def prepare_gf(self, gf, case, scratch):
        """gf's results are what the others are compared with. Returns the seconds of a call of each operation."""
        found = {}
        for operation in plan.chosen_operations(gf["offers"], self.options.operations):
            if operation.startswith("fill"):
                continue
            self.progress.now(f"case {case}: gf {operation}")
            try:
                reply = gf["process"].request(command="prepare", operation=operation, variant="gf", save=str(scratch / operation) + ".npy")
            except RequestFailed as error:
                self.failed("gf", case, operation, "gf", str(error))
                continue
            found[operation] = reply
        self.check_gf(case, scratch, found)
        return found

    def check_gf(self, case, scratch, found):
        """gf agrees with itself: its products with its matrix, its dense step with its matrix-free one."""
        if "full-hessian" in found and "hessian-product" in found:
            hessian = np.load(scratch / "full-hessian.npy", mmap_mode="r")
            p = int(round(hessian.size**0.5))
            v = np.load(self.work / "inputs" / case / "direction.npy")
            self.compare("gf, its matrix", case, "hessian-product", np.load(scratch / "hessian-product.npy"), hessian.reshape(p, p) @ v)
        if "hessian-product" in found and "fresh-hessian-product" in found:
            self.compare_files("gf, fresh", case, "hessian-product", scratch, "fresh-hessian-product")
        if "dense-implicit-step" in found and "implicit-step" in found:
            self.compare_files("gf, dense", case, "implicit-step", scratch, "dense-implicit-step")

    def compare_files(self, who, case, operation, scratch, other):
        self.compare(who, case, operation, np.load(scratch / f"{operation}.npy"), np.load(scratch / f"{other}.npy"))

    def compare(self, system, case, operation, reference, found):
        """Aborts the run where two systems disagree."""
        pairs = {QUANTITIES.get(operation, operation): (reference, found)}
        if operation == "gradient" and reference.shape == found.shape:
            pairs = {"loss": (reference[:1], found[:1]), "gradient": (reference[1:], found[1:])}
        for quantity, (a, b) in pairs.items():
            try:
                d = difference(a, b)
            except Mismatch as error:
                raise Mismatch(f"{system}, case {case}, {quantity}: {error}") from None
            if not d <= plan.AGREEMENT:
                raise Mismatch(
                    f"{system}, case {case}: its {quantity} differs from gf's by {d:.2e} of the largest entry; expected at most {plan.AGREEMENT:g}"
                )
            self.largest[quantity] = max(self.largest.get(quantity, 0.0), d)
        return max(difference(a, b) for a, b in pairs.values())

    def prepare_peer(self, worker, system, case, scratch, title, hessians, stack):
        """Prepares and checks the candidates of every operation; returns the finalists with what is known of them."""
        finalists = {}
        for operation in sorted(plan.chosen_operations(worker["offers"], self.options.operations), key=lambda name: name != "full-hessian"):
            known, offered = {}, worker["offers"][operation]["variants"]
            indefinite = case in inputs.CASES and inputs.CASES[case].indefinite
            names = plan.candidates(system, operation, case, offered, hessians.get(system), indefinite, self.options.screen)
            for variant in names:
                self.progress.now(f"{title}: preparing {system} {operation}: {variant}")
                reply = self.prepare_variant(worker, system, case, operation, variant, scratch, stack)
                if reply:
                    known[variant] = reply
            if not known:
                continue
            reached = {v: r for v, r in known.items() if not r.get("missed")} or known
            chosen = plan.finalists({v: r["estimate"] for v, r in reached.items()})
            finalists[operation] = {v: known[v] for v in chosen}
            if operation == "full-hessian":
                hessians[system] = chosen[0]
        return finalists

    def prepare_variant(self, worker, system, case, operation, variant, scratch, stack):
        """Prepares, checks and screens one variant; none when it fails. A worker that died is started again."""
        saved = scratch / "peer.npy"
        try:
            if worker["process"].process.poll() is not None:
                again = self.load(system, case, stack)
                if again is None:
                    return None
                worker |= again
            asked = {"operation": operation, "variant": variant}
            reply = worker["process"].request(command="prepare", save=str(saved), **asked)
            reply["estimate"] = reply["second"]
            if reply["second"] * self.per_call(operation) < 1:
                _, calls, warm_up = plan.sampling(max(reply["second"], 1e-7), quick=False)
                timed = worker["process"].request(command="time", calls=calls, warm_up=warm_up, **asked)
                reply["estimate"] = min(reply["second"], statistics.median(timed["seconds"]))
        except (RequestFailed, WorkerDied) as error:
            self.failed(system, case, operation, variant, str(error))
            return None
        reply["compile"] = max(0.0, reply["first"] - reply["second"])
        self.check_variant(system, case, operation, reply, scratch, saved)
        saved.unlink()
        note = {key: reply[key] for key in ("residual", "work") if key in reply}
        self.screening.append({"case": case, "system": system, **asked, "seconds": reply["estimate"], **note})
        return reply

    def check_variant(self, system, case, operation, reply, scratch, saved):
        reference = "implicit-step" if operation == "matrix-free-step" else operation
        if not (scratch / f"{reference}.npy").exists():
            return
        if reply.get("residual", 0.0) > plan.residual_bar(operation):
            reply["missed"] = True
            return
        pair = np.load(scratch / f"{reference}.npy", mmap_mode="r"), np.load(saved, mmap_mode="r")
        if operation in ("original-implicit", "original-newton"):
            # Differences of gradients are no exact Hessian: the steps differ, and that is reported.
            self.differences[operation.removeprefix("original-")] = difference(*pair)
            return
        reply["difference"] = self.compare(system, case, operation, *pair)

    def per_call(self, operation):
        """Steps of a call whose time is given per step."""
        return self.options.steps if operation.startswith("original") else 1

    def time_group(self, group, case, title, systems, contenders):
        """The rounds of some operations that belong together."""
        entries = []
        for system, operations in contenders.items():
            for operation in group:
                for variant, known in operations.get(operation, {}).items():
                    estimate = known.get("estimate", known["second"]) * self.per_call(operation)
                    rounds, calls, warm_up = plan.sampling(max(estimate, 1e-7), self.options.quick)
                    entries.append(
                        {"system": system, "operation": operation, "variant": variant, "known": known, "samples": []}
                        | {"rounds": rounds, "calls": calls, "warm_up": warm_up}
                    )
        total = max((entry["rounds"] for entry in entries), default=0)
        for k in range(total):
            for entry in plan.rotated(entries, k):
                if k >= entry["rounds"] or entry.get("error"):
                    continue
                self.progress.now(f"{title}, {group[0]}: round {k + 1} of {total}: {entry['system']} {entry['variant']}")
                self.sample(entry, case, systems[entry["system"]]["process"])
        for entry in entries:
            if entry["samples"]:
                self.keep(entry, case)
        self.progress.say(f"{title}, {', '.join(group)}: {total} rounds of {len(entries)}")

    def sample(self, entry, case, process):
        try:
            reply = process.request(
                command="time",
                operation=entry["operation"],
                variant=entry["variant"],
                calls=entry["calls"],
                warm_up=entry["warm_up"],
            )
            entry["samples"].append(statistics.median(reply["seconds"]))
        except (RequestFailed, WorkerDied) as error:
            entry["error"] = True
            self.failed(entry["system"], case, entry["operation"], entry["variant"], str(error))

    def keep(self, entry, case):
        known = entry["known"]
        kept = {key: known[key] for key in ("residual", "missed", "difference", "first", "compile", "validation_error", "work", "flops") if known.get(key) is not None}
        if kept.get("residual", 0.0) > plan.residual_bar(entry["operation"]):
            kept["missed"] = True
        self.measurements.append(
            {"case": case, "operation": entry["operation"], "system": entry["system"], "variant": entry["variant"]}
            | {"calls": entry["calls"], "samples": entry["samples"], **report.summary(entry["samples"]), **kept}
        )

    def failed(self, system, case, operation, variant, error):
        what = " ".join(part for part in (operation if operation != "all" else "", variant) if part)
        self.progress.say(f"  {system}, case {case}{': ' + what if what else ''}: {error}")
        self.failures.append({"system": system, "case": case, "operation": operation, "variant": variant, "error": error})

    # ---- the machine

    def measure_machine(self, keys):
        """Full Hessians against matrix multiplication, OpenBLAS's and gf's own, and against filling memory, on one thread and on all."""
        rounds = 3 if self.options.quick else 9
        samples = {}
        for case in keys:
            with contextlib.ExitStack() as stack:
                entries = []
                for threads in range(1, plan.THREADS + 1):
                    fills = ["fill-matrix", "fill-matrix-sequentially"] if case in plan.FILL_BARS else []
                    for system, loaded, operations in (
                        ("numpy", "machine", ["matrix-multiplication"]),
                        ("gf", "machine", ["matrix-multiplication"]),
                        ("gf", case, ["full-hessian", *fills]),
                    ):
                        process = self.start(system, threads, stack)
                        process.request(command="load", case=loaded)
                        for operation in operations:
                            asked = {"operation": operation, "variant": "NumPy" if system == "numpy" else "gf"}
                            if system == "numpy":
                                process.request(command="prepare", **asked)
                            estimate = process.request(command="time", calls=2, warm_up=0, **asked)["seconds"][-1]
                            _, calls, warm_up = plan.sampling(max(estimate, 1e-7), self.options.quick)
                            entries.append((system, threads, process, asked | {"calls": calls, "warm_up": warm_up}))
                for k in range(rounds):
                    for system, threads, process, asked in plan.rotated(entries, k):
                        self.progress.now(f"machine, case {case}: round {k + 1} of {rounds}: {system} on {threads} threads")
                        reply = process.request(command="time", **asked)
                        samples.setdefault((threads, case, asked["operation"], system), []).extend(reply["seconds"])
            self.progress.say(f"machine, case {case}: {rounds} rounds")
        self.judge_machine(samples, keys)

    def judge_machine(self, samples, keys):
        for threads in range(1, plan.THREADS + 1):
            by_system = {}
            for (count, _, operation, system), times in samples.items():
                if (count, operation) == (threads, "matrix-multiplication"):
                    rate = 2.0 * self.order() ** 3 / min(times) * 1e-9
                    by_system[system] = max(rate, by_system.get(system, 0.0))
            self.rates_by_system[threads] = by_system
            self.rates[threads] = max(by_system.values())
        for case in keys:
            shape = inputs.CASES[case]
            for threads in range(1, plan.THREADS + 1):
                time = statistics.median(samples[threads, case, "full-hessian", "gf"])
                common = {"case": case, "threads": threads, "seconds": time}
                if case in plan.FILL_BARS:
                    for fill, count in (("fill-matrix-sequentially", 1), ("fill-matrix", threads)):
                        if count == 1 and fill == "fill-matrix":
                            continue
                        filled = statistics.median(samples[threads, case, fill, "gf"])
                        # Judged against filling by one thread, as the bar was set.
                        bar = plan.FILL_BARS[case] if count == 1 else None
                        self.judge(common | {"kind": "fill", "fill": filled, "fill_threads": count, "value": time / filled}, bar, at_least=False)
                    continue
                gflops = shape.samples * shape.dim**2 / time * 1e-9
                value = gflops / self.rates[threads]
                entry = common | {"kind": "rate", "gflops": gflops, "rate": self.rates[threads], "value": value}
                self.judge(entry, plan.EFFICIENCY_BARS.get(case), at_least=True)

    def judge(self, entry, bar, at_least):
        good = bar is not None and (entry["value"] >= bar if at_least else entry["value"] <= bar)
        self.efficiency.append(entry | {"bar": bar, "verdict": "" if bar is None else "ok" if good else "below" if at_least else "above"})

    @staticmethod
    def order():
        return 2048

    # ---- the results

    def results(self, complete):
        """Everything, for the JSON file."""
        return {
            "date": datetime.date.today().isoformat(),
            "command": self.options.command,
            "complete": complete,
            "threads": plan.THREADS,
            "machine": machine(),
            "versions": dict(sorted(self.versions.items())),
            "commit": commit(),
            "table": report.rows(self.measurements, self.failures, [*self.options.cases, "original"], self.rates.get(plan.THREADS)),
            "efficiency": self.efficiency,
            "rates_gflops": self.rates,
            "rates_gflops_by_system": self.rates_by_system,
            "largest_differences": self.largest,
            "differences_to_the_original": self.differences,
            "measurements": self.measurements,
            "screening": self.screening,
            "failures": self.failures,
        }


def machine():
    """The processor, its cores and the memory."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        with open("/proc/cpuinfo") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), cpu)
    memory = None
    with contextlib.suppress(ValueError, OSError, AttributeError):
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": memory, "system": platform.system(), "python": platform.python_version()}


def commit():
    """The commit that was measured; with a mark where the checkout has changes; none outside a checkout."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude", "*"], cwd=HERE, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def document(results, options):
    """docs/performance.md."""
    failures = "".join(
        f"- {f['system']}, case {f['case']}, {f['operation']} {f['variant']}: {f['error']}\n" for f in results["failures"]
    )
    m = results["machine"]
    keys = [key for key in plan.CASES if key in options.cases]
    described = [f"{c.key} {'-'.join(map(str, c.sizes))} (p = {c.dim}, n = {c.samples})" for c in (inputs.CASES[key] for key in keys)]
    text = (HERE / "performance_template.md").read_text(encoding="utf-8")
    return text.format(
        command=results["command"],
        date=results["date"],
        table=report.markdown(results["table"]),
        eigenpairs=report.markdown_eigenpairs(results["table"]),
        eigenpair_residual=plan.EIGENPAIR_RESIDUAL,
        cases=", ".join(described),
        efficiency=report.markdown_efficiency(results["efficiency"]),
        order=Run.order(),
        rates=report.rates(results["rates_gflops_by_system"]),
        batch=f"{plan.QUICK_BATCH if options.quick else plan.BATCH:g}",
        settle=f"{plan.SETTLE:g}",
        warm_up=f"{plan.WARM_UP:g}",
        samples="This was a quick run: 3 samples, 1 where one call takes more than a second."
        if options.quick
        else f"At least 7 samples, 3 where one call takes more than {plan.SLOW:g} s.",
        threads=plan.THREADS,
        agreement=plan.AGREEMENT,
        residual=plan.RESIDUAL,
        largest=", ".join(f"{name} {value:.1e}" for name, value in results["largest_differences"].items()) or "–",
        screening="all of the variants in `peers/` were tried in this run, and the two fastest timed (one where a call is slow)."
        if options.screen
        else "the two fastest (one where a call is slow) of those tried: all in `peers/`, but of full Hessians a short list; `--screen` tries all of them.",
        steps=options.steps,
        differences=", ".join(f"{value:.1e} ({name})" for name, value in results["differences_to_the_original"].items()) or "–",
        all=report.markdown_all(results["measurements"]),
        failures=f"## What failed\n\n{failures}\n" if failures else "",
        machine=f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB, {m['system']}; commit {results['commit']}.",
        versions=", ".join(f"{name} {version}" for name, version in results["versions"].items()) + f", Python {m['python']}.",
    )


def write_atomically(path, text):
    """The file appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gf", required=True, type=Path, help="the gf-bench binary")
    parser.add_argument("--work", required=True, type=Path, help="a folder for inputs and logs")
    parser.add_argument("--digits", required=True, type=Path, help="gf's handwritten digits, as a compressed CSV")
    parser.add_argument("--docs", required=True, type=Path, help="where performance.md and performance.json go")
    parser.add_argument("--only", default=",".join(plan.PEERS), help="peers, separated by commas")
    parser.add_argument("--cases", default=plan.CASES)
    parser.add_argument("--operations", default="", help="only these operations, separated by commas")
    parser.add_argument("--quick", action="store_true", help="few samples: a first look")
    parser.add_argument("--screen", action="store_true", help="try every variant of every peer")
    parser.add_argument("--write", action="store_true", help="write the documents after a partial run too")
    parser.add_argument("--command", default="cargo xtask peers")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    options.operations = [name for name in options.operations.split(",") if name]
    known = {name for groups in plan.GROUPS.values() for group in groups for name in group}
    if wrong := [name for name in options.operations if name not in known]:
        parser.error(f"unknown operations: {', '.join(wrong)}; expected some of {', '.join(sorted(known))}")
    unknown = [name for name in options.only if name not in plan.PEERS] or [c for c in options.cases if c not in plan.CASES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; expected peers of {', '.join(plan.PEERS)} and cases of {plan.CASES}")
    options.steps = 3 if options.quick else 10
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(options.work / "logs", ignore_errors=True)
    inputs.write_inputs(options.work / "inputs", options.digits, options.cases)
    run = Run(options)
    autodiff = [peer for peer in options.only if peer != "numpy"]
    try:
        for case in options.cases if autodiff else "":
            run.measure_case(case, autodiff)
        if "numpy" in options.only:
            run.measure_case("original", ["numpy"])
        if not options.operations or "full-hessian" in options.operations:
            run.measure_machine([case for case in options.cases if case in inputs.CASES and inputs.CASES[case].dense])
    except Mismatch as error:
        run.progress.done()
        raise SystemExit(f"error: {error}") from None
    run.progress.done()
    whole = set(options.only) == set(plan.PEERS) and set(options.cases) == set(plan.CASES) and not options.quick and not options.operations
    complete = whole and not any(f["operation"] == "all" for f in run.failures)
    results = run.results(complete)
    (options.work / "last-run.json").write_text(json.dumps(results, indent=1))
    print(report.terminal(results["table"]))
    for more in (report.terminal_eigenpairs(results["table"]), report.terminal_efficiency(results["efficiency"])):
        if more:
            print(f"\n{more}")
    if complete or options.write:
        write_atomically(options.docs / "performance.json", json.dumps(results, indent=1) + "\n")
        write_atomically(options.docs / "performance.md", document(results, options))
        print(f"\nwritten: {options.docs / 'performance.md'}, {options.docs / 'performance.json'}")
    else:
        why = "a peer failed" if whole else "this run was partial"
        print(f"\nnothing written: {why} (--write writes nevertheless)")


if __name__ == "__main__":
    main()
