"""The fault of each request, chosen without a socket."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from sinch_reporting.testing import Sandbox
from sinch_reporting.testing._fault_queue import FaultQueue, random_faults
from sinch_reporting.testing._handlers import HANDLERS
from sinch_reporting.testing._paths import PathPrefix
from sinch_reporting.testing.faults import Status

CALLS = "/v1/users/number/+46730170101/calls/pstn"
COUNTER = "/v1/counters/currentCalls"
A, B, C = Status(500), Status(502), Status(503)


@pytest.fixture
def queue():
    return FaultQueue()


def put(queue, faults, path="/"):
    queue.replace(PathPrefix.parse(path, HANDLERS), faults)


def take(queue, *paths):
    return [queue.take(path) for path in paths]


def test_each_request_takes_one_fault_and_then_responses_are_normal(queue):
    put(queue, [A, None, B])
    assert take(queue, CALLS, COUNTER, "/elsewhere", CALLS) == [A, None, B, None]


def test_new_faults_replace_the_previous_ones_of_their_path(queue):
    put(queue, itertools.repeat(A))
    put(queue, [C], "/users/")
    put(queue, [B])
    assert take(queue, COUNTER, COUNTER, CALLS) == [B, None, C]


def test_no_fault_is_left_after_clear(queue):
    put(queue, itertools.repeat(A))
    put(queue, [B], "/users/")
    queue.clear()
    assert take(queue, CALLS, COUNTER) == [None, None]


def test_other_requests_do_not_use_up_the_faults_of_a_path(queue):
    put(queue, [A, None, B], "/users/")
    assert take(queue, COUNTER, CALLS, COUNTER, CALLS, CALLS, CALLS) == [None, A, None, None, B, None]


def test_the_longest_path_with_faults_left_applies(queue):
    put(queue, itertools.repeat(A))
    put(queue, [C], "/users/number/+46730170101")
    put(queue, [B, B], "/users/")
    assert take(queue, COUNTER, CALLS, CALLS, CALLS, CALLS) == [A, C, B, B, A]


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("/", "/elsewhere", True),
        ("/v1", COUNTER, True),
        ("/counters", COUNTER, True),
        ("/counters/", COUNTER, True),
        ("/v1/counters/currentCalls", COUNTER, True),
        ("/counters/{id}", COUNTER, True),
        ("/counters/current", COUNTER, False),
        ("/counters/currentcalls", COUNTER, False),
        ("/counters/currentCalls", f"{COUNTER}/", True),
        ("/services/{id}", COUNTER, False),
        ("/counters", "/v2/counters/currentCalls", False),
        ("/users/{type}/{endpoint}/calls/pstn", CALLS, True),
        ("/users/{type}/{endpoint}/calls/data", CALLS, False),
        ("/users/number/+46730170101", CALLS.replace("+", "%2B"), True),
        ("/users/username/a%2Fb", "/v1/users/username/a%2fb/calls/data", True),
        ("/users/username/a", "/v1/users/username/a%2Fb/calls/data", False),
    ],
)
def test_a_path_is_compared_by_whole_decoded_segments(prefix, path, expected):
    assert PathPrefix.parse(prefix, HANDLERS).matches(path) is expected


@pytest.mark.parametrize("path", ["", "users/", "/user/", "/v2/users", "/counters/a/b", "http://x/"])
def test_a_path_of_no_operation_is_rejected(path):
    with pytest.raises(ValueError, match=r"path must be the beginning of one of /users/\{type\}"):
        Sandbox().fail_next(A, path=path)


def test_each_fault_is_taken_once_by_many_threads(queue):
    faults = [Status(400, code=code) for code in range(40000, 40400)]
    put(queue, faults)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: queue.take(CALLS), faults))
    assert sorted(fault.code for fault in taken) == [fault.code for fault in faults]


def test_chaos_is_the_same_for_the_same_seed():
    def course(seed, rate=0.5):
        return list(itertools.islice(random_faults(rate, seed, [A, B, C]), 100))

    assert course(1) == course(1) != course(2)
    assert set(course(1)) == {None, A, B, C}
    assert set(course(1, rate=0)) == {None}
    assert set(course(1, rate=1)) == {A, B, C}


@pytest.mark.parametrize("fault", [Status, "503", 503, object()])
def test_only_faults_are_accepted(fault):
    for call in (
        lambda sandbox: sandbox.fail_next(fault),
        lambda sandbox: sandbox.fail_always(fault),
        lambda sandbox: sandbox.chaos(faults=[fault]),
    ):
        with pytest.raises(TypeError, match="expected a fault"):
            call(Sandbox())


@pytest.mark.parametrize("arguments", [{"rate": -0.1}, {"rate": 1.1}, {"rate": float("nan")}, {"faults": []}])
def test_impossible_chaos_is_rejected(arguments):
    with pytest.raises(ValueError, match=r"rate|one fault"):
        Sandbox().chaos(**arguments)
