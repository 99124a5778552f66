"""Exports so many made-up numbers with a real client, as a process that a test can kill."""

import asyncio
import sys
from pathlib import Path

from sinch_reporting import AsyncReportingClient, Number, ReportingClient, Username
from sinch_reporting.export import export_call_reports
from tests.support.exports import DAYS


def endpoints(count):
    for place in range(count):
        yield Username(f"anna-{place}") if place % 7 == 3 else Number(f"+4673017{place:05d}")


def main(kind: str, destination: str, count: str, size: str, cluster: str | None = None) -> None:
    arguments = (endpoints(int(count)), Path(destination))
    options = {"partition_size": int(size), "concurrency": 4, "cluster": cluster, **DAYS}
    if kind == "sync":
        with ReportingClient() as client:
            export_call_reports(client, *arguments, **options)
        return

    async def run():
        async with AsyncReportingClient() as client:
            await export_call_reports(client, *arguments, **options)

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
