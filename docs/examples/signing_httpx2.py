"""Signs the requests of httpx2."""

import os
from collections.abc import Generator
from datetime import UTC, datetime

import httpx2

from sinch_reporting import sign

KEY, SECRET = os.environ["SINCH_APPLICATION_KEY"], os.environ["SINCH_APPLICATION_SECRET"]
URL = os.environ.get("SINCH_REPORTING_URL", "https://reportingapi.sinch.com/v1")


class SinchAuth(httpx2.Auth):
    """Signs each request."""

    requires_request_body = True

    def auth_flow(
        self,
        request: httpx2.Request,
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the headers."""
        path = request.url.raw_path.decode("ascii")
        content_type = request.headers.get("Content-Type", "")
        now = datetime.now(UTC)
        headers = sign(
            KEY,
            SECRET,
            request.method,
            path,
            content_type=content_type,
            body=request.content,
            timestamp=now,
        )
        request.headers.update(headers)
        yield request


if __name__ == "__main__":
    headers = {"Content-Type": "application/json"}
    print(httpx2.get(f"{URL}/counters/currentCalls", auth=SinchAuth(), headers=headers).json()["value"])
