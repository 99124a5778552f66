"""The Sandbox behind `prism proxy`, which holds each of its responses against openapi/reporting.yaml."""

import socketserver
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from sinch_reporting import AuthenticationError, NotFoundError, Number, SignedAuth, Username
from sinch_reporting.testing import Sandbox
from tests.contract.exchange import KEY, SECRET, RecordingTransport, outcome, redirected

NUMBER = Number("+46730170101")
PERIOD = {"start": date(2026, 10, 1), "stop": date(2026, 10, 31)}
FUTURE = {"start": date(9999, 1, 1), "stop": date(9999, 1, 2)}
COUNTER = "/counters/currentCalls"
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


@pytest.mark.parametrize("name", CALLS)
def test_a_result_keeps_the_contract(name, client_class, auth, sandbox, recorded):
    outcome(client_class, CALLS[name], base_url=sandbox.url, auth=auth, transport=recorded)
    assert (recorded.statuses, recorded.violations) == ([200], [])


def test_a_report_without_calls_keeps_the_contract(client_class, auth, sandbox, recorded):
    def call(reporting):
        return reporting.get_call_report(NUMBER, **FUTURE)

    report = outcome(client_class, call, base_url=sandbox.url, auth=auth, transport=recorded)
    assert (report.total, report.first_call) == (0, None)
    assert (recorded.statuses, recorded.violations) == ([200], [])


def test_what_does_not_exist_is_not_found_and_keeps_the_contract(client_class, auth, sandbox, recorded):
    with pytest.raises(NotFoundError):
        outcome(
            client_class,
            lambda reporting: reporting.get_counter("missing"),
            base_url=sandbox.url,
            auth=auth,
            transport=recorded,
        )
    assert (recorded.statuses, recorded.violations) == ([404], [])


@pytest.mark.parametrize("auth", [httpx.BasicAuth(KEY, WRONG), SignedAuth(KEY, WRONG)], ids=["basic", "signed"])
def test_a_wrong_secret_is_refused_and_the_answer_keeps_the_contract(auth, client_class, sandbox, recorded):
    with pytest.raises(AuthenticationError):
        outcome(client_class, CALLS["counter"], base_url=sandbox.url, auth=auth, transport=recorded)
    assert (recorded.statuses, recorded.violations) == ([401], [])


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
def test_a_refusal_of_parameters_keeps_the_contract(code, target, found, auth, sandbox, recorded):
    response = asked(sandbox, recorded, target, auth)
    assert (response.status_code, response.json()["errorCode"]) == (code // 100, code)
    assert recorded.violations == found


@pytest.mark.parametrize(
    ("code", "auth", "found"),
    [
        (40100, carrying(), ["request"]),
        (40100, carrying(authorization="Application nonsense"), []),
        (40100, carrying(authorization="Basic !"), []),
        (40101, carrying(authorization=f"Application {KEY}:nonsense"), []),
        (40101, carrying(authorization=f"Application {KEY}:nonsense", x_timestamp="today"), []),
        (40101, carrying(authorization=f"Application {KEY}:nonsense", x_timestamp="2014-06-04T13:41:58Z"), []),
        (40102, SignedAuth(KEY, WRONG), []),
        (40108, SignedAuth("unknown", SECRET), []),
        (40108, httpx.BasicAuth(KEY, WRONG), []),
        (40301, carrying(authorization="Bearer nonsense"), []),
    ],
)
@pytest.mark.parametrize("target", [COUNTER, "/services/rtpproxy", "/users/username/alice/calls/data"])
def test_a_refusal_of_credentials_keeps_the_contract(code, auth, found, target, sandbox, recorded):
    response = asked(sandbox, recorded, target, auth)
    assert (response.status_code, response.json()["errorCode"]) == (code // 100, code)
    assert recorded.violations == found


def test_a_failure_keeps_the_contract(auth, sandbox, recorded, monkeypatch):
    monkeypatch.setattr(sandbox, "clock", lambda: 1 / 0)
    response = asked(sandbox, recorded, COUNTER, auth)
    assert (response.status_code, recorded.violations) == (500, [])


BROKEN = {
    "wrong-type": (200, "application/json", b'{"value": "three"}', "response.body.value"),
    "no-object": (200, "application/json", b"[3]", "response.body"),
    "html": (200, "text/html", b"<p>three</p>", "response"),
    "wrong-type-in-an-error": (400, "application/json", b'{"message": 3}', "response.body.message"),
    "undocumented-status": (418, "application/json", b"{}", "response"),
}


class Broken(BaseHTTPRequestHandler):
    """Answers as the last segment of the path names it."""

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
