"""Peak memory of many reports."""

from benchmarks import servers
from benchmarks.contenders import ITERATION
from benchmarks.processes import contender, pinned
from benchmarks.results import Ratio, Result, Table

FEW, MANY = 1_000, 1_000_000


def measure(_rounds: int) -> Result:
    """Measure a thousand and a million endpoints, once: it takes a quarter of an hour, and memory does not vary."""
    with servers.nginx(pinned(1)) as url:
        peaks = {}
        for reports in (FEW, MANY):
            with contender(ITERATION, 100, url, reports) as request:
                peaks[reports] = request()["memory"]
    name = "peak memory of `iter_call_reports`, a million endpoints / a thousand"
    rows = [[f"{reports:,}", f"{peak:.0f}"] for reports, peak in peaks.items()]
    return Result(
        [Ratio(name, [peaks[MANY] / peaks[FEW]], 1.1)], [Table("Peak memory in MiB", ["endpoints", "memory"], rows)]
    )
