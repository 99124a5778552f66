"""Signs the requests of requests."""

import os
from datetime import UTC, datetime

import requests
from requests.auth import AuthBase

from sinch_reporting import sign

KEY, SECRET = os.environ["SINCH_APPLICATION_KEY"], os.environ["SINCH_APPLICATION_SECRET"]
URL = os.environ.get("SINCH_REPORTING_URL", "https://reportingapi.sinch.com/v1")


class SinchAuth(AuthBase):
    """Signs each request."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers."""
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        content_type = request.headers.get("Content-Type", "")
        method, now = request.method or "GET", datetime.now(UTC)
        headers = sign(
            KEY,
            SECRET,
            method,
            request.path_url,
            content_type=content_type,
            body=body,
            timestamp=now,
        )
        request.headers.update(headers)
        return request


if __name__ == "__main__":
    headers = {"Content-Type": "application/json"}
    response = requests.get(f"{URL}/counters/currentCalls", auth=SinchAuth(), headers=headers, timeout=10)
    print(response.json()["value"])
