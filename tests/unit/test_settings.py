import socket

import httpx
import pytest

from sinch_reporting import AsyncReportingClient, ConfigurationError, ReportingClient, RetryPolicy, SignedAuth
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, RawServer, tunnel_to


@pytest.fixture(params=[ReportingClient, AsyncReportingClient])
def kind(request):
    return request.param


def test_the_default_is_the_published_address(kind):
    assert repr(kind(KEY, SECRET)) == f"{kind.__name__}(base_url='https://reportingapi.sinch.com/v1')"


def test_what_is_not_given_comes_from_the_environment(make_client, sandbox, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    assert make_client.from_environment().get_service_status("rtpproxy").is_up


def test_an_argument_comes_before_the_environment(make_client, sandbox, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "other")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "b3RoZXI=")
    monkeypatch.setenv("SINCH_REPORTING_URL", "https://other.invalid/v1")
    assert make_client(sandbox.url).get_service_status("rtpproxy").is_up


@pytest.mark.parametrize("missing", ["SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"])
@pytest.mark.parametrize("empty", [True, False])
def test_missing_credentials_are_refused_with_what_to_set(kind, monkeypatch, missing, empty):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    monkeypatch.setenv(missing, "") if empty else monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError, match="SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET"):
        kind()


@pytest.mark.parametrize("options", [{"application_key": KEY}, {"application_secret": SECRET}])
def test_credentials_are_given_once(kind, options):
    with pytest.raises(ConfigurationError, match="not both"):
        kind(auth=SignedAuth(KEY, SECRET), **options)


@pytest.mark.parametrize(
    "options",
    [
        {"auth": (KEY, SECRET)},
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": None},
        {"timeout": True},
        {"timeout": "10"},
        {"timeout": float("nan")},
        {"deadline": float("inf")},
        {"deadline": 0},
        {"retry": 3},
        {"transport": "none"},
    ],
    ids=str,
)
def test_an_unusable_option_is_refused_when_the_client_is_made(kind, options):
    credentials = {} if "auth" in options else {"application_key": KEY, "application_secret": SECRET}
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        kind(**credentials, **options)


@pytest.mark.parametrize(
    ("kind", "transport"), [(ReportingClient, httpx.AsyncHTTPTransport), (AsyncReportingClient, httpx.HTTPTransport)]
)
def test_the_transport_must_be_of_the_clients_kind(kind, transport):
    with pytest.raises(ConfigurationError, match=kind.__name__):
        kind(KEY, SECRET, transport=transport())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "reportingapi.sinch.com/v1",
        "/v1",
        "ftp://127.0.0.1/v1",
        "https://",
        "https://127.0.0.1/v1?key=1",
        "https://127.0.0.1/v1#there",
        "https://key:hush@127.0.0.1/v1",
        "https://127.0.0.1:port/v1",
        "https://a\x00b/",
        5,
    ],
)
def test_an_unusable_base_url_is_refused_when_the_client_is_made(kind, url):
    with pytest.raises(ConfigurationError, match="base URL") as caught:
        kind(KEY, SECRET, base_url=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://reportingapi.sinch.com/v1", "http://192.0.2.1/v1", "http://localhost.example/v1"]
)
def test_http_is_for_this_machine_unless_asked_for_by_name(kind, url, monkeypatch):
    with pytest.raises(ConfigurationError, match="allow_http=True"):
        kind(KEY, SECRET, base_url=url)
    monkeypatch.setenv("SINCH_REPORTING_URL", url)
    with pytest.raises(ConfigurationError, match="allow_http=True"):
        kind(KEY, SECRET)
    assert url in repr(kind(KEY, SECRET, allow_http=True))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/v1", "http://127.9.9.9", "http://[::1]:8080/v1/", "http://localhost"]
)
def test_http_is_accepted_on_this_machine(kind, url):
    assert url.rstrip("/") in repr(kind(KEY, SECRET, base_url=url))


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/a/b"])
def test_the_base_urls_path_is_kept_and_signed(make_client, raw_server, path):
    make_client(f"http://127.0.0.1:{raw_server.port}{path}").get_counter("currentCalls")
    assert raw_server.requests[0].target == f"{path.rstrip('/')}/counters/currentCalls"


@pytest.mark.parametrize(
    ("variable", "prefix"), [("HTTP_PROXY", ""), ("http_proxy", "http://"), ("ALL_PROXY", "http://")]
)
def test_a_proxy_of_the_environment_is_used(make_client, raw_server, monkeypatch, variable, prefix):
    monkeypatch.setenv(variable, f"{prefix}127.0.0.1:{raw_server.port}")
    make_client("http://192.0.2.1/v1", allow_http=True).get_counter("currentCalls")
    assert raw_server.requests[0].target == "http://192.0.2.1/v1/counters/currentCalls"


