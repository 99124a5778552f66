"""Uvicorn, for a thread of the Sandbox: all that the Sandbox knows of its insides, and of sockets."""

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
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sinch_reporting.testing._app import App
from sinch_reporting.testing._perform import Performer, read
from sinch_reporting.testing.faults import Fault

_CLOSE_TIMEOUT = 1


class Connection(H11Protocol):
    """A connection that can be misused.

    Of its base, which is no public interface, it takes the two callbacks of asyncio, `transport`, `flow.drain()`,
    `shutdown()`, which closes it when it is idle, and `app_state`, which each request finds in its scope.
    """

    fault: Fault | None = None
    """The fault that is being played, or that the next request on this connection meets."""
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

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    @property
    def is_lost(self) -> bool:
        return self.lost.is_set()

    async def wait_until_lost(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.lost.wait()

    @property
    def is_stuck(self) -> bool:
        """Whether waiting for the client to be served would be in vain."""
        return self.fault is not None or self.transport.get_write_buffer_size() > 0


class Server(uvicorn.Server):
    """Uvicorn, for a thread: tells when it is ready, can refuse connections, and logs nothing."""

    servers: list[asyncio.Server]

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                self._respond,
                interface="asgi3",
                http=Connection,  # whatever else is installed, tests see the same server
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
        self._app = app
        self._stopping = asyncio.Event()
        self._refusals = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def serve_on(self, listener: socket.socket) -> None:
        """Serve, in this thread, until `stop` is called."""
        self._listener = listener
        try:
            with _silence():
                asyncio.run(self.serve([listener]))
        finally:
            self._listener.close()
            self.ready.set()

    def stop(self) -> None:
        """Tell the thread of the server to end."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._stopping.set)

    def do(self, what: Callable[["Server"], Awaitable[None]]) -> None:
        """Do something in the thread of the server, and return when it is done."""

        async def in_loop() -> None:
            await what(self)

        asyncio.run_coroutine_threadsafe(in_loop(), self._loop).result()

    async def refuse(self) -> None:
        """Refuse new connections, and close the idle ones, until `allow` was called as often as this."""
        self._refusals += 1
        if self._refusals > 1:
            return
        host, port = self._listener.getsockname()[:2]
        for server in self.servers:
            server.close()
        # A port that is bound and not listened on is refused, and yet taken.
        self._listener = bind(host, port)
        for connection in self._connections():
            connection.shutdown()
        await _all_lost(each for each in self._connections() if each.transport.is_closing())

    async def allow(self) -> None:
        """Accept connections again."""
        self._refusals -= 1
        if not self._refusals and not self.should_exit:
            await super().startup([self._listener])

    async def refuse_for(self, seconds: float) -> None:
        """Refuse new connections for some time, which begins now."""
        await self.refuse()
        task = asyncio.create_task(self._allow_after(seconds))
        self._tasks.add(task)  # or it might be collected
        task.add_done_callback(self._tasks.discard)

    async def _allow_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.allow()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        # Uvicorn's looks every tenth of a second whether to end, and its `shutdown` whether all has ended.
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
        await asyncio.sleep(0)  # until they are

    def _connections(self) -> list[Connection]:
        return [each for each in self.server_state.connections if isinstance(each, Connection)]

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = scope["state"]["connection"]
        try:
            request = await read(Request(scope, receive))
        except ClientDisconnect:
            return
        hanging_up = connection.fault if connection.closes_on_next_request else None
        plan, connection.fault = self._app.receive(request, hanging_up)
        await Performer(connection, self.refuse_for, scope, receive, send).perform(plan.acts)
        if not connection.closes_on_next_request:
            connection.fault = None


async def _all_lost(connections: Iterable[Connection]) -> None:
    """Wait until they are, though not long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(each.lost.wait() for each in connections)), _CLOSE_TIMEOUT)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has the port and does not listen yet."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by each connection; asyncio sets it only where a socket names its protocol, and this one does not.
        # Without it, every answer but the first of a connection waits some 40 ms for an acknowledgement.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


def is_loopback(host: str) -> bool:
    """Tell whether a host is an address of this machine that no other can reach."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _silence() -> Generator[None]:
    """Drop what uvicorn logs in this thread; its loggers belong to the process, where another may be at work."""
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
