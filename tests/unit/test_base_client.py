import copy
import dataclasses
import pickle

import httpx
import pytest

from sinch_reporting import (
    AsyncReportingClient,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    Number,
    ReportingClient,
    ReportingError,
    RetryPolicy,
    ServerError,
    SignedAuth,
)
from sinch_reporting_client import AuthenticatedClient
from sinch_reporting_client import models as api_models
from sinch_reporting_client.api.call_report import get_call_report, get_service_status
from tests.support.callers import KEY, SECRET
from tests.support.scripted import COUNTER, REPORT, STATUS, ScriptedTransport, reply

BOTH = pytest.mark.parametrize("kind", [ReportingClient, AsyncReportingClient])
DOWN, OK = reply(status=503), reply(COUNTER)


# Copies


@pytest.fixture
def other_account(monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "other")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "b3RoZXI=")
    monkeypatch.setenv("SINCH_REPORTING_URL", "https://other.example/v1")


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        ReportingClient.with_options,
        lambda client: dataclasses.asdict(Holder(client))["client"],
    ],
    ids=["copy", "deepcopy", "with_options", "asdict"],
)
def test_a_copy_keeps_the_account_the_url_and_the_transport(make_client, other_account, duplicate):
    client = make_client(OK, base_url="https://h.example/v1")
    twin = duplicate(client)
    assert type(twin) is ReportingClient
    assert twin is not client
    twin.get_counter("currentCalls")
    assert client.script.requests[0].headers["Authorization"].startswith(f"Application {KEY}:")
    assert client.script.requests[0].url.host == "h.example"


@dataclasses.dataclass
class Holder:
    client: ReportingClient


def test_a_copy_has_its_own_options(clock, make_client):
    client = make_client(DOWN, retry=RetryPolicy(backoff_base=0))
    with pytest.raises(ServerError) as caught:
        client.with_options(retry=RetryPolicy(attempts=1)).get_counter("currentCalls")
    assert caught.value.attempts == 1
    with pytest.raises(ServerError) as caught:
        client.with_options(timeout=3).get_counter("currentCalls")
    assert caught.value.attempts == 4
    with pytest.raises(ConfigurationError, match="timeout"):
        client.with_options(timeout=-1)


def test_credentials_replaced_in_the_original_apply_to_copies(make_client):
    auth = SignedAuth("retired", "cmV0aXJlZA==")
    client = make_client(OK, auth=auth)
    twin = copy.deepcopy(client)
    auth.update(KEY, SECRET)
    twin.get_counter("currentCalls")
    assert client.script.requests[0].headers["Authorization"].startswith(f"Application {KEY}:")


def test_only_the_original_closes_the_transport():
    closed = []

    class Transport(ScriptedTransport):
        def close(self):
            closed.append(True)

    with ReportingClient(KEY, SECRET, transport=Transport(OK)) as client:
        with client.with_options(timeout=3) as twin:
            twin.get_counter("currentCalls")
        assert twin.get_counter("currentCalls").value == 7
        assert closed == []
    client.close()
    assert closed == [True]
    for one in (client, twin):
        with pytest.raises(ReportingError, match="the client is closed; make a new one"):
            one.get_counter("currentCalls")


# Pickles


@BOTH
def test_a_pickle_has_the_options_and_takes_the_credentials_from_the_environment(kind, monkeypatch):
    client = kind(
        KEY, SECRET, base_url="http://h.example/v1", allow_http=True, timeout=3, rate_limit=5, on_attempt=print
    )
    pickled = pickle.dumps(client)
    assert KEY.encode() not in pickled
    assert SECRET.encode() not in pickled
    with pytest.raises(ConfigurationError, match="credentials are missing"):
        pickle.loads(pickled)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    twin = pickle.loads(pickled)
    assert repr(twin) == repr(client) == f"{kind.__name__}(base_url='http://h.example/v1')"
    assert twin.__reduce__() == client.__reduce__()


@BOTH
def test_a_pickle_contains_the_credentials_if_asked_for(kind, other_account):
    client = kind(KEY, SECRET, pickle_credentials=True)
    twin = pickle.loads(pickle.loads(pickle.dumps(pickle.dumps(client))))
    assert KEY.encode() in pickle.dumps(twin)


@pytest.mark.parametrize(
    "options", [{"auth": SignedAuth(KEY, SECRET)}, {"transport": ScriptedTransport(OK)}], ids=["auth", "transport"]
)
def test_a_client_with_objects_of_the_program_cannot_be_pickled(options):
    credentials = {} if "auth" in options else {"application_key": KEY, "application_secret": SECRET}
    with pytest.raises(ConfigurationError, match="cannot be pickled; make one in each process"):
        pickle.dumps(ReportingClient(**credentials, **options))


