"""Call both clients under every fault of the Sandbox, and write the results to docs/faults.md."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sinch_reporting import ReportingError, RetryPolicy
from sinch_reporting.testing import Sandbox, faults

PAGE = Path(__file__).resolve().parents[2] / "docs/faults.md"
OPTIONS: dict[str, Any] = {"deadline": 60, "retry": RetryPolicy(attempts=3, backoff_base=0)}
# Of an attempt, in seconds: long enough on a busy machine, and short for faults without a response.
LONG_TIMEOUT, SHORT_TIMEOUT = 30.0, 0.5
SUCCESS = "success"
INTRODUCTION = """\
# Results of calls under faults

Results of calls of both clients under each [fault of the Sandbox](testing.md#errors), once and always, with three
attempts (of half a second if the fault sends no complete response). An error *once* is not retried, or the fault
outlasts all attempts. `scripts/fault-table` writes this page.

| result | faults |
|---|---|
"""

EVERY_FAULT: list[faults.Fault] = [
    *(faults.Status(status) for status in (400, 401, 403, 404, 408, 418, 429, 500, 501, 502, 503, 504, 520)),
    faults.Status(503, body=""),
    faults.Status(502, body="Bad gateway"),
    faults.Status(204),
    faults.Status(429, retry_after=0),
    faults.Status(429, retry_after=60),
    faults.Status(503, retry_at=0),
    faults.Status(503, retry_at=3600),
    faults.Status(401, code=40105),
    faults.Status(403, code=40302),
    faults.Status(409),
    faults.Status(429, code=42901),
    faults.Status(503, code=50301),
    faults.Status(503, code=50500, body_status=500),
    faults.Status(200, code=40400),
    faults.Status(200, code=40400, body_status=503),
    faults.Redirect("https://elsewhere.example/v1/services/rtpproxy"),
    faults.ClockSkew(3),
    faults.HtmlPage(),
    faults.InvalidUtf8(),
    faults.InvalidJson(),
    faults.WrongTypes(),
    faults.GzipBomb(),
    faults.HugeHeader(),
    faults.Delay(0.05),
    faults.Delay(1),
    faults.NoResponse(),
    faults.SlowDrip("body"),
    faults.SlowDrip("headers"),
    faults.Truncate(),
    faults.WrongContentLength(10),
    faults.WrongContentLength(-10),
    faults.ConnectionReset("before headers"),
    faults.ConnectionReset("in headers"),
    faults.ConnectionReset("after headers"),
    faults.RefuseConnections(60),
    faults.DropKeepAlive("at once"),
    faults.DropKeepAlive("on next request"),
    faults.NotHttp(),
]

NO_RESPONSE = [
    faults.Delay(1),
    faults.NoResponse(),
    faults.SlowDrip("body"),
    faults.SlowDrip("headers"),
    faults.WrongContentLength(10),
]


def _blocking_calls(sandbox: Sandbox, timeout: float) -> list[str]:
    with sandbox.client(timeout=timeout, **OPTIONS) as reporting:
        return [_outcome(lambda: reporting.get_service_status("rtpproxy")) for _ in range(2)]


def _async_calls(sandbox: Sandbox, timeout: float) -> list[str]:
    async def calls() -> list[str]:
        outcomes = []
        async with sandbox.async_client(timeout=timeout, **OPTIONS) as reporting:
            for _ in range(2):
                try:
                    outcomes.append(_name(await reporting.get_service_status("rtpproxy")))
                except Exception as error:  # noqa: BLE001 - reported in the table
                    outcomes.append(_name(error))
        return outcomes

    return asyncio.run(calls())


def _outcome(call: Callable[[], object]) -> str:
    try:
        return _name(call())
    except Exception as error:  # noqa: BLE001 - reported in the table
        return _name(error)


def _name(outcome: object) -> str:
    if isinstance(outcome, ReportingError):
        return f"`{type(outcome).__name__}`"
    if isinstance(outcome, Exception):
        return f"**{type(outcome).__name__}**"
    return SUCCESS if getattr(outcome, "status", None) == "up" else f"**{outcome!r}**"


def _cell(set_up: Callable[[Sandbox], None], timeout: float = LONG_TIMEOUT) -> str:
    """Return the results of two consecutive calls, which are the same for both clients."""
    results = []
    for calls in (_blocking_calls, _async_calls):
        with Sandbox() as sandbox:
            set_up(sandbox)
            results.append(", then ".join(dict.fromkeys(calls(sandbox, timeout))))
    blocking, asynchronous = results
    return blocking if blocking == asynchronous else f"{blocking}; async: {asynchronous}"


def _move_clock(sandbox: Sandbox) -> None:
    sandbox.clock = lambda: datetime.now(UTC) + timedelta(hours=3)


def _results(fault: faults.Fault) -> str:
    timeout = SHORT_TIMEOUT if fault in NO_RESPONSE else LONG_TIMEOUT
    once = _cell(lambda sandbox: sandbox.fail_next(fault), timeout).removesuffix(f", then {SUCCESS}")
    always = _cell(lambda sandbox: sandbox.fail_always(fault), timeout)
    return once if once == always else f"once {once}, always {always}"


def page() -> str:
    """Return the page, with a row for each result."""
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(_results, EVERY_FAULT))
    rows = dict[str, list[str]]()
    for fault, result in zip(EVERY_FAULT, results, strict=True):
        rows.setdefault(result, []).append(f"`{fault!r}`")
    table = "".join(f"| {result} | {', '.join(found)} |\n" for result, found in rows.items())
    clock = f"\nIf `sandbox.clock` is three hours ahead, the result is always {_cell(_move_clock)}.\n"
    return INTRODUCTION + table + clock


def main() -> int:
    """Write the page."""
    argparse.ArgumentParser(prog="scripts/fault-table", description=__doc__).parse_args()
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
