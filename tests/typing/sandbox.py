"""Types of the Sandbox. Checked by mypy and pyright, never run."""

from collections.abc import Mapping
from datetime import date
from typing import assert_type

import httpx

from sinch_reporting import AsyncReportingClient, Number, ReportingClient, RetryPolicy, SignedAuth, Username
from sinch_reporting.testing import Sandbox, faults

KEY, SECRET = "key", "c2VjcmV0"


def use(sandbox: Sandbox) -> None:
    assert_type(sandbox.client(), ReportingClient)
    assert_type(sandbox.client(KEY, SECRET, timeout=1, retry=RetryPolicy(attempts=1)), ReportingClient)
    assert_type(sandbox.client(auth=SignedAuth(KEY, SECRET), transport=httpx.HTTPTransport()), ReportingClient)
    assert_type(sandbox.async_client(transport=httpx.AsyncHTTPTransport()), AsyncReportingClient)

    sandbox.client(timeout="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sandbox.client(retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sandbox.client(transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sandbox.async_client(transport=httpx.HTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    sandbox.set_report(Number("+46730170101"), success=3, failed=1, duration=600)
    sandbox.set_report(Username("alice"), domain="pstn", day=date(2026, 11, 1), success=3)
    sandbox.set_report("alice", domain="sip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sandbox.fail_next(faults.Status(401, code=40105), None, path="/users/")
    sandbox.fail_next(faults.Status)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert_type(sandbox.requests[-1].params, dict[str, str])
    assert_type(sandbox.requests[-1].headers, Mapping[str, str])
    assert_type(sandbox.requests[-1].fault, faults.Fault | None)
