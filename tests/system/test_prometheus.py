"""A real Prometheus scrapes the exporter, evaluates the documented alerts, and runs every query of the dashboard."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from sinch_reporting.testing import Sandbox, faults
from sinch_reporting.testing._sandbox import EXAMPLE_KEY
from tests.support.pages import PAGES, ROOT, blocks_of

DASHBOARD = json.loads((ROOT / "docs/grafana.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RULES = [block.text for block in BLOCKS if block.kind == "yaml" and block.text.startswith("groups:")]
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: sinch-reporting
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
WATCHED = ["--counter", "currentCalls", "--service", "rtpproxy", "--service", "media", "--number", "+46730170101"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def exporting(url, secret, port=0):
    """Yield the port of an exporter."""
    command = [f"{sys.exec_prefix}/bin/sinch-reporting", "metrics", "--port", str(port), "--interval", "0.05s"]
    env = {
        "SINCH_REPORTING_URL": url,
        "SINCH_APPLICATION_KEY": EXAMPLE_KEY,
        "SINCH_APPLICATION_SECRET": secret,
    }
    options = ["--report-interval", "0.5s", *WATCHED]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield int(re.search(r":(\d+)/metrics", process.stderr.readline())[1])
        finally:
            process.terminate()
            process.stderr.read()


@contextmanager
def scraping(exporter, folder):
    """Yield a client of a Prometheus that scrapes the exporter and evaluates the documented alerts without delay."""
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=exporter), "utf-8")
    (folder / "rules.yml").write_text(re.sub(r"for: \w+", "for: 1s", "\n".join(RULES)), "utf-8")
    binary = shutil.which("prometheus")
    assert binary, "Prometheus is missing: run scripts/test-system"
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command = [binary, *options, f"--web.listen-address={address}", "--log.level=warn"]
    with subprocess.Popen(command) as process:
        try:
            with httpx.Client(base_url=f"http://{address}/api/v1", trust_env=False) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Return a client of a Prometheus with an exporter whose server sometimes fails."""
    with Sandbox() as sandbox:
        sandbox.set_counter("currentCalls", 842)
        sandbox.set_service("media", "down")
        sandbox.chaos(0.4, seed=1, faults=[faults.Status(503, retry_after=0)])
        with (
            exporting(sandbox.url, sandbox.application_secret) as exporter,
            scraping(exporter, tmp_path_factory.mktemp("prometheus")) as client,
        ):
            yield client


def poll(prometheus, path, wanted, **parameters):
    """Return the data of a path of the API as soon as it is wanted."""
    end = time.monotonic() + 30
    data = None
    while time.monotonic() < end:
        try:
            response = prometheus.get(path, params=parameters)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # it is starting
                data = response.raise_for_status().json()["data"]
                if wanted(data):
                    return data
        except httpx.ConnectError:
            pass  # it is starting
        time.sleep(0.2)
    raise AssertionError(f"{path} {parameters}: {data}")


def results(prometheus, query):
    """Return the results of a query as soon as there are numbers."""

    def numbers(data):
        return [result for result in data["result"] if result["value"][1] != "NaN"]

    return numbers(poll(prometheus, "/query", numbers, query=query))


