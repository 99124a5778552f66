import http.server
import json
import re
import select
import socket
import ssl
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.doctor.checks import clock
from sinch_reporting.cli.doctor.network import address_of
from sinch_reporting.cli.doctor.result import Status
from sinch_reporting.testing import faults
from tests.support.raw_server import RawServer, response, tunnel_to

CHECKS = ["credentials", "base URL", "proxy", "name", "connection", "TLS", "API", "clock", "signature"]


@pytest.fixture
def diagnose(run):
    """Return a function that runs doctor with options, and returns the exit code and the results by check."""

    def diagnose(*options):
        ran = run("doctor", "--output", "json", *options)
        assert ran.err == ""
        found = [json.loads(line) for line in ran.out.splitlines()]
        assert [check["check"] for check in found] == CHECKS
        return ran.code, {check.pop("check"): check for check in found}

    return diagnose


@pytest.fixture
def tls_server(sandbox_env, monkeypatch, authority):
    """Return a TLS server that refuses an unsigned request, then returns a counter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "reporting.example").configure_cert(context)
    refusal = response('{"errorCode": 40100, "message": "no"}', "401 Unauthorized")
    counter = response('{"value": 7, "modified": "2022-04-28T12:00:00Z"}')
    with RawServer([refusal, counter], context) as server:
        monkeypatch.setenv("SINCH_REPORTING_URL", server.url)
        yield server


@pytest.fixture
def trust(monkeypatch, authority, tmp_path):
    """Return a function that makes this machine trust the authority."""

    def trust():
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    return trust


@contextmanager
def silent_port():
    """Yield a port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def results(found):
    return {check: result["result"] for check, result in found.items()}


def test_all_is_well(diagnose, sandbox_env):
    code, found = diagnose()
    assert code == exit_codes.OK
    assert results(found) == dict.fromkeys(CHECKS, "ok") | {"proxy": "skipped", "TLS": "skipped"}
    assert found["credentials"]["what"].endswith("from the environment")
    assert found["base URL"]["what"] == sandbox_env.url
    assert found["API"]["what"] == "the host responds: 401 Unauthorized without credentials"
    assert found["signature"]["what"] == "accepted"


def test_a_person_reads_a_line_per_check_and_the_remedy(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(401, code=40108))
    ran = run("doctor")
    assert ran.code == exit_codes.FAILED
    lines = ran.out.splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert lines[0] == "ok       credentials key and secret are well-formed, from the environment"
    assert lines[-1].strip().startswith("→ the key is unknown")


def test_without_credentials_the_route_to_the_server_is_checked(diagnose, sandbox):
    code, found = diagnose("--base-url", sandbox.url)
    assert code == exit_codes.FAILED
    assert found["credentials"]["result"] == "error"
    assert "--sandbox" in found["credentials"]["remedy"]
    assert results(found)["API"] == "ok"
    assert found["signature"]["result"] == "skipped"


def test_a_malformed_secret_is_an_error(diagnose, sandbox_env, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "not Base64!")
    _, found = diagnose()
    assert found["credentials"]["result"] == "error"
    assert "Base64" in found["credentials"]["what"]
    assert "not Base64!" not in str(found)
    assert found["credentials"]["remedy"].startswith("copy both again")
    _, found = diagnose("--credentials", "/nonexistent")
    assert found["credentials"]["what"].endswith("No such file or directory")
    assert found["credentials"]["remedy"] == "correct --credentials"


def test_an_invalid_base_url_is_not_an_error_of_the_credentials(diagnose, sandbox_env):
    for base_url in ("nonsense", "", "http://reporting.example/v1"):
        code, found = diagnose("--base-url", base_url)
        assert (code, found["credentials"]["result"]) == (exit_codes.FAILED, "ok")
        assert found["base URL"]["result"] == "error"
        assert "--base-url" in found["base URL"]["remedy"] or "--allow-http" in found["base URL"]["remedy"]


def test_a_credentials_file_that_others_can_read_is_a_warning(diagnose, sandbox_env, tmp_path):
    file = tmp_path / "my credentials"
    key, secret = sandbox_env.application_key, sandbox_env.application_secret
    file.write_text(f"SINCH_APPLICATION_KEY={key}\nSINCH_APPLICATION_SECRET={secret}\n", "utf-8")
    file.chmod(0o644)
    code, found = diagnose("--credentials", str(file))
    assert (code, found["credentials"]["result"]) == (exit_codes.OK, "warning")
    assert found["credentials"]["remedy"] == f"chmod 600 '{file}'"
    file.chmod(0o600)
    assert diagnose("--credentials", str(file))[1]["credentials"]["what"].endswith(f"from the file {file}")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://192.0.2.1/v1", "https://user:hunter2@127.0.0.1/v1"])