def test_a_proxy_is_asked_to_tunnel_tls(make_client, raw_server, monkeypatch, no_backoff):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{raw_server.port}")
    raw_server.script[:] = [b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"]
    with pytest.raises(Exception, match="ProxyError"):
        make_client("https://192.0.2.1/v1", retry=no_backoff).get_counter("currentCalls")
    assert raw_server.requests[0].line == "CONNECT 192.0.2.1:443 HTTP/1.1"
    assert "authorization" not in raw_server.requests[0].headers
    assert raw_server.requests[0].headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"


def test_tls_goes_through_a_proxy_to_the_host_it_is_for(
    make_client, raw_server, tls_raw_server, authority, tmp_path, monkeypatch
):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{raw_server.port}")
    raw_server.script[:] = [tunnel_to(tls_raw_server.port)]
    reporting = make_client(f"https://reporting.example:{tls_raw_server.port}/v1")
    for _ in range(2):
        assert reporting.get_counter("currentCalls").value == 7
    assert [request.line for request in raw_server.requests] == [
        f"CONNECT reporting.example:{tls_raw_server.port} HTTP/1.1"
    ]
    assert [request.target for request in tls_raw_server.requests] == ["/v1/counters/currentCalls"] * 2
    reporting.close()


@pytest.mark.parametrize("excepted", ["reporting.example", "*", "other.example, .example"])
def test_no_proxy_is_obeyed(make_client, raw_server, monkeypatch, excepted):
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **options: look_up("127.0.0.1", *rest, **options))
    monkeypatch.setenv("NO_PROXY", excepted)
    with RawServer([COUNTER]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        make_client(f"http://reporting.example:{raw_server.port}/v1", allow_http=True).get_counter("currentCalls")
        assert proxy.requests == []
    assert len(raw_server.requests) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_what_is_for_this_machine_goes_through_no_proxy(make_client, raw_server, monkeypatch, variable):
    with RawServer([COUNTER]) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        make_client(raw_server.url).get_counter("currentCalls")
        assert proxy.requests == []
    assert len(raw_server.requests) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "gopher://127.0.0.1:1"),
        ("HTTPS_PROXY", "socks5://u:hush@127.0.0.1:1"),
        ("SSL_CERT_FILE", "/no/such/file"),
    ],
)
def test_an_unusable_environment_is_refused_when_the_client_is_made(kind, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE") as caught:
        kind(KEY, SECRET)
    assert "hush" not in str(caught.value)


def test_a_transport_of_the_users_own_is_used_in_place_of_the_environments_proxy(make_client, raw_server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    answers = httpx.MockTransport(lambda _: httpx.Response(200, json={"status": "up"}))
    assert make_client(raw_server.url, transport=answers).get_service_status("rtpproxy").is_up
    assert raw_server.requests == []


def test_a_copy_shares_connections_and_credentials_but_has_its_own_options(make_client, raw_server):
    reporting = make_client(raw_server.url)
    copy = reporting.with_options(timeout=3, deadline=4, retry=RetryPolicy(attempts=1))
    reporting.get_counter("currentCalls")
    copy.get_counter("currentCalls")
    assert raw_server.connections == 1
    raw_server.script[:] = [b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", COUNTER]
    raw_server.requests.clear()
    with pytest.raises(Exception, match="503"):
        copy.get_counter("currentCalls")
    assert reporting.with_options().get_counter("currentCalls").value == 7


def test_an_unusable_option_of_a_copy_is_refused(make_client, raw_server):
    with pytest.raises(ConfigurationError, match="timeout"):
        make_client(raw_server.url).with_options(timeout=-1)


def test_only_the_original_closes_the_connections(make_client, raw_server):
    reporting = make_client(raw_server.url)
    copy = reporting.with_options(timeout=3)
    copy.close()
    assert copy.get_counter("currentCalls").value == 7
    reporting.close()
    reporting.close()
    for closed in (reporting, copy):
        with pytest.raises(Exception, match="client is closed") as caught:
            closed.get_counter("currentCalls")
        assert type(caught.value).__module__ == "sinch_reporting.errors"
    assert len(raw_server.requests) == 1


def test_the_generated_client_is_signed_and_retried_too(make_client, sandbox):
    from sinch_reporting_client.api.call_report import get_service_status  # noqa: PLC0415
    from sinch_reporting_client.models import ServiceStatus  # noqa: PLC0415

    reporting = make_client(sandbox.url)
    if make_client.client_class is ReportingClient:
        answer = get_service_status.sync("rtpproxy", client=reporting.api)
    else:
        answer = reporting.portal.call(lambda: get_service_status.asyncio("rtpproxy", client=reporting.api))
    assert answer == ServiceStatus(status="up")
