"""Meets both clients with every fault that the Sandbox knows, and writes what became of the calls as docs/faults.md."""

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
# Of an attempt, in seconds: where an answer comes, however busy the machine, and where none does.
PATIENCE, SHORT_PATIENCE = 30.0, 0.5
RIGHT = "the right answer"
INTRODUCTION = """\
# Faults and what becomes of a call

Made by `scripts/fault-table`, which meets both clients with each
[fault of the Sandbox](testing.md#when-things-go-wrong), on a real socket: once, so that the next attempt could succeed,
and always. The tests make this table again and compare. The clients had three attempts, of half a second where they
wait in vain. Where an error stands under *once*, the call is not tried again.

| fault | once | always |
|---|---|---|
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

IN_VAIN = [
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
                    outcomes.append(_named(await reporting.get_service_status("rtpproxy")))
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                    outcomes.append(_named(error))
        return outcomes

    return asyncio.run(calls())


def _outcome(call: Callable[[], object]) -> str:
    try:
        return _named(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return _named(error)


def _named(outcome: object) -> str:
    if isinstance(outcome, ReportingError):
        return f"`{type(outcome).__name__}`"
    if isinstance(outcome, Exception):
        return f"**{type(outcome).__name__}**"
    return RIGHT if getattr(outcome, "status", None) == "up" else f"**{outcome!r}**"


def _cell(set_up: Callable[[Sandbox], None], timeout: float = PATIENCE) -> str:
    """Return what becomes of two calls in a row, which is the same for both clients."""
    made = []
    for calls in (_blocking_calls, _async_calls):
        with Sandbox() as sandbox:
            set_up(sandbox)
            made.append(", then ".join(dict.fromkeys(calls(sandbox, timeout))))
    blocking, asynchronous = made
    return blocking if blocking == asynchronous else f"{blocking}; async: {asynchronous}"


def _move_clock(sandbox: Sandbox) -> None:
    sandbox.clock = lambda: datetime.now(UTC) + timedelta(hours=3)


def _row(fault: faults.Fault) -> str:
    timeout = SHORT_PATIENCE if fault in IN_VAIN else PATIENCE
    once = _cell(lambda sandbox: sandbox.fail_next(fault), timeout).removesuffix(f", then {RIGHT}")
    return f"| `{fault!r}` | {once} | {_cell(lambda sandbox: sandbox.fail_always(fault), timeout)} |\n"


def page() -> str:
    """Return the page."""
    clock = f"| a clock that is three hours off | | {_cell(_move_clock)} |\n"
    with ThreadPoolExecutor(8) as threads:
        return INTRODUCTION + "".join(threads.map(_row, EVERY_FAULT)) + clock


def main() -> int:
    """Write the page."""
    argparse.ArgumentParser(prog="scripts/fault-table", description=__doc__).parse_args()
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
