import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from sinch_reporting.cli import exit_codes
from sinch_reporting.testing import faults
from tests.support.terminal import COMMAND

BLOCKED = """
import sys
sys.modules["prometheus_client"] = None
from sinch_reporting.cli import main
sys.exit(main())
"""
DASHBOARD = Path(__file__).resolve().parents[2] / "docs/grafana.json"


@contextmanager
def exporting(*arguments):
    """Yield what reads the exporter's metrics, by name and labels, until they have one."""
    command = [COMMAND, "metrics", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        url = re.fullmatch(r"serving (http://127\.0\.0\.1:\d+/metrics)\n", process.stderr.readline())[1]

        def read(until):
            while True:
                with urllib.request.urlopen(url) as response:
                    lines = response.read().decode().splitlines()
                found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
                if until in found:
                    return found

        read.process = process
        yield read
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == exit_codes.OK


def test_counters_and_services_are_served_until_it_is_terminated(sandbox_env):
    sandbox_env.set_counter("currentCalls", 842)
    sandbox_env.set_service("media", "degraded")
    with exporting("--counter", "currentCalls", "--service", "rtpproxy", "--service", "media") as read:
        read('sinch_reporting_service_up{id="rtpproxy"}')
        read('sinch_reporting_counter_value{id="currentCalls"}')
        found = read('sinch_reporting_service_status{id="media",status="degraded"}')
    assert found['sinch_reporting_counter_value{id="currentCalls"}'] == "842.0"
    assert found['sinch_reporting_service_up{id="rtpproxy"}'] == "1.0"
    assert found['sinch_reporting_service_up{id="media"}'] == "0.0"
    modified = float(found['sinch_reporting_counter_modified_timestamp_seconds{id="currentCalls"}'])
    answered = float(found['sinch_reporting_last_answer_timestamp_seconds{id="currentCalls",kind="counter"}'])
    assert 0 <= answered - modified < 121
    assert len(sandbox_env.requests) == 3


def test_by_default_it_is_the_counter_of_ongoing_calls(sandbox_env):
    with exporting() as read:
        read('sinch_reporting_counter_value{id="currentCalls"}')
    assert [request.path for request in sandbox_env.requests] == ["/v1/counters/currentCalls"]


def test_a_status_that_changed_is_served_alone(sandbox_env):
    with exporting("--service", "rtpproxy", "--interval", "0.05s") as read:
        read('sinch_reporting_service_status{id="rtpproxy",status="up"}')
        sandbox_env.set_service("rtpproxy", "down")
        found = read('sinch_reporting_service_status{id="rtpproxy",status="down"}')
    assert 'sinch_reporting_service_status{id="rtpproxy",status="up"}' not in found


def test_failures_are_said_and_counted(sandbox_env):
    sandbox_env.fail_always(faults.Status(403))
    with exporting("--counter", "currentCalls") as read:
        assert read.process.stderr.readline().startswith("sinch-reporting: currentCalls: 403 Forbidden")
        found = read('sinch_reporting_errors_total{kind="403",route="/counters/{id}"}')
    assert 'sinch_reporting_counter_value{id="currentCalls"}' not in found


def test_a_port_that_is_taken_is_misuse(run, sandbox_env):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("metrics", "--port", str(port))
    assert ran.code == exit_codes.MISUSE
    assert "choose another --port" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--counter", ".."], "must not be empty, '.' or '..'"),
        (["--service", ".."], "must not be empty, '.' or '..'"),
        (["--service", "x" * 70_000], "too long for a URL"),
        (["--interval", "0s"], "interval must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_watched_is_misuse(sandbox_env, arguments, said):
    ran = subprocess.run([COMMAND, "metrics", "--port", "0", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.MISUSE
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_the_extra_it_says_how_to_install_it():
    program = (
        "import sys; sys.modules['prometheus_client'] = None; from sinch_reporting.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "metrics", "--sandbox"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == exit_codes.MISUSE
    assert "pip install 'sinch-reporting[cli,metrics]'" in ran.stderr


def test_the_dashboard_shows_every_metric_and_no_other(sandbox_env):
    sandbox_env.fail_always(faults.Status(503, retry_after=0))
    with exporting("--counter", "currentCalls") as read:
        served = set(read('sinch_reporting_retries_total{route="/counters/{id}"}'))
    sandbox_env.clear_faults()
    with exporting("--counter", "currentCalls", "--service", "rtpproxy") as read:
        read('sinch_reporting_service_up{id="rtpproxy"}')
        served |= set(read('sinch_reporting_counter_value{id="currentCalls"}'))
    names = {name.partition("{")[0] for name in served}
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    shown = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"sinch_reporting_\w+", target["expr"])
    }
    unshown = {name for name in names if not name.endswith(("_created", "_sum", "_info"))} - shown
    assert unshown == {"sinch_reporting_service_status"}  # its `up` is shown
    assert shown <= names
