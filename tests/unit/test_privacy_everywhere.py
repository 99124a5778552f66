"""Every path, success and failure, with all loggers at DEBUG, warnings shown, and tracebacks formatted with locals."""

import base64
import gzip
import json
import logging
import pickle
import traceback
import warnings
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from sinch_reporting import Number, RetryPolicy, Username
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import disconnect, response

NUMBER = Number("+46730170101")
NAME = Username("anna-maria/x")
URL = "https://elsewhere.example/v1/users/number/+46730170101/calls/data"
FAR = format_datetime(datetime.now(UTC) + timedelta(hours=5), usegmt=True)


def error_body(echo):
    return json.dumps({"errorCode": 40400, "message": echo, "reference": echo})


# Each with the words that the server heard in the request, and says again.
PATHS = {
    "success": lambda _: response('{"success": 1, "failed": 0, "duration": 2}'),
    "an error that quotes what it heard": lambda echo: response(error_body(echo), "404 Not Found", X_Echo=echo),
    "an error within a 200": lambda echo: response(error_body(echo)),
    "a passing failure that stays": lambda echo: response(error_body(echo), "503 Down"),
    "a Retry-After that is too long": lambda echo: response(error_body(echo), "429 Slowly", Retry_After="999"),
    "a wait that would pass the deadline": lambda echo: response(error_body(echo), "429 Slowly", Retry_After="25"),
    "a 401 storm with a clock that is off": lambda echo: response(error_body(echo), "401 Unauthorized", Date=FAR),
    "a redirect": lambda _: response(status="301 Moved", Location=URL),
    "HTML": lambda echo: response(f"<p>{echo}"),
    "JSON of another kind": lambda echo: response(json.dumps({"success": echo, "start": echo})),
    "a time that is none": lambda echo: response(json.dumps({"success": 1, "failed": 0, "duration": 2, "start": echo})),
    "nothing": lambda _: response(),
    "too much": lambda _: response(gzip.compress(bytes(2**21)), Content_Encoding="gzip"),
    "another success": lambda _: response(status="202 Accepted"),
    "garbage": lambda _: b"SSH-2.0-OpenSSH\r\n\r\n",
    "hung up": lambda _: disconnect,
}


def failure_of(call, *arguments, **options):
    """Return what the call raised; nothing but the masked arguments stands in this frame."""
    try:
        call(*arguments, **options)
    except Exception as error:  # noqa: BLE001
        return error
    return None


def formatted(error):
    if error is None:
        return ""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def texts_of(error):
    yield formatted(error)
    link = error
    while link is not None:
        yield from (str(link), repr(link))
        link = link.__cause__ or link.__context__
    if error is not None:
        yield repr(vars(error))
        yield repr(pickle.dumps(error))


def secrets_of(requests):
    yield from (KEY, SECRET, "46730170101", "anna-maria")
    for request in requests:
        yield request.headers["authorization"]
        yield request.headers["authorization"].partition(" ")[2].partition(":")[2] or request.headers["authorization"]


def assert_no_secrets_in(told, requests):
    assert told
    for secret in set(secrets_of(requests)):
        assert not [line for line in told if secret in line]


@pytest.fixture
def everything(caplog):
    """Return the list of what is logged and warned of, which grows as it happens."""
    caplog.set_level(logging.DEBUG)
    for name in ("sinch_reporting", "httpx", "httpcore", "asyncio", "trio"):
        caplog.set_level(logging.DEBUG, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: [
            *(record.getMessage() for record in caplog.records),
            *(str(warning.message) for warning in caught),
        ]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "basic"])
@pytest.mark.parametrize("path", PATHS)
def test_no_path_tells_who_was_asked_about_or_by_whom(make_client, raw_server, everything, path, signed):
    credentials = (
        f"{KEY} {SECRET}" if signed else f"{KEY} {SECRET} {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"
    )
    options = {} if signed else {"auth": httpx.BasicAuth(KEY, SECRET)}
    reporting = make_client(raw_server.url, retry=RetryPolicy(backoff_base=0), deadline=20, **options)
    told = [repr(reporting), repr(reporting.api)]
    for endpoint, heard in ((NUMBER, "+46730170101 %2B46730170101"), (NAME, "anna-maria/x anna-maria%2Fx")):
        raw_server.script[:] = [PATHS[path](f"{heard} {credentials}")]
        error = failure_of(reporting.get_call_report, endpoint, start=date(2026, 11, 1))
        assert (error is None) == (path == "success")
        told += texts_of(error)
    told += everything()
    assert_no_secrets_in(told, raw_server.requests)


def test_neither_do_calls_that_never_end(make_client, raw_server, everything):
    raw_server.script[:] = [raw_server.no_response]
    for options in ({"timeout": 0.1, "retry": RetryPolicy(attempts=1)}, {"deadline": 0.1}):
        reporting = make_client(raw_server.url, **options)
        errors = [failure_of(reporting.get_call_report, NUMBER), failure_of(reporting.get_call_report, NAME)]
        assert None not in errors
        assert_no_secrets_in(
            [*everything(), *(line for error in errors for line in texts_of(error))], raw_server.requests
        )


def test_neither_do_calls_that_are_never_sent(make_client, raw_server, everything):
    reporting = make_client(raw_server.url)
    reporting.close()
    refused = make_client("http://127.0.0.1:1/v1", retry=RetryPolicy(attempts=1))
    errors = [
        failure_of(reporting.get_call_report, NUMBER),
        failure_of(refused.get_call_report, NUMBER),
        failure_of(refused.get_call_report, NAME, domain="other"),
        failure_of(refused.get_call_report, NUMBER, start=date(2026, 11, 2), stop=date(2026, 11, 1)),
        failure_of(refused.get_call_report, Username("anna-maria/x" * 9999)),
    ]
    assert None not in errors
    assert_no_secrets_in([*everything(), *(line for error in errors for line in texts_of(error))], [])


def test_the_check_itself_finds_what_a_bare_httpx_client_tells(raw_server, everything):
    with httpx.Client() as client:
        raw_server.script[:] = [response(status="301 Moved", Location=URL)]
        client.get(f"{raw_server.url}/users/number/+46730170101/calls/data")
    told = everything()
    assert len([line for line in told if "46730170101" in line]) >= 2
