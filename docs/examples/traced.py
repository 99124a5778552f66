"""Keep phone numbers and usernames out of the spans of `HTTPXClientInstrumentor`."""

import re

from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Span

from sinch_reporting import Number, ReportingClient


def hide_endpoint(span: Span, request: RequestInfo) -> None:
    """Replace the endpoint in the URL of a span."""
    if isinstance(span, ReadableSpan):
        url = re.sub(r"(/users/[^/]+/)[^/]+", r"\1***", str(request.url))
        for name in {"http.url", "url.full"} & set(span.attributes or ()):  # the old and the new convention
            span.set_attribute(name, url)


async def hide_endpoint_async(span: Span, request: RequestInfo) -> None:
    """Replace the endpoint in the URL of an async request's span."""
    hide_endpoint(span, request)


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
HTTPXClientInstrumentor().instrument(
    tracer_provider=provider, request_hook=hide_endpoint, async_request_hook=hide_endpoint_async
)

with ReportingClient() as reporting:
    reporting.get_call_report(Number("+46730170101"))
provider.shutdown()
