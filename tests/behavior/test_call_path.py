import asyncio
import re
import sys
from pathlib import Path

import pytest

import sinch_reporting
from sinch_reporting import AsyncReportingClient, Number, ReportingClient
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import COUNTER, RawServer, response

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(sinch_reporting.__file__).parent
TWINS = {"client.py": "async_client.py", "_call.py": "_async_call.py", "_http/transport.py": "_http/async_transport.py"}
REPORT = response('{"success": 1, "failed": 0, "duration": 2}')
CALLS = {
    "get_counter": (COUNTER, ("currentCalls",)),
    "get_call_report": (REPORT, (Number("+46730170101"),)),
}


def documented_path():
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    section = page.partition("\n## Call path\n")[2].partition("\n## ")[0]
    return re.findall(r"^([\w/]+\.py)\b", section.partition("```")[2].partition("```")[0], re.MULTILINE)


class Trace:
    """The files of the package whose functions are called."""

    def __init__(self):
        self.files = set()

    def __enter__(self):
        sys.setprofile(self._profile)
        return self.files

    def __exit__(self, *_):
        sys.setprofile(None)

    def _profile(self, frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            self.files.add(path.relative_to(PACKAGE).as_posix())


@pytest.mark.parametrize("name", CALLS)
def test_a_warm_call_runs_through_the_documented_files(name):
    script, arguments = CALLS[name]
    with RawServer([script]) as server, ReportingClient(KEY, SECRET, base_url=server.url) as client:
        call = getattr(client, name)
        call(*arguments)
        with Trace() as files:
            call(*arguments)
    assert files == set(documented_path())


@pytest.mark.parametrize("name", CALLS)
def test_a_warm_async_call_runs_through_their_twins(name):
    script, arguments = CALLS[name]

    async def main():
        async with AsyncReportingClient(KEY, SECRET, base_url=server.url) as client:
            call = getattr(client, name)
            await call(*arguments)
            with Trace() as files:
                await call(*arguments)
        return files

    with RawServer([script]) as server:
        assert asyncio.run(main()) == {TWINS.get(file, file) for file in documented_path()}


def test_the_call_path_has_at_most_nine_files():
    assert 0 < len(documented_path()) <= 9
    assert all((PACKAGE / file).is_file() for file in documented_path())
