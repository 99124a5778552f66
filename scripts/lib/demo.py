"""Shows a call report, a counter and a service, sync and async, through signed requests to the Sandbox."""

import asyncio
from datetime import UTC, datetime, timedelta

from sinch_reporting import (
    AsyncReportingClient,
    CallReport,
    Counter,
    Endpoint,
    NotFoundError,
    Number,
    ReportingClient,
    ServiceStatus,
    Username,
)
from sinch_reporting.testing import Sandbox

TODAY = datetime.now(UTC).date()
FORTNIGHT_AGO = TODAY - timedelta(days=14)


def show_report(endpoint: Endpoint, report: CallReport) -> None:
    """Print a report as a person would read it."""
    print(f"  {endpoint.value}, {FORTNIGHT_AGO} to {TODAY}")
    print(f"    calls      {report.total} ({report.success} successful, {report.failed} failed)")
    print(f"    answered   {'-' if report.asr is None else f'{report.asr:.0%}'}")
    average = "-" if report.acd is None else timedelta(seconds=round(report.acd.total_seconds()))
    print(f"    duration   {report.duration}, {average} on average")
    print(f"    first      {'-' if report.first_call is None else f'{report.first_call:%Y-%m-%d %H:%M} UTC'}")


def show_state(counter: Counter, service: ServiceStatus) -> None:
    """Print a counter and a service."""
    print(f"  {counter.id}: {counter.value} ongoing calls, as of {counter.modified:%H:%M} UTC")
    print(f"  {service.id}: {service.status}")


def sync_part(reporting: ReportingClient) -> None:
    """Show the blocking client."""
    print("ReportingClient")
    number = Number("+46730170101")
    report = reporting.get_call_report(number, domain="pstn", start=FORTNIGHT_AGO, stop=TODAY)
    show_report(number, report)
    show_state(reporting.get_counter("currentCalls"), reporting.get_service_status("rtpproxy"))
    try:
        reporting.get_counter("no-such-counter")
    except NotFoundError as error:
        print(f"  an error reads: {error}")


async def async_part(reporting: AsyncReportingClient) -> None:
    """Show the async client, all three calls at once."""
    print("AsyncReportingClient")
    name = Username("anna")
    async with reporting:
        report, counter, service = await asyncio.gather(
            reporting.get_call_report(name, start=FORTNIGHT_AGO, stop=TODAY),
            reporting.get_counter("currentCalls"),
            reporting.get_service_status("rtpproxy"),
        )
    show_report(name, report)
    show_state(counter, service)


def main() -> None:
    """Run the demo."""
    with Sandbox() as sandbox:
        print(f"The Sandbox is at {sandbox.url}, and accepts signed requests only from {sandbox.application_key}.\n")
        with sandbox.client() as reporting:
            sync_part(reporting)
        print()
        asyncio.run(async_part(sandbox.async_client()))
        signed = sum(request.headers["authorization"].startswith("Application ") for request in sandbox.requests)
        print(f"\n{len(sandbox.requests)} requests arrived, {signed} of them signed.")


if __name__ == "__main__":
    main()
