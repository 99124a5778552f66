import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix == "")


def test_the_demo_shows_everything_within_thirty_seconds_from_any_folder(tmp_path):
    subprocess.run([ROOT / "scripts/setup"], check=True)
    for _ in range(2):
        command = [ROOT / "scripts/demo"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)
        for client in ("ReportingClient", "AsyncReportingClient"):
            part = ran.stdout.partition(f"\n{client}\n")[2].partition("\n\n")[0]
            assert re.search(r"calls +\d+ \(\d+ successful, \d+ failed\)", part), ran.stdout
            assert re.search(r"currentCalls: \d+ ongoing calls at \d\d:\d\d UTC", part), ran.stdout
            assert "rtpproxy: up" in part
        assert "$ sinch-reporting report +46730170102 +46730170103 " in ran.stdout
        assert len(re.findall(r'^  "\+4673017010[123]","number","pstn",', ran.stdout, re.MULTILINE)) == 9
        assert "18 requests were received, 18 of them signed." in ran.stdout
        assert ran.stderr == ""


def test_every_script_says_what_it_does_and_runs_from_any_folder():
    start = re.compile(r"""#!/usr/bin/env bash\n# [A-Z].*\.\nset -euo pipefail\ncd "\$\(dirname "\$0"\)/\.\."\n""")
    assert SCRIPTS
    assert [script.name for script in SCRIPTS if not start.match(script.read_text("utf-8"))] == []


# Written so that this file does not find itself.
FORBIDDEN = ["pythonho" + "sted", "py" + "pi.org", "npm" + "js", "/wo" + "rk/", "/ro" + "ot/", "resol" + 'ved": "http']


def test_no_tracked_file_names_a_registry_or_a_machine():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        text = (ROOT / name).read_bytes()
        assert not [word for word in FORBIDDEN if word.encode() in text], name
