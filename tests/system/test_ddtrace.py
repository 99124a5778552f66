"""ddtrace with the default client, as docs/observability.md describes it. Other tests do without it: it is large."""

import json
import os
import subprocess
import sys
import sysconfig

import pytest

VERSION = "4.16.0"
NUMBER = "+46730170101"
PROGRAM = f"""
import json
from ddtrace.trace import TraceFilter, tracer

spans = []


class Collect(TraceFilter):
    def process_trace(self, trace):
        spans.extend(trace)


tracer.configure(trace_processors=[Collect()])

from sinch_reporting import Number, ReportingClient
from sinch_reporting.testing import Sandbox
from sinch_reporting.tracing import CallTracer

with Sandbox() as sandbox, tracer.trace("job"):
    with sandbox.client() as reporting:
        reporting.get_call_report(Number("{NUMBER}"))
        reporting.api.get_httpx_client().get("/users/number/{NUMBER}/calls/pstn")
    with sandbox.client(tracer=CallTracer()) as reporting:
        reporting.get_call_report(Number("{NUMBER}"))
    headers = [sorted({{"traceparent"}} & set(request.headers)) for request in sandbox.requests]
print(json.dumps([[(span.resource, span.get_tags().get("http.url", "")) for span in spans], headers]))
"""
ROUTE = "GET /users/{type}/{endpoint}/calls/{domain}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that runs the program under ddtrace."""
    folder = tmp_path_factory.mktemp("ddtrace") / "packages"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", folder, f"ddtrace=={VERSION}"]
    subprocess.run(command, check=True)
    settings = {
        "PYTHONPATH": f"{folder}{os.pathsep}{sysconfig.get_path('purelib')}",
        "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    }

    def run_program(**options):
        command = [sys.executable, "-m", "ddtrace.commands.ddtrace_run", sys.executable, "-c", PROGRAM]
        environment = {**os.environ, **settings, **options}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        return json.loads(output.splitlines()[-1])

    return run_program


def test_ddtrace_sees_direct_requests_only(run):
    spans, headers = run()
    assert [resource for resource, _ in spans] == ["job", "http.request"]
    assert [NUMBER in url for _, url in spans] == [False, True]
    assert headers == [[], ["traceparent"], []]


def test_its_httpx_integration_can_be_disabled(run):
    spans, _ = run(DD_TRACE_HTTPX_ENABLED="false")
    assert [resource for resource, _ in spans] == ["job"]


def test_it_sends_the_spans_of_the_library(run):
    spans, _ = run(DD_TRACE_OTEL_ENABLED="true", DD_TRACE_HTTPX_ENABLED="false")
    assert [resource for resource, _ in spans] == ["job", ROUTE, ROUTE]
    assert [url for _, url in spans] == ["", "", ""]
