import json
import math
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sinch_reporting import Number
from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.raw_server import response
from tests.support.terminal import COMMAND

DASHBOARD = Path(__file__).resolve().parents[2] / "docs/grafana.json"


@contextmanager
def exporting(*arguments, address=r"127\.0\.0\.1"):
    """Yield a function that reads the metrics by name and labels, until a condition holds."""
    command = [COMMAND, "metrics", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        url = re.fullmatch(rf"serving (http://{address}:\d+/metrics)\n", process.stderr.readline())[1]

        def read(condition):
            while True:
                with urllib.request.urlopen(url) as response:
                    lines = response.read().decode().splitlines()
                found = {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines if x[0] != "#")}
                if condition(found):
                    return found

        read.process, read.port = process, urlsplit(url).port
        yield read
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == exit_codes.OK


def test_counters_and_services_are_served_until_sigterm(sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    sandbox_env.set_service("media", "degraded")
    with exporting("--counter", "currentCalls", "--service", "rtpproxy", "--service", "media") as read:
        found = read(
            lambda found: (
                found['sinch_reporting_service_up{id="rtpproxy"}'] == 1
                and found['sinch_reporting_current_value{id="currentCalls"}'] == 842
                and found['sinch_reporting_service_up{id="media"}'] == 0
            )
        )
    assert found['sinch_reporting_service_status{id="media",status="degraded"}'] == 1
    modified = found['sinch_reporting_last_refresh_timestamp_seconds{id="currentCalls"}']
    responded = found['sinch_reporting_last_response_timestamp_seconds{id="currentCalls",kind="counter"}']
    assert 0 <= responded - modified < 121
    assert len(sandbox_env.requests) == 3


def test_all_series_exist_before_the_first_response(sandbox_env):
    sandbox_env.fail_always(faults.NoResponse())
    watched = ["--counter", "currentCalls", "--service", "rtpproxy", "--number", "+46730170101", "--username", "anna"]
    with exporting(*watched) as read:
        found = read(bool)
    for name in (
        'current_value{id="currentCalls"}',
        'service_up{id="rtpproxy"}',
        'asr_ratio{domain="pstn",endpoint="+46730170101"}',
        'acd_seconds{domain="data",endpoint="anna"}',
    ):
        assert math.isnan(found[f"sinch_reporting_{name}"]), name
    for labels in ('id="currentCalls",kind="counter"', 'id="rtpproxy",kind="service"', 'id="anna",kind="report"'):
        assert found[f"sinch_reporting_last_response_timestamp_seconds{{{labels}}}"] == 0


def test_what_is_given_twice_is_requested_once(sandbox_env):
    options = {"counter": "currentCalls", "service": "rtpproxy", "number": "+46730170101", "username": "anna"}
    with exporting(*(f"--{name}={value}" for name, value in options.items() for _ in range(3))) as read:
        names = [name for name in read(bool) if "last_response_timestamp" in name]
        read(lambda found: all(found[name] > 0 for name in names))
    assert len(names) == len(sandbox_env.requests) == 4


def test_by_default_it_is_the_counter_of_ongoing_calls(sandbox_env):
    with exporting() as read:
        read(lambda found: found['sinch_reporting_current_value{id="currentCalls"}'] >= 0)
    assert [request.path for request in sandbox_env.requests] == ["/v1/counters/currentCalls"]


def test_ratio_and_duration_of_chosen_endpoints_are_served(sandbox_env, client):
    with exporting("--number", "+46730170101", "--report-interval", "0.1s") as read:
        response = 'sinch_reporting_last_response_timestamp_seconds{id="+46730170101",kind="report"}'
        found = read(lambda found: found[response] > 0)
    expected = client.get_call_report(Number("+46730170101"), **today(sandbox_env))
    labels = '{domain="pstn",endpoint="+46730170101"}'
    for name, value in (("asr_ratio", expected.asr), ("acd_seconds", expected.acd and expected.acd.total_seconds())):
        shown = found[f"sinch_reporting_{name}{labels}"]
        assert (math.isnan(shown) and value is None) or shown == pytest.approx(value)
    assert "currentCalls" not in {request.path for request in sandbox_env.requests}


def today(sandbox):
    """Return the period that the exporter requested last."""
    from datetime import date  # noqa: PLC0415
    from urllib.parse import parse_qs  # noqa: PLC0415

    query = parse_qs(sandbox.requests[-1].query)
    return {name: date.fromisoformat(query[f"_{name}"][0]) for name in ("start", "stop")}


def test_only_the_current_status_is_served(sandbox_env):
    with exporting("--service", "rtpproxy", "--interval", "0.05s") as read:
        read(lambda found: 'sinch_reporting_service_status{id="rtpproxy",status="up"}' in found)
        sandbox_env.set_service("rtpproxy", "down")
        found = read(lambda found: 'sinch_reporting_service_status{id="rtpproxy",status="down"}' in found)
    assert 'sinch_reporting_service_status{id="rtpproxy",status="up"}' not in found


def test_a_lone_surrogate_in_a_status_is_escaped(raw_server, sandbox_env):
    raw_server.script = [response('{"status": "x\\ud800\\u001b"}')]
    with exporting("--service", "rtpproxy", "--base-url", raw_server.url) as read:
        found = read(lambda found: any("service_status{" in name for name in found))
    assert r'sinch_reporting_service_status{id="rtpproxy",status="x\\ud800\\x1b"}' in found


def test_a_scrape_that_is_reset_is_one_line_and_others_continue(sandbox_env):
    with exporting() as read:
        with socket.create_connection(("127.0.0.1", read.port)) as scraper:
            scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing it is a reset
            scraper.sendall(b"GET /metrics HTTP/1.1\r\nHo")
        assert read.process.stderr.readline() == "sinch-reporting: a scrape failed: ConnectionResetError\n"
        assert read(bool)


def test_failures_are_printed_and_counted(sandbox_env):
    sandbox_env.fail_always(faults.Status(403))
    with exporting("--counter", "currentCalls") as read:
        assert read.process.stderr.readline().startswith("sinch-reporting: currentCalls: 403 Forbidden")
        found = read(lambda found: 'sinch_reporting_errors_total{kind="403",route="/counters/{id}"}' in found)
    assert math.isnan(found['sinch_reporting_current_value{id="currentCalls"}'])


def test_an_ipv6_address_has_brackets(sandbox_env):
    with exporting("--host", "::1", address=r"\[::1\]") as read:
        assert read(bool)


def test_an_unusable_host_is_a_usage_error(run, sandbox_env):
    ran = run("metrics", "--host", "a..b")
    assert ran.code == exit_codes.USAGE_ERROR
    assert "cannot listen on a..b:" in ran.err
    assert "--host" in ran.err


def test_a_port_in_use_is_a_usage_error(run, sandbox_env):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("metrics", "--port", str(port))
    assert ran.code == exit_codes.USAGE_ERROR
    assert "choose another --port" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--counter", ".."], "must not be empty, '.' or '..'"),
        (["--service", ".."], "must not be empty, '.' or '..'"),
        (["--service", "x" * 70_000], "too long"),
        (["--interval", "0s"], "not a duration above 0"),
        (["--number", "46730170101"], "did you mean +46730170101?"),
    ],
)
def test_invalid_targets_are_usage_errors(sandbox_env, arguments, message):
    ran = subprocess.run([COMMAND, "metrics", "--port", "0", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.USAGE_ERROR
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_the_extra_the_message_says_how_to_install_it():
    program = (
        "import sys; sys.modules['prometheus_client'] = None; from sinch_reporting.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "metrics", "--sandbox"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.USAGE_ERROR
    assert "pip install 'sinch-reporting[cli,metrics]'" in ran.stderr


def test_the_dashboard_shows_every_metric_and_no_other(sandbox_env):
    sandbox_env.fail_always(faults.Status(503, retry_after=0))
    with exporting("--counter", "currentCalls") as read:
        served = set(read(lambda found: 'sinch_reporting_retries_total{route="/counters/{id}"}' in found))
    sandbox_env.clear_faults()
    with exporting("--counter", "currentCalls", "--service", "rtpproxy", "--number", "+46730170101") as read:
        # Exists from the first response on.
        served |= set(read(lambda found: 'sinch_reporting_service_status{id="rtpproxy",status="up"}' in found))
    names = {name.partition("{")[0] for name in served}
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    shown = {name for query in queries for name in re.findall(r"sinch_reporting_\w+", query)}
    unshown = {name for name in names if not name.endswith(("_created", "_sum", "_info"))} - shown
    assert unshown == {"sinch_reporting_service_status"}  # its `up` is shown
    assert shown <= names
