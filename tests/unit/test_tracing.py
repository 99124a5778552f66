import asyncio

import httpx
import pytest
import trio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id

from sinch_reporting import AsyncReportingClient, DeadlineExceededError, NotFoundError, Number, RetryPolicy
from sinch_reporting.tracing import CallTracer
from tests.support.callers import KEY, SECRET
from tests.support.scripted import COUNTER, REPORT, ScriptedTransport, reply

REPORTS = "/users/{type}/{endpoint}/calls/{domain}"
NUMBER = Number("+46730170101")


@pytest.fixture
def provider():
    """Return a provider of tracers with the method `finished`."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.finished = exporter.get_finished_spans
    yield provider
    provider.shutdown()


def test_each_call_and_each_attempt_is_a_span_without_the_number(make_client, provider):
    script = [reply(status=503), httpx.ReadError(""), reply(REPORT)]
    client = make_client(*script, tracer=CallTracer(provider), retry=RetryPolicy(backoff_base=0))
    with provider.get_tracer("test").start_as_current_span("program"):
        client.get_call_report(NUMBER)
    *attempts, call, program = provider.finished()
    common = {"http.request.method": "GET", "url.template": REPORTS}
    assert [dict(span.attributes) for span in attempts] == [
        {**common, "http.request.resend_count": 0, "http.response.status_code": 503, "error.type": "503"},
        {**common, "http.request.resend_count": 1, "error.type": "ReadError"},
        {**common, "http.request.resend_count": 2, "http.response.status_code": 200},
    ]
    assert dict(call.attributes) == common
    assert [span.status.status_code for span in [*attempts, call]] == [
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
        StatusCode.UNSET,
    ]
    assert call.parent.span_id == program.context.span_id
    for span in [*attempts, call]:
        assert span.name == f"GET {REPORTS}"
        assert span.start_time <= span.end_time
        assert "46730170101" not in span.to_json()
    assert {span.parent.span_id for span in attempts} == {call.context.span_id}
    assert {span.kind for span in attempts} == {SpanKind.CLIENT}


def test_each_attempt_sends_the_traceparent_of_its_span(make_client, provider):
    client = make_client(
        reply(status=503), reply(COUNTER), tracer=CallTracer(provider), retry=RetryPolicy(backoff_base=0)
    )
    client.get_counter("currentCalls")
    sent = [request.headers["traceparent"].split("-")[2] for request in client.script.requests]
    assert sent == [format_span_id(span.context.span_id) for span in provider.finished()[:2]]


@pytest.mark.parametrize(
    ("step", "kind"),
    [(reply(status=404), NotFoundError), (KeyboardInterrupt(), KeyboardInterrupt)],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_a_failed_or_interrupted_call_ends_its_spans_with_the_error(make_client, provider, step, kind):
    client = make_client(step, tracer=CallTracer(provider))
    with pytest.raises(kind):
        client.get_counter("currentCalls")
    attempt, call = provider.finished()
    assert call.attributes["error.type"] == kind.__name__
    assert attempt.attributes["error.type"] == ("404" if kind is NotFoundError else "KeyboardInterrupt")
    assert call.status.status_code is attempt.status.status_code is StatusCode.ERROR
    assert call.events == attempt.events == ()


def test_a_call_without_an_attempt_ends_its_span_once(make_client, provider, caplog):
    client = make_client(reply(COUNTER), tracer=CallTracer(provider), rate_limit=0.01)
    client.get_counter("currentCalls")
    with pytest.raises(DeadlineExceededError):
        client.get_counter("currentCalls")
    *_, call = provider.finished()
    assert call.attributes["error.type"] == "DeadlineExceededError"
    assert caplog.text == ""


def test_spans_of_concurrent_tasks_have_their_own_parents(provider):
    async def call(client, name):
        with provider.get_tracer("test").start_as_current_span(name):
            await client.get_counter("currentCalls")

    async def main():
        transport = ScriptedTransport(reply(COUNTER))
        async with AsyncReportingClient(KEY, SECRET, transport=transport, tracer=CallTracer(provider)) as client:
            await asyncio.gather(*(call(client, name) for name in ("one", "two")))

    asyncio.run(main())
    names = {span.context.span_id: span.name for span in provider.finished()}
    calls = [span for span in provider.finished() if span.kind is SpanKind.INTERNAL and span.parent]
    assert sorted(names[span.parent.span_id] for span in calls) == ["one", "two"]


def test_the_reports_of_a_loop_are_children_of_the_span_around_it(make_client, provider):
    client = make_client(reply(REPORT), tracer=CallTracer(provider))
    with provider.get_tracer("test").start_as_current_span("loop") as loop:
        assert len(list(client.iter_call_reports([NUMBER] * 5))) == 5
    calls = [span for span in provider.finished() if span.kind is SpanKind.INTERNAL and span.parent]
    assert [span.parent.span_id for span in calls] == [loop.get_span_context().span_id] * 5


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"])
def test_the_reports_of_an_async_loop_are_children_of_the_span_around_it(provider, run):
    async def main():
        transport = ScriptedTransport(reply(REPORT))
        async with AsyncReportingClient(KEY, SECRET, transport=transport, tracer=CallTracer(provider)) as client:
            with provider.get_tracer("test").start_as_current_span("loop") as loop:
                assert len([outcome async for outcome in client.iter_call_reports([NUMBER] * 5)]) == 5
            return loop.get_span_context().span_id

    span_id = run(main())
    calls = [span for span in provider.finished() if span.kind is SpanKind.INTERNAL and span.name != "loop"]
    assert [span.parent and span.parent.span_id for span in calls] == [span_id] * 5
