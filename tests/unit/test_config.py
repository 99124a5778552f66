import httpx
import pytest

from sinch_reporting import AsyncReportingClient, ConfigurationError, ReportingClient, RetryPolicy, SignedAuth
from sinch_reporting.config import is_loopback, require_httpx, resolve_auth, resolve_base_url
from tests.support.callers import KEY, SECRET


def make(**options):
    if "auth" not in options:
        options = {"application_key": KEY, "application_secret": SECRET, **options}
    return ReportingClient(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(({"timeout": value}, "timeout must be a number of seconds above 0") for value in (0, -1.0, None, True, "10")),
        ({"timeout": float("nan")}, "timeout must be a number"),
        ({"deadline": float("inf")}, "deadline must be a number of seconds above 0"),
        ({"deadline": 0}, "deadline must be a number of seconds above 0"),
        ({"retry": 3}, "retry must be a RetryPolicy"),
        *(
            ({"rate_limit": value}, r"rate_limit must be a number of requests per second from 0\.001, or None")
            for value in (0, -1, True, "10", float("nan"), float("inf"), 0.0001)
        ),
        ({"on_attempt": "print"}, "on_attempt must be callable with an Attempt, or None"),
        ({"tracer": print}, "tracer must be a CallTracer, or None"),
        ({"auth": (KEY, SECRET)}, r"auth must be an httpx\.Auth"),
        ({"transport": "none"}, r"transport must be an httpx\.BaseTransport"),
        *(
            ({"signing_path_prefix": value}, "signing_path_prefix must be an ASCII path such as '/v1', '' or None")
            for value in ("v1", "/v1/", "/", "/é", "/a b", "/v1\n", 5)
        ),
        ({"headers": [("A", "b")]}, "headers must be a mapping"),
        ({"headers": "A"}, "headers must be a mapping"),
        *(({"headers": {name: "x"}}, "the name of a header is invalid") for name in ("", "a b", "a:", "é", "a\n", 5)),
        *(
            ({"headers": {name: "x"}}, f"the header {name} is set by the client")
            for name in ("Authorization", "x-timestamp", "HOST", "Content-Type", "Content-Length", "Transfer-Encoding")
        ),
        *(
            ({"headers": {"X-Tenant": value}}, "the value of the header X-Tenant must be printable ASCII text")
            for value in ("a\r\nb", "é", " a", "a ", "\0", 5, None)
        ),
    ],
    ids=str,
)
def test_an_invalid_option_is_refused_when_the_client_is_made(options, message):
    with pytest.raises(ConfigurationError, match=message):
        make(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 1, "deadline": 0.5, "rate_limit": 0.001},
        {"signing_path_prefix": ""},
        {"signing_path_prefix": "/a/b%20c"},
        {"headers": {"X-Tenant": "a b\tc", "X-Empty": "", "User-Agent": "mine"}},
        {"on_attempt": print, "retry": RetryPolicy(attempts=1)},
    ],
    ids=str,
)
def test_valid_options_are_accepted(options):
    assert repr(make(**options)) == "ReportingClient(base_url='https://reportingapi.sinch.com/v1')"


@pytest.mark.parametrize(
    ("client", "transport", "wanted"),
    [
        (ReportingClient, httpx.AsyncHTTPTransport, r"httpx\.BaseTransport"),
        (AsyncReportingClient, httpx.HTTPTransport, r"httpx\.AsyncBaseTransport"),
    ],
)
def test_a_transport_is_blocking_or_async_as_the_client(client, transport, wanted):
    with pytest.raises(ConfigurationError, match=f"transport must be an {wanted}"):
        client(KEY, SECRET, transport=transport())


def test_objects_of_httpx2_are_refused_by_name():
    foreign = type("Foreign", (type("HTTPTransport", (), {"__module__": "httpx2._transports.default"}),), {})
    wanted = type("BaseTransport", (), {"__module__": "httpx"})
    with pytest.raises(ConfigurationError) as caught:
        require_httpx(foreign(), wanted, "transport")
    assert str(caught.value) == (
        "transport is an object of httpx2; this client works with httpx: pass an httpx.BaseTransport"
    )


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "env-key")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "ZW52")
    monkeypatch.setenv("SINCH_REPORTING_URL", "https://env.example/v1")
    return monkeypatch


