"""A server that gives one response to each connection and hangs up, so that no search leaves anything to the next."""

import contextlib
import socket
import threading
from typing import Self

from attrs import define, field

AUTHORIZATION = b"{the Authorization header}"
SIGNATURE = b"{the signature}"


@define
class Server:
    """Echoes the request's credentials where the response asks for it."""

    response: bytes = b""
    stays: bool = False
    """Whether it keeps the connection open, in silence, until the client hangs up."""

    targets: list[str] = field(factory=list)
    authorizations: list[str] = field(factory=list)
    _listener: socket.socket = field(init=False)
    _thread: threading.Thread = field(init=False)
    _idle: threading.Condition = field(factory=threading.Condition)
    _busy: bool = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def reset(self, response: bytes) -> None:
        """Wait until the last connection is closed, and take the next response."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._busy, 30)
        self.response = response
        self.targets.clear()
        self.authorizations.clear()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._busy = True
            with contextlib.suppress(OSError), connection:
                self._respond(connection)
            with self._idle:
                self._busy = False
                self._idle.notify_all()

    def _respond(self, connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = connection.recv(65536)
            if not received:
                return
            head += received
        first, *lines = head.decode("latin-1").split("\r\n")
        self.targets.append(first.split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        authorization = headers["authorization"]
        self.authorizations.append(authorization)
        signature = authorization.partition(":")[2] or authorization.partition(" ")[2]
        response = self.response.replace(AUTHORIZATION, authorization.encode()).replace(SIGNATURE, signature.encode())
        connection.sendall(response)
        if self.stays:
            while connection.recv(65536):
                pass
