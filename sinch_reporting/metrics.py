"""Prometheus metrics of a client's attempts, from the extra `metrics`."""

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ModuleNotFoundError as error:
    message = "metrics need the extra `metrics`: pip install 'sinch-reporting[metrics]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from sinch_reporting.events import Attempt, AttemptHook

_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def attempt_metrics(registry: CollectorRegistry = REGISTRY) -> AttemptHook:
    """Return an `on_attempt` that counts and times attempts in a registry.

    Make one for each registry, and give it to all clients. The metrics are:

    - `sinch_reporting_attempt_seconds`, a histogram of how long attempts took, by `route` and `outcome`, which is the
      HTTP status or the class of the error;
    - `sinch_reporting_retries_total`, the attempts that were not the first of their call, by `route`;
    - `sinch_reporting_errors_total`, the attempts that failed, by `route` and `kind`, which is their outcome.
    """
    text, labels = "How long attempts took.", ("route", "outcome")
    seconds = Histogram("sinch_reporting_attempt_seconds", text, labels, registry=registry, buckets=_SECONDS)
    text = "Attempts that were not the first of their call."
    retries = Counter("sinch_reporting_retries", text, ("route",), registry=registry)
    errors = Counter("sinch_reporting_errors", "Attempts that failed.", ("route", "kind"), registry=registry)

    def observe(attempt: Attempt) -> None:
        seconds.labels(attempt.route, attempt.outcome).observe(attempt.elapsed)
        if attempt.number > 1:
            retries.labels(attempt.route).inc()
        if not attempt.succeeded:
            errors.labels(attempt.route, attempt.outcome).inc()

    return observe
