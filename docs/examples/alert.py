"""Posts to a webhook when a service goes down, and when it is up again: `python alert.py rtpproxy https://…`."""

import asyncio
import sys
from contextlib import aclosing

import httpx

from sinch_reporting import AsyncReportingClient


async def alert(service_id: str, webhook: str, interval: float = 10) -> None:
    """Watch the service until cancelled. A failed request is only printed: it says nothing about the service."""
    was_up = True
    async with (
        AsyncReportingClient() as reporting,
        httpx.AsyncClient() as http,
        aclosing(reporting.watch_service_status(service_id, interval=interval)) as outcomes,
    ):
        async for outcome in outcomes:
            if outcome.error:
                print("no status:", outcome.error, file=sys.stderr)
            elif outcome.service.is_up != was_up:
                was_up = outcome.service.is_up
                response = await http.post(webhook, json={"text": f"{service_id} is {outcome.service.status}"})
                response.raise_for_status()


if __name__ == "__main__":
    asyncio.run(alert(sys.argv[1], sys.argv[2]))
