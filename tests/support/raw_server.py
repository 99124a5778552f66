"""A server on a real socket that sends scripted bytes."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Self

from attrs import define, field

Step = bytes | Callable[[socket.socket], None]


def response(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return the bytes of a complete response."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


COUNTER = response('{"value": 7, "modified": "2022-04-28T12:00:00Z"}')


def disconnect(connection: socket.socket) -> None:
    """Close the connection without a response."""
    connection.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def relay(connection: socket.socket, server: socket.socket) -> None:
    """Copy bytes in both directions until both end."""
    back = threading.Thread(target=pump, args=(server, connection))
    back.start()
    pump(connection, server)
    back.join()


def tunnel_to(port: int) -> Step:
    """Return the step of a proxy that connects its client to a local server."""

    def step(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            relay(connection, server)

    return step


@define
class Request:
    """The head of a request, as it arrived."""

    line: str
    headers: dict[str, str]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@define
class RawServer:
    """Sends the next step of the script for each request. The last step is repeated.

    A step is a complete response in bytes, or a function of the connection.
    """

    script: list[Step]
    context: ssl.SSLContext | None = None
    requests: list[Request] = field(factory=list)
    connections: int = 0
    stopped: threading.Event = field(factory=threading.Event)
    _server: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(factory=list)
    _open: list[socket.socket] = field(factory=list)
    _changed: threading.Condition = field(factory=threading.Condition)
    _serving: int = 0

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for connection in [self._server, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    @property
    def port(self) -> int:
        return self._server.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def open_sockets(self) -> list[socket.socket]:
        """The connections, as steps get them, that are open."""
        return [connection for connection in self._open if connection.fileno() != -1]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            with self._changed:
                self.connections += 1
                self._serving += 1
                self._changed.notify_all()
            self._start(self._serve_until_disconnected, connection)

    def _serve_until_disconnected(self, connection: socket.socket) -> None:
        self._serve(connection)
        with self._changed:
            self._serving -= 1
            self._changed.notify_all()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self.context:
                connection = stack.enter_context(self.context.wrap_socket(connection, server_side=True))
                self._open.append(connection)
            while head := _read_head(connection):
                lines = head.decode("latin-1").split("\r\n")
                pairs = (line.split(": ", 1) for line in lines[1:] if line)
                with self._changed:
                    self.requests.append(Request(lines[0], {name.lower(): value for name, value in pairs}))
                    self._changed.notify_all()
                    step = self.script[min(len(self.requests), len(self.script)) - 1]
                connection.sendall(step) if isinstance(step, bytes) else step(connection)

    def drip(self, pieces: Iterable[bytes], seconds: float = 0.01) -> Step:
        """Return a step that sends the pieces one by one until the server stops."""

        def step(connection: socket.socket) -> None:
            for piece in pieces:
                connection.sendall(piece)
                if self.stopped.wait(seconds):
                    return

        return step

    @staticmethod
    def no_response(connection: socket.socket) -> None:
        """Send nothing until the client disconnects."""
        connection.recv(1)

    def wait_for_requests(self, count: int) -> None:
        """Return after this many requests have arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, 30)

    def wait_for_connections(self, count: int) -> None:
        """Return after this many connections have been accepted."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connections >= count, 30)

    def wait_for_disconnects(self, remaining: int = 0) -> None:
        """Return when no more than the remaining connections are open."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._serving <= remaining, 30)


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        received = connection.recv(65536)  # a client sends its next request after the response
        if not received:
            return b""
        head += received
    return head[:-4]
