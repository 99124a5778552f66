"""Tracing tools with the default client: what they record of a call, and how to keep the phone number out of it."""

import json

import pytest
import sentry_sdk
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport

from sinch_reporting import NotFoundError, Number, RetryPolicy
from sinch_reporting.testing import faults

DIGITS = "730170101"  # not written in full: Sentry reports the source lines around an error
NUMBER = Number(f"+46{DIGITS}")
NO_BACKOFF = RetryPolicy(backoff_base=0)


@pytest.fixture
def instrument():
    """Return a function that instruments httpx, and returns a function for the finished spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def start(**options):
        HTTPXClientInstrumentor().instrument(tracer_provider=provider, **options)
        return exporter.get_finished_spans

    yield start
    HTTPXClientInstrumentor().uninstrument()
    provider.shutdown()


def test_opentelemetry_records_a_span_per_attempt_and_propagates_it(caller, sandbox, instrument):
    spans = instrument()
    sandbox.fail_next(faults.Status(503))
    caller.call("get_call_report", NUMBER, base_url=sandbox.url, retry=NO_BACKOFF)
    assert [span.attributes["http.status_code"] for span in spans()] == [503, 200]
    assert [request.headers["traceparent"].split("-")[2] for request in sandbox.requests] == [
        f"{span.context.span_id:016x}" for span in spans()
    ]
    assert all(DIGITS in span.attributes["http.url"] for span in spans())


class Events(Transport):
    """Collects what Sentry would send."""

    def __init__(self, options=None):
        super().__init__(options)
        self.items = []

    def capture_envelope(self, envelope):
        self.items += [(item.type, json.loads(item.get_bytes())) for item in envelope.items]

    def of(self, kind):
        return [payload for item_kind, payload in self.items if item_kind == kind]


@pytest.fixture
def events():
    """Return the events of Sentry, with its default integrations and every transaction."""
    transport = Events()
    with sentry_sdk.isolation_scope():
        sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=transport, traces_sample_rate=1.0)
        yield transport
        sentry_sdk.init()  # without a DSN it sends nothing


def test_sentry_sees_the_error_of_a_call_without_the_number(caller, sandbox, events):
    sandbox.fail_next(faults.Status(404))
    with sentry_sdk.start_transaction(name="job"), pytest.raises(NotFoundError) as caught:
        caller.call("get_call_report", NUMBER, base_url=sandbox.url)
    sentry_sdk.capture_exception(caught.value)
    [transaction], [event] = events.of("transaction"), events.of("event")
    assert transaction["spans"] == []
    assert event["breadcrumbs"]["values"] == []
    assert event["exception"]["values"][-1]["type"] == "NotFoundError"
    assert "Number(value=***)" in json.dumps(event)
    assert DIGITS not in json.dumps(event).replace(f'DIGITS = \\"{DIGITS}', "")
    assert "sentry-trace" not in sandbox.requests[-1].headers


def test_sentry_sees_the_url_of_a_direct_request(sandbox, events):
    with sentry_sdk.start_transaction(name="job"), sandbox.client() as reporting:
        reporting.api.get_httpx_client().get(f"/users/number/+46{DIGITS}/calls/pstn")
    [transaction] = events.of("transaction")
    assert DIGITS in transaction["spans"][0]["description"]
