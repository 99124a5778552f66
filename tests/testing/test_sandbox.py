"""The Sandbox as a server: its life, its sockets, the requests that it records, its clients and its command."""

import gc
import logging
import re
import shlex
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import attrs
import httpx
import pytest

from sinch_reporting import AuthenticationError, SignedAuth, Username
from sinch_reporting.testing import Sandbox, faults
from sinch_reporting.testing.__main__ import main
from tests.support.raw_requests import KEY, SECRET, SERVICE, basic, connect, request, signed


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.requests.clear()
    running.clear_faults()
    return running


# Life


def test_it_serves_on_a_free_loopback_port_with_the_documented_credentials(sandbox):
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*/v1", sandbox.url)
    assert (sandbox.application_key, sandbox.application_secret) == (KEY, SECRET)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert request(sandbox, headers=signed(SERVICE, stamp=stamp)).json == {"status": "up"}


def test_after_an_exception_the_thread_is_gone_and_the_port_free():
    before = threading.enumerate()
    sandbox = Sandbox()
    with pytest.raises(ZeroDivisionError), sandbox:
        _ = request(sandbox).status / 0
    assert threading.enumerate() == before
    with pytest.raises(ConnectionRefusedError):
        request(sandbox)
    gc.collect()  # reports an unclosed socket


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /v1/serv", b"POST /v1/services/rtpproxy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"],
    ids=["nothing", "half a line", "half a body"],
)
def test_it_stops_while_a_connection_is_open(sent):
    with ExitStack() as stack:
        with Sandbox() as sandbox:
            client = stack.enter_context(connect(sandbox))
            client.sendall(sent)
            request(sandbox)  # by now the server has accepted the connection
        while client.recv(4096):
            pass
    gc.collect()


def test_a_request_that_its_client_gives_up_is_ignored(sandbox, caplog):
    with connect(sandbox) as client:
        client.sendall(b"POST /v1/services/rtpproxy HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
    assert request(sandbox).status == 200
    assert (len(sandbox.requests), caplog.records) == (1, [])


def test_it_can_be_started_again_and_keeps_its_data_and_faults():
    sandbox = Sandbox()
    sandbox.fail_next(faults.Status(503))
    with sandbox:
        sandbox.set_service("media", "down")
        assert request(sandbox).status == 503
    with sandbox:
        assert request(sandbox, "/v1/services/media").json == {"status": "down"}


def test_start_stop_and_url_depend_on_whether_it_runs(running):
    Sandbox().stop()
    with pytest.raises(RuntimeError, match="already running"):
        running.start()
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = Sandbox().url
    with pytest.raises(OSError, match="in use"), Sandbox(port=urlsplit(running.url).port):
        pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "loopback"),
        ({"host": "example.org"}, "loopback"),
        ({"host": ""}, "loopback"),
        ({"application_secret": ""}, "application_secret"),
        ({"application_secret": "abcde"}, "application_secret"),
        ({"application_key": ""}, "application_key"),
        ({"application_key": "a:b"}, "application_key"),
    ],
)
def test_an_invalid_option_is_rejected(options, words):
    with pytest.raises(ValueError, match=words):
        Sandbox(**options)


def test_the_host_may_be_localhost():
    with Sandbox(host="localhost") as sandbox:
        assert request(sandbox).status == 200


def test_it_logs_nothing_and_leaves_the_process_unchanged(caplog):
    caplog.set_level(logging.DEBUG)
    filters = list(logging.getLogger("uvicorn.error").filters)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Sandbox() as sandbox:
        request(sandbox)
        logging.getLogger("uvicorn.error").info("of another uvicorn")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert [r.getMessage() for r in caplog.records if r.name.startswith("uvicorn")] == ["of another uvicorn"]
    assert logging.getLogger("uvicorn.error").filters == filters


def test_the_clock_must_be_aware():
    with Sandbox(clock=lambda: datetime(2026, 11, 20)) as sandbox:  # noqa: DTZ001
        received = request(sandbox)
    assert (received.status, received.json["errorCode"]) == (500, 50000)
    assert "aware" in received.json["message"]


def test_head_gets_no_body(sandbox):
    received = request(sandbox, verb="HEAD")
    assert (received.status, received.headers["allow"], received.json) == (405, "GET", {})


# Recorded requests


def test_requests_are_recorded_as_they_came_over_the_wire(sandbox):
    target = "/v1/users/username/a%2Fb+c/calls/data?_start=x&%7E&_start=2026-11-01&a+b=%2B"
    request(sandbox, target, {**basic(), "X-Thing": "1"}, body=b"hello")
    (received,) = sandbox.requests
    assert (received.method, received.status, received.fault, received.body) == ("GET", 400, None, b"hello")
    assert (received.path, received.query) == tuple(target.split("?"))
    assert received.params == {"_start": "2026-11-01", "~": "", "a b": "+"}
    assert received.headers["x-thing"] == "1"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        received.status = 200


def test_repeated_headers_are_joined(sandbox):
    httpx.get(sandbox.url, headers=[("X-Thing", "1"), ("x-thing", "2")], trust_env=False, verify=False)
    assert sandbox.requests[0].headers["x-thing"] == "1, 2"


