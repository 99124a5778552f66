"""A real Prometheus scrapes the exporter, and answers every query of the dashboard."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time

import httpx
import pytest

from sinch_reporting.testing import Sandbox, faults
from tests.support.pages import PAGES, ROOT, blocks_of

DASHBOARD = json.loads((ROOT / "docs/grafana.json").read_text("utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: sinch-reporting
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def exporter():
    """Return the port of an exporter whose server fails now and then."""
    with Sandbox() as sandbox:
        sandbox.set_counter("currentCalls", 842)
        sandbox.set_service("media", "down")
        sandbox.chaos(0.4, seed=1, faults=[faults.Status(503, retry_after=0)])
        command = [f"{sys.exec_prefix}/bin/sinch-reporting", "metrics", "--port", "0", "--interval", "0.05s"]
        watched = ["--counter", "currentCalls", "--service", "rtpproxy", "--service", "media"]
        env = {
            "SINCH_REPORTING_URL": sandbox.url,
            "SINCH_APPLICATION_KEY": sandbox.application_key,
            "SINCH_APPLICATION_SECRET": sandbox.application_secret,
        }
        with subprocess.Popen([*command, *watched], stderr=subprocess.PIPE, text=True, env=env) as process:
            yield int(re.search(r":(\d+)/metrics", process.stderr.readline())[1])
            process.terminate()


@pytest.fixture(scope="module")
def prometheus(exporter, tmp_path_factory):
    """Return a client of a Prometheus that scrapes the exporter."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=exporter), "utf-8")
    binary = shutil.which("prometheus")
    assert binary, "Prometheus is missing: run scripts/test-system"
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command = [binary, *options, f"--web.listen-address={address}", "--log.level=warn"]
    with subprocess.Popen(command) as process:
        with httpx.Client(base_url=f"http://{address}/api/v1", trust_env=False) as client:
            yield client
        process.terminate()


def results(prometheus, query):
    """Return what a query finds, as soon as that is any number."""
    end = time.monotonic() + 60
    answered = None
    while time.monotonic() < end:
        try:
            answered = prometheus.get("/query", params={"query": query})
            if answered.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                continue  # it is starting
            answered.raise_for_status()
            found = [result for result in answered.json()["data"]["result"] if result["value"][1] != "NaN"]
            if found:
                return found
        except httpx.ConnectError:
            pass  # it is starting
        finally:
            time.sleep(0.2)
    raise AssertionError(f"{query} finds nothing: {answered and answered.text}")


def test_prometheus_scrapes_counters_services_and_attempts(prometheus):
    (counter,) = results(prometheus, 'sinch_reporting_counter_value{id="currentCalls"}')
    assert counter["value"][1] == "842"
    services = results(prometheus, "sinch_reporting_service_up")
    assert {service["metric"]["id"]: service["value"][1] for service in services} == {"rtpproxy": "1", "media": "0"}
    (scrape,) = results(prometheus, 'up{job="sinch-reporting"}')
    assert scrape["value"][1] == "1"


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_of_the_dashboard_finds_something(prometheus, query):
    assert results(prometheus, query.replace("$__rate_interval", "10s"))


def test_the_ages_are_of_seconds_and_of_minutes_at_most(prometheus):
    (age,) = results(prometheus, "time() - sinch_reporting_counter_modified_timestamp_seconds")
    assert 0 <= float(age["value"][1]) < 150
    answered = results(prometheus, "time() - sinch_reporting_last_answer_timestamp_seconds")
    assert len(answered) == 3


def test_the_alerts_of_the_documentation_are_rules_that_prometheus_accepts(tmp_path):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: run scripts/test-system"
    blocks = [block.text for page in PAGES for block in blocks_of(page) if block.kind == "yaml"]
    assert blocks
    for rules in blocks:
        (tmp_path / "rules.yml").write_text(rules, "utf-8")
        command = [promtool, "check", "rules", tmp_path / "rules.yml"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert f"{rules.count('alert:')} rules found" in ran.stdout