def wait_for_alerts(prometheus, *names):
    """Wait until exactly these alerts are firing."""

    def firing(data):
        return {alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"}

    return firing(poll(prometheus, "/alerts", lambda data: firing(data) == {*names}))


def test_prometheus_scrapes_counters_services_and_attempts(prometheus):
    [counter] = results(prometheus, 'sinch_reporting_current_value{id="currentCalls"}')
    assert counter["value"][1] == "842"
    services = poll(
        prometheus, "/query", lambda data: {one["value"][1] for one in data["result"]} == {"0", "1"},
        query="sinch_reporting_service_up",
    )["result"]  # fmt: skip
    assert {service["metric"]["id"]: service["value"][1] for service in services} == {"rtpproxy": "1", "media": "0"}
    [scrape] = results(prometheus, 'up{job="sinch-reporting"}')
    assert scrape["value"][1] == "1"


@pytest.mark.parametrize("query", [query for query in QUERIES if "acd_seconds" not in query and "asr_" not in query])
def test_every_query_of_the_dashboard_returns_data(prometheus, query):
    assert results(prometheus, query.replace("$__rate_interval", "10s"))


@pytest.mark.parametrize("name", ["sinch_reporting_asr_ratio", "sinch_reporting_acd_seconds"])
def test_the_gauges_of_an_endpoint_exist(prometheus, name):
    # Without calls today they are not a number.
    [result] = poll(prometheus, "/query", lambda data: data["result"], query=name)["result"]
    assert result["metric"]["endpoint"] == "+46730170101"


def test_ages_are_seconds(prometheus):
    [age] = results(prometheus, "time() - (sinch_reporting_last_refresh_timestamp_seconds > 0)")
    assert 0 <= float(age["value"][1]) < 150
    ages = poll(
        prometheus, "/query", lambda data: len(data["result"]) == 4,
        query="time() - (sinch_reporting_last_response_timestamp_seconds > 0)",
    )["result"]  # fmt: skip
    assert all(float(age["value"][1]) < 60 for age in ages)


def test_the_alert_of_a_service_that_is_down_fires_and_no_other(prometheus):
    results(prometheus, "sinch_reporting_last_response_timestamp_seconds > 0")
    assert wait_for_alerts(prometheus, "SinchServiceDown") == {"SinchServiceDown"}


@pytest.mark.parametrize("failure", ["wrong secret", "unreachable"])
def test_the_alert_of_a_silent_server_fires_if_there_was_never_a_response(tmp_path, failure):
    with Sandbox() as sandbox:
        url = sandbox.url if failure == "wrong secret" else f"http://127.0.0.1:{free_port()}/v1"
        with exporting(url, "c2VjcmV0") as exporter, scraping(exporter, tmp_path) as client:
            assert wait_for_alerts(client, "SinchReportingSilent") == {"SinchReportingSilent"}


def test_the_alert_of_a_silent_server_fires_after_a_restart_during_an_outage(tmp_path):
    port = free_port()
    with Sandbox() as sandbox:
        with exporting(sandbox.url, sandbox.application_secret, port), scraping(port, tmp_path) as client:
            results(client, 'sinch_reporting_service_up{id="rtpproxy"} == 1')
        sandbox.fail_always(faults.Status(503))
        with exporting(sandbox.url, sandbox.application_secret, port), scraping(port, tmp_path) as client:
            assert wait_for_alerts(client, "SinchReportingSilent") == {"SinchReportingSilent"}


def test_the_alert_of_a_missing_exporter_fires(tmp_path):
    with scraping(free_port(), tmp_path) as client:
        assert wait_for_alerts(client, "SinchExporterMissing") == {"SinchExporterMissing"}


def promtool(*arguments, **options):
    binary = shutil.which("promtool")
    assert binary, "promtool is missing: run scripts/test-system"
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=False, **options)


def test_the_documented_alerts_are_valid_rules(tmp_path):
    assert RULES
    for rules in RULES:
        (tmp_path / "rules.yml").write_text(rules, "utf-8")
        ran = promtool("check", "rules", tmp_path / "rules.yml")
        assert ran.returncode == 0, ran.stderr
        assert f"{rules.count('alert:')} rules found" in ran.stdout


def test_the_names_of_the_metrics_follow_the_conventions():
    with Sandbox() as sandbox:
        sandbox.chaos(0.5, seed=1, faults=[faults.Status(503, retry_after=0)])
        with exporting(sandbox.url, sandbox.application_secret) as port:
            url = f"http://127.0.0.1:{port}/metrics"
            while "retries_total{" not in (text := httpx.get(url, trust_env=False).text):
                time.sleep(0.1)
    ran = promtool("check", "metrics", input=text)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
