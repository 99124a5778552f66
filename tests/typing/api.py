"""How type checkers see the public names. Checked by mypy and pyright, never run."""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, assert_type

import httpx

from sinch_reporting import (
    APIError,
    AsyncReportingClient,
    Attempt,
    CallReport,
    CallReportOutcome,
    Counter,
    CounterOutcome,
    DailyCallReport,
    Domain,
    Endpoint,
    Number,
    RateLimitError,
    ReportingClient,
    ReportingError,
    RetryPolicy,
    ServiceStatus,
    ServiceStatusOutcome,
    SignedAuth,
    Username,
    sign,
)
from sinch_reporting.export import ExportSummary, export_call_reports, read_endpoints
from sinch_reporting.metrics import attempt_metrics
from sinch_reporting.tracing import CallTracer

DAY = date(2026, 11, 1)
NUMBER = Number("+46730170101")
NUMBERS: list[Endpoint] = [NUMBER, Username("anna")]


def construct(hook: Callable[[Attempt], None], headers: Mapping[str, str]) -> ReportingClient:
    ReportingClient()
    ReportingClient("key", "c2VjcmV0", base_url="https://h.example/v1", timeout=1, deadline=2.5, rate_limit=0.5)
    ReportingClient(auth=httpx.BasicAuth("key", "secret"), transport=httpx.HTTPTransport(), headers=headers)
    ReportingClient(auth=SignedAuth("key", "c2VjcmV0"), retry=RetryPolicy(statuses={429, 503}, attempts=2))
    ReportingClient(retry=RetryPolicy(statuses=[429]), signing_path_prefix="/v1", tracer=CallTracer())
    ReportingClient(on_attempt=attempt_metrics(), allow_http=True, pickle_credentials=True)
    AsyncReportingClient(transport=httpx.AsyncHTTPTransport(), on_attempt=hook)
    return ReportingClient(on_attempt=hook)


def use(reporting: ReportingClient) -> None:
    report = reporting.get_call_report(NUMBER, domain="pstn", start=DAY, stop=DAY)
    assert_type(report, CallReport)
    assert_type(report.endpoint, Number | Username)
    assert_type(report.domain, Domain)
    assert_type(report.period_start, date | None)
    assert_type(report.success, int)
    assert_type(report.total, int)
    assert_type(report.duration, timedelta)
    assert_type(report.asr, float | None)
    assert_type(report.acd, timedelta | None)
    assert_type(report.first_call, datetime | None)
    assert_type(report.to_dict(), dict[str, Any])
    reporting.get_call_report(NUMBER, domain=Domain.DATA, start=None, stop=None)
    counter = reporting.get_counter("currentCalls")
    assert_type(counter, Counter)
    assert_type(counter.modified, datetime)
    assert_type(counter.to_dict(), dict[str, Any])
    assert_type(reporting.get_service_status("rtpproxy"), ServiceStatus)
    assert_type(reporting.get_service_status("rtpproxy").is_up, bool)
    assert_type(reporting.with_options(timeout=1, retry=RetryPolicy(attempts=1)), ReportingClient)
    with reporting as entered:
        assert_type(entered, ReportingClient)


def loop(reporting: ReportingClient) -> None:  # noqa: C901, PLR0912 - every documented loop
    reports = reporting.iter_call_reports(NUMBERS, domain="data", concurrency=8, ordered=True, deadline=60)
    assert_type(reports, Generator[CallReportOutcome])
    for outcome in reports:
        assert_type(outcome.endpoint, Number | Username)
        if outcome.error:
            assert_type(outcome.error, ReportingError)
        else:
            _report: CallReport = outcome.report
    for outcome in reporting.iter_call_reports(iter(NUMBERS)):
        if outcome.error is not None:
            assert_type(outcome.error, ReportingError)
            continue
        assert_type(outcome.report, CallReport)
    days = reporting.daily_call_reports(NUMBER, DAY, DAY, deadline=5)
    assert_type(days, Generator[DailyCallReport])
    for day in days:
        assert_type(day.day, date)
        if day.error:
            assert_type(day.error.route, str | None)
        else:
            _daily: CallReport = day.report
    counters = reporting.watch_counter("currentCalls")
    assert_type(counters, Generator[CounterOutcome])
    for change in counters:
        if change.error:
            assert_type(change.error, ReportingError)
        else:
            _counter: Counter = change.counter
    services = reporting.watch_service_status("rtpproxy", interval=1)
    assert_type(services, Generator[ServiceStatusOutcome])
    for status in services:
        if status.error:
            assert_type(status.error.elapsed, float | None)
        else:
            _service: ServiceStatus = status.service


async def use_async(reporting: AsyncReportingClient) -> None:
    assert_type(await reporting.get_call_report(Username("anna"), domain=Domain.DATA), CallReport)
    assert_type(await reporting.get_counter("currentCalls"), Counter)
    assert_type(await reporting.get_service_status("rtpproxy"), ServiceStatus)
    assert_type(reporting.iter_call_reports(NUMBERS), AsyncGenerator[CallReportOutcome])
    async for outcome in reporting.iter_call_reports(NUMBERS):
        if outcome.error:
            assert_type(outcome.error, ReportingError)
        else:
            _report: CallReport = outcome.report
    assert_type(await anext(reporting.watch_counter("currentCalls")), CounterOutcome)
    assert_type(await anext(reporting.watch_service_status("rtpproxy")), ServiceStatusOutcome)
    async with reporting as entered:
        assert_type(entered, AsyncReportingClient)


def handle(reporting: ReportingClient, attempt: Attempt) -> None:
    try:
        reporting.get_counter("currentCalls")
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except APIError as error:
        assert_type(error.status_code, int)
        assert_type(error.error_code, int | None)
        assert_type(error.message, str | None)
        assert_type(error.reference, str | None)
        assert_type(error.headers, Mapping[str, str])
    except ReportingError as error:
        assert_type(error.route, str | None)
        assert_type(error.attempts, int)
        assert_type(error.elapsed, float | None)
    assert_type(attempt.status, int | None)
    assert_type(attempt.succeeded, bool)
    assert_type(attempt.headers, Mapping[str, str])


def sign_a_request() -> None:
    headers = sign("key", "c2VjcmV0", "GET", "/v1/counters/a", content_type="", timestamp=datetime.now(UTC))
    assert_type(headers, dict[str, str])


async def export(reporting: ReportingClient, asynchronous: AsyncReportingClient) -> None:
    numbers = read_endpoints("numbers.csv")
    assert_type(export_call_reports(reporting, numbers, "reports", start=DAY, stop=DAY), ExportSummary)
    assert_type(await export_call_reports(asynchronous, [NUMBER], "x", start=DAY, stop=DAY), ExportSummary)


def refuse(reporting: ReportingClient, text: str, domain: Literal["moon"]) -> None:
    Number(46730170101)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    reporting.get_call_report("+46730170101")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    reporting.get_call_report(NUMBER, domain=text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    reporting.get_call_report(NUMBER, domain=domain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReportingClient(transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReportingClient(auth=SignedAuth("key", "c2VjcmV0"), retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RetryPolicy(statuses=["503"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
