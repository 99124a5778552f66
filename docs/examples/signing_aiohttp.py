"""Signs the requests of aiohttp, for requests without a body."""

import asyncio
import os
from datetime import UTC, datetime

import aiohttp

from sinch_reporting import sign

KEY, SECRET = os.environ["SINCH_APPLICATION_KEY"], os.environ["SINCH_APPLICATION_SECRET"]
URL = os.environ.get("SINCH_REPORTING_URL", "https://reportingapi.sinch.com/v1")


async def sign_request(
    request: aiohttp.ClientRequest,
    handler: aiohttp.ClientHandlerType,
) -> aiohttp.ClientResponse:
    """Sign a request: a middleware of aiohttp."""
    content_type = request.headers.get("Content-Type", "")
    now = datetime.now(UTC)
    headers = sign(
        KEY,
        SECRET,
        request.method,
        request.url.raw_path,
        content_type=content_type,
        timestamp=now,
    )
    request.headers.update(headers)
    return await handler(request)


async def main() -> None:
    """Print a counter."""
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(middlewares=[sign_request], headers=headers) as session,
        session.get(f"{URL}/counters/currentCalls") as response,
    ):
        print((await response.json())["value"])


if __name__ == "__main__":
    asyncio.run(main())
