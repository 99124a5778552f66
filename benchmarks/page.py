"""Writes docs/benchmarks.md and its picture."""

from benchmarks.processes import ROOT
from benchmarks.results import Result, Table, ratio_table

_PANELS = (("sync, 1 at a time", 1, False), ("async, 1 at a time", 1, True), ("async, 100 at a time", 2, True))
_START, _END = "<!-- results -->", "<!-- end of results -->"


def write(results: dict[str, Result], machine: Table) -> None:
    """Replace the results in the page, and draw the picture."""
    path = ROOT / "docs" / "benchmarks.md"
    before, _, rest = path.read_text("utf-8").partition(_START)
    after = rest.partition(_END)[2]
    parts = [
        "## Results",
        "Measured on: " + ", ".join(map(" ".join, machine.rows)) + ".",
        ratio_table(results.values()),
    ]
    if "calls" in results:
        cpu, rate = results["calls"].tables
        parts.append(f"{rate.title}: {'; '.join(map(' '.join, rate.rows))}.")
        _draw(cpu)
    path.write_text("\n\n".join([before + _START, *parts, _END + after]), "utf-8")


def _draw(cpu: Table) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "sinch-reporting"
    bars_of = [
        sorted(
            (
                (row[0].removeprefix("async "), float(row[column]))
                for row in cpu.rows
                if row[column] and _is_async(row[0]) == is_async
            ),
            key=lambda bar: -bar[1],
        )
        for _, column, is_async in _PANELS
    ]
    heights = [len(bars) + 2 for bars in bars_of]
    figure, panels = plt.subplots(3, figsize=(7, sum(heights) / 4), height_ratios=heights, layout="constrained")
    for panel, bars, (title, _, _) in zip(panels, bars_of, _PANELS, strict=True):
        colours = ["#c2410c" if "Client" in name or "iter_" in name else "#94a3b8" for name, _ in bars]
        drawn = panel.barh([name for name, _ in bars], [value for _, value in bars], color=colours)
        panel.bar_label(drawn, fmt="%.0f", padding=3)
        panel.set_title(title, loc="left")
        panel.margins(x=0.1)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("µs of CPU per report", loc="left")
    figure.savefig(ROOT / "docs" / "benchmarks.svg", metadata={"Date": None})


def _is_async(name: str) -> bool:
    return name.startswith(("async ", "Async", "iter_"))
