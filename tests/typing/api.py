"""What the type checkers must make of the public names. Checked by mypy and pyright, never run."""

from datetime import date, datetime, timedelta
from typing import assert_type

import httpx

from sinch_reporting import (
    AsyncReportingClient,
    CallReport,
    Counter,
    CounterOutcome,
    Domain,
    Number,
    ReportingClient,
    RetryPolicy,
    ServiceStatus,
    ServiceStatusOutcome,
    SignedAuth,
    Username,
)
from sinch_reporting.export import ExportSummary, export_call_reports, read_endpoints


def use(reporting: ReportingClient) -> None:
    report = reporting.get_call_report(Number("+46730170101"), domain="pstn", start=date(2026, 11, 1))
    assert_type(report, CallReport)
    assert_type(report.total, int)
    assert_type(report.asr, float | None)
    assert_type(report.acd, timedelta | None)
    assert_type(report.first_call, datetime | None)
    assert_type(reporting.get_counter("currentCalls"), Counter)
    assert_type(reporting.get_service_status("rtpproxy"), ServiceStatus)
    assert_type(reporting.get_service_status("rtpproxy").is_up, bool)
    assert_type(next(reporting.watch_counter("currentCalls")), CounterOutcome)
    assert_type(next(reporting.watch_service_status("rtpproxy", interval=1)), ServiceStatusOutcome)
    assert_type(reporting.with_options(timeout=1, retry=RetryPolicy(attempts=1)), ReportingClient)
    with reporting as entered:
        assert_type(entered, ReportingClient)


async def use_async(reporting: AsyncReportingClient) -> None:
    assert_type(await reporting.get_call_report(Username("anna"), domain=Domain.DATA), CallReport)
    assert_type(await reporting.get_counter("currentCalls"), Counter)
    assert_type(await reporting.get_service_status("rtpproxy"), ServiceStatus)
    assert_type(await anext(reporting.watch_counter("currentCalls")), CounterOutcome)
    assert_type(await anext(reporting.watch_service_status("rtpproxy")), ServiceStatusOutcome)
    async with reporting as entered:
        assert_type(entered, AsyncReportingClient)


async def export(reporting: ReportingClient, asynchronous: AsyncReportingClient) -> None:
    day = date(2026, 11, 1)
    numbers = read_endpoints("numbers.csv")
    assert_type(export_call_reports(reporting, numbers, "reports", start=day, stop=day), ExportSummary)
    assert_type(
        await export_call_reports(asynchronous, [Number("+46730170101")], "x", start=day, stop=day), ExportSummary
    )


def refuse(reporting: ReportingClient) -> None:
    reporting.get_call_report("+46730170101")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReportingClient(transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReportingClient(auth=SignedAuth("key", "c2VjcmV0"), retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
