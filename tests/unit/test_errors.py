import pickle

import pytest

import sinch_reporting
from sinch_reporting import (
    APIError,
    ConfigurationError,
    InvalidRequestError,
    RateLimitError,
    ReportingError,
    RequestTimeoutError,
    TransportError,
)

PUBLIC = [getattr(sinch_reporting, name) for name in sinch_reporting.__all__]
CLASSES = [kind for kind in PUBLIC if isinstance(kind, type) and issubclass(kind, Exception)]
FIELDS = {
    "status_code": 429,
    "error_code": 42900,
    "message": "Slowly",
    "reference": "3d9a5e8e",
    "retry_after": 2.5,
    "attempts": 4,
}


def test_the_tree_is_the_documented_one():
    parents = {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}
    api = ["BadRequest", "Authentication", "PermissionDenied", "NotFound", "RateLimit", "Server"]
    direct = ["Configuration", "InvalidRequest", "Transport", "DeadlineExceeded", "API", "Decode"]
    assert parents == {
        "ReportingError": "Exception",
        "RequestTimeoutError": "TransportError",
        **{f"{name}Error": "ReportingError" for name in direct},
        **{f"{name}Error": "APIError" for name in api},
    }
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(InvalidRequestError, ValueError)
    assert issubclass(RequestTimeoutError, TransportError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_survives_pickling(kind):
    error = kind("what happened", **FIELDS) if issubclass(kind, APIError) else kind("what happened")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == "what happened"
    assert vars(copy) == vars(error)


def test_an_api_error_tells_what_the_server_said():
    error = RateLimitError("what happened", **FIELDS)
    assert {name: getattr(error, name) for name in FIELDS} == FIELDS
    assert isinstance(error, ReportingError)
