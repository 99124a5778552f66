import httpx
from prometheus_client import CollectorRegistry

from sinch_reporting import RetryPolicy
from sinch_reporting.metrics import attempt_metrics
from tests.support.scripted import COUNTER, reply


def test_attempts_are_counted_and_timed(make_client):
    registry = CollectorRegistry()
    script = [reply(status=503), httpx.ReadError(""), reply(COUNTER)]
    client = make_client(*script, on_attempt=attempt_metrics(registry), retry=RetryPolicy(backoff_base=0))
    client.get_counter("currentCalls")

    def value(name, **labels):
        return registry.get_sample_value(f"sinch_reporting_{name}", {"route": "/counters/{id}", **labels})

    outcomes = ("503", "ReadError", "200", "404")
    assert [value("attempt_seconds_count", outcome=outcome) for outcome in outcomes] == [1, 1, 1, None]
    assert value("attempt_seconds_sum", outcome="200") >= 0
    assert value("retries_total") == 2
    assert [value("errors_total", kind=kind) for kind in ("503", "ReadError", "200")] == [1, 1, None]