def test_an_unusable_base_url_is_an_error_and_nothing_is_sent(diagnose, sandbox_env, monkeypatch, url):
    monkeypatch.setenv("SINCH_REPORTING_URL", url)
    _, found = diagnose()
    assert "error" in {found["credentials"]["result"], found["base URL"]["result"]}
    assert {found[check]["result"] for check in CHECKS[2:]} == {"skipped"}
    assert "hunter2" not in str(found)


def test_a_base_url_without_the_version_is_a_warning(diagnose, sandbox_env):
    _, found = diagnose("--base-url", sandbox_env.url.removesuffix("/v1"))
    assert found["base URL"]["result"] == "warning"
    assert "/v1" in found["base URL"]["remedy"]


def test_an_unknown_name_is_an_error(diagnose, sandbox_env, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    _, found = diagnose("--base-url", "https://reporting.example/v1")
    assert found["name"]["what"] == "reporting.example has no address: Name or service not known"
    assert "DNS" in found["name"]["remedy"]
    monkeypatch.delenv("SINCH_REPORTING_URL")
    assert "ask Sinch support whether it is still available" in diagnose()[1]["name"]["remedy"]
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    _, found = diagnose("--base-url", "https://reporting.example/v1")
    assert found["name"]["what"].startswith("proxy.example has no address")
    assert found["name"]["remedy"] == "check the name in HTTPS_PROXY or ALL_PROXY, and this machine's DNS"


def test_a_refused_connection_is_an_error(diagnose, sandbox_env):
    with sandbox_env.refuse_connections():
        _, found = diagnose()
    assert found["connection"]["result"] == "error"
    assert "Connection refused" in found["connection"]["what"]


def test_a_refused_connection_to_a_proxy_is_an_error_of_the_proxy(diagnose, sandbox_env, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    _, found = diagnose("--base-url", "https://reporting.example/v1")
    assert found["connection"]["what"] == f"the proxy 127.0.0.1:{port} cannot be reached: Connection refused"
    assert "HTTPS_PROXY" in found["connection"]["remedy"]
    assert "set HTTPS_PROXY" not in found["connection"]["remedy"]


def test_a_trusted_certificate_is_ok(diagnose, tls_server, trust):
    trust()
    code, found = diagnose()
    assert (code, found["TLS"]["result"]) == (exit_codes.OK, "ok")
    assert found["TLS"]["what"].startswith("TLSv1.3, certificate valid until ")


def test_an_untrusted_certificate_is_an_error(diagnose, tls_server):
    _, found = diagnose()
    assert "unable to get local issuer certificate" in found["TLS"]["what"]
    assert "SSL_CERT_FILE" in found["TLS"]["remedy"]
    assert found["signature"]["result"] == "skipped"


def test_a_certificate_of_another_name_is_an_error(diagnose, tls_server, trust):
    trust()
    _, found = diagnose("--base-url", f"https://localhost:{tls_server.port}/v1")
    assert "localhost" in found["TLS"]["what"]


def test_https_to_a_port_that_speaks_http_is_an_error(diagnose, sandbox_env):
    _, found = diagnose("--base-url", sandbox_env.url.replace("http", "https"))
    assert found["TLS"]["what"].startswith("no TLS connection: ")
    assert "it may speak http" in found["TLS"]["remedy"]


def test_http_to_a_port_that_speaks_tls_is_an_error(diagnose, tls_server):
    for path in ("", "/gateway/v1"):
        _, found = diagnose("--base-url", f"http://127.0.0.1:{tls_server.port}{path}")
        assert "speaks TLS" in found["API"]["what"]
        assert found["API"]["remedy"] == f"use https://127.0.0.1:{tls_server.port}{path}"


def test_unreadable_certificates_are_an_error(diagnose, tls_server, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    _, found = diagnose()
    assert "SSL_CERT_FILE" in found["TLS"]["what"]


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not select.select([connection], [], [], 0.02)[0]:
        connection.sendall(b" ")


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (drip, "no response within 0.5 s"),
        (response("x" * 2 * 1024 * 1024), "the response is larger than 1 MiB"),
        (response("[" * 200_000), "the response (200 OK) is not from the Reporting API"),
    ],
    ids=["slow", "large", "deep"],
)
def test_a_body_without_end_is_an_error(diagnose, sandbox_env, raw_server, step, what):
    raw_server.script = [step]
    _, found = diagnose("--base-url", raw_server.url, "--timeout", "0.5s")
    assert found["API"]["what"] == what
    assert found["API"]["remedy"]


@pytest.mark.parametrize(("scheme", "check"), [("https", "TLS"), ("http", "API")])
def test_a_silent_server_is_an_error(diagnose, sandbox_env, scheme, check):
    with silent_port() as port:
        _, found = diagnose("--base-url", f"{scheme}://127.0.0.1:{port}/v1", "--timeout", "0.2s")
    assert "within 0.2 s" in found[check]["what"]
    assert found[check]["remedy"]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("407 Proxy Authentication Required", "check user name and password"),
        ("403 Forbidden", "the proxy does not allow connections to reporting.example:443"),
        ("502 Bad Gateway", "the proxy cannot reach reporting.example:443"),
        ("400 Bad Request", "check the address and type of the proxy"),
    ],
)
def test_the_refusal_of_a_proxy_is_explained_without_its_password(
    diagnose, sandbox_env, raw_server, monkeypatch, status, remedy
):
    raw_server.script = [response("", status)]
    monkeypatch.setenv("HTTPS_PROXY", f"http://anna:hunter2@127.0.0.1:{raw_server.port}")
    _, found = diagnose("--base-url", "https://reporting.example/v1")
    assert found["proxy"]["what"] == f"http://127.0.0.1:{raw_server.port}"
    assert found["name"]["what"] == "127.0.0.1 is 127.0.0.1"
    assert found["API"]["what"] == f"the proxy refuses the connection to reporting.example:443: {status}"
    assert found["API"]["remedy"].startswith(remedy)
    assert "hunter2" not in str(found)


