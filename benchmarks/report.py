"""What was measured, as a table, a page and a picture."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Found = dict[str, Any]
PEERS = ("requests", "httpx", "httpx2", "generated", "facade")
ASYNC_PEERS = (
    "async httpx",
    "async httpx2",
    "async generated",
    "async generated, unlimited",
    "async aiohttp",
    "async facade, httpcore",
    "async facade",
    "async iteration",
)
_PAGE = """# Benchmarks

Made by `scripts/bench --write`; the figures behind it are in `benchmarks/result.json`. All contenders run in turn, in
shuffled order, each in a process of its own; a ratio is taken within one round. Client and server have a processor
each. Trust the ratios: absolute times move with the machine.

![CPU per report](benchmarks.svg)

## Ratios

{ratios}

*The facade* does all that it does: signing, the attempt policy, decoding, types. *The generated client* is
`sinch_reporting_client` on httpx as it comes; *unlimited* lets httpx keep all its connections, where by default it
keeps 20 of 100 and opens the others anew.

httpx's async calls are measured as pip installs them. Where the package sniffio happens to be installed too, httpx
looks for it in vain no longer, and they take a quarter less: the facade by the generated client was then 0.29 one after
the other and 0.08 at 100 at a time, in a run of its own.

## CPU per report

Against nginx with a static answer, microseconds of the client's process.

{peers}

## Measured on

{machine}
"""


def key(case: Any) -> str:
    """Return the name of a case."""
    return case if isinstance(case, str) else f"{case[0]} / {case[1]}"


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _cpu(found: Found, one: str, other: str) -> str:
    return _median([round_[one]["cpu"] / round_[other]["cpu"] for round_ in found["fast"]])


def ratios(found: Found, ideal: float) -> Iterator[tuple[str, str, str, str]]:
    """Yield each ratio with its name and goals."""
    yield "sync, one after the other, by the generated client", _cpu(found, "facade / 1", "generated / 1"), "0.8", "0.5"
    one = "async facade / 1", "async generated / 1"
    yield "async, one after the other, by the generated client", _cpu(found, *one), "0.5", "0.3"
    many = "async facade / 100"
    yield (
        "async, 100 at a time, by the generated client, unlimited",
        _cpu(found, many, "async generated, unlimited / 100"),
        "0.08",
        "0.04",
    )
    yield "the same, by the generated client as it comes", _cpu(found, many, "async generated / 100"), "0.08", "0.04"
    yield "async, 100 at a time, by aiohttp alone with `json()`", _cpu(found, many, "async aiohttp / 100"), "2.0", "1.0"
    yield "`iter_call_reports`, by the calls themselves", _cpu(found, "async iteration / 100", many), "1.1", "1.0"
    for name, case in (("calls", "async facade / 200"), ("`iter_call_reports`", "async iteration / 200")):
        rates = [round_[case]["rate"] / min(ideal, round_["async aiohttp / 200"]["rate"]) for round_ in found["slow"]]
        yield f"{name}: reports a second at 50 ms, 200 at a time, by aiohttp's", _median(rates), "≥ 0.6", "≥ 0.9"
    few, most = sorted(found["memory"], key=int)
    grown = found["memory"][most] / found["memory"][few]
    yield f"peak memory, {int(most):,} endpoints by {int(few):,}", f"{grown:.2f}", "1.1", ""
    for name in ("sinch_reporting", "ReportingClient"):
        loads = [(r[name] - r["nothing"]) / (r["httpx"] - r["nothing"]) for r in found["imports"]]
        what = f"`import {name}`" if name == "sinch_reporting" else f"`from sinch_reporting import {name}`"
        yield f"{what}, by `import httpx`", _median(loads), "1.2", "0.8"


def peers(found: Found) -> Iterator[tuple[str, str, str]]:
    """Yield the CPU of each contender in microseconds, one call and a hundred at a time."""
    for name in (*PEERS, *ASYNC_PEERS):
        yield name, _microseconds(found, f"{name} / 1"), _microseconds(found, f"{name} / 100")


def _microseconds(found: Found, case: str) -> str:
    values = [round_[case]["cpu"] * 1e6 for round_ in found["fast"] if case in round_]
    return f"{statistics.median(values):.0f}" if values else ""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(found: Found, ideal: float) -> str:
    """Return the tables as text."""
    ratio_table = _table(("CPU per report, ratio", "median (range)", "must", "aim"), list(ratios(found, ideal)))
    return f"{ratio_table}\n\n{_table(('client', '1', '100'), list(peers(found)))}"


def write(found: Found, ideal: float, folder: Path) -> None:
    """Write the page and the picture."""
    machine = _table(("what", "which"), list(found["machine"].items()))
    page = _PAGE.format(
        ratios=_table(("ratio", "median (range)", "must", "aim"), list(ratios(found, ideal))),
        peers=_table(("client", "1 at a time", "100 at a time"), list(peers(found))),
        machine=machine,
    )
    Path(folder, "benchmarks.md").write_text(page, "utf-8")
    _draw(found, Path(folder, "benchmarks.svg"))


def _draw(found: Found, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "sinch-reporting"
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    titles = ("one call at a time, sync", "one call at a time, async", "100 at a time, async")
    for panel, names, concurrency, title in zip(
        panels, (PEERS, ASYNC_PEERS, ASYNC_PEERS), (1, 1, 100), titles, strict=True
    ):
        bars = [(name, _microseconds(found, f"{name} / {concurrency}")) for name in names]
        shown = sorted(((name, float(value)) for name, value in bars if value), key=lambda bar: -bar[1])
        colours = ["#c2410c" if "facade" in name or "iteration" in name else "#94a3b8" for name, _ in shown]
        drawn = panel.barh(
            [name.removeprefix("async ") for name, _ in shown], [value for _, value in shown], color=colours
        )
        panel.bar_label(drawn, fmt="%.0f", padding=3, fontsize=8)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("µs of CPU per report", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
