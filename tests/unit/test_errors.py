import copy
import inspect
import pickle

import httpx
import pytest

import sinch_reporting
from sinch_reporting import APIError, ReportingError
from sinch_reporting.errors import api_error_class

CLASSES = [
    value for _, value in inspect.getmembers(sinch_reporting, inspect.isclass) if issubclass(value, ReportingError)
]
FIELDS = {
    "status_code": 429,
    "error_code": 42900,
    "message": "Slowly",
    "reference": "3d9a5e8e",
    "retry_after": 2.5,
    "headers": httpx.Headers({"Retry-After": "2.5"}),
}


def make(kind):
    error = kind("what happened", **FIELDS) if issubclass(kind, APIError) else kind("what happened")
    error.route, error.attempts, error.elapsed = "/counters/{id}", 4, 1.5
    return error


def test_the_tree_is_the_documented_one():
    api = ["BadRequest", "Authentication", "PermissionDenied", "NotFound", "RateLimit", "Server"]
    direct = ["Configuration", "InvalidRequest", "Transport", "DeadlineExceeded", "API", "Decode"]
    assert {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in CLASSES} == {
        "ReportingError": ["Exception"],
        **{f"{name}Error": ["ReportingError"] for name in direct},
        "ConfigurationError": ["ReportingError", "ValueError"],
        "InvalidRequestError": ["ReportingError", "ValueError"],
        "RequestTimeoutError": ["TransportError"],
        **{f"{name}Error": ["APIError"] for name in api},
    }


def pickled(error):
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize(
    ("kind", "duplicate"), [*((kind, pickled) for kind in CLASSES), (APIError, copy.copy), (APIError, copy.deepcopy)]
)
def test_every_error_can_be_pickled_and_copied(kind, duplicate):
    error = make(kind)
    twin = duplicate(error)
    assert type(twin) is kind
    assert str(twin) == "what happened"
    assert vars(twin) == vars(error)
    assert (twin.route, twin.attempts, twin.elapsed) == ("/counters/{id}", 4, 1.5)


def test_an_api_error_has_the_fields_of_the_response():
    error = make(APIError)
    assert {name: getattr(error, name) for name in FIELDS} == FIELDS
    assert APIError("x", status_code=500).headers == {}


def test_errors_are_true_and_have_defaults_outside_of_calls():
    error = ReportingError("what happened")
    assert error
    assert (error.route, error.attempts, error.elapsed) == (None, 0, None)


@pytest.mark.parametrize(
    ("statuses", "name"),
    [
        ([400], "BadRequestError"),
        ([401], "AuthenticationError"),
        ([403], "PermissionDeniedError"),
        ([404], "NotFoundError"),
        ([429], "RateLimitError"),
        ([500, 501, 503, 520, 599], "ServerError"),
        ([302, 304, 402, 407, 408, 409, 418, 600, 999], "APIError"),
    ],
)
def test_the_class_of_an_error_follows_from_its_status(statuses, name):
    assert {api_error_class(status).__name__ for status in statuses} == {name}
