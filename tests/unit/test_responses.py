import asyncio
import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from sinch_reporting import APIError, DecodeError, NotFoundError, RateLimitError, ServerError
from sinch_reporting._responses import (
    MAX_BODY_BYTES,
    async_read_body,
    decode,
    decode_body,
    read_body,
    retry_after_seconds,
)
from tests.support.scripted import COUNTER

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)  # the time of the fixture `clock`
REFERENCE = "3d9a5e8e-6f2b-4b7c-9c1e-1f0a3c5d7e90"
REQUEST = httpx.Request("GET", "https://h.example/v1/counters/a")


def response(body=b"", status=200, headers=None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers=headers, request=REQUEST)


def failure_of(*arguments, **options):
    with pytest.raises((APIError, DecodeError)) as caught:
        decode(response(*arguments, **options))
    return caught.value


# Bodies


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, count):
        self.count, self.read, self.closed = count, 0, False

    def __iter__(self):
        for _ in range(self.count):
            self.read += 1
            yield bytes(65536)

    async def __aiter__(self):
        for chunk in self:
            await asyncio.sleep(0)
            yield chunk

    def close(self):
        self.closed = True

    async def aclose(self):
        self.close()


def read_async(response):
    return asyncio.run(async_read_body(response))


@pytest.mark.parametrize("read", [read_body, read_async])
@pytest.mark.parametrize(("count", "parts"), [(0, 0), (16, 16), (1000, 17)])
def test_little_more_than_1_mib_is_read_and_the_response_is_closed(read, count, parts):
    stream = Chunks(count)
    size = len(read(httpx.Response(200, stream=stream)))
    assert min(parts * 65536, MAX_BODY_BYTES + 1) <= size <= parts * 65536
    assert parts <= stream.read <= parts + 1
    assert stream.closed


def test_a_stream_that_cannot_be_cancelled_takes_no_more_memory():
    class Eager(Chunks):
        async def __aiter__(self):
            for chunk in self:
                yield chunk

    assert len(read_async(httpx.Response(200, stream=Eager(100)))) == MAX_BODY_BYTES + 1


BODY = json.dumps(COUNTER).encode()


def raw_deflate(content):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


GZIP = gzip.compress(BODY, mtime=0)
FULL = BODY + b" " * (MAX_BODY_BYTES - len(BODY))


def decoded(content, coding=None, status=200):
    headers = [] if coding is None else [("Content-Encoding", part) for part in coding.split("|")]
    return decode_body(httpx.Response(status, headers=headers), content, REQUEST)


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        (BODY, None),
        (GZIP, "gzip"),
        (GZIP, "X-GZIP"),
        (zlib.compress(BODY), "deflate"),
        (raw_deflate(BODY), "deflate"),
        (gzip.compress(GZIP, mtime=0), "gzip, gzip"),
        (gzip.compress(GZIP, mtime=0), "gzip|gzip"),
        (gzip.compress(zlib.compress(BODY), mtime=0), "deflate, gzip"),
        (GZIP, "UTF-8, gzip"),
        *((BODY, coding) for coding in ("identity", "UTF-8", "none", "", ",", "x")),
        (gzip.compress(FULL, mtime=0), "gzip"),
        (FULL, None),
    ],
)
def test_a_body_is_decompressed_and_unknown_codings_are_ignored(content, coding):
    found = decoded(content, coding)
    assert found.content.rstrip() == BODY
    assert found.request is REQUEST


@pytest.mark.parametrize(
    ("content", "coding"),
    [(GZIP[:-9], "gzip"), (BODY, "gzip"), (b"\0" * 9, "deflate"), (GZIP, "gzip, gzip")],
    ids=["truncated", "not gzip", "not deflate", "gzip only once"],
)
def test_a_body_that_cannot_be_decompressed_is_a_decode_error_of_a_200_only(content, coding):
    with pytest.raises(DecodeError, match="the response cannot be decompressed"):
        decoded(content, coding)
    assert decoded(content, coding, status=401).content == b""


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        (FULL + b" ", None),
        (gzip.compress(FULL + b" "), "gzip"),
        (gzip.compress(bytes(2**27)), "gzip"),
        (gzip.compress(gzip.compress(bytes(2**27))), "gzip, gzip"),
        (raw_deflate(bytes(2**24)), "deflate"),
    ],
    ids=["plain", "gzip", "bomb", "bomb in a bomb", "deflate"],
)
def test_a_body_beyond_1_mib_is_a_decode_error(content, coding):
    for status in (200, 503):
        with pytest.raises(DecodeError, match="larger than 1 MiB"):
            decoded(content, coding, status)


def test_the_headers_of_a_decompressed_response_are_those_of_its_body():
    headers = [("Content-Encoding", "gzip"), ("Content-Length", str(len(GZIP))), ("X-A", "1"), ("X-A", "2")]
    found = decode_body(httpx.Response(200, headers=headers), GZIP, REQUEST)
    assert found.headers.get_list("X-A") == ["1", "2"]
    assert "Content-Encoding" not in found.headers
    assert found.headers["Content-Length"] == str(len(BODY))


# Success


