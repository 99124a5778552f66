"""The Sandbox behind `prism proxy`, which holds each of its responses against openapi/reporting.yaml."""

import socketserver
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from sinch_reporting import Number, ReportingClient, SignedAuth, Username
from sinch_reporting.testing import Sandbox
from tests.contract.exchange import KEY, SECRET, RecordingTransport, outcome, redirected

NUMBER = Number("+46730170101")
PERIOD = {"start": date(2026, 10, 1), "stop": date(2026, 10, 31)}
FUTURE = {"start": date(9999, 1, 1), "stop": date(9999, 1, 2)}
COUNTER = "/counters/currentCalls"
TARGETS = [COUNTER, "/services/rtpproxy", "/users/username/alice/calls/data"]
SIGNED = SignedAuth(KEY, SECRET)
WRONG = "d3Jvbmc="

CALLS = {
    "number": lambda reporting: reporting.get_call_report(NUMBER),
    "number-data": lambda reporting: reporting.get_call_report(NUMBER, domain="data"),
    "number-pstn-period": lambda reporting: reporting.get_call_report(NUMBER, domain="pstn", **PERIOD),
    "username": lambda reporting: reporting.get_call_report(Username("alice")),
    "username-pstn": lambda reporting: reporting.get_call_report(Username("alice"), domain="pstn"),
    "username-encoded": lambda reporting: reporting.get_call_report(Username("Zoë + 1/2 100%?"), **PERIOD),
    "counter": lambda reporting: reporting.get_counter("currentCalls"),
    "counter-pinned": lambda reporting: reporting.get_counter("largest"),
    "service-up": lambda reporting: reporting.get_service_status("rtpproxy"),
    "service-down": lambda reporting: reporting.get_service_status("media"),
    "service-unknown-status": lambda reporting: reporting.get_service_status("billing"),
}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(application_key=KEY, application_secret=SECRET) as server:
        server.set_service("media", "down")
        server.set_service("billing", "degraded")
        server.set_counter("largest", 2**53 - 1)  # beyond which Prism, like all JavaScript, rounds
        yield server


@pytest.fixture(scope="module")
def to_prism(sandbox, prism_proxy):
    """Return the change that sends what was signed for the Sandbox to the Prism before it."""
    return redirected(sandbox.url, prism_proxy(sandbox.url))


@pytest.fixture
def recorded(to_prism):
    return RecordingTransport(to_prism)


def carrying(**headers):
    """Return an auth that sends the headers, and nothing of its own."""

    def authorized(request):
        request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return request

    return authorized


def asked(sandbox, recorded, target, auth):
    with httpx.Client(base_url=sandbox.url, auth=auth, transport=recorded, trust_env=False) as client:
        return client.get(target)


def called(sandbox, recorded, call):
    return outcome(ReportingClient, call, base_url=sandbox.url, auth=SIGNED, transport=recorded)


@pytest.mark.parametrize("name", CALLS)
def test_a_result_keeps_the_contract(name, sandbox, recorded):
    called(sandbox, recorded, CALLS[name])
    assert (recorded.statuses, recorded.violations) == ([200], [])


def test_a_report_without_calls_keeps_the_contract(sandbox, recorded):
    report = called(sandbox, recorded, lambda reporting: reporting.get_call_report(NUMBER, **FUTURE))
    assert (report.total, report.first_call) == (0, None)
    assert (recorded.statuses, recorded.violations) == ([200], [])


# What Prism finds wrong with the request itself stands in the last column; about the response it finds nothing.
@pytest.mark.parametrize(
    ("code", "target", "found"),
    [
        (40001, "/users/mail/alice/calls/data", ["request.path.type"]),
        (40001, "/users/username/alice/calls/sip", ["request.path.domain"]),
        (40001, "/users/username/alice/calls/data?_start=yesterday", ["request.query._start"]),
        (40001, "/users/username/alice/calls/data?_stop=2026-11-31", ["request.query._stop"]),
        (40001, "/users/number/+0/calls/data", []),
        (40002, "/counters/", ["request.path"]),
        (40002, "/services/", ["request.path"]),
        (40003, "/users/username/alice/calls/data?_start=2026-11-02&_stop=2026-11-01", []),
        (40003, "/users/username/alice/calls/data?_start=2026-10-01&_stop=2026-11-01", []),
        (40005, "/users/number/46730170101/calls/data", []),
        (40400, "/counters/missing", []),
        (40400, "/services/missing", []),
    ],
)
def test_a_refusal_of_parameters_keeps_the_contract(code, target, found, sandbox, recorded):
    response = asked(sandbox, recorded, target, SIGNED)
    assert (response.status_code, response.json()["errorCode"]) == (code // 100, code)
    assert recorded.violations == found


@pytest.mark.parametrize(
    ("code", "target", "auth", "found"),
    [
        # Each operation documents its refusals: one code of each status.
        *((40100, target, carrying(), ["request"]) for target in TARGETS),
        *((40301, target, carrying(authorization="Bearer nonsense"), []) for target in TARGETS),
        (40101, COUNTER, carrying(authorization=f"Application {KEY}:nonsense"), []),
        (40102, COUNTER, SignedAuth(KEY, WRONG), []),
        (40108, COUNTER, SignedAuth("unknown", SECRET), []),
    ],
)
def test_a_refusal_of_credentials_keeps_the_contract(code, target, auth, found, sandbox, recorded):
    response = asked(sandbox, recorded, target, auth)
    assert (response.status_code, response.json()["errorCode"]) == (code // 100, code)
    assert recorded.violations == found


def test_a_failure_keeps_the_contract(sandbox, recorded, monkeypatch):
    monkeypatch.setattr(sandbox, "clock", lambda: 1 / 0)
    response = asked(sandbox, recorded, COUNTER, SIGNED)
    assert (response.status_code, recorded.violations) == (500, [])


BROKEN = {
    "wrong-type": (200, "application/json", b'{"value": "three"}', "response.body.value"),
    "no-object": (200, "application/json", b"[3]", "response.body"),
    "html": (200, "text/html", b"<p>three</p>", "response"),
    "wrong-type-in-an-error": (400, "application/json", b'{"message": 3}', "response.body.message"),
    "undocumented-status": (418, "application/json", b"{}", "response"),
}


class Broken(BaseHTTPRequestHandler):
    """Responds as the last segment of the path names it."""

    def do_GET(self):
        status, content_type, body, _ = BROKEN[self.path.rpartition("/")[2]]
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def to_broken_server(prism_proxy):
    with socketserver.TCPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield prism_proxy(f"http://127.0.0.1:{server.server_address[1]}/v1")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("name", BROKEN)
def test_a_server_that_breaks_the_contract_is_found_out(name, to_broken_server):
    recorded = RecordingTransport()
    with httpx.Client(base_url=to_broken_server, auth=(KEY, SECRET), transport=recorded, trust_env=False) as client:
        client.get(f"/counters/{name}")
    assert BROKEN[name][-1] in recorded.violations
