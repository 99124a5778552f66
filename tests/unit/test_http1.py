import httpx
import pytest

from sinch_reporting import http1
from sinch_reporting.http1 import AnswerReader, KeptConnections, request_bytes
from tests.support.raw_server import response

JSON = response("{}")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(*pieces, method="GET"):
    reader = AnswerReader()
    reader.begin(method)
    for piece in pieces:
        reader.feed(piece)
    return reader


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(size):
    raw = response('{"value": 7}', "201 Made", X_Odd="ä".encode().decode("latin-1"))
    reader = read(*(raw[place : place + size] for place in range(0, len(raw), size)))
    assert (reader.status, reader.content) == (201, b'{"value": 7}')
    assert [name for name, _ in reader.headers] == [b"X-Odd", b"Content-Length"]
    assert reader.is_complete
    assert reader.is_reusable


def test_a_reader_reads_one_answer_after_the_other():
    reader = read(response("first", X_First="1"))
    reader.begin("GET")
    assert not reader.is_complete
    assert reader.feed(response("second"))
    assert (reader.content, [name for name, _ in reader.headers]) == (b"second", [b"Content-Length"])


@pytest.mark.parametrize(
    ("raw", "content", "reusable"),
    [
        (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"{}", True),
        (CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: a\r\n\r\n", b"{}", True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + JSON, b"{}", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + JSON, b"{}", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (response("{}", Connection="close"), b"{}", False),
        (JSON.replace(b"HTTP/1.1", b"HTTP/1.0"), b"{}", False),
        (JSON + JSON, b"{}", False),
        (JSON + b"H", b"{}", False),
        (JSON + b"no HTTP at all", b"{}", False),
    ],
)
def test_what_is_an_answer_and_whether_the_connection_serves_again(raw, content, reusable):
    reader = read(raw)
    assert (reader.is_complete, reader.content, reader.is_reusable) == (True, content, reusable)
    assert not {b"Link", b"X-Trailer"} & {name for name, _ in reader.headers}


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        response("{}", Content_Length="2", content_length="3"),
        response("{}", Content_Length="-2"),
        response("{}", Transfer_Encoding="chunked"),
        CHUNKED + b"xyz\r\n",
        b"HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + 200 * b"x" * 1024,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
)
def test_what_is_no_answer_is_refused(raw):
    with pytest.raises(httpx.RemoteProtocolError):
        read(*(raw[place : place + 65536] for place in range(0, len(raw), 65536)))


def test_a_body_in_the_smallest_chunks_ends_where_it_becomes_too_much(monkeypatch):
    monkeypatch.setattr(http1, "_MOST", 1000)
    with pytest.raises(httpx.RemoteProtocolError, match="too large"):
        read(CHUNKED, b"1;" + b"extension" * 200 + b"\r\n")


def test_a_body_is_read_no_further_than_to_what_is_too_much():
    reader = read(CHUNKED, *[b"10000\r\n" + bytes(65536) + b"\r\n"] * 17)
    assert (reader.is_complete, reader.is_reusable, len(reader.content)) == (True, False, 17 * 65536)


def test_the_end_of_the_connection_ends_only_an_answer_without_a_length():
    assert read(b"HTTP/1.1 200 OK\r\n\r\n{}").end()
    for raw in (b"", b"HTTP/1.1 200 OK\r\n", JSON[:-1], CHUNKED + b"2\r\n{}\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"):
        assert not read(raw).end()


def test_the_answer_to_a_head_request_has_no_body():
    reader = read(JSON[:-2], method="HEAD")
    assert (reader.status, reader.is_complete, reader.is_reusable) == (200, True, False)


def test_a_request_with_a_body_is_sent_as_it_is():
    request = httpx.Request("POST", "http://127.0.0.1/a%2Fb?c=%20", headers=[(b"X", b"\xe4")], content=b"body")
    head, _, body = request_bytes(request).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /a%2Fb?c=%20 HTTP/1.1"
    assert {b"Host: 127.0.0.1", b"X: \xe4", b"Content-Length: 4"} <= set(head.split(b"\r\n"))
    assert body == b"body"


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X": "a\nb"}, {"X": "a\0b"}, {"X\r\n": "a"}, {"X": "a\r"}])
def test_no_header_smuggles_another_one(headers):
    with pytest.raises(httpx.LocalProtocolError):
        request_bytes(httpx.Request("GET", "http://127.0.0.1/", headers=headers))


@pytest.mark.parametrize("method", ["GET /admin HTTP/1.1\r\nX:", "GET /admin"])
def test_no_method_smuggles_another_request(method):
    with pytest.raises(httpx.LocalProtocolError):
        request_bytes(httpx.Request(method, "http://127.0.0.1/"))


def test_a_body_without_a_length_is_refused():
    request = httpx.Request("POST", "http://127.0.0.1/", content=iter([b"a"]))
    request.read()
    with pytest.raises(httpx.LocalProtocolError, match="length"):
        request_bytes(request)


class Line:
    def __init__(self):
        self.is_reusable = self.is_usable = True
        self.is_closed = False

    def close(self):
        self.is_closed = True


def test_the_connection_used_last_is_taken_and_what_cannot_serve_is_closed(monkeypatch):
    now = 100.0
    monkeypatch.setattr(http1, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now)}))
    kept, lines = KeptConnections(), [Line() for _ in range(4)]
    for line in lines:
        kept.keep(line)
        now += 9
    lines[2].is_usable = False
    assert kept.take() is lines[3]
    assert kept.take() is lines[1]
    assert [line.is_closed for line in lines] == [True, False, True, False]
    assert kept.take() is None


def test_kept_connections_are_closed_together():
    kept, lines = KeptConnections(), [Line(), Line()]
    for line in lines:
        kept.keep(line)
    kept.close()
    assert all(line.is_closed for line in lines)
    assert kept.take() is None
