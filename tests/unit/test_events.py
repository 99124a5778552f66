import pytest

from sinch_reporting import Attempt


@pytest.mark.parametrize(
    ("outcome", "status", "succeeded"),
    [("200", 200, True), ("503", 503, False), ("ReadTimeout", None, False), ("DecodeError", None, False)],
)
def test_an_attempt_has_a_status_if_its_outcome_is_one(outcome, status, succeeded):
    attempt = Attempt("GET", "/counters/{id}", 2, outcome, 0.25)
    assert (attempt.status, attempt.succeeded) == (status, succeeded)
    assert (attempt.method, attempt.route, attempt.number, attempt.elapsed) == ("GET", "/counters/{id}", 2, 0.25)
    assert attempt.headers == {}


def test_the_repr_of_an_attempt_omits_the_headers():
    assert "hush" not in repr(Attempt("GET", "/counters/{id}", 1, "200", 0.1, {"X-Echo": "hush"}))
