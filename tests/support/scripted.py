"""A transport without a network that returns scripted responses."""

import json
from collections.abc import Callable
from typing import Any

import httpx

Step = BaseException | Callable[[httpx.Request], httpx.Response]

COUNTER = {"value": 7, "modified": "2022-04-28T12:00:00Z"}
REPORT = {"success": 17, "failed": 3, "duration": 4711, "start": "2026-11-01T08:15:30Z"}
STATUS = {"status": "up"}


def reply(body: Any = b"", status: int = 200, headers: Any = None) -> Step:
    """Return the step that sends a response. A body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


class ScriptedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Performs the next step of the script for each request. The last step is repeated.

    `requests` contains copies of the requests as they arrived.
    """

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers.copy()))
        step = self.script[min(len(self.requests), len(self.script)) - 1]
        if isinstance(step, BaseException):
            raise step
        return step(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    @property
    def targets(self) -> list[str]:
        """The request targets."""
        return [request.url.raw_path.decode("ascii") for request in self.requests]