def test_a_certificate_behind_a_proxy_is_checked_too(diagnose, tls_server, trust, raw_server, monkeypatch):
    raw_server.script = [tunnel_to(tls_server.port)]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{raw_server.port}")
    _, untrusted = diagnose("--base-url", "https://reporting.example/v1")
    trust()
    code, found = diagnose("--base-url", "https://reporting.example/v1")
    assert untrusted["API"]["what"].startswith("the certificate is not trusted")
    assert (code, found["signature"]["result"]) == (exit_codes.OK, "ok")


def test_ipv6_addresses_have_brackets():
    for url, address in {
        "http://[::1]:8/v1": "[::1]:8",
        "https://[fe80::1]": "[fe80::1]:443",
        "http://h": "h:80",
    }.items():
        assert address_of(httpx.URL(url)) == address


@pytest.mark.parametrize("proxy", ["nonsense://127.0.0.1:1", "http://[::1"])
def test_an_invalid_proxy_is_an_error(diagnose, sandbox_env, monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    _, found = diagnose("--base-url", "https://reporting.example/v1")
    assert found["proxy"]["result"] == "error"


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (faults.HtmlPage(), "the response (200 OK) is not from the Reporting API"),
        (faults.Redirect("https://x.example"), "the response (307 Temporary Redirect) is not from the Reporting API"),
        (faults.Status(403, body="<html>"), "something in front of the API refuses the request: 403 Forbidden"),
        (faults.Status(404), "the host responds, but not with the Reporting API: 404 Not Found"),
        (faults.Status(410, body="gone"), "the host responds, but not with the Reporting API: 410 Gone"),
        (faults.Status(503), "the server, or something in front of it, fails: 503 Service Unavailable"),
        (faults.ConnectionReset(), "no response: ReadError"),
        (faults.NotHttp(), "no response: RemoteProtocolError"),
    ],
)
def test_other_responses_than_the_apis_are_errors(diagnose, sandbox_env, fault, what):
    sandbox_env.fail_always(fault)
    code, found = diagnose()
    assert (code, found["API"]["result"], found["API"]["what"]) == (exit_codes.FAILED, "error", what)
    assert found["API"]["remedy"]


@pytest.mark.parametrize(
    ("offset", "result", "what"),
    [
        (timedelta(hours=-3), "warning", "(3:00:0.|2:59:59) ahead of the server's.*"),
        (timedelta(hours=3), "warning", "(3:00:00|2:59:5.) behind the server's.*"),
        (timedelta(), "ok", "within seconds of the server's"),
    ],
)
def test_a_wrong_clock_is_a_warning_because_the_client_corrects_it(diagnose, sandbox_env, offset, result, what):
    sandbox_env.clock = lambda: datetime.now(UTC) + offset
    code, found = diagnose()
    assert (code, found["clock"]["result"], found["signature"]["result"]) == (exit_codes.OK, result, "ok")
    assert re.fullmatch(what, found["clock"]["what"])


