import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.callers import KEY, SECRET

PROGRAM = f"""
import httpx
from sinch_reporting import Number, ReportingClient
transport = httpx.MockTransport(lambda _: httpx.Response(200, json={{"success": 5, "failed": 1, "duration": 2}}))
with ReportingClient("{KEY}", "{SECRET}", rate_limit=5, transport=transport) as reporting:
    print(reporting.get_call_report(Number("+46730170101")).total)
ReportingClient("{KEY}", "{SECRET}", rate_limit=5).close()
"""
COMMAND = "import sys\nfrom sinch_reporting.cli import main\nsys.exit(main())\n"


@pytest.fixture
def freeze(tmp_path):
    """Return a function that builds a program with PyInstaller, runs it, and returns what it prints."""

    def build_and_run(program, *arguments):
        (tmp_path / "program.py").write_text(program, "utf-8")
        build = [Path(sys.executable).with_name("pyinstaller"), "--noconfirm", "--log-level=ERROR", "program.py"]
        subprocess.run(build, cwd=tmp_path, check=True)
        frozen = [tmp_path / "dist/program/program", *arguments]
        return subprocess.run(frozen, env={}, capture_output=True, text=True, check=True).stdout

    return build_and_run


def test_a_frozen_program_makes_calls_with_a_rate_limit(freeze):
    assert freeze(PROGRAM) == "6\n"


def test_the_frozen_command_has_its_commands(freeze):
    assert (
        freeze(COMMAND, "service", "rtpproxy", "--sandbox", "--output", "csv") == "id,status,is_up\nrtpproxy,up,true\n"
    )
