"""OpenTelemetry spans of a client's attempts, from the extra `otel`."""

import time

try:
    from opentelemetry import trace
    from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider
except ModuleNotFoundError as error:
    message = "spans need the extra `otel`: pip install 'sinch-reporting[otel]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from sinch_reporting.events import Attempt, AttemptHook
from sinch_reporting.version import __version__

_NANOSECONDS = 1_000_000_000


def attempt_spans(tracer_provider: TracerProvider | None = None) -> AttemptHook:
    """Return an `on_attempt` that records each attempt as a span, a child of the span in which the call was made.

    Its attributes are of OpenTelemetry's conventions for HTTP clients: `http.request.method`, `url.template`,
    `http.request.resend_count` (0 for the first attempt), `http.response.status_code` where an answer came, and
    `error.type` where it failed. No URL is recorded, and no phone number, username or id.

    Args:
        tracer_provider: Where the spans go. Default: the global one.
    """
    tracer = trace.get_tracer("sinch_reporting", __version__, tracer_provider)

    def observe(attempt: Attempt) -> None:
        end = time.time_ns()
        attributes: dict[str, str | int] = {
            "http.request.method": attempt.method,
            "url.template": attempt.route,
            "http.request.resend_count": attempt.number - 1,
        }
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        if not attempt.succeeded:
            attributes["error.type"] = attempt.outcome
        span = tracer.start_span(
            f"{attempt.method} {attempt.route}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=end - int(attempt.elapsed * _NANOSECONDS),
        )
        if not attempt.succeeded:
            span.set_status(Status(StatusCode.ERROR, attempt.outcome))
        span.end(end)

    return observe
