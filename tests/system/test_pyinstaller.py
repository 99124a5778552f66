import subprocess
import sys
from pathlib import Path

from tests.support.callers import KEY, SECRET

PROGRAM = f"""
import sys
import httpx
from sinch_reporting import Number, ReportingClient
from sinch_reporting.cli import main
transport = httpx.MockTransport(lambda _: httpx.Response(200, json={{"success": 5, "failed": 1, "duration": 2}}))
with ReportingClient("{KEY}", "{SECRET}", rate_limit=5, transport=transport) as reporting:
    print(reporting.get_call_report(Number("+46730170101")).total)
ReportingClient("{KEY}", "{SECRET}", rate_limit=5).close()
sys.exit(main())
"""
# Optional packages, which take minutes to freeze.
UNUSED = ["aiohttp", "dask", "distributed", "hypothesis", "IPython", "numpy", "pandas", "PIL", "polars", "pyarrow"]
UNUSED += ["pydantic", "pytest", "setuptools", "sphinx", "trio"]


def test_a_frozen_program_makes_calls_and_has_the_commands(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    build = [Path(sys.executable).with_name("pyinstaller"), "--noconfirm", "--log-level=ERROR", "program.py"]
    subprocess.run([*build, *(f"--exclude-module={name}" for name in UNUSED)], cwd=tmp_path, check=True)
    frozen = [tmp_path / "dist/program/program", "service", "rtpproxy", "--sandbox", "--output", "csv"]
    printed = subprocess.run(frozen, env={}, capture_output=True, text=True, check=True).stdout
    assert printed == "6\nid,status,is_up\nrtpproxy,up,true\n"
