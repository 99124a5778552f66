"""No number, name or credential in logs, warnings, messages and tracebacks with locals; all loggers at DEBUG."""

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


# Each response quotes the words of the request.
PATHS = {
    "success": lambda _: response('{"success": 1, "failed": 0, "duration": 2}'),
    "an error that quotes the request": lambda echo: response(error_body(echo), "404 Not Found", X_Echo=echo),
    "an error within a 200": lambda echo: response(error_body(echo)),
    "a transient failure that persists": lambda echo: response(error_body(echo), "503 Down"),
    "a Retry-After that is too long": lambda echo: response(error_body(echo), "429 Slowly", Retry_After="999"),
    "a wait that would pass the deadline": lambda echo: response(error_body(echo), "429 Slowly", Retry_After="25"),
    "clock skew": lambda echo: response(error_body(echo), "401 Unauthorized", Date=FAR),
    "a redirect": lambda _: response(status="301 Moved", Location=URL),
    "HTML": lambda echo: response(f"<p>{echo}"),
    "JSON of another kind": lambda echo: response(json.dumps({"success": echo, "start": echo})),
    "an invalid time": lambda echo: response(json.dumps({"success": 1, "failed": 0, "duration": 2, "start": echo})),
    "no body": lambda _: response(),
    "a large body": lambda _: response(gzip.compress(bytes(2**21)), Content_Encoding="gzip"),
    "another success": lambda _: response(status="202 Accepted"),
    "garbage": lambda _: b"SSH-2.0-OpenSSH\r\n\r\n",
    "a disconnect": lambda _: disconnect,
}


def failure_of(call, *arguments, **options):
    """Return what the call raised. This frame contains only the masked arguments."""
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
        yield repr({name: value for name, value in vars(error).items() if name != "headers"})  # as the server sent them
        if not vars(error).get("headers"):
            yield repr(pickle.dumps(error))


def secrets_of(requests):
    yield from (KEY, SECRET, "46730170101", "anna-maria")
    for request in requests:
        yield request.headers["authorization"]
        yield request.headers["authorization"].partition(" ")[2].partition(":")[2] or request.headers["authorization"]


def assert_no_secrets_in(texts, requests):
    assert texts
    for secret in set(secrets_of(requests)):
        assert not [line for line in texts if secret in line]


@pytest.fixture
def everything(caplog):
    """Return a function that returns all log messages and warnings so far."""
    caplog.set_level(logging.DEBUG)
    for name in ("sinch_reporting", "httpx", "httpcore", "asyncio", "trio"):
        caplog.set_level(logging.DEBUG, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: [
            *(record.getMessage() for record in caplog.records),
            *(str(warning.message) for warning in caught),
        ]


# The loggers and frames of the other event loop differ if an attempt succeeds, is refused or fails.
@pytest.mark.parametrize(
    ("make_client", "path", "signed"),
    [
        *((stack, path, True) for stack in ("sync", "asyncio") for path in PATHS),
        *(("trio", path, True) for path in ("success", "an error that quotes the request", "garbage", "a disconnect")),
        ("sync", "an error that quotes the request", False),
    ],
    indirect=["make_client"],
)
def test_nothing_reveals_the_endpoint_or_the_account(make_client, raw_server, everything, path, signed):
    credentials = (
        f"{KEY} {SECRET}" if signed else f"{KEY} {SECRET} {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"
    )
    options = {} if signed else {"auth": httpx.BasicAuth(KEY, SECRET)}
    reporting = make_client(raw_server.url, retry=RetryPolicy(backoff_base=0), deadline=20, **options)
    texts = [repr(reporting), repr(reporting.api)]
    for endpoint, quoted in ((NUMBER, "+46730170101 %2B46730170101"), (NAME, "anna-maria/x anna-maria%2Fx")):
        raw_server.script[:] = [PATHS[path](f"{quoted} {credentials}")]
        error = failure_of(reporting.get_call_report, endpoint, start=date(2026, 11, 1), stop=date(2026, 11, 2))
        assert (error is None) == (path == "success")
        texts += texts_of(error)
    texts += everything()
    assert_no_secrets_in(texts, raw_server.requests)


def test_calls_that_time_out_reveal_nothing(make_client, raw_server, everything):
    raw_server.script[:] = [raw_server.no_response]
    for options in ({"timeout": 0.1, "retry": RetryPolicy(attempts=1)}, {"deadline": 0.1}):
        reporting = make_client(raw_server.url, **options)
        errors = [failure_of(reporting.get_call_report, NUMBER), failure_of(reporting.get_call_report, NAME)]
        assert None not in errors
        assert_no_secrets_in(
            [*everything(), *(line for error in errors for line in texts_of(error))], raw_server.requests
        )


def test_calls_that_are_not_sent_reveal_nothing(make_client, raw_server, everything):
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


def test_the_check_finds_what_a_plain_httpx_client_reveals(raw_server, everything):
    with httpx.Client() as client:
        raw_server.script[:] = [response(status="301 Moved", Location=URL)]
        client.get(f"{raw_server.url}/users/number/+46730170101/calls/data")
    texts = everything()
    assert len([line for line in texts if "46730170101" in line]) >= 2
