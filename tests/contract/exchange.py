"""One exchange with a server behind Prism: called through either client, changed on the wire, and looked at after."""

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any

import httpx

from sinch_reporting import ReportingClient

KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
SECRET = "JViE5vDor0Sw3WllZka15Q=="

Change = Callable[[httpx.Request], httpx.Request]

# Shared, and without certificates: all is plain HTTP on this machine.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for either client that changes each signed request on its way, and keeps what was sent and received.

    It stands below the signature, so that what is signed is what the client made of the call.
    """

    def __init__(self, change: Change = lambda request: request) -> None:
        self.requests: list[httpx.Request] = []
        self.responses: list[httpx.Response] = []
        self._change = change
        self._sync = httpx.HTTPTransport(verify=_NO_TLS)
        self._async = httpx.AsyncHTTPTransport(verify=_NO_TLS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(self._change(request))
        self.responses.append(self._sync.handle_request(self.requests[-1]))
        return self.responses[-1]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(self._change(request))
        self.responses.append(await self._async.handle_async_request(self.requests[-1]))
        return self.responses[-1]

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()

    @property
    def statuses(self) -> list[int]:
        return [response.status_code for response in self.responses]

    @property
    def violations(self) -> list[str]:
        return [place for response in self.responses for place in violations(response)]


def preferring(preference: str) -> Change:
    """Return the change that asks Prism for a certain response."""
    return lambda request: _sent(request, request.url, {"Prefer": preference})


def redirected(base_url: str, target: str) -> Change:
    """Return the change that sends requests for one base URL to another."""
    base, other = httpx.URL(base_url), httpx.URL(target)

    def change(request: httpx.Request) -> httpx.Request:
        path = request.url.raw_path.removeprefix(base.raw_path.rstrip(b"/"))
        return _sent(request, other.copy_with(raw_path=path), {})

    return change


def _sent(request: httpx.Request, url: httpx.URL, headers: dict[str, str]) -> httpx.Request:
    return httpx.Request(
        request.method,
        url,
        headers={**request.headers, **headers},
        stream=request.stream,
        extensions=request.extensions,
    )


def violations(response: httpx.Response) -> list[str]:
    """Return where Prism found a request or its response to break the contract, such as `response.body.success`."""
    return [".".join(found["location"]) for found in json.loads(response.headers.get("sl-violations", "[]"))]


def outcome(client_class: type, call: Callable[[Any], Any], **options: Any) -> Any:
    """Return what one call gives with a new client of the class, blocking or async."""
    if client_class is ReportingClient:
        with client_class(**options) as reporting:
            return call(reporting)

    async def called() -> Any:
        async with client_class(**options) as reporting:
            return await call(reporting)

    return asyncio.run(called())