@pytest.mark.parametrize(
    ("server", "local", "status", "wrong_days"),
    [
        (datetime(2026, 11, 1, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, 0, 4, tzinfo=UTC), Status.OK, False),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, 2, tzinfo=UTC), Status.WARNING, False),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), datetime(2026, 11, 1, 15, tzinfo=UTC), Status.WARNING, False),
        (datetime(2026, 11, 1, 23, tzinfo=UTC), datetime(2026, 11, 2, 1, tzinfo=UTC), Status.WARNING, True),
        (None, datetime(2026, 11, 2, 1, tzinfo=UTC), Status.WARNING, False),
    ],
)
def test_a_clock_of_another_day_makes_days_wrong(server, local, status, wrong_days):
    check = clock(server, local)
    assert check.status == status
    assert ("--days" in check.what) == wrong_days


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, 40100, "the Authorization header did not arrive as it was sent"),
        (401, 40101, "set this machine's clock"),
        (401, 40102, "the secret does not belong to the key"),
        (401, 40103, "find out what adds credentials on the way"),
        (401, 40104, "not authorized by its secret"),
        (401, 40105, "have expired"),
        (401, 40107, "wrong type of authorization"),
        (401, 40108, "the key is unknown"),
        (403, 40300, "ask whether the application may use the Reporting API"),
        (403, 40302, "the application may not use this operation"),
        (403, 40303, "the application may not use this operation"),
        (429, 42900, "the request capacity is exceeded"),
        (429, 42901, "requests come too fast"),
        (503, 50301, "the configuration of the application at Sinch is incomplete"),
        (500, 50000, "try again later"),
        (400, 40004, "contact Sinch support"),
    ],
)
def test_a_refused_signature_is_explained_by_its_error_code(diagnose, sandbox_env, status, code, remedy):
    fault = faults.Status(status, code=code)
    sandbox_env.fail_next(None, *[fault] * 4)
    exit_code, found = diagnose()
    assert (exit_code, found["signature"]["result"]) == (exit_codes.FAILED, "error")
    assert remedy in found["signature"]["remedy"]
    assert f"error {code}" in found["signature"]["what"]


def test_a_refusal_of_a_proxy_after_the_first_response_is_explained(diagnose, sandbox_env):
    sandbox_env.fail_next(None, faults.Status(403, body="<html>"))
    assert "operator of the proxy or firewall" in diagnose()[1]["signature"]["remedy"]


def test_a_response_that_cannot_be_decoded_is_explained(diagnose, sandbox_env):
    sandbox_env.fail_next(None, faults.InvalidJson())
    assert "check that the base URL leads to the Reporting API" in diagnose()[1]["signature"]["remedy"]


def test_the_wrong_secret_is_found(diagnose, sandbox_env, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "c2VjcmV0")
    assert "the secret does not belong to the key" in diagnose()[1]["signature"]["remedy"]


def test_an_account_without_that_counter_is_ok(diagnose, sandbox_env):
    sandbox_env.fail_next(None, faults.Status(404))
    code, found = diagnose()
    assert (code, found["signature"]["what"]) == (exit_codes.OK, "accepted, although there is no counter currentCalls")


@pytest.fixture
def gateway(sandbox_env):
    """Return the URL of a gateway that removes a prefix from the path."""

    class Gateway(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.removeprefix("/sinch")
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            request = urllib.request.Request(sandbox_env.url.removesuffix("/v1") + path, headers=headers)
            try:
                result = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                result = error
            with result:
                body = result.read()
                self.send_response(result.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sinch/v1"
        server.shutdown()
        thread.join()


def test_a_gateway_that_rewrites_paths_is_detected(diagnose, gateway, run):
    _, found = diagnose("--base-url", gateway)
    assert "add --signing-path-prefix /v1" in found["signature"]["remedy"]
    _, found = diagnose("--base-url", gateway, "--signing-path-prefix", "/v2")
    assert "add --signing-path-prefix /v1" in found["signature"]["remedy"]
    code, found = diagnose("--base-url", gateway, "--signing-path-prefix", "/v1")
    assert (code, found["signature"]["what"]) == (exit_codes.OK, "accepted")
    assert run("counter", "currentCalls", "--base-url", gateway, "--signing-path-prefix", "/v1").code == exit_codes.OK


def test_a_wrong_secret_behind_a_gateway_is_not_taken_for_a_rewritten_path(diagnose, gateway, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "c2VjcmV0")
    assert "the secret does not belong to the key" in diagnose("--base-url", gateway)[1]["signature"]["remedy"]


def test_the_built_in_sandbox_is_ok(diagnose):
    code, found = diagnose("--sandbox")
    assert code == exit_codes.OK
    assert found["credentials"]["what"].endswith("from the built-in Sandbox")
