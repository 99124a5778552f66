"""A real Prism that serves openapi/reporting.yaml; both clients; both ways to prove who one is."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from sinch_reporting import AsyncReportingClient, ReportingClient, SignedAuth
from tests.contract.document import DOCUMENT
from tests.contract.exchange import KEY, SECRET

PRISM = Path(__file__).parent / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
SECONDS_TO_START = 60.0
# Where NODE_ENV says production, Prism forks.
ENVIRONMENT = {"NODE_ENV": "test", "FORCE_COLOR": "0"}


@pytest.fixture(scope="session")
def prism_mock(tmp_path_factory):
    """Return the URL of a Prism that responses every request from the document."""
    with _prism(tmp_path_factory.mktemp("prism") / "mock.log", "mock") as url:
        yield url


@pytest.fixture(scope="session")
def prism_proxy(tmp_path_factory):
    """Return what starts a Prism before another server, given its URL, and returns Prism's URL."""
    with ExitStack() as running:

        def start(upstream: str) -> str:
            log = tmp_path_factory.mktemp("prism") / "proxy.log"
            return running.enter_context(_prism(log, "proxy", upstream))

        yield start


@contextmanager
def _prism(log: Path, command: str, *upstream: str) -> Iterator[str]:
    node = shutil.which("node")
    if node is None:
        pytest.fail("the contract tests need node on the PATH")
    if not PRISM.exists():
        pytest.fail("the contract tests need Prism: run scripts/setup-node")
    # Port 0: Prism takes a free one, and tells which.
    line = [node, str(PRISM), command, "--host", "127.0.0.1", "--port", "0", str(DOCUMENT), *upstream]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **ENVIRONMENT}
        ) as process,
    ):
        try:
            yield _url_when_ready(process, log)
        finally:
            _end(process)


def _url_when_ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        ready = re.search(r"Prism is listening on (http://127\.0\.0\.1:[0-9]+)\s", _text(log))
        if ready:
            return ready[1]
        try:
            status = process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"Prism ended with status {status}:\n{_text(log)}")
    return pytest.fail(f"Prism was not ready after {SECONDS_TO_START:g} s:\n{_text(log)}")


def _text(log: Path) -> str:
    return log.read_text("utf-8", "replace")  # it may be cut within a character


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


@pytest.fixture(params=[ReportingClient, AsyncReportingClient], ids=["sync", "async"])
def client_class(request):
    return request.param


@pytest.fixture(params=["basic", "signed"])
def auth(request):
    return httpx.BasicAuth(KEY, SECRET) if request.param == "basic" else SignedAuth(KEY, SECRET)
