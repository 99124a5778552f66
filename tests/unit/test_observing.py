import asyncio
import logging
import pickle

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry

from sinch_reporting import APIError, ConfigurationError, DecodeError, Number, ReportingClient
from sinch_reporting.metrics import attempt_metrics
from sinch_reporting.testing import faults
from sinch_reporting.tracing import attempt_spans

REPORTS = "/users/{type}/{endpoint}/calls/{domain}"
COUNTERS = "/counters/{id}"


def test_each_attempt_is_told_of_as_it_ended_without_the_number(make_client, sandbox, no_backoff):
    told = []
    client = make_client(sandbox.url, on_attempt=told.append, retry=no_backoff)
    sandbox.fail_next(faults.Status(503), faults.NotHttp(), None, faults.Status(404), faults.InvalidJson())
    client.get_call_report(Number("+46730170101"))
    for error in (APIError, DecodeError):
        with pytest.raises(error):
            client.get_counter("currentCalls")
    assert [(attempt.route, attempt.number, attempt.outcome) for attempt in told] == [
        (REPORTS, 1, "503"),
        (REPORTS, 2, "RemoteProtocolError"),
        (REPORTS, 3, "200"),
        (COUNTERS, 1, "404"),
        (COUNTERS, 1, "DecodeError"),
    ]
    assert [attempt.status for attempt in told] == [503, None, 200, 404, None]
    assert [attempt.succeeded for attempt in told] == [False, False, True, False, False]
    assert all(attempt.method == "GET" and attempt.seconds > 0 for attempt in told)
    assert "46730170101" not in repr(told)
    assert "currentCalls" not in repr(told)


def test_a_fault_of_the_observer_is_logged_and_is_none_of_the_call(make_client, sandbox, caplog):
    client = make_client(sandbox.url, on_attempt=lambda _: 1 / 0)
    with caplog.at_level(logging.ERROR, "sinch_reporting"):
        assert client.get_service_status("rtpproxy").is_up
    assert "on_attempt raised an error" in caplog.text


def test_copies_tell_the_same_observer_and_pickles_none(make_client, sandbox):
    told = []
    client = make_client(sandbox.url, on_attempt=told.append)
    client.with_options(timeout=5).get_counter("currentCalls")
    assert len(told) == 1


def test_a_pickle_leaves_the_observer_behind(sandbox, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    told = []
    with ReportingClient(base_url=sandbox.url, on_attempt=told.append) as client:
        pickled = pickle.dumps(client)
    with pickle.loads(pickled) as copy:
        copy.get_counter("currentCalls")
    assert told == []


def test_what_cannot_be_called_is_refused(make_client, sandbox):
    with pytest.raises(ConfigurationError, match="on_attempt must be callable"):
        make_client(sandbox.url, on_attempt="print")


def test_where_nobody_listens_nothing_is_made_up(make_client, sandbox, monkeypatch):
    monkeypatch.setattr("sinch_reporting.attempts.route_of", None)
    assert make_client(sandbox.url).get_service_status("rtpproxy").is_up


def test_metrics_count_and_time_attempts(make_client, sandbox, no_backoff):
    registry = CollectorRegistry()
    client = make_client(sandbox.url, on_attempt=attempt_metrics(registry), retry=no_backoff)
    sandbox.fail_next(faults.Status(503), faults.NotHttp())
    client.get_counter("currentCalls")

    def value(name, **labels):
        return registry.get_sample_value(f"sinch_reporting_{name}", {"route": COUNTERS, **labels})

    outcomes = ("503", "RemoteProtocolError", "200", "404")
    assert [value("attempt_seconds_count", outcome=outcome) for outcome in outcomes] == [1, 1, 1, None]
    assert value("attempt_seconds_sum", outcome="200") > 0
    assert value("retries_total") == 2
    assert [value("errors_total", kind=kind) for kind in ("503", "RemoteProtocolError", "200")] == [1, 1, None]


@pytest.fixture
def spans():
    """Return a provider of tracers, with what it has recorded."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.finished = exporter.get_finished_spans
    yield provider
    provider.shutdown()


def test_each_attempt_is_a_span_with_route_status_and_number_alone(sandbox, no_backoff, spans):
    sandbox.fail_next(faults.Status(503), faults.NotHttp())
    span = spans.get_tracer("test").start_as_current_span("call")
    with sandbox.client(on_attempt=attempt_spans(spans), retry=no_backoff) as client, span as call:
        client.get_call_report(Number("+46730170101"))
    *attempts, _ = spans.finished()
    common = {"http.request.method": "GET", "url.template": REPORTS}
    assert [dict(span.attributes) for span in attempts] == [
        {**common, "http.request.resend_count": 0, "http.response.status_code": 503, "error.type": "503"},
        {**common, "http.request.resend_count": 1, "error.type": "RemoteProtocolError"},
        {**common, "http.request.resend_count": 2, "http.response.status_code": 200},
    ]
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR, StatusCode.ERROR, StatusCode.UNSET]
    for span in attempts:
        assert (span.name, span.kind) == (f"GET {REPORTS}", SpanKind.CLIENT)
        assert span.parent.span_id == call.get_span_context().span_id
        assert call.start_time < span.start_time < span.end_time
        assert "46730170101" not in span.to_json()


def test_spans_of_tasks_are_children_of_their_own_tasks_spans(sandbox, spans):
    async def call(client, name):
        with spans.get_tracer("test").start_as_current_span(name):
            await client.get_counter("currentCalls")

    async def main():
        async with sandbox.async_client(on_attempt=attempt_spans(spans)) as client:
            await asyncio.gather(*(call(client, name) for name in ("one", "two")))

    asyncio.run(main())
    calls = {span.context.span_id: span.name for span in spans.finished() if span.parent is None}
    attempts = [span for span in spans.finished() if span.parent]
    assert sorted(calls[span.parent.span_id] for span in attempts) == ["one", "two"]


def test_spans_of_many_reports_are_children_of_the_span_of_their_loop(sandbox, spans):
    numbers = [Number(f"+4673017{last:04d}") for last in range(5)]
    span = spans.get_tracer("test").start_as_current_span("loop")
    with sandbox.client(on_attempt=attempt_spans(spans)) as client, span as loop:
        assert len(list(client.iter_call_reports(numbers))) == 5
    *attempts, _ = spans.finished()
    assert {span.parent.span_id for span in attempts} == {loop.get_span_context().span_id}
