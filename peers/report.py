"""Tables from measurements: for the terminal, for docs/performance.md, for docs/performance.json. Pure functions."""
from __future__ import annotations

import statistics

import plan


def seconds(value):
    """Seconds in three digits with a unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= 0.9995 * scale:
            break
    number = value / scale
    return f"{number:.0f} {unit}" if number >= 99.95 else f"{number:.1f} {unit}" if number >= 9.995 else f"{number:.2f} {unit}"


def ratio_text(ratio):
    """A ratio in about three digits."""
    return f"{ratio:.0f}" if ratio >= 99.5 else f"{ratio:.1f}" if ratio >= 9.95 else f"{ratio:.2f}"


def summary(samples):
    """Median, least and largest of the rounds."""
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples), "n": len(samples)}


def best_of(measurements, case, operation):
    """The fastest peer's measurement, and whether none reached the residual."""
    found = [m for m in measurements if m["case"] == case and m["operation"] == operation and m["system"] != "gf"]
    reached = [m for m in found if not m.get("missed")]
    pick = min(reached or found, key=lambda m: m["median"], default=None)
    return pick, bool(found) and not reached


def rows(measurements, failures, cases, gflops=None):
    """The lines of the table, as data: those with a peer, or with the reason why there is none.

    `gflops`, the machine's rate of matrix multiplication, gives the largest ratio that gf's flops allow at that rate.
    """
    lines = []
    for row in plan.ROWS:
        for case, bar in row.bars.items():
            if case not in cases and case != "original":
                continue
            ours = next(
                (m for m in measurements if m["system"] == "gf" and m["case"] == case and m["operation"] == row.operation), None
            )
            peer, missed = best_of(measurements, case, row.against)
            line = {"title": row.title, "operation": row.operation, "against": row.against, "case": case, "bar": bar}
            line |= {"gf": ours, "peer": peer, "ratio": None, "at_full_rate": None, "verdict": ""}
            if ours is None and peer is None:
                continue
            if peer is None:
                reasons = [f for f in failures if f["case"] == case and f["operation"] in (row.against, "all")]
                if not reasons:
                    continue
                line["verdict"] = f"{reasons[0]['system']}: {reasons[0]['error']}"
            elif ours is None:
                line["verdict"] = "gf was not measured"
            elif missed:
                line["verdict"] = f"residual {peer['residual']:.1e}"
            else:
                line["ratio"] = peer["median"] / ours["median"]
                line["verdict"] = "ok" if line["ratio"] >= bar else "below"
                if gflops and ours.get("flops"):
                    line["at_full_rate"] = peer["median"] * gflops * 1e9 / ours["flops"]
                if ours.get("missed"):
                    line["verdict"] = f"gf misses: {ours['residual']:.1e}"
            lines.append(line)
    return lines


def products(measurement):
    """The products that eigenpairs took; those that gf makes to measure its residuals apart."""
    counted = measurement.get("work") or {}
    checks = f" + {counted['checks']}" if counted.get("checks") else ""
    return f"{counted.get('products', '?')}{checks}"


def eigenpairs(lines):
    """The lines of the table that are about eigenpairs, where both sides were measured."""
    return [line for line in lines if line["operation"] == "top-eigenpairs" and line["gf"] and line["peer"]]


def terminal_eigenpairs(lines):
    """What the eigenpairs took, for a terminal."""
    out = [f"{'top-10 eigenpairs':<18} {'gf products':>11} {'residual':>9}  {'peer':>5} {'residual':>9}  which", "-" * 100]
    for line in eigenpairs(lines):
        ours, peer = line["gf"], line["peer"]
        out.append(
            f"{line['case']:<18} {products(ours):>11} {ours['residual']:>9.1e}  {products(peer):>5} {peer['residual']:>9.1e}  {_variant(peer)}"
        )
    return "\n".join(out) if len(out) > 2 else ""


def markdown_eigenpairs(lines):
    """What the eigenpairs took, for the document."""
    out = ["| case | gf's products | largest residual | peer's products | largest residual | which |", "|---|---:|---:|---:|---:|---|"]
    for line in eigenpairs(lines):
        ours, peer = line["gf"], line["peer"]
        cells = [line["case"], products(ours), f"{ours['residual']:.1e}", products(peer), f"{peer['residual']:.1e}", _variant(peer)]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def _variant(peer):
    return f"{peer['system']} {peer['variant']}"


def _compile(peer):
    return f"{peer['compile']:.1f} s" if peer.get("compile", 0) >= 0.05 else "-"