def test_the_json_object_of_a_200_is_returned():
    assert decode(response(COUNTER)) == COUNTER
    assert decode(response({})) == {}
    assert decode(response(json.dumps(COUNTER).encode("utf-16"))) == COUNTER


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the server sent 200 with no body"),
        (b" \r\n ", "the server sent 200 with no body"),
        (b"\n <!DOCTYPE html><p>Please log in", "the server sent 200 with HTML"),
        *(
            (body, "the server sent 200 with a body that is not a JSON object")
            for body in (
                b'{"value": 7, "modif',
                b'{"value": "\xff\xfe"}',
                b"[]",
                b"null",
                b'"up"',
                b"7",
                b"NaN",
                b"[" * 100_000,
                b'{"value":' * 100_000,
            )
        ),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_any_other_200_is_a_decode_error(body, message):
    error = failure_of(body)
    assert type(error) is DecodeError
    assert str(error) == f"{message}; check that the base URL leads to the Reporting API"


@pytest.mark.parametrize(
    ("status", "line"), [(201, "201 Created"), (204, "204 No Content"), (206, "206 Partial Content"), (299, "299")]
)
def test_another_success_is_a_decode_error(status, line):
    error = failure_of(COUNTER, status)
    assert type(error) is DecodeError
    assert str(error) == f"the server sent {line}; the contract promises 200 with a JSON object"


# Errors

ERROR = {"errorCode": 40400, "message": "No such counter.", "reference": REFERENCE}


@pytest.mark.parametrize("status", [404, 200])
@pytest.mark.parametrize(
    "body",
    [
        ERROR,
        {**ERROR, "errorCode": "40400"},
        {"code": 40400, "message": ERROR["message"], "reference": REFERENCE},
        {"response": {"error": ERROR}},
        {"error": ERROR},
    ],
    ids=["documented", "code as text", "another name", "wrapped twice", "wrapped once"],
)
def test_the_error_is_the_one_that_the_body_names(body, status):
    error = failure_of(body, status)
    assert type(error) is NotFoundError
    assert (error.status_code, error.error_code, error.message) == (404, 40400, "No such counter.")
    assert error.reference == REFERENCE
    assert str(error) == (
        "404 Not Found (error 40400): No such counter; check the endpoint or id; ids are set up together with Sinch "
        f"support [reference {REFERENCE}]"
    )


@pytest.mark.parametrize("code", [None, True, 404, 20000, 39999, 60000, 404000, "4040x", [40400], 40400.0], ids=repr)
def test_another_code_is_none_and_makes_no_error_of_a_200(code):
    assert failure_of({"errorCode": code}, 501).error_code is None
    assert decode(response({"errorCode": code})) == {"errorCode": code}


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"\xff\xff", b"[" * 100_000, {"errorCode": True, "message": 5}]
)
def test_an_error_without_a_description_has_its_status(body):
    error = failure_of(body, 501)
    assert type(error) is ServerError
    assert (error.status_code, error.error_code, error.message, error.reference) == (501, None, None, None)
    assert str(error).startswith("501 Not Implemented; ")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (400, b"", "400 Bad Request; check the parameters"),
        (401, b"", "401 Unauthorized; check that the secret belongs to the key, and this machine's clock"),
        (403, b"", "403 Forbidden; ask Sinch support whether the application may use the Reporting API"),
        (403, b" <p>", "403 Forbidden; the HTML page comes from something in front of the API"),
        (407, b"", "407 Proxy Authentication Required; check the proxy's user name and password"),
        (429, b"", "429 Too Many Requests; send fewer requests"),
        (302, b"", "302 Found; redirects are not followed, so that signed headers stay with their host"),
        (503, b"", "503 Service Unavailable; retry later; if it persists, contact Sinch support with the reference"),
        (520, b"", "520; retry later"),
    ],
)
def test_the_message_has_the_status_and_a_remedy(status, body, text):
    assert str(failure_of(body, status)).startswith(text)


def test_an_error_has_the_response_headers():
    error = failure_of(b"", 429, headers={"Retry-After": "7", "X-Request-Id": "abc"})
    assert type(error) is RateLimitError
    assert (error.retry_after, error.headers["x-request-id"]) == (7, "abc")
    assert "; the server asks to wait 7 s" in str(error)


def test_the_messages_of_the_server_are_redacted():
    body = {"errorCode": 40400, "message": "no +46730170101 for the-key", "reference": "call 46730170101"}
    with pytest.raises(NotFoundError) as caught:
        decode(response(body, 404), lambda: ("the-key",))
    assert (caught.value.message, caught.value.reference) == ("no *** for ***", "call ***")
    assert "46730170101" not in str(caught.value)


# Retry-After


def http_date(time):
    return format_datetime(time, usegmt=True)


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0),
        (" 20 ", None, 20),
        ("9" * 18, None, 1e18),
        (http_date(NOON + timedelta(hours=1)), http_date(NOON), 3600),
        (http_date(NOON - timedelta(hours=1)), http_date(NOON), 0),
        (http_date(NOON + timedelta(hours=1)), http_date(NOON + timedelta(minutes=59)), 60),
        (http_date(NOON + timedelta(hours=2)), None, 7200),
        (http_date(NOON + timedelta(hours=2)), "yesterday", 7200),
        *((value, None, None) for value in ("soon", "-1", "1.5", "1e9", "nan", "", "1, 2", "٣", "9" * 19)),
    ],
)
def test_retry_after_is_seconds_or_a_date(clock, value, date, seconds):
    headers = httpx.Headers({"Retry-After": value, **({"Date": date} if date else {})}, encoding="utf-8")
    assert retry_after_seconds(headers) == seconds


def test_retry_after_may_be_absent():
    assert retry_after_seconds(httpx.Headers()) is None
