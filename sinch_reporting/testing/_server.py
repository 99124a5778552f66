"""Uvicorn in a thread of the Sandbox, and the execution of actions on its connections."""

import asyncio
import ipaddress
import logging
import os
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager, suppress

import uvicorn
from starlette import requests
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sinch_reporting.testing._actions import Action, Disconnect, Response, Sleep, StopListening
from sinch_reporting.testing._api import Api
from sinch_reporting.testing._signature import Request
from sinch_reporting.testing.faults import Fault

_CLOSE_TIMEOUT = 1


class Connection(H11Protocol):
    """A connection that faults can misuse.

    Of its base, which is not a public interface, it uses the two callbacks of asyncio, `transport`, `flow.drain()`,
    `shutdown()`, which closes an idle connection, and `app_state`, which each request has in its scope.
    """

    fault: Fault | None = None
    """The fault that is being executed, or that closes this connection on its next request."""
    closes_on_next_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.lost = asyncio.Event()
        self.app_state = {**self.app_state, "connection": self}
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()

    async def write(self, data: bytes) -> None:
        self.transport.write(data)
        await self.flow.drain()

    def reset(self) -> None:
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    async def wait_until_lost(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.lost.wait()

    @property
    def is_stuck(self) -> bool:
        """Whether the current response may never end."""
        return self.fault is not None or self.transport.get_write_buffer_size() > 0


class Server(uvicorn.Server):
    """Uvicorn for a thread: silent, with an event when it is ready, and able to refuse connections."""

    servers: list[asyncio.Server]

    def __init__(self, api: Api) -> None:
        super().__init__(
            uvicorn.Config(
                self._respond,
                interface="asgi3",
                http=Connection,  # tests see the same server whatever else is installed
                ws="none",
                lifespan="off",
                log_config=None,
                workers=1,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_CLOSE_TIMEOUT,
            )
        )
        self.ready = threading.Event()
        self._api = api
        self._stopping = asyncio.Event()
        self._refusals = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def serve_on(self, listener: socket.socket) -> None:
        """Serve in this thread until `stop` is called."""
        self._listener = listener
        try:
            with _silence():
                asyncio.run(self.serve([listener]))
        finally:
            self._listener.close()
            self.ready.set()

    def stop(self) -> None:
        """Stop the thread of the server."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._stopping.set)

    def run_in_loop(self, method: Callable[["Server"], Awaitable[None]]) -> None:
        """Run a method in the thread of the server, and return when it is done."""

        async def in_loop() -> None:
            await method(self)

        asyncio.run_coroutine_threadsafe(in_loop(), self._loop).result()

    async def refuse(self) -> None:
        """Refuse new connections and close the idle ones, until `allow` has been called as often as this."""
        self._refusals += 1
        if self._refusals > 1:
            return
        host, port = self._listener.getsockname()[:2]
        for server in self.servers:
            server.close()
        # Connections to a port that is bound but not listened on are refused, and nobody else can take it.
        self._listener = bind(host, port)
        for connection in self._connections():
            connection.shutdown()
        await _all_lost(each for each in self._connections() if each.transport.is_closing())

    async def allow(self) -> None:
        """Accept connections again."""
        self._refusals -= 1
        if not self._refusals and not self.should_exit:
            await super().startup([self._listener])

    async def _refuse_for(self, seconds: float) -> None:
        await self.refuse()
        task = asyncio.create_task(self._allow_after(seconds))
        self._tasks.add(task)  # the event loop keeps only weak references
        task.add_done_callback(self._tasks.discard)

    async def _allow_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.allow()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        # Uvicorn's polls every tenth of a second.
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's
        for server in self.servers:
            server.close()
        for connection in self._connections():
            if connection.is_stuck:
                connection.transport.abort()
            else:
                connection.shutdown()
        await _all_lost(self._connections())
        for connection in self._connections():
            connection.transport.abort()
        await asyncio.sleep(0)  # until they are closed

    def _connections(self) -> list[Connection]:
        return [each for each in self.server_state.connections if isinstance(each, Connection)]

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = scope["state"]["connection"]
        try:
            request = await _read(requests.Request(scope, receive))
        except requests.ClientDisconnect:
            return
        pending = connection.fault if connection.closes_on_next_request else None
        plan, connection.fault = self._api.receive(request, pending)
        complete = False
        for action in plan.actions:
            if isinstance(action, Response):
                await HttpResponse(action.body, action.status, action.headers)(scope, receive, send)
                complete = True
            else:
                await self._execute(action, connection)
            if connection.lost.is_set():
                break
        if not complete:
            connection.transport.close()
            # Uvicorn would send a response of its own if this returned earlier.
            await connection.wait_until_lost(None)
        if not connection.closes_on_next_request:
            connection.fault = None

    async def _execute(self, action: Action, connection: Connection) -> None:
        match action:
            case bytes():
                await connection.write(action)
            case Sleep():
                await connection.wait_until_lost(action.seconds)
            case StopListening():
                await self._refuse_for(action.seconds)
            case Disconnect.CLOSE:
                connection.transport.close()
            case Disconnect.RESET:
                connection.reset()
            case _:
                connection.closes_on_next_request = True


async def _read(request: requests.Request) -> Request:
    """Return a request as it came over the wire; raises ClientDisconnect."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(
        method=request.method,
        path=request.scope["raw_path"].decode("ascii"),
        query=request.scope["query_string"].decode("ascii"),
        headers=headers,
        body=await request.body(),
    )


async def _all_lost(connections: Iterable[Connection]) -> None:
    """Wait a short time until connections are closed."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(each.lost.wait() for each in connections)), _CLOSE_TIMEOUT)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the port and does not listen yet."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by each connection. asyncio sets it only for sockets with an explicit protocol; without it, every
        # response but the first of a connection waits some 40 ms for an acknowledgement.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _silence() -> Generator[None]:
    """Drop uvicorn's log records of this thread only: its loggers are shared by the process."""
    thread = threading.get_ident()

    def is_from_elsewhere(_: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    loggers = [logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")]
    for logger in loggers:
        logger.addFilter(is_from_elsewhere)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_from_elsewhere)
