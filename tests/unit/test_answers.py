import gzip
import json
import zlib

import httpx
import pytest

from sinch_reporting import (
    APIError,
    AuthenticationError,
    DecodeError,
    NotFoundError,
    Number,
    ServerError,
    Username,
)
from tests.support.raw_server import COUNTER, response

NOT_A_COUNTER = {
    "nothing": b"",
    "HTML": b"<!DOCTYPE html><p>Please log in",
    "truncated": b'{"value": 7, "modif',
    "invalid UTF-8": b'{"value": 7, "modified": "\xff\xfe"}',
    "a list": b"[]",
    "null": b"null",
    "text": b'"up"',
    "no fields": b"{}",
    "a field missing": b'{"value": 7}',
    "a number as text": b'{"value": "7", "modified": "2022-04-28T12:00:00Z"}',
    "a boolean": b'{"value": true, "modified": "2022-04-28T12:00:00Z"}',
    "a fraction": b'{"value": 7.5, "modified": "2022-04-28T12:00:00Z"}',
    "below zero": b'{"value": -7, "modified": "2022-04-28T12:00:00Z"}',
    "beyond 64 bits": b'{"value": 9223372036854775808, "modified": "2022-04-28T12:00:00Z"}',
    "absurdly large": b'{"value": 1e400, "modified": "2022-04-28T12:00:00Z"}',
    "thousands of digits": b'{"value": %s, "modified": "2022-04-28T12:00:00Z"}' % (b"7" * 5000),
    "NaN": b'{"value": NaN, "modified": "2022-04-28T12:00:00Z"}',
    "infinite": b'{"value": Infinity, "modified": "2022-04-28T12:00:00Z"}',
    "null for a number": b'{"value": null, "modified": "2022-04-28T12:00:00Z"}',
    "null for a time": b'{"value": 7, "modified": null}',
    "no time": b'{"value": 7, "modified": "yesterday"}',
    "a time without a zone": b'{"value": 7, "modified": "2022-04-28T12:00:00"}',
    "a time as a number": b'{"value": 7, "modified": 1651147200}',
    "a time before all time": b'{"value": 7, "modified": "0001-01-01T00:00:00+14:00"}',
    "nested without end": b"[" * 100_000,
    "nested objects without end": b'{"value":' * 100_000,
}


@pytest.mark.parametrize("body", NOT_A_COUNTER.values(), ids=NOT_A_COUNTER)
def test_an_answer_that_is_not_what_the_contract_promises_is_a_decode_error(make_client, raw_server, body):
    raw_server.script[:] = [response(body)]
    with pytest.raises(DecodeError):
        make_client(raw_server.url).get_counter("currentCalls")
    assert len(raw_server.requests) == 1


NOT_A_REPORT = {
    "a duration beyond all time": b'{"success": 1, "failed": 0, "duration": 9000000000000000000}',
    "no failures": b'{"success": 1, "duration": 3}',
    "a start that is no time": b'{"success": 1, "failed": 0, "duration": 3, "start": 5}',
    "an empty start": b'{"success": 1, "failed": 0, "duration": 3, "start": ""}',
    "a false start": b'{"success": 1, "failed": 0, "duration": 3, "start": false}',
}


@pytest.mark.parametrize("body", NOT_A_REPORT.values(), ids=NOT_A_REPORT)
def test_a_report_that_is_not_what_the_contract_promises_is_a_decode_error(make_client, raw_server, body):
    raw_server.script[:] = [response(body)]
    with pytest.raises(DecodeError):
        make_client(raw_server.url).get_call_report(Number("+46730170101"))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"status": null}', b'{"status": 1}', b'{"status": ["up"]}', b'{"status": "%s"}' % (b"u" * 201)]
)
def test_a_status_that_is_not_a_short_text_is_a_decode_error(make_client, raw_server, body):
    raw_server.script[:] = [response(body)]
    with pytest.raises(DecodeError, match="status"):
        make_client(raw_server.url).get_service_status("rtpproxy")


ERROR = {"errorCode": 40400, "message": "No such counter", "reference": "3d9a5e8e-6f2b-4b7c-9c1e-1f0a3c5d7e90"}
ERROR_BODIES = {
    "as documented": ERROR,
    "a code that is text": {**ERROR, "errorCode": "40400"},
    "another name for the code": {"code": 40400, "message": ERROR["message"], "reference": ERROR["reference"]},
    "wrapped": {"response": {"error": ERROR}},
    "wrapped once": {"error": ERROR},
}


@pytest.mark.parametrize("status", ["404 Not Found", "200 OK"])
@pytest.mark.parametrize("body", ERROR_BODIES.values(), ids=ERROR_BODIES)
def test_the_error_is_the_one_that_the_body_names(make_client, raw_server, body, status):
    raw_server.script[:] = [response(json.dumps(body), status)]
    with pytest.raises(NotFoundError) as caught:
        make_client(raw_server.url).get_counter("currentCalls")
    error = caught.value
    assert (error.status_code, error.error_code, error.message) == (404, 40400, "No such counter")
    assert error.reference == ERROR["reference"]
    assert error.attempts == 1
    for part in ("404 Not Found", "40400", "No such counter", ERROR["reference"], "Check the"):
        assert part in str(error)


