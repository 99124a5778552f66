"""Shows both clients, the command and an export against the Sandbox, through signed requests; scripts/demo calls it."""

import asyncio
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sinch_reporting import (
    AsyncReportingClient,
    CallReport,
    Counter,
    NotFoundError,
    Number,
    ReportingClient,
    ServiceStatus,
    Username,
)
from sinch_reporting.testing import Sandbox

TODAY = datetime.now(UTC).date()
FORTNIGHT_AGO = TODAY - timedelta(days=14)


def show_report(report: CallReport) -> None:
    """Print a report for people."""
    print(f"  {report.endpoint.value}, {report.domain}, {report.period_start} to {report.period_stop}")
    print(f"    calls      {report.total} ({report.success} successful, {report.failed} failed)")
    print(f"    asr        {'-' if report.asr is None else f'{report.asr:.0%}'}")
    average = "-" if report.acd is None else timedelta(seconds=round(report.acd.total_seconds()))
    print(f"    duration   {report.duration}, {average} on average")
    print(f"    first call {'-' if report.first_call is None else f'{report.first_call:%Y-%m-%d %H:%M} UTC'}")


def show_state(counter: Counter, service: ServiceStatus) -> None:
    """Print a counter and a service."""
    print(f"  {counter.id}: {counter.value} ongoing calls at {counter.modified:%H:%M} UTC")
    print(f"  {service.id}: {service.status}")


def show_sync(reporting: ReportingClient) -> None:
    """Show the blocking client."""
    print("ReportingClient")
    show_report(reporting.get_call_report(Number("+46730170101"), start=FORTNIGHT_AGO, stop=TODAY))
    show_state(reporting.get_counter("currentCalls"), reporting.get_service_status("rtpproxy"))
    try:
        reporting.get_counter("no-such-counter")
    except NotFoundError as error:
        print(f"  an error: {error}")


async def show_async(reporting: AsyncReportingClient) -> None:
    """Show the async client, with three concurrent calls."""
    print("\nAsyncReportingClient")
    async with reporting:
        report, counter, service = await asyncio.gather(
            reporting.get_call_report(Username("anna"), start=FORTNIGHT_AGO, stop=TODAY),
            reporting.get_counter("currentCalls"),
            reporting.get_service_status("rtpproxy"),
        )
    show_report(report)
    show_state(counter, service)


def show_command(*arguments: str, account: dict[str, str]) -> None:
    """Run the command as in a terminal."""
    print(f"\n$ sinch-reporting {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "sinch_reporting.cli", *arguments]
    subprocess.run(command, check=True, env={**os.environ, **account}, stderr=subprocess.STDOUT)  # noqa: S603 - ours


def show_export(account: dict[str, str]) -> None:
    """Export the calls of three numbers on each of the last three days, and print the files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "numbers.csv").write_text("number\n+46730170101\n+46730170102\n+46730170103\n", "utf-8")
        os.chdir(folder)
        show_command("export", "numbers.csv", "calls", "--days", "3", "--daily", "--format", "csv", account=account)
        for path in sorted((folder / "calls").rglob("*.csv")):
            print(f"\n{path.relative_to(folder)}")
            print("".join(f"  {line}\n" for line in path.read_text("utf-8").splitlines()), end="")


def main() -> None:
    """Run the demo."""
    with Sandbox() as sandbox:
        print(f"The Sandbox at {sandbox.url} accepts requests that are signed for {sandbox.application_key}.\n")
        account = {
            "SINCH_REPORTING_URL": sandbox.url,
            "SINCH_APPLICATION_KEY": sandbox.application_key,
            "SINCH_APPLICATION_SECRET": sandbox.application_secret,
        }
        with sandbox.client() as reporting:
            show_sync(reporting)
        asyncio.run(show_async(sandbox.async_client()))
        show_command(
            "report", "+46730170102", "+46730170103", "--start", "2026-11-01", "--stop", "2026-11-20", account=account
        )
        show_export(account)
        signed = sum(request.headers["authorization"].startswith("Application ") for request in sandbox.requests)
        print(f"\n{len(sandbox.requests)} requests were received, {signed} of them signed.")


if __name__ == "__main__":
    main()
