import pytest

from sinch_reporting.rate_limit import RateLimiter


def reserve(limiter, count, max_wait=1e6):
    return [limiter.reserve(max_wait) for _ in range(count)]


def test_without_a_rate_no_request_waits():
    assert reserve(RateLimiter(None), 1000) == [0] * 1000


@pytest.mark.parametrize("rate", [0.001, 0.5, 1, 3, 9.9])
def test_requests_are_spaced_evenly(clock, rate):
    assert reserve(RateLimiter(rate), 5) == pytest.approx([index / rate for index in range(5)], abs=0.005)


@pytest.mark.parametrize(("rate", "burst"), [(10, 2), (200, 21), (3333, 334)])
def test_the_requests_of_a_tenth_of_a_second_start_at_once(clock, rate, burst):
    found = reserve(RateLimiter(rate), burst + 50)
    assert found[:burst] == pytest.approx([0] * burst, abs=1e-5)
    assert found[burst:] == pytest.approx([index / rate for index in range(1, 51)], abs=0.002)


def test_unused_slots_are_not_saved_beyond_that(clock):
    limiter = RateLimiter(10)
    reserve(limiter, 2)
    clock.tick(3600)
    assert reserve(limiter, 4) == pytest.approx([0, 0, 0.1, 0.2])


def test_a_wait_that_is_too_long_reserves_no_slot(clock):
    limiter = RateLimiter(1)
    assert reserve(limiter, 3, max_wait=0.5) == [0, None, None]
    clock.tick(1)
    assert reserve(limiter, 1, max_wait=0.5) == [0]


@pytest.mark.parametrize("rate", [None, 1])
def test_a_pause_delays_every_request(clock, rate):
    limiter = RateLimiter(rate)
    limiter.pause(20)
    assert reserve(limiter, 1, max_wait=5) == [None]
    assert reserve(limiter, 1) == [20]
    clock.tick(20)
    assert limiter.reserve(5, already_reserved=True) == 0


def test_slots_are_spaced_after_a_pause_too(clock):
    limiter = RateLimiter(1)
    limiter.pause(20)
    assert reserve(limiter, 3) == pytest.approx([20, 21, 22])


def test_a_pause_delays_a_request_that_has_a_slot(clock):
    limiter = RateLimiter(1)
    assert reserve(limiter, 2) == pytest.approx([0, 1])
    limiter.pause(20)
    clock.tick(1)
    assert limiter.reserve(60, already_reserved=True) == pytest.approx(19)
    assert limiter.reserve(18, already_reserved=True) is None


def test_a_shorter_pause_does_not_shorten_a_longer_one(clock):
    limiter = RateLimiter(None)
    limiter.pause(20)
    limiter.pause(5)
    assert reserve(limiter, 1) == [20]
    assert limiter.pauses == 2