@BOTH
def test_the_repr_has_no_credentials(kind):
    assert repr(kind(KEY, SECRET)) == f"{kind.__name__}(base_url='https://reportingapi.sinch.com/v1')"


# Gateways


def test_additional_headers_are_sent_with_every_request(make_client):
    client = make_client(DOWN, OK, headers={"X-Tenant": "7"}, retry=RetryPolicy(backoff_base=0))
    client.get_counter("currentCalls")
    client.api.get_httpx_client().get("/counters/currentCalls")
    assert [request.headers["X-Tenant"] for request in client.script.requests] == ["7"] * 3


def test_the_signing_prefix_is_signed_and_not_sent(clock, make_client):
    direct = make_client(OK, base_url="https://h.example/v1")
    client = make_client(OK, base_url="https://gw.example/sinch/v1", signing_path_prefix="/v1")
    for one in (direct, client):
        one.get_counter("currentCalls")
        one.api.get_httpx_client().get("/counters/currentCalls")
    assert client.script.targets == ["/sinch/v1/counters/currentCalls"] * 2
    signatures = {request.headers["Authorization"] for one in (direct, client) for request in one.script.requests}
    assert len(signatures) == 1


# The generated client


def test_api_is_an_ordinary_generated_client_whose_requests_are_calls(make_client):
    attempts = []
    client = make_client(DOWN, reply(STATUS), retry=RetryPolicy(backoff_base=0), on_attempt=attempts.append)
    assert type(client.api) is AuthenticatedClient
    assert type(client.api.get_httpx_client()) is httpx.Client
    assert client.api is client.api
    assert get_service_status.sync("rtpproxy", client=client.api) == api_models.ServiceStatus(status="up")
    assert [(attempt.route, attempt.outcome) for attempt in attempts] == [
        ("/services/{id}", "503"),
        ("/services/{id}", "200"),
    ]
    for request in client.script.requests:
        assert request.headers["Authorization"].startswith(f"Application {KEY}:")
        assert request.headers["Content-Type"] == "application/json"


def test_api_sends_the_same_request_as_the_client(clock, make_client):
    client = make_client(reply(REPORT))
    client.get_call_report(Number("+46730170101"))
    domain, kind = api_models.Domain.PSTN, api_models.EndpointType.NUMBER
    get_call_report.sync(kind, "+46730170101", domain, client=client.api)
    first, second = client.script.requests
    assert first.url == second.url
    assert first.headers["Authorization"] == second.headers["Authorization"]


def test_api_raises_the_errors_of_the_client(make_client):
    client = make_client(reply({"errorCode": 40400, "message": "unknown"}, 404))
    with pytest.raises(NotFoundError) as caught:
        get_service_status.sync("rtpproxy", client=client.api)
    assert (caught.value.route, caught.value.attempts) == ("/services/{id}", 1)
    with pytest.raises(InvalidRequestError, match="another host"):
        client.api.get_httpx_client().get("https://other.example/v1/counters/a")
    assert len(client.script.requests) == 1


def test_a_response_of_api_is_read_by_httpx(make_client):
    client = make_client(reply(STATUS, headers={"X-Request-Id": "a"})).api.get_httpx_client()
    response = client.get("/services/rtpproxy")
    assert (response.json(), response.headers["X-Request-Id"]) == (STATUS, "a")
    assert response.elapsed.total_seconds() >= 0
    with client.stream("GET", "/services/rtpproxy") as response:
        assert b"".join(response.iter_raw()) == b'{"status": "up"}'


def test_headers_timeouts_and_hooks_of_api_are_used(make_client):
    seen = []
    client = make_client(lambda request: seen.append(request.extensions["timeout"]["read"]) or reply(STATUS)(request))
    get_service_status.sync("rtpproxy", client=client.api.with_headers({"X-Tenant": "7"}))
    assert client.script.requests[-1].headers["X-Tenant"] == "7"
    get_service_status.sync("rtpproxy", client=client.api.with_timeout(httpx.Timeout(5)))
    assert seen == pytest.approx([10, 5])
    hooked = []
    client.api.get_httpx_client().event_hooks = {"request": [hooked.append], "response": [hooked.append]}
    get_service_status.sync("rtpproxy", client=client.api)
    assert [type(event) for event in hooked] == [httpx.Request, httpx.Response]