def terminal(lines):
    """The table for a terminal of 120 columns."""
    head = f"{'operation':<32} {'case':<4} {'gf':>8} {'best peer':>9}  {'which':<36} {'compile':>7} {'ratio':>6} {'bar':>5}"
    out, last = [head, "-" * 120], None
    for line in lines:
        title = line["title"] if line["title"] != last else ""
        last = line["title"]
        ours = seconds(line["gf"]["median"]) if line["gf"] else "-"
        case = "" if line["case"] == "original" else line["case"]
        text = f"{title:<32} {case:<4} {ours:>8} "
        if line["peer"]:
            which = _variant(line["peer"])
            which = which if len(which) <= 36 else which[:35] + "…"
            ratio = ratio_text(line["ratio"]) if line["ratio"] is not None else "-"
            text += f"{seconds(line['peer']['median']):>9}  {which:<36} {_compile(line['peer']):>7} {ratio:>6} {line['bar']:>5g} "
        else:
            text += f"{'-':>9}  "
        out.append((text + line["verdict"])[:160].rstrip())
    return "\n".join(out)


def efficiency_lines(efficiency):
    """The second table, as rows of text."""
    out = []
    for e in efficiency:
        bar, verdict = (f"{e['bar']:g}", e["verdict"]) if e.get("bar") else ("", "")
        if e["kind"] == "rate":
            measure = f"{e['gflops']:.0f} of {e['rate']:.0f} GFLOP/s = {e['value']:.2f}"
        else:
            threads = "one thread" if e["fill_threads"] == 1 else f"{e['fill_threads']} threads"
            measure = f"{e['value']:.2f} x the {seconds(e['fill'])} of filling it by {threads}"
        out.append((e["case"], str(e["threads"]), seconds(e["seconds"]), measure, bar, verdict))
    return out


def rates(by_system):
    """The machine's rates of matrix multiplication: {threads: {system: GFLOP/s}}."""
    names = {"numpy": "OpenBLAS", "gf": "faer"}
    each = (
        f"{' and '.join(f'{rate:.0f} ({names[system]})' for system, rate in found.items())} GFLOP/s on {threads} thread{'s' if int(threads) > 1 else ''}"
        for threads, found in by_system.items()
    )
    return "; ".join(each)


def terminal_efficiency(efficiency):
    """The second table for a terminal."""
    if not efficiency:
        return ""
    out = [f"{'full Hessian':<12} {'threads':>7} {'time':>8}  {'counted n p^2':<48} {'bar':>5}", "-" * 90]
    out += [f"{c:<12} {t:>7} {s:>8}  {m:<48} {b:>5} {v}".rstrip() for c, t, s, m, b, v in efficiency_lines(efficiency)]
    return "\n".join(out)


def markdown(lines):
    """The table for the document; spreads, variants and compile times stand in that of `markdown_all`."""
    out = [
        "| operation | case | gf | best peer | of | ratio | bar | | at full rate |",
        "|---|---|---:|---:|---|---:|---:|---|---:|",
    ]
    for line in lines:
        ours, peer = line["gf"], line["peer"]
        cells = [line["title"], line["case"], unbroken(ours["median"]) if ours else "–"]
        cells += [unbroken(peer["median"]), peer["system"]] if peer else ["–", ""]
        cells += [ratio_text(line["ratio"]) if line["ratio"] is not None else "–", f"{line['bar']:g}", line["verdict"]]
        cells.append(ratio_text(line["at_full_rate"]) if line["at_full_rate"] is not None else "–")
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def unbroken(value):
    """Seconds whose unit stays on the line of the number."""
    return seconds(value).replace(" ", "\u00a0")


def work(measurement):
    """What a step of gf, or a run of several, or eigenpairs, asked for."""
    counted = measurement.get("work") or {}
    return ", ".join(f"{counted[name]} {name}" for name in ("products", "checks", "factorizations") if counted.get(name))


def spread(measurement):
    """Least to largest sample."""
    return f"{unbroken(measurement['min'])} – {unbroken(measurement['max'])}, n={measurement['n']}"


def markdown_efficiency(efficiency):
    """The second table for the document."""
    out = ["| full Hessian | threads | time | | bar | |", "|---|---:|---:|---|---:|---|"]
    out += ["| " + " | ".join(cells) + " |" for cells in efficiency_lines(efficiency)]
    return "\n".join(out)


def markdown_all(measurements):
    """Every peer's own best, for readers who use one of them."""
    best = {}
    for m in measurements:
        key = m["case"], m["operation"], m["system"]
        if key not in best or (m.get("missed", False), m["median"]) < (best[key].get("missed", False), best[key]["median"]):
            best[key] = m
    out = [
        "| case | operation | system | median | spread | compile | variant |",
        "|---|---|---|---:|---|---:|---|",
    ]
    for (case, operation, system), m in sorted(best.items()):
        note = f" (misses the residual: {m['residual']:.1e})" if m.get("missed") else ""
        variant = work(m) if system == "gf" else m["variant"]
        cells = [case, operation, system, unbroken(m["median"]), spread(m), _compile(m), variant + note]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)