def test_a_200_that_names_a_passing_failure_is_tried_again(make_client, raw_server, no_backoff):
    raw_server.script[:] = [response('{"errorCode": 50300, "message": "Down"}'), COUNTER]
    assert make_client(raw_server.url, retry=no_backoff).get_counter("currentCalls").value == 7


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"\xff\xff", b"[" * 100_000, b'{"errorCode": true, "message": 5}']
)
def test_the_status_of_an_error_survives_a_body_that_says_nothing(make_client, raw_server, body):
    raw_server.script[:] = [response(body, "501 Oops")]
    with pytest.raises(ServerError, match=r"^501 Not Implemented") as caught:
        make_client(raw_server.url).get_counter("currentCalls")
    error = caught.value
    assert (error.status_code, error.error_code, error.message, error.reference) == (501, None, None, None)


BODY = b'{"value": 7, "modified": "2022-04-28T12:00:00Z"}'


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY, mtime=0), "X-GZIP"),
        (zlib.compress(BODY), "deflate"),
        (BODY, "identity"),
    ],
)
def test_a_compressed_answer_is_understood_though_not_asked_for(make_client, raw_server, body, encoding):
    raw_server.script[:] = [response(body, Content_Encoding=encoding)]
    assert make_client(raw_server.url).get_counter("currentCalls").value == 7
    assert raw_server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY, mtime=0)[:-9], "gzip"),
        (BODY, "gzip"),
        (b"\x00" * 9, "deflate"),
        (BODY, "br"),
        (BODY, "gzip, gzip"),
    ],
)
def test_an_answer_that_cannot_be_decompressed_is_a_decode_error(make_client, raw_server, body, encoding):
    raw_server.script[:] = [response(body, Content_Encoding=encoding)]
    with pytest.raises(DecodeError, match="decompressed"):
        make_client(raw_server.url).get_counter("currentCalls")
    raw_server.script[:] = [response(body, "401 Unauthorized", Content_Encoding=encoding)]
    with pytest.raises(AuthenticationError):
        make_client(raw_server.url).get_counter("currentCalls")


def padded(size):
    return BODY + b" " * (size - len(BODY))


def test_an_answer_of_1_mib_is_read(make_client, raw_server):
    raw_server.script[:] = [response(padded(2**20))]
    assert make_client(raw_server.url).get_counter("currentCalls").value == 7
    raw_server.script[:] = [response(gzip.compress(padded(2**20)), Content_Encoding="gzip")]
    assert make_client(raw_server.url).get_counter("currentCalls").value == 7


def test_an_answer_beyond_1_mib_is_a_decode_error(make_client, raw_server):
    for step in (
        response(padded(2**20 + 1)),
        response(gzip.compress(padded(2**20 + 1)), Content_Encoding="gzip"),
        response(gzip.compress(bytes(2**27)), Content_Encoding="gzip"),
    ):
        raw_server.script[:] = [step]
        with pytest.raises(DecodeError, match="1 MiB"):
            make_client(raw_server.url).get_counter("currentCalls")


def test_an_answer_without_end_is_read_no_further_than_1_mib(make_client, raw_server):
    sent = []

    def pieces():
        for _ in range(100_000):
            sent.append(65536)
            yield b"10000\r\n" + bytes(65536) + b"\r\n"

    raw_server.script[:] = [raw_server.drip([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], 0)]
    drip = raw_server.drip(pieces(), 0)

    def step(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        drip(connection)

    raw_server.script[:] = [step]
    with pytest.raises(DecodeError, match="1 MiB"):
        make_client(raw_server.url).get_counter("currentCalls")
    raw_server.__exit__()
    assert sum(sent) < 2**26  # what fitted into the sockets' buffers besides


@pytest.mark.parametrize(
    "words",
    [
        "no user +46730170101 here",
        "46730170101",
        "%2B46730170101",
        "User:anna-maria/x",
        "anna-maria%2Fx",
        "5F5C418A0F914BBC8234A9BF5EDDAD97 is unknown",
        "a number: 46700000000",
    ],
)
def test_the_servers_words_lose_numbers_names_and_credentials(make_client, raw_server, words):
    raw_server.script[:] = [
        response(json.dumps({"errorCode": 40400, "message": words, "reference": words}), "404 Gone")
    ]
    reporting = make_client(raw_server.url)
    for endpoint in (Number("+46730170101"), Username("anna-maria/x")):
        with pytest.raises(NotFoundError) as caught:
            reporting.get_call_report(endpoint)
        for value in (str(caught.value), repr(caught.value), caught.value.message or "", caught.value.reference or ""):
            assert endpoint.value.removeprefix("+") not in value
            assert "5F5C418A0F914BBC8234A9BF5EDDAD97" not in value
            assert "anna-maria%2Fx" not in value or isinstance(endpoint, Number)
        assert "46700000000" not in caught.value.message


def test_a_reference_that_is_a_uuid_is_kept_as_it_is(make_client, raw_server):
    reference = "12345678-0000-4000-8000-12345678aaaa"
    raw_server.script[:] = [response(json.dumps({"errorCode": 40400, "reference": reference}), "404 Gone")]
    with pytest.raises(NotFoundError) as caught:
        make_client(raw_server.url).get_call_report(Username("a"))
    assert caught.value.reference == reference
    assert reference in str(caught.value)


def test_the_servers_words_lose_basic_credentials_and_control_characters(make_client, raw_server):
    raw_server.script[:] = [
        response(json.dumps({"message": "the-key\x1b[31m the-secret\n dGhlLWtleTp0aGUtc2VjcmV0" + "x" * 999}), "418 No")
    ]
    with pytest.raises(APIError) as caught:
        make_client(raw_server.url, auth=httpx.BasicAuth("the-key", "the-secret")).get_counter("currentCalls")
    assert caught.value.message.startswith("*** [31m *** ***xxx")
    assert len(caught.value.message) == 300
