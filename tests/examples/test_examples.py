"""The example programs run against a Sandbox."""

import json
import os
import runpy
import shutil
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from types import ModuleType

import httpx
import nbformat
import pyarrow.dataset
import pytest
from anyio import create_task_group, run, to_thread
from nbclient import NotebookClient

from sinch_reporting.testing import faults

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples"


@pytest.fixture(autouse=True)
def sandbox_env(sandbox, monkeypatch, tmp_path):
    """Point the environment at a Sandbox, in a new folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    return sandbox


def get_from_web(path):
    """Return the web service's response, from its start to its end."""
    app = runpy.run_path(str(EXAMPLES / "web.py"))["app"]

    async def main():
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web.example") as client,
        ):
            return await client.get(path)

    return run(main)


def test_the_web_service_returns_the_calls_of_a_number():
    response = get_from_web("/calls/+46730170101")
    assert response.status_code == 200
    body = response.json()
    assert (body["endpoint"], body["domain"]) == ("+46730170101", "pstn")
    assert body["total"] == body["success"] + body["failed"] > 0


@pytest.mark.parametrize(("fault", "status"), [(faults.Status(404), 404), (faults.Status(403), 503)])
def test_the_web_service_maps_errors_to_statuses(sandbox_env, fault, status):
    sandbox_env.fail_always(fault)
    response = get_from_web("/calls/+46730170101")
    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("30" if status == 503 else None)


def test_the_web_service_rejects_an_invalid_number(sandbox_env):
    response = get_from_web("/calls/anna")
    assert (response.status_code, len(sandbox_env.requests)) == (422, 0)
    assert "E.164" in response.json()["detail"]


def as_cron_does(home):
    """Run the script as cron does: with next to no environment, in the home folder."""
    environment = {"HOME": str(home), "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LOGNAME": "anna"}
    script = "$HOME/reports/nightly.sh"
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def home(tmp_path):
    """Return a home folder as the script's first lines ask for it."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    folder = tmp_path / "reports"
    folder.mkdir()
    shutil.copy(EXAMPLES / "nightly.sh", folder)
    (folder / "numbers.csv").write_text("number\n+46730170101\n+46730170102\n")
    lines = [f"{name}={value}\n" for name, value in os.environ.items() if name.startswith("SINCH_")]
    (folder / "credentials").write_text("".join(lines))
    (folder / "credentials").chmod(stat.S_IRUSR | stat.S_IWUSR)
    return tmp_path


def test_the_nightly_export_under_cron_is_silent_and_writes_the_reports(home):
    ran = as_cron_does(home)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    table = pyarrow.dataset.dataset(home / "reports/calls/reports", partitioning="hive").to_table()
    assert table["endpoint"].to_pylist() == ["+46730170101", "+46730170102"] * 7
    assert len(set(table["day"].to_pylist())) == 7


def test_a_night_completes_the_interrupted_ones_and_requests_nothing_twice(sandbox_env, home):
    sandbox_env.fail_next(*[None] * 5, faults.Status(401))
    ran = as_cron_does(home)
    assert ran.returncode == 75
    assert "401" in ran.stderr
    sandbox_env.clear_faults()
    assert as_cron_does(home).returncode == 0
    folder = home / "reports/calls/reports"
    assert pyarrow.dataset.dataset(folder, partitioning="hive").count_rows() == 14
    assert len(list(folder.glob("*/_SUCCESS"))) == 7
    count = len(sandbox_env.requests)
    assert as_cron_does(home).returncode == 0
    assert len(sandbox_env.requests) == count


def test_the_airflow_task_fails_only_if_the_export_is_incomplete(sandbox_env, tmp_path, monkeypatch):
    operators = []
    sdk, bash = ModuleType("airflow.sdk"), ModuleType("airflow.providers.standard.operators.bash")
    sdk.DAG = lambda *_args, **_options: nullcontext()
    bash.BashOperator = lambda **options: operators.append(options)
    for name in ("airflow", "airflow.providers", "airflow.providers.standard", "airflow.providers.standard.operators"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    monkeypatch.setitem(sys.modules, "airflow.providers.standard.operators.bash", bash)
    runpy.run_path(str(EXAMPLES / "airflow_dag.py"))
    [options] = operators
    (tmp_path / "numbers.csv").write_text("number\n+46730170101\n")
    command = options["bash_command"].replace("/srv/calls", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}")

    def run_task():
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    sandbox_env.fail_next(faults.Status(401))
    assert run_task().returncode != 0
    sandbox_env.fail_next(faults.Status(404))
    ran = run_task()
    assert (ran.returncode, json.loads(ran.stdout)["permanent_failures"]) == (0, 1)


@contextmanager
def webhook():
    """Accept POSTs; yield the URL and a queue of their bodies."""
    bodies = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", bodies
        server.shutdown()
        thread.join()


def test_the_alert_is_sent_when_a_service_goes_down_and_when_it_is_up_again(sandbox_env):
    alert = runpy.run_path(str(EXAMPLES / "alert.py"))["alert"]
    received = []

    async def main():
        with webhook() as (url, bodies):
            async with create_task_group() as tasks:
                tasks.start_soon(alert, "rtpproxy", url, 0.05)
                for status in ("down", "up"):
                    sandbox_env.set_service("rtpproxy", status)
                    received.append(await to_thread.run_sync(bodies.get))
                tasks.cancel_scope.cancel()

    run(main)
    assert received == ['{"text":"rtpproxy is down"}', '{"text":"rtpproxy is up"}']


def test_the_alert_runs_as_a_program(sandbox_env):
    sandbox_env.set_service("rtpproxy", "down")
    with webhook() as (url, bodies):
        program = subprocess.Popen([sys.executable, EXAMPLES / "alert.py", "rtpproxy", url])
        try:
            assert bodies.get(timeout=30) == '{"text":"rtpproxy is down"}'
        finally:
            program.terminate()
            program.wait(30)


def test_the_notebook_exports_and_plots(tmp_path):
    notebook = nbformat.read(EXAMPLES / "export.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs[0]["text"] == "240 reports, 0 failures\n"
    assert outputs[1]["text"].endswith(" calls succeeded\n")
    assert outputs[2]["data"]["image/png"]


def test_the_recorded_response_is_replayed(sandbox_env, monkeypatch, tmp_path):
    test_ongoing_calls = runpy.run_path(str(EXAMPLES / "test_with_vcrpy.py"))["test_ongoing_calls"]
    sandbox_env.set_counter("currentCalls", 842)
    test_ongoing_calls()
    monkeypatch.setenv("SINCH_REPORTING_URL", "https://reporting.invalid/v1")
    test_ongoing_calls()
    assert len(sandbox_env.requests) == 1
    assert sandbox_env.application_key not in (tmp_path / "counter.yaml").read_text("utf-8")
