"""An HTTP and a SOCKS5 proxy on real sockets. Every destination leads to one local server."""

import contextlib
import socket
import ssl
import threading
from typing import Self

from tests.support.raw_server import relay


class Proxy:
    """Accepts connections, negotiates, and then copies bytes in both directions.

    Args:
        target: The port of the local server.
        hangs: Whether it stops responding before the end of the negotiation.
    """

    scheme: str

    def __init__(self, target: int, *, hangs: bool = False) -> None:
        self.destinations: list[str] = []
        self._target = target
        self._hangs = hangs
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def negotiate(self, client: socket.socket) -> tuple[str, bytes, bytes]:
        """Return the destination, the bytes for the client, and the bytes for the server."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError), client:
            destination, for_client, for_server = self.negotiate(client)
            self.destinations.append(destination)
            if self._hangs:
                client.recv(1)
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                self._open.append(server)
                client.sendall(for_client)
                server.sendall(for_server)
                relay(client, server)


class HTTPProxy(Proxy):
    """Tunnels CONNECT requests, and forwards others with their absolute target."""

    scheme = "http"

    def negotiate(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(65536) or b"\r\n\r\n"
        method, target = head.split(b" ")[:2]
        if method == b"CONNECT":
            return target.decode(), b"HTTP/1.1 200 Connection established\r\n\r\n", b""
        return target.split(b"/")[2].decode(), b"", head


class HTTPSProxy(HTTPProxy):
    """An HTTP proxy that speaks TLS with its clients."""

    scheme = "https"

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        super().__init__(target)
        self._context = context

    def _serve(self, client):
        with contextlib.suppress(OSError):
            encrypted = self._context.wrap_socket(client, server_side=True)
            self._open.append(encrypted)
            super()._serve(encrypted)


class SOCKSProxy(Proxy):
    """Connects to host names without authentication (RFC 1928)."""

    scheme = "socks5"

    def negotiate(self, client):
        assert client.recv(65536)[0] == 5
        client.sendall(b"\x05\x00")  # no authentication
        request = client.recv(65536)
        name, port = request[5 : 5 + request[4]], int.from_bytes(request[-2:])
        return f"{name.decode()}:{port}", b"\x05\x00\x00\x01" + bytes(6), b""
