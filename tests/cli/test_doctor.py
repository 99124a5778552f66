import json
import re
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.raw_server import RawServer, response, tunnel_to

CHECKS = ["credentials", "base URL", "proxy", "name", "connection", "TLS", "API", "clock", "signature"]


@pytest.fixture
def examine(run):
    """Return what examines with options: the exit code, and the findings by check."""

    def examine(*options):
        ran = run("doctor", "--output", "json", *options)
        assert ran.err == ""
        found = [json.loads(line) for line in ran.out.splitlines()]
        assert [finding["check"] for finding in found] == CHECKS
        return ran.code, {finding.pop("check"): finding for finding in found}

    return examine


@pytest.fixture
def secured(sandbox_env, monkeypatch, authority):
    """Return a TLS server that answers as the account's Sandbox does to who does not sign, then a counter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "reporting.example").configure_cert(context)
    refusal = response('{"errorCode": 40100, "message": "no"}', "401 Unauthorized")
    counter = response('{"value": 7, "modified": "2022-04-28T12:00:00Z"}')
    with RawServer([refusal, counter], context) as server:
        monkeypatch.setenv("SINCH_REPORTING_URL", server.url)
        yield server


@pytest.fixture
def trust(monkeypatch, authority, tmp_path):
    """Return what makes the machine trust the authority."""

    def trust():
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    return trust


def results(found):
    return {check: finding["result"] for check, finding in found.items()}


def test_where_all_is_well_it_says_so(examine, sandbox_env):
    code, found = examine()
    assert code == exit_codes.OK
    assert results(found) == dict.fromkeys(CHECKS, "ok") | {"proxy": "not looked at", "TLS": "not looked at"}
    assert found["base URL"]["what"] == sandbox_env.url
    assert found["signature"]["what"] == "accepted"


def test_a_person_reads_a_line_for_each_check_and_what_to_do(run, sandbox_env):
    sandbox_env.fail_always(faults.Status(401, code=40102))
    ran = run("doctor")
    assert ran.code == exit_codes.FAILED
    lines = ran.out.splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert lines[0] == "ok            credentials key and secret are there and well-formed"
    assert lines[-1].strip().startswith("→ the secret does not belong to the key")


def test_without_credentials_the_way_to_the_server_is_examined_all_the_same(examine, sandbox):
    code, found = examine("--base-url", sandbox.url)
    assert code == exit_codes.FAILED
    assert found["credentials"]["result"] == "trouble"
    assert "--sandbox" in found["credentials"]["remedy"]
    assert results(found)["API"] == "ok"
    assert found["signature"]["result"] == "not looked at"


def test_a_malformed_secret_is_trouble(examine, sandbox_env, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "not Base64!")
    _, found = examine()
    assert found["credentials"]["result"] == "trouble"
    assert "Base64" in found["credentials"]["what"]
    assert "not Base64!" not in str(found)


def test_a_credentials_file_that_others_can_read_is_a_doubt(examine, sandbox_env, tmp_path):
    file = tmp_path / "credentials"
    key, secret = sandbox_env.application_key, sandbox_env.application_secret
    file.write_text(f"SINCH_APPLICATION_KEY={key}\nSINCH_APPLICATION_SECRET={secret}\n", "utf-8")
    file.chmod(0o644)
    code, found = examine("--credentials", str(file))
    assert (code, found["credentials"]["remedy"]) == (exit_codes.OK, f"chmod 600 {file}")
    file.chmod(0o600)
    assert examine("--credentials", str(file))[1]["credentials"]["result"] == "ok"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://192.0.2.1/v1", "https://user:hunter2@127.0.0.1/v1"])
def test_a_base_url_that_cannot_be_used_is_trouble_and_nothing_is_sent(examine, url):
    _, found = examine("--base-url", url)
    assert found["base URL"]["result"] == "trouble"
    assert {found[check]["result"] for check in CHECKS[2:]} == {"not looked at"}
    assert "hunter2" not in str(found["base URL"])


def test_a_name_that_is_not_known_is_trouble(examine, sandbox_env, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    _, found = examine("--base-url", "https://reporting.example")
    assert found["name"]["what"] == "reporting.example has no address: Name or service not known"
    assert "DNS" in found["name"]["remedy"]


def test_a_port_where_nobody_listens_is_trouble(examine, sandbox_env):
    with sandbox_env.refuse_connections():
        _, found = examine()
    assert found["connection"]["result"] == "trouble"
    assert "Connection refused" in found["connection"]["what"]


def test_a_certificate_that_is_trusted_is_well(examine, secured, trust):
    trust()
    code, found = examine()
    assert (code, found["TLS"]["result"]) == (exit_codes.OK, "ok")
    assert found["TLS"]["what"].startswith("TLSv1.3, certificate valid until ")


def test_a_certificate_that_is_not_trusted_is_trouble(examine, secured):
    _, found = examine()
    assert found["TLS"]["result"] == "trouble"
    assert "unable to get local issuer certificate" in found["TLS"]["what"]
    assert "SSL_CERT_FILE" in found["TLS"]["remedy"]
    assert found["signature"]["result"] == "not looked at"


def test_a_certificate_of_another_name_is_trouble(examine, secured, trust):
    trust()
    _, found = examine("--base-url", f"https://localhost:{secured.port}/v1")
    assert "localhost" in found["TLS"]["what"]


def test_what_speaks_no_tls_is_trouble(examine, sandbox_env):
    _, found = examine("--base-url", sandbox_env.url.replace("http", "https"))
    assert found["TLS"]["what"].startswith("no TLS connection: ")


def test_certificates_that_cannot_be_read_are_trouble(examine, secured, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    _, found = examine()
    assert "SSL_CERT_FILE" in found["TLS"]["what"]


def test_a_proxy_is_named_without_its_password_and_its_refusal_is_trouble(
    examine, sandbox_env, raw_server, monkeypatch
):
    raw_server.script = [response("", "407 Proxy Authentication Required")]
    monkeypatch.setenv("HTTPS_PROXY", f"http://anna:hunter2@127.0.0.1:{raw_server.port}")
    _, found = examine("--base-url", "https://reporting.example/v1")
    assert found["proxy"]["what"] == f"http://127.0.0.1:{raw_server.port}"
    assert found["name"]["what"] == "127.0.0.1 is 127.0.0.1"
    assert found["API"]["what"] == "the proxy refuses: 407 Proxy Authentication Required"
    assert "hunter2" not in str(found)


def test_a_certificate_behind_a_proxy_is_examined_too(examine, secured, trust, raw_server, monkeypatch):
    raw_server.script = [tunnel_to(secured.port)]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{raw_server.port}")
    _, untrusted = examine("--base-url", "https://reporting.example/v1")
    trust()
    code, found = examine("--base-url", "https://reporting.example/v1")
    assert untrusted["API"]["what"].startswith("the certificate is not trusted")
    assert (code, found["signature"]["result"]) == (exit_codes.OK, "ok")


@pytest.mark.parametrize("proxy", ["nonsense://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_is_none_is_trouble(examine, sandbox_env, monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    _, found = examine("--base-url", "https://reporting.example/v1")
    assert found["proxy"]["result"] == "trouble"


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (faults.HtmlPage(), "what answers (200 OK) is not the Reporting API"),
        (faults.Redirect("https://login.example"), "what answers (307 Temporary Redirect) is not the Reporting API"),
        (faults.Status(503), "the server, or something before it, fails: 503 Service Unavailable"),
        (faults.ConnectionReset(), "no answer came: ReadError"),
        (faults.NotHttp(), "no answer came: RemoteProtocolError"),
    ],
)
def test_what_is_not_the_api_is_trouble(examine, sandbox_env, fault, what):
    sandbox_env.fail_always(fault)
    code, found = examine()
    assert (code, found["API"]["result"], found["API"]["what"]) == (exit_codes.FAILED, "trouble", what)
    assert found["API"]["remedy"]


@pytest.mark.parametrize(
    ("offset", "result", "what"),
    [
        (timedelta(hours=-3), "doubt", "3:00:0. ahead of the server's|2:59:59 ahead of the server's"),
        (timedelta(hours=3), "doubt", "(3:00:00|2:59:5.) behind the server's"),
        (timedelta(minutes=2), "doubt", "0:0(2:00|1:5.) behind the server's"),
        (timedelta(), "ok", "within seconds of the server's"),
    ],
)
def test_a_clock_that_is_off_is_a_doubt_since_the_client_mends_it(examine, sandbox_env, offset, result, what):
    sandbox_env.clock = lambda: datetime.now(UTC) + offset
    code, found = examine()
    assert (code, found["clock"]["result"], found["signature"]["result"]) == (exit_codes.OK, result, "ok")
    assert re.fullmatch(what, found["clock"]["what"])


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (faults.Status(401, code=40100), "the Authorization header did not arrive as it was sent"),
        (faults.Status(401, code=40101), "set this machine's clock"),
        (faults.Status(401, code=40102), "the secret does not belong to the key"),
        (faults.Status(401, code=40108), "the key is not known"),
        (faults.Status(403), "ask Sinch support whether the application may use the Reporting API"),
        (faults.Status(429), "Send fewer requests"),
        (faults.InvalidJson(), "check that the base URL leads to the Reporting API"),
    ],
)
def test_a_signature_that_is_refused_is_trouble_by_its_reason(examine, sandbox_env, fault, remedy):
    sandbox_env.fail_next(None, fault, fault)
    code, found = examine()
    assert (code, found["signature"]["result"]) == (exit_codes.FAILED, "trouble")
    assert remedy in found["signature"]["remedy"]


def test_the_wrong_secret_is_found_out_by_the_server(examine, sandbox_env, monkeypatch):
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "c2VjcmV0")
    assert "the secret does not belong to the key" in examine()[1]["signature"]["remedy"]


def test_an_account_without_that_counter_is_well(examine, sandbox_env):
    sandbox_env.fail_next(None, faults.Status(404))
    code, found = examine()
    assert (code, found["signature"]["what"]) == (exit_codes.OK, "accepted, though there is no counter currentCalls")


def test_the_built_in_sandbox_is_well(examine):
    assert examine("--sandbox")[0] == exit_codes.OK
