"""Tools that mock httpx see the default client: the request as it would be sent, each attempt of it, and its errors."""

import httpx
import pytest
import vcr
import yaml

from sinch_reporting import NotFoundError, Number, RequestTimeoutError, RetryPolicy
from tests.support.callers import KEY

URL = "https://reporting.example/v1/counters/currentCalls"
REPORT_URL = "https://reporting.example/v1/users/number/+46730170101/calls/pstn"
COUNTER = {"value": 842, "modified": "2026-11-20T12:00:00Z"}
REPORT = {"success": 3, "failed": 1, "duration": 600}
NUMBER = Number("+46730170101")
NO_BACKOFF = RetryPolicy(backoff_base=0)


def assert_signed(requests):
    for request in requests:
        assert request.headers["authorization"].startswith(f"Application {KEY}:")


def test_respx(caller, respx_mock):
    route = respx_mock.get(URL)
    route.side_effect = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(200, json=COUNTER)]
    respx_mock.get(REPORT_URL).respond(json=REPORT)
    counter, report = caller.calls(("get_counter", "currentCalls"), ("get_call_report", NUMBER), retry=NO_BACKOFF)
    assert (counter.value, report.success) == (842, 3)
    assert [call.request.url for call in respx_mock.calls] == [URL, URL, URL, REPORT_URL]
    assert_signed(call.request for call in respx_mock.calls)


def test_respx_rejects_other_requests(caller, respx_mock):
    with pytest.raises(AssertionError, match="not mocked"):
        caller.call("get_counter", "currentCalls")


def test_pytest_httpx(caller, httpx_mock):
    httpx_mock.add_exception(httpx.ReadTimeout("late"), url=URL)
    httpx_mock.add_response(url=URL, status_code=503)
    httpx_mock.add_response(url=URL, json=COUNTER)
    httpx_mock.add_response(url=REPORT_URL, json=REPORT)
    counter, report = caller.calls(("get_counter", "currentCalls"), ("get_call_report", NUMBER), retry=NO_BACKOFF)
    assert (counter.value, report.success) == (842, 3)
    assert [request.url for request in httpx_mock.get_requests()] == [URL, URL, URL, REPORT_URL]
    assert_signed(httpx_mock.get_requests())


@pytest.mark.httpx_mock(assert_all_requests_were_expected=False)
def test_pytest_httpx_rejects_other_requests_with_a_timeout(caller, httpx_mock):
    with pytest.raises(RequestTimeoutError):
        caller.call("get_counter", "currentCalls", retry=RetryPolicy(attempts=1))
    assert len(httpx_mock.get_requests()) == 1


def test_vcrpy(caller, sandbox, tmp_path):
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), filter_headers=["authorization"])
    sandbox.set_report(NUMBER, success=3)
    sandbox.set_report("+46730170102", success=4)
    numbers = [("get_call_report", number) for number in (NUMBER, Number("+46730170102"))]
    for _ in range(2):
        with recorder.use_cassette("reports.yaml"):
            assert [report.success for report in caller.calls(*numbers, base_url=sandbox.url)] == [3, 4]
    assert len(sandbox.requests) == 2  # the second run sent nothing
    recorded = yaml.safe_load((tmp_path / "reports.yaml").read_text("utf-8"))["interactions"]
    assert [exchange["request"]["uri"].rpartition("/v1")[2] for exchange in recorded] == [
        "/users/number/+46730170101/calls/pstn",
        "/users/number/+46730170102/calls/pstn",
    ]
    assert KEY not in (tmp_path / "reports.yaml").read_text("utf-8")


def test_mock_transport(caller):
    requests = []

    def respond(request):
        requests.append(request)
        if len(requests) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=COUNTER) if "currentCalls" in request.url.path else httpx.Response(404)

    options = {"transport": httpx.MockTransport(respond), "retry": NO_BACKOFF}
    assert caller.call("get_counter", "currentCalls", **options).value == 842
    assert_signed(requests)
    with pytest.raises(NotFoundError):
        caller.call("get_counter", "other", **options)