def test_arguments_take_precedence_over_the_environment(environment):
    assert resolve_auth(None, None, None).credentials() == ("env-key", "ZW52")
    assert resolve_auth("other", None, None).credentials() == ("other", "ZW52")
    assert resolve_auth("other", "YQ==", None).credentials() == ("other", "YQ==")
    assert resolve_base_url(None, allow_http=False) == "https://env.example/v1"
    assert resolve_base_url("https://other.example", allow_http=False) == "https://other.example"
    basic = httpx.BasicAuth("a", "b")
    assert resolve_auth(None, None, basic) is basic


@pytest.mark.parametrize("value", [None, ""])
def test_the_published_url_is_the_default(environment, value):
    environment.setenv("SINCH_REPORTING_URL", value) if value is not None else environment.delenv("SINCH_REPORTING_URL")
    assert resolve_base_url(None, allow_http=False) == "https://reportingapi.sinch.com/v1"


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("missing", ["SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"])
def test_missing_credentials_are_refused_with_the_variables_to_set(environment, missing, value):
    environment.setenv(missing, value) if value is not None else environment.delenv(missing)
    with pytest.raises(ConfigurationError, match="or set SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET"):
        resolve_auth(None, None, None)


@pytest.mark.parametrize("credentials", [(KEY, None), (None, SECRET), (KEY, SECRET)])
def test_credentials_are_passed_in_one_way_only(credentials):
    with pytest.raises(ConfigurationError, match="not both"):
        resolve_auth(*credentials, SignedAuth(KEY, SECRET))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *((url, "not a valid URL") for url in ("https://a\0b/", "https://h:port/v1", "https://[::1/", 5, b"https://h")),
        *(
            (url, "not a valid URL")
            for url in ("https://\ud800/v1", "https://h/\ud800", "https://h\u2488/v1", "https://xn--\xe9/v1")
        ),
        *((url, "not a valid URL") for url in ("https://a..b/v1", f"https://{'a' * 64}.com", "https://h:65536")),
        *((url, "must be absolute") for url in ("", "reportingapi.sinch.com/v1", "/v1", "ftp://127.0.0.1/", "https:")),
        *(
            (f"https://{rest}", "must not contain a user name, password, query or fragment")
            for rest in ("h/v1?", "h/v1?key=hush", "h/v1#hush", "key:hush@h/v1")
        ),
        *((f"https://h/{path}", "the path of the base URL must be ASCII") for path in ("é", "v1/漢", "v1 ")),
    ],
    ids=repr,
)
def test_an_invalid_base_url_is_refused_and_not_quoted(url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        resolve_base_url(url, allow_http=False)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("https://h/v1/", "https://h/v1"),
        ("https://h", "https://h"),
        ("https://h/a%20b", "https://h/a%20b"),
        ("HTTPS://H/v1", "https://h/v1"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://[::1]:8443/v1", "https://[::1]:8443/v1"),
    ],
)
def test_a_base_url_is_normalized(url, resolved):
    assert httpx.URL(resolve_base_url(url, allow_http=False)) == httpx.URL(resolved)
    assert not resolve_base_url(url, allow_http=False).endswith("/")


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("localhost.example", False),
        ("0.0.0.0", False),
        ("2001:db8::1", False),
        ("reportingapi.sinch.com", False),
    ],
)
def test_http_needs_permission_unless_the_host_is_this_machine(host, is_local):
    assert is_loopback(host) is is_local
    url = f"http://[{host}]/v1" if ":" in host else f"http://{host}/v1"
    assert resolve_base_url(url, allow_http=True) == url
    if is_local:
        assert resolve_base_url(url, allow_http=False) == url
    else:
        with pytest.raises(ConfigurationError, match="pass allow_http=True if the network is trusted"):
            resolve_base_url(url, allow_http=False)
