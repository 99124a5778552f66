"""Exports made-up numbers with a real client, as a process that a test can kill."""

import asyncio
import sys
from pathlib import Path

from sinch_reporting import AsyncReportingClient, ReportingClient, RetryPolicy
from sinch_reporting.export import export_call_reports
from tests.support.exports import THREE_DAYS, endpoints

CONCURRENCY = 4


def main(kind: str, destination: str, count: str, cluster: str | None = None) -> None:
    arguments = (endpoints(int(count)), Path(destination))
    options = {"concurrency": CONCURRENCY, "cluster": cluster, **THREE_DAYS}
    retry = RetryPolicy(backoff_base=0)
    if kind == "sync":
        with ReportingClient(retry=retry) as client:
            export_call_reports(client, *arguments, **options)
        return

    async def run():
        async with AsyncReportingClient(retry=retry) as client:
            await export_call_reports(client, *arguments, **options)

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
