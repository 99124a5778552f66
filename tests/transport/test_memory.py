"""A call needs less than 8 MiB, whatever the server sends."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from sinch_reporting import ReportingError
from tests.support.raw_server import COUNTER, response
from tests.transport.conftest import ONCE

MIB = 1024 * 1024
LARGE = bytes(24 * MIB)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = zlib.compress(LARGE)


def gzip_of(content, times=1):
    for _ in range(times):
        content = gzip.compress(content)
    return response(content, Content_Encoding=", ".join(["gzip"] * times))


RESPONSES = {
    "body": response(LARGE),
    "body without a length": b"HTTP/1.1 200 OK\r\n\r\n" + LARGE,
    "chunk": CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE),
    "chunk extensions": CHUNKED + (b"1;" + b"x" * 1000 + b"\r\n \r\n") * 20_000,
    "large trailers": CHUNKED + b"0\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 2000,
    "many trailers": CHUNKED + b"0\r\n" + b"X: y\r\n" * MIB,
    "large header": b"HTTP/1.1 200 OK\r\nX: " + LARGE,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * MIB,
    "header of words": response(X="y " * 45_000),
    "trailer of words": CHUNKED + b"0\r\nX: " + b"y " * 45_000 + b"\r\n\r\n",
    "informational responses": b"HTTP/1.1 103 Early Hints\r\n\r\n" * MIB,
    "gzip bomb": gzip_of(LARGE),
    "deflate bomb": response(BOMB, Content_Encoding="deflate"),
    "bomb of an error": response(BOMB, "404 Not Found", Content_Encoding="deflate"),
    "bomb in a bomb": gzip_of(LARGE, times=2),
    "many objects": response(b"[" + b"{}," * (MIB // 3 - 2) + b"{}]"),
    "many fields": response(json.dumps({str(number): 0 for number in range(70_000)})),
    "nested objects": response(b"[" + b",".join([b'{"":' * 900 + b"0" + b"}" * 900] * 230) + b"]"),
    "many objects in gzip": gzip_of(b'{"value": [' + b"{}," * 300_000 + b"{}]}"),
}


SMALL_CHUNKS = {
    "one byte each": CHUNKED + b"1\r\n \r\n" * 190_000 + b"0\r\n\r\n",  # within the limit
    "two bytes each": CHUNKED + b"2\r\n  \r\n" * MIB,
}


def test_a_call_needs_less_than_8_mib(make_client, server):
    assert_memory_is_bounded(make_client, server, RESPONSES)


def test_a_body_in_the_smallest_chunks_needs_less_than_8_mib(make_client, raw_server):
    assert_memory_is_bounded(make_client, raw_server, SMALL_CHUNKS)


def assert_memory_is_bounded(make_client, server, responses):
    reporting = make_client(server.url, retry=ONCE, timeout=300, deadline=300)
    assert reporting.get_counter("currentCalls").value == 7
    tracemalloc.start()
    try:
        for name, raw in responses.items():
            server.script[:] = [raw]
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with pytest.raises(ReportingError):
                reporting.get_counter("currentCalls")
            assert tracemalloc.get_traced_memory()[1] - before < 8 * MIB, name
    finally:
        tracemalloc.stop()
    server.script[:] = [COUNTER]
    assert reporting.get_counter("currentCalls").value == 7
