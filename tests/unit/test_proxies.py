import sys

import httpx
import pytest

from sinch_reporting import AsyncReportingClient, ConfigurationError, ReportingClient
from sinch_reporting._http.proxies import environment_proxy
from tests.support.callers import KEY, SECRET

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("variable", "value", "url", "proxy"),
    [
        ("HTTPS_PROXY", PROXY, "https://h.example/v1", PROXY),
        ("https_proxy", PROXY, "https://h.example/v1", PROXY),
        ("HTTPS_PROXY", "proxy.example:3128", "https://h.example/v1", PROXY),
        ("ALL_PROXY", "socks5://proxy.example:1080", "https://h.example/v1", "socks5://proxy.example:1080"),
        ("HTTP_PROXY", PROXY, "http://h.example/v1", PROXY),
        ("HTTP_PROXY", PROXY, "https://h.example/v1", None),
        ("HTTPS_PROXY", "", "https://h.example/v1", None),
        ("ALL_PROXY", PROXY, "http://127.0.0.1:8080/v1", None),
        ("ALL_PROXY", PROXY, "http://localhost/v1", None),
        ("ALL_PROXY", PROXY, "http://[::1]/v1", None),
    ],
)
def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch, variable, value, url, proxy):
    monkeypatch.setenv(variable, value)
    found = environment_proxy(url)
    assert (found and found.url) == (proxy and httpx.URL(proxy))


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("*", "https://gw.example/v1", True),
        ("gw.example", "https://gw.example/v1", True),
        ("gw.example", "https://gw.example:8443/v1", True),
        (".example", "https://gw.example/v1", True),
        ("other.example, .example", "https://gw.example/v1", True),
        ("gw.example:8443", "https://gw.example:8443/v1", True),
        ("gw.example:443", "https://gw.example/v1", True),
        ("gw.example:8443", "https://gw.example/v1", False),
        ("gw.example:443", "https://gw.example:8443/v1", False),
        ("other.example", "https://gw.example/v1", False),
        ("", "https://gw.example/v1", False),
    ],
)
def test_no_proxy_names_hosts_domains_and_ports(monkeypatch, no_proxy, url, is_direct):
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (environment_proxy(url) is None) is is_direct


@pytest.mark.parametrize(
    ("client", "variable", "value"),
    [
        (ReportingClient, "HTTPS_PROXY", "gopher://127.0.0.1:1"),
        (ReportingClient, "HTTPS_PROXY", "http://u:hush@127.0.0.1:port"),
        (ReportingClient, "HTTPS_PROXY", "http://u:hush@127.0.0.1:65536"),
        (ReportingClient, "HTTPS_PROXY", "socks5://u:hush@127.0.0.1:1"),
        (ReportingClient, "SSL_CERT_FILE", "/no/such/file"),
        (AsyncReportingClient, "HTTPS_PROXY", "socks5://u:hush@127.0.0.1:1"),
        (AsyncReportingClient, "SSL_CERT_FILE", "/no/such/file"),
    ],
)
def test_an_unusable_environment_is_refused_when_the_client_is_made(monkeypatch, client, variable, value):
    monkeypatch.setitem(sys.modules, "socksio", None)  # as if it was not installed
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=r"HTTPS_PROXY, ALL_PROXY and NO_PROXY .* SSL_CERT_FILE") as caught:
        client(KEY, SECRET)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_custom_transport_ignores_the_environment(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"status": "up"}))
    with ReportingClient(KEY, SECRET, transport=transport) as reporting:
        assert reporting.get_service_status("rtpproxy").is_up
