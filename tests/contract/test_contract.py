"""Both clients against a server made of openapi/reporting.yaml: every operation, every documented response.

Calls and expected values are derived from the document's examples, so that a new operation is covered by itself.
"""

import inspect
import re
from datetime import date

import httpx
import pytest
from dateutil.parser import isoparse

from sinch_reporting import (
    APIError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    Number,
    PermissionDeniedError,
    RateLimitError,
    ReportingClient,
    RetryPolicy,
    ServerError,
    SignedAuth,
    Username,
)
from sinch_reporting.config import resolve_base_url
from tests.contract.document import ERRORS, OPERATIONS, SERVER
from tests.contract.exchange import KEY, SECRET, RecordingTransport, outcome, preferring

ERROR_CLASSES = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: APIError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
}
ONCE = RetryPolicy(attempts=1)


ENDPOINTS = {"number": Number, "username": Username}
RENAMED = {"start": "first_call"}  # fields whose name says more in the results than in the API


def method_of(name):
    """Return the name of the method for an operationId: `getCounter` is `get_counter`."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def arguments_of(name):
    """Return the arguments of the method: the documented examples, as the types of the facade."""
    examples = {key.lstrip("_"): value for key, value in OPERATIONS[name].arguments.items()}
    if "endpoint" in examples:
        examples["endpoint"] = ENDPOINTS[examples.pop("type")](examples["endpoint"])
    names = inspect.signature(getattr(ReportingClient, method_of(name))).parameters
    positional = [value for key, value in examples.items() if key not in names]
    dates = {key: date.fromisoformat(value) for key, value in examples.items() if key in {"start", "stop"}}
    return positional, {key: value for key, value in {**examples, **dates}.items() if key in names}


def call_of(name):
    positional, named = arguments_of(name)
    return lambda reporting: getattr(reporting, method_of(name))(*positional, **named)


def comparable(value):
    return isoparse(value) if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value) else value


def assert_has_the_documented_values(name, result):
    values = result.to_dict()
    documented = {RENAMED.get(key, key): comparable(value) for key, value in OPERATIONS[name].result.items()}
    assert {key: comparable(values[key]) for key in documented} == documented


def test_every_documented_operation_is_a_method():
    assert [name for name in OPERATIONS if not hasattr(ReportingClient, method_of(name))] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_and_its_result_are_the_documented_ones(name, auth, prism_mock):
    recorded = RecordingTransport()
    result = outcome(ReportingClient, call_of(name), base_url=prism_mock, auth=auth, transport=recorded)
    assert_has_the_documented_values(name, result)
    assert (recorded.statuses, recorded.violations) == ([200], [])
    operation, (request,) = OPERATIONS[name], recorded.requests
    path = request.url.raw_path.partition(b"?")[0].decode()
    assert request.method == operation.method
    assert path == operation.path.format(**operation.path_arguments)
    assert dict(request.url.params) == operation.query


@pytest.mark.parametrize("name", OPERATIONS)
def test_both_clients_get_the_same_result_over_their_default_transport(name, client_class, prism_mock):
    result = outcome(client_class, call_of(name), base_url=prism_mock, auth=SignedAuth(KEY, SECRET))
    assert_has_the_documented_values(name, result)


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_has_the_class_of_its_status_and_the_values_of_its_example(error, prism_mock):
    recorded = RecordingTransport(preferring(f"code={error.status}, example={error.name}"))
    with pytest.raises(APIError) as caught:
        outcome(
            ReportingClient,
            call_of(error.operation),
            base_url=prism_mock,
            auth=SignedAuth(KEY, SECRET),
            retry=ONCE,
            transport=recorded,
        )
    raised = caught.value
    assert type(raised) is ERROR_CLASSES[error.status]
    assert (raised.status_code, raised.error_code) == (error.status, error.body["errorCode"])
    assert (raised.message, raised.reference) == (error.body["message"], error.body["reference"])
    assert (raised.retry_after, raised.attempts) == (error.retry_after, 1)
    assert (recorded.statuses, recorded.violations) == ([error.status], [])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_503_that_stays_is_raised_after_four_attempts(name, client_class, prism_mock):
    recorded = RecordingTransport(preferring("code=503"))
    options = {"auth": SignedAuth(KEY, SECRET), "retry": RetryPolicy(backoff_base=0.001), "transport": recorded}
    with pytest.raises(ServerError) as caught:
        outcome(client_class, call_of(name), base_url=prism_mock, **options)
    assert (caught.value.attempts, recorded.statuses) == (4, [503] * 4)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_mock_refuses_a_request_without_authorization(name, prism_mock):
    recorded = RecordingTransport()
    with pytest.raises(AuthenticationError):
        outcome(ReportingClient, call_of(name), base_url=prism_mock, auth=httpx.Auth(), transport=recorded)
    assert (recorded.statuses, recorded.violations) == ([401], ["request"])


def test_the_mock_refuses_a_date_that_is_none(prism_mock):
    def misdated(request):
        return httpx.Request(request.method, request.url.copy_set_param("_start", "yesterday"), headers=request.headers)

    recorded = RecordingTransport(misdated)
    with pytest.raises(BadRequestError):
        outcome(
            ReportingClient,
            call_of("getCallReport"),
            base_url=prism_mock,
            auth=httpx.BasicAuth(KEY, SECRET),
            transport=recorded,
        )
    assert (recorded.statuses, recorded.violations) == ([400], ["request.query._start"])


def test_the_default_server_is_the_documented_one():
    assert resolve_base_url(None, allow_http=False) == SERVER