def test_requests_of_many_threads_are_all_recorded(sandbox):
    def set_and_request(number):
        sandbox.set_service(f"s{number}", "up")
        return request(sandbox, f"/v1/services/s{number}").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(set_and_request, range(80))) == {200}
    assert {received.path for received in sandbox.requests} == {f"/v1/services/s{number}" for number in range(80)}


def test_responses_on_an_open_connection_are_not_delayed(sandbox):
    with httpx.Client(base_url=sandbox.url, auth=(KEY, SECRET), trust_env=False, verify=False) as client:
        elapsed = [client.get("/services/rtpproxy").elapsed for _ in range(20)]
    assert min(elapsed[2:]) < timedelta(milliseconds=20)  # a delayed acknowledgement takes 40


# Clients


def test_a_client_gets_the_url_and_the_credentials(sandbox):
    day = date(2026, 11, 1)
    sandbox.set_report("alice", day=day, success=1, failed=2, duration=timedelta(minutes=1))
    with sandbox.client() as reporting:
        report = reporting.get_call_report(Username("alice"), start=day, stop=day)
    assert (report.success, report.failed, report.duration) == (1, 2, timedelta(minutes=1))
    assert sandbox.requests[-1].headers["authorization"].startswith("Application ")
    assert sandbox.requests[-1].params == {"_start": "2026-11-01", "_stop": "2026-11-01"}


@pytest.mark.parametrize(
    ("arguments", "options"), [((), {"auth": SignedAuth("other", SECRET)}), (("other", SECRET), {})]
)
def test_the_options_of_a_client_take_precedence(sandbox, arguments, options):
    with sandbox.client(*arguments, **options) as reporting, pytest.raises(AuthenticationError):
        reporting.get_counter("currentCalls")
    assert sandbox.requests[-1].headers["authorization"].startswith("Application other:")


# The command


@pytest.fixture
def sigterm():
    """Restore the handler of SIGTERM, which the command sets."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_and_exits_silently(end):
    options = ["--application-key", "k", "--application-secret", "c2Vj", "--service", "a=b=c", "--counter", "n=7"]
    command = [sys.executable, "-m", "sinch_reporting.testing", *options, "--fault", "503"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            exports = dict(shlex.split(line)[1].split("=", 1) for line in lines[:3])
            credentials = exports["SINCH_APPLICATION_KEY"], exports["SINCH_APPLICATION_SECRET"]
            with httpx.Client(
                base_url=exports["SINCH_REPORTING_URL"], auth=credentials, trust_env=False, verify=False
            ) as client:
                assert client.get("/services/a").status_code == 503
                assert client.get("/services/a").json() == {"status": "b=c"}
                assert client.get("/counters/n").json()["value"] == 7
            assert credentials == ("k", "c2Vj")
            assert lines[3].startswith("# curl --user k:c2Vj http://127.0.0.1:")
            process.send_signal(end)
            assert process.communicate(timeout=30) == ("", "")
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--application-secret", "!"], "Base64"),
        (["--port", "70000"], "port must be"),
        (
            ["--port", "{taken}"],
            "cannot listen on port {taken} of 127.0.0.1: Address already in use; choose another --port",
        ),
        (["--seed", "x"], "argument --seed: not a whole number: 'x'"),
        (["--chaos", ""], "argument --chaos: not a number: ''"),
        (["--counter", "n=x"], "is not ID=VALUE"),
        (["--counter", "n=-1"], "value must be from 0"),
        (["--service", "media"], "is not ID=STATUS"),
        (["--fault", "explode"], "unknown fault 'explode'; the faults are ok, "),
        (["--chaos", "2"], "rate must be from 0 to 1"),
        (["--port", "65536"], "argument --port: the port must be from 0 to 65535"),
        (["--application-secret", "?"], "error: --application-secret must be Base64"),
        (["\x1b]0;x\x07"], r"unrecognized arguments: \x1b]0;x\x07"),
    ],
)
def test_the_command_explains_in_its_last_line_why_it_cannot_serve(running, capsys, sigterm, arguments, words):
    taken = str(urlsplit(running.url).port)
    with pytest.raises(SystemExit) as caught:
        main([argument.format(taken=taken) for argument in arguments])
    output, errors = capsys.readouterr()
    assert (caught.value.code, output) == (2, "")
    assert words.format(taken=taken) in errors.splitlines()[-1]
    assert errors.splitlines()[-1].startswith("python -m sinch_reporting.testing: error: ")


def test_the_help_lists_all_options_and_faults(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    output = capsys.readouterr().out
    assert caught.value.code == 0
    options = "host", "port", "application-key", "application-secret", "service", "counter", "fault", "chaos", "seed"
    assert all(f"--{option}" in output for option in options)
    names = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() for name in faults.__all__} - {"fault", "default_chaos"}
    assert {name for name in ["ok", *names] if f"\n  {name}" not in output} == {"raw"}
    assert "connection-reset (when=before-headers|in-headers|after-headers)" in output
