"""The transport of a blocking client."""

import socket
import ssl
import threading
from functools import partial

import httpx

from sinch_reporting._http.ownership import close_on_finalize
from sinch_reporting.http1 import AnswerReader, Pool, close_all, request_bytes
from sinch_reporting.messages import ApiAnswer, ApiRequest, origin_of
from sinch_reporting.until import Until

CONNECTIONS = 100
_READ_BYTES = 64 * 1024


def _limit(sock: socket.socket, until: Until, parts: int = 1) -> None:
    """Let the next operation end in so many parts of the time that is left. Raises TimeoutError where there is none."""
    left = until.left
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left / parts)


class _Connection:
    """A connection, which makes one exchange at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._answer = AnswerReader()

    @property
    def is_reusable(self) -> bool:
        return self._answer.is_reusable

    @property
    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor sent more than its answer."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def exchange(self, request: httpx.Request, data: bytes, until: Until) -> ApiAnswer:
        """Send the request and return the answer. Raises httpx.TransportError and OSError."""
        answer = self._answer
        answer.begin(request.method)
        _limit(self._socket, until)
        self._socket.sendall(data)
        while not answer.is_complete:
            _limit(self._socket, until)
            received = self._socket.recv(_READ_BYTES)
            if received:
                answer.feed(received)
            elif not answer.end():
                raise httpx.RemoteProtocolError("the server closed the connection before it had answered")
        return ApiAnswer(answer.status, answer.headers, answer.content, request)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class _Pool(Pool[_Connection]):
    def __init__(self, url: httpx.URL, context: ssl.SSLContext) -> None:
        super().__init__(url, context)
        self._places = threading.BoundedSemaphore(CONNECTIONS)

    def exchange(self, request: httpx.Request, data: bytes) -> ApiAnswer:
        """Send the request over a connection of its own, and return the answer. Raises httpx.TransportError."""
        until = Until.of(request)
        if not self._places.acquire(timeout=max(until.left, 0)):
            raise httpx.PoolTimeout("all connections were in use")
        try:
            connection = self._kept.take() or self._connect(until)
            try:
                return connection.exchange(request, data, until)
            except TimeoutError:
                raise httpx.ReadTimeout("the time of the attempt is up") from None
            except OSError as error:
                raise httpx.ReadError(str(error)) from error
            finally:
                self._kept.keep(connection)
        finally:
            self._places.release()

    def _connect(self, until: Until) -> _Connection:
        try:
            sock = _connected(self._host, self._port, until)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._secure:
                    _limit(sock, until)
                    sock = self._secure.wrap_socket(sock, server_hostname=self._host)
            except BaseException:
                sock.close()
                raise
        except TimeoutError:
            raise httpx.ConnectTimeout("the time of the attempt is up") from None
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(str(error)) from error
        return _Connection(sock)


def _connected(host: str, port: int, until: Until) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the host has no address")
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            _limit(sock, until, len(addresses) - place)  # else the first may take it all
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


class SocketTransport(httpx.BaseTransport):
    """An httpx transport for threads. It reads an answer's body at once."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._pools: dict[str, _Pool] = {}
        close_on_finalize(self, partial(close_all, self._pools))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the answer with its body. Raises httpx.TransportError."""
        if not isinstance(request, ApiRequest):
            request.read()
        data = request_bytes(request)
        origin = origin_of(request)
        pool = self._pools.get(origin)
        if pool is None:  # more than one where an httpx.Auth of the user's own asks elsewhere
            pool = self._pools.setdefault(origin, _Pool(request.url, self._context))
        return pool.exchange(request, data)

    def close(self) -> None:
        """Close the connections."""
        close_all(self._pools)
