"""Both clients against a server made of openapi/reporting.yaml: every operation, every documented answer."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from attrs import frozen
from dateutil.parser import isoparse

from sinch_reporting import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CallReport,
    Counter,
    NotFoundError,
    Number,
    PermissionDeniedError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    ServiceStatus,
)
from tests.contract.document import ERRORS, OPERATIONS, SERVER
from tests.contract.exchange import KEY, SECRET, RecordingTransport, outcome, preferring

ERROR_CLASSES = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
}
ONCE = RetryPolicy(attempts=1)


@frozen
class Covered:
    """How an operation is called on either client, and what its result is; from the documented examples."""

    call: Callable[[Any, dict[str, str]], Any]
    result: Callable[[dict[str, str], dict[str, Any]], object]


COVERED = {
    "getCallReport": Covered(
        lambda reporting, given: reporting.get_call_report(
            Number(given["endpoint"]),
            domain=given["domain"],
            start=date.fromisoformat(given["_start"]),
            stop=date.fromisoformat(given["_stop"]),
        ),
        lambda _, body: CallReport(
            success=body["success"],
            failed=body["failed"],
            duration=timedelta(seconds=body["duration"]),
            start=isoparse(body["start"]),
        ),
    ),
    "getCounter": Covered(
        lambda reporting, given: reporting.get_counter(given["id"]),
        lambda given, body: Counter(id=given["id"], value=body["value"], modified=isoparse(body["modified"])),
    ),
    "getServiceStatus": Covered(
        lambda reporting, given: reporting.get_service_status(given["id"]),
        lambda given, body: ServiceStatus(id=given["id"], status=body["status"]),
    ),
}


def call_of(name):
    return lambda reporting: COVERED[name].call(reporting, OPERATIONS[name].arguments)


def documented_result_of(name):
    return COVERED[name].result(OPERATIONS[name].arguments, OPERATIONS[name].result)


def test_every_documented_operation_is_covered():
    assert COVERED.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_result_has_the_values_of_the_documented_example(name, client_class, auth, prism_mock):
    watched = RecordingTransport()
    result = outcome(client_class, call_of(name), base_url=prism_mock, auth=auth, transport=watched)
    assert result == documented_result_of(name)
    assert type(result) is type(documented_result_of(name))
    assert (watched.statuses, watched.violations) == ([200], [])


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_default_transport_brings_the_same_result(name, client_class, auth, prism_mock):
    assert outcome(client_class, call_of(name), base_url=prism_mock, auth=auth) == documented_result_of(name)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_has_the_documented_method_path_and_query(name, client_class, auth, prism_mock):
    watched = RecordingTransport()
    outcome(client_class, call_of(name), base_url=prism_mock, auth=auth, transport=watched)
    operation, (request,) = OPERATIONS[name], watched.requests
    path = request.url.raw_path.partition(b"?")[0].decode()
    assert request.method == operation.method
    assert path == operation.path.format(**operation.path_arguments)
    assert dict(request.url.params) == operation.query


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_has_the_class_of_its_status_and_the_values_of_its_example(error, client_class, auth, prism_mock):
    watched = RecordingTransport(preferring(f"code={error.status}, example={error.name}"))
    with pytest.raises(APIError) as caught:
        outcome(
            client_class,
            call_of(error.operation),
            base_url=prism_mock,
            auth=auth,
            retry=ONCE,
            transport=watched,
        )
    raised = caught.value
    assert type(raised) is ERROR_CLASSES[error.status]
    assert (raised.status_code, raised.error_code) == (error.status, error.body["errorCode"])
    assert (raised.message, raised.reference) == (error.body["message"], error.body["reference"])
    assert (raised.retry_after, raised.attempts) == (error.retry_after, 1)
    assert (watched.statuses, watched.violations) == ([error.status], [])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_503_that_stays_is_raised_after_four_attempts(name, client_class, auth, prism_mock):
    watched = RecordingTransport(preferring("code=503"))
    no_backoff = RetryPolicy(backoff_base=0.001)
    with pytest.raises(ServerError) as caught:
        outcome(client_class, call_of(name), base_url=prism_mock, auth=auth, retry=no_backoff, transport=watched)
    assert (caught.value.attempts, watched.statuses) == (4, [503] * 4)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_mock_refuses_a_request_without_authorization(name, client_class, prism_mock):
    watched = RecordingTransport()
    with pytest.raises(AuthenticationError):
        outcome(client_class, call_of(name), base_url=prism_mock, auth=httpx.Auth(), transport=watched)
    assert (watched.statuses, watched.violations) == ([401], ["request"])


def test_the_mock_refuses_a_date_that_is_none(client_class, auth, prism_mock):
    def misdated(request):
        return httpx.Request(request.method, request.url.copy_set_param("_start", "yesterday"), headers=request.headers)

    watched = RecordingTransport(misdated)
    with pytest.raises(BadRequestError):
        outcome(client_class, call_of("getCallReport"), base_url=prism_mock, auth=auth, transport=watched)
    assert (watched.statuses, watched.violations) == ([400], ["request.query._start"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_default_server_is_the_documented_one(name, client_class, monkeypatch):
    monkeypatch.delenv("SINCH_REPORTING_URL", raising=False)
    urls = []

    def answered(request):
        urls.append(str(request.url))
        return httpx.Response(200, json=OPERATIONS[name].result)

    transport = httpx.MockTransport(answered)
    outcome(client_class, call_of(name), application_key=KEY, application_secret=SECRET, transport=transport)
    (url,) = urls
    assert url.startswith(f"{SERVER}/")
