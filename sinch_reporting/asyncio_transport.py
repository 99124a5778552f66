"""The transport of an async client under asyncio, whose pool does not slow down with its connections."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from typing import cast

import httpx

from sinch_reporting.http1 import AnswerReader, Pool, close_all, request_bytes
from sinch_reporting.messages import ApiAnswer, ApiRequest, origin_of
from sinch_reporting.until import EndsInTime, Until

CONNECTIONS = 256


class _Connection(asyncio.Protocol):
    """A connection, which makes one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answer = AnswerReader()
        self._waiter: asyncio.Future[None] | None = None
        self._transport = asyncio.Transport()

    @property
    def is_reusable(self) -> bool:
        return self._answer.is_reusable and self.is_usable

    @property
    def is_usable(self) -> bool:
        return not self._transport.is_closing()

    async def exchange(self, request: httpx.Request, data: bytes) -> ApiAnswer:
        """Send the request and return the answer. Raises httpx.TransportError."""
        answer = self._answer
        answer.begin(request.method)
        self._waiter = waiter = self._loop.create_future()
        self._transport.write(data)
        try:
            await waiter
        finally:
            self._waiter = None
        return ApiAnswer(answer.status, answer.headers, answer.content, request)

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.close()  # nothing was asked, or no more than has come: what follows is no answer to the next request
            return
        try:
            if self._answer.feed(data):
                waiter.set_result(None)
        except httpx.RemoteProtocolError as error:
            waiter.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if exc:
            waiter.set_exception(httpx.ReadError(str(exc)))
        elif self._answer.end():
            waiter.set_result(None)
        else:
            waiter.set_exception(httpx.RemoteProtocolError("the server closed the connection before it had answered"))


class _Pool(Pool[_Connection]):
    def __init__(self, loop: asyncio.AbstractEventLoop, url: httpx.URL, context: ssl.SSLContext) -> None:
        super().__init__(url, context)
        self._loop = loop
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def exchange(self, request: httpx.Request, data: bytes) -> ApiAnswer:
        """Send the request over a connection of its own, and return the answer. Raises httpx.TransportError."""
        until = Until.of(request)
        waits_for: type[httpx.TimeoutException] = httpx.PoolTimeout
        try:
            async with asyncio.timeout(until.left), self._places:
                connection = self._kept.take()
                if connection is None:
                    waits_for = httpx.ConnectTimeout
                    connection = await self._connect(until)
                waits_for = httpx.ReadTimeout
                try:
                    return await connection.exchange(request, data)
                finally:
                    self._kept.keep(connection)
        except TimeoutError:
            raise waits_for("the time of the attempt is up") from None

    async def _connect(self, until: Until) -> _Connection:
        try:
            sock = await self._connected(until)
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._loop),
                sock=sock,
                ssl=self._secure,
                server_hostname=self._host if self._secure else None,
            )
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    async def _connected(self, until: Until) -> socket.socket:
        # Not by asyncio's own race of the addresses: where it is cancelled, Python 3.11's leaves sockets open.
        addresses = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        failure = OSError("the host has no address")
        for place, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                async with asyncio.timeout(until.left / (len(addresses) - place)):  # else the first may take it all
                    await self._loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure


class AsyncioTransport(httpx.AsyncBaseTransport, EndsInTime):
    """An httpx transport for one event loop of asyncio. It reads an answer's body at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext) -> None:
        self._loop = loop
        self._process = os.getpid()
        self._context = context
        self._pools: dict[str, _Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer with its body. Raises httpx.TransportError."""
        if not isinstance(request, ApiRequest):
            await request.aread()
        data = request_bytes(request)
        origin = origin_of(request)
        pool = self._pools.get(origin)
        if pool is None:  # more than one where an httpx.Auth of the user's own asks elsewhere
            pool = self._pools[origin] = _Pool(self._loop, request.url, self._context)
        return await pool.exchange(request, data)

    async def aclose(self) -> None:
        """Close the connections."""
        close_all(self._pools)
        await asyncio.sleep(0)  # in which asyncio closes their sockets

    def __del__(self) -> None:
        # Left behind by a client that went to another event loop, or that nobody closed, which the client itself tells.
        if self._process == os.getpid() and not self._loop.is_closed():
            with suppress(RuntimeError):  # it was closed meanwhile, by another thread
                self._loop.call_soon_threadsafe(close_all, self._pools)
