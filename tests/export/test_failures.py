import pytest

from sinch_reporting import CallReport
from sinch_reporting._operations import parse
from sinch_reporting.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ReportingError,
    RequestTimeoutError,
    ServerError,
    TransportError,
)
from sinch_reporting.export import PausePolicy
from sinch_reporting.export.failures import CircuitBreaker, Failure, classify
from sinch_reporting_client.models import CallReport as ApiCallReport

API = {"error_code": 40001, "message": "from the API"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequestError("", status_code=400, **API), "permanent"),
        (NotFoundError("", status_code=404, message="unknown"), "permanent"),
        (NotFoundError("", status_code=404), "transient"),  # a page of something else
        (BadRequestError("", status_code=400, error_code=40004), "fatal"),  # the application key is invalid
        (AuthenticationError("", status_code=401), "fatal"),
        (PermissionDeniedError("", status_code=403, **API), "forbidden"),
        (PermissionDeniedError("", status_code=403), "transient"),
        (RateLimitError("", status_code=429, **API), "transient"),
        (ServerError("", status_code=503, **API), "transient"),
        (APIError("", status_code=302), "transient"),
        (APIError("", status_code=407), "transient"),
        (TransportError(""), "transient"),
        (RequestTimeoutError(""), "transient"),
        (DeadlineExceededError(""), "transient"),
        (DecodeError("the server sent 200 with HTML"), "transient"),
        (InvalidRequestError("the endpoint is too long for a URL"), "permanent"),
        (ConfigurationError(""), "fatal"),
        (ReportingError("the client is closed"), "fatal"),
    ],
)
def test_kind_of_a_failure(error, kind):
    assert classify(error) == Failure(kind)


class BrokenModel:
    @staticmethod
    def from_dict(_):
        raise KeyError("success")


@pytest.mark.parametrize("model", [ApiCallReport, BrokenModel])
def test_a_json_object_that_violates_the_contract_is_a_permanent_failure(model):
    with pytest.raises(DecodeError) as caught:
        CallReport.from_api(parse(model, {"success": "many"}))
    assert classify(caught.value) is Failure.PERMANENT


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


POLICY = PausePolicy(failures=3, first=2, longest=5, give_up_after=60)


def unavailable(retry_after=None):
    return ServerError("unavailable", status_code=503, retry_after=retry_after)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(POLICY, clock)


def test_a_series_of_failures_opens_the_circuit(breaker):
    breaker.fail(unavailable(), probe=False)
    breaker.fail(unavailable(), probe=False)
    breaker.succeed(probe=False)
    for _ in range(2):
        breaker.fail(unavailable(), probe=False)
        assert not breaker.is_open
    breaker.fail(unavailable(), probe=False)
    assert (breaker.is_open, breaker.next_probe, breaker.problem) == (True, 102, "unavailable")


def test_pauses_double_up_to_the_longest_and_start_again_after_a_success(breaker, clock):
    breaker.fail(unavailable(1), probe=False)
    pauses = []
    for _ in range(3):
        clock.now = breaker.next_probe
        breaker.fail(unavailable(), probe=True)
        pauses.append(breaker.next_probe - clock.now)
    assert pauses == [4, 5, 5]
    breaker.succeed(probe=False)  # was in flight
    assert breaker.is_open
    breaker.succeed(probe=True)
    assert not breaker.is_open
    breaker.fail(unavailable(1), probe=False)
    assert breaker.next_probe - clock.now == 2


def test_any_retry_after_opens_the_circuit_and_can_prolong_the_pause(breaker):
    breaker.fail(unavailable(30), probe=False)
    assert (breaker.is_open, breaker.next_probe) == (True, 130)
    breaker.fail(unavailable(), probe=False)
    breaker.fail(unavailable(40), probe=False)
    breaker.fail(unavailable(1), probe=False)
    assert (breaker.next_probe, breaker.gives_up) == (140, False)


@pytest.mark.parametrize(
    ("retry_after", "max_retry_after", "gives_up"), [(59, 86400, False), (61, 86400, True), (30, 20, True)]
)
def test_it_gives_up_if_the_next_probe_is_too_late(clock, retry_after, max_retry_after, gives_up):
    policy = PausePolicy(failures=3, give_up_after=60, max_retry_after=max_retry_after)
    breaker = CircuitBreaker(policy, clock)
    breaker.fail(unavailable(retry_after), probe=False)
    assert breaker.gives_up is gives_up


def test_it_gives_up_after_an_outage(breaker, clock):
    breaker.fail(unavailable(1), probe=False)
    probes = 0
    while not breaker.gives_up:
        clock.now = breaker.next_probe
        breaker.fail(unavailable(), probe=True)
        probes += 1
    assert probes == 12
    assert clock.now - 100 <= 60 < breaker.next_probe - 100


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"failures": True}, {"first": -1}, {"give_up_after": "1h"}])
def test_policy_refuses_values_out_of_range(wrong):
    with pytest.raises(InvalidRequestError):
        PausePolicy(**wrong)
