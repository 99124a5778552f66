"""OpenTelemetry and Sentry with the default client, as docs/observability.md describes them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sinch_reporting import Number, RetryPolicy
from sinch_reporting.testing import faults
from tests.support.pages import ROOT

TRACED = ROOT / "docs/examples/traced.py"
NUMBER = Number("+46730170101")
SENTRY_PROGRAM = Path(__file__).with_name("sentry_program.py")


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
    caller.call("get_call_report", NUMBER, base_url=sandbox.url, retry=RetryPolicy(backoff_base=0))
    url = f"{sandbox.url}/users/number/{NUMBER.value}/calls/pstn"
    assert [(span.attributes["http.url"], span.attributes["http.status_code"]) for span in spans()] == [
        (url, 503),
        (url, 200),
    ]
    assert [request.headers["traceparent"].split("-")[2] for request in sandbox.requests] == [
        f"{span.context.span_id:016x}" for span in spans()
    ]


def test_the_hooks_of_the_page_hide_the_number(caller, sandbox, instrument):
    program = TRACED.read_text("utf-8")
    hooks = {}
    exec(program.partition("\nprovider = ")[0], hooks)
    spans = instrument(request_hook=hooks["hide_endpoint"], async_request_hook=hooks["hide_endpoint_async"])
    caller.call("get_call_report", NUMBER, base_url=sandbox.url)
    [span] = spans()
    assert span.attributes["http.url"] == f"{sandbox.url}/users/number/***/calls/pstn"
    assert NUMBER.value not in span.to_json()


def test_opentelemetry_can_exclude_the_api(caller, sandbox, instrument, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "127.0.0.1")
    spans = instrument()
    caller.call("get_counter", "currentCalls", base_url=sandbox.url)
    assert spans() == ()


@pytest.fixture
def sentry(caller, sandbox):
    """Return a function that runs a program with Sentry, and returns the payloads of one kind."""

    def run(method, argument):
        command = [sys.executable, str(SENTRY_PROGRAM), sandbox.url, str(caller.loop), method, argument]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return dict(map(json.loads, ran.stdout.splitlines()))

    return run


def test_sentry_sees_the_error_of_a_call_without_the_number(sentry, sandbox):
    sandbox.fail_next(faults.Status(404))
    payloads = sentry("get_call_report", NUMBER.value)
    event = payloads["event"]
    [exception] = event["exception"]["values"]
    assert exception["type"] == "NotFoundError"
    assert {frame["function"] for frame in exception["stacktrace"]["frames"]} & {"get_call_report", "main"}
    assert all(not frame["filename"].startswith(("httpx", "httpcore")) for frame in exception["stacktrace"]["frames"])
    assert "Number(value=***)" in json.dumps(event)
    assert NUMBER.value not in json.dumps(payloads)
    assert payloads["transaction"]["spans"] == []
    assert [crumb for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "httplib"] == []
    assert "sentry-trace" not in sandbox.requests[-1].headers


def test_sentry_sees_the_url_of_a_direct_request(sentry, sandbox):
    payloads = sentry("direct", NUMBER.value)
    assert NUMBER.value in payloads["transaction"]["spans"][0]["description"]
    assert "sentry-trace" in sandbox.requests[-1].headers
