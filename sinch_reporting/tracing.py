"""OpenTelemetry spans of calls and attempts, from the extra `otel`."""

from functools import partial
from typing import Any

try:
    from opentelemetry import propagate, trace
except ModuleNotFoundError as error:
    message = "spans need the extra `otel`: pip install 'sinch-reporting[otel]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from sinch_reporting.events import Attempt
from sinch_reporting.version import __version__


class CallTracer:
    """Records a span for each call and, within it, one for each attempt; for the client option `tracer`.

    Attributes follow OpenTelemetry's conventions for HTTP clients. Spans contain no URL, phone number, username or id.
    Each attempt sends the `traceparent` of its span.

    Args:
        tracer_provider: Receives the spans. Default: the global one.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("sinch_reporting", __version__, tracer_provider)

    def start_call(self, method: str, route: str) -> "CallSpans":
        """Start the span of a call, as a child of the current span."""
        return CallSpans(self._tracer, {"http.request.method": method, "url.template": route})


class CallSpans:
    """The spans of one call."""

    def __init__(self, tracer: trace.Tracer, attributes: dict[str, Any]) -> None:
        name = f"{attributes['http.request.method']} {attributes['url.template']}"
        self._start = partial(tracer.start_span, name)
        self._attributes = attributes
        self._call = self._attempt = self._start(attributes=attributes)

    def start_attempt(self, number: int) -> dict[str, str]:
        """Start the span of an attempt, and return the headers that propagate it."""
        attributes = {**self._attributes, "http.request.resend_count": number - 1}
        parent = trace.set_span_in_context(self._call)
        self._attempt = self._start(parent, kind=trace.SpanKind.CLIENT, attributes=attributes)
        headers: dict[str, str] = {}
        propagate.inject(headers, trace.set_span_in_context(self._attempt))
        return headers

    def end_attempt(self, attempt: Attempt) -> None:
        """End the span of an attempt."""
        if attempt.status is not None:
            self._attempt.set_attribute("http.response.status_code", attempt.status)
        self._end(self._attempt, None if attempt.succeeded else attempt.outcome)

    def end(self, error: BaseException | None) -> None:
        """End the span of the call, and that of an attempt that was cancelled."""
        outcome = None if error is None else type(error).__name__
        if self._attempt is not self._call and self._attempt.is_recording():
            self._end(self._attempt, outcome)
        self._end(self._call, outcome)

    def _end(self, span: trace.Span, outcome: str | None) -> None:
        if outcome is not None:
            span.set_attribute("error.type", outcome)
            span.set_status(trace.StatusCode.ERROR, outcome)
        span.end()
