import re
import signal
import subprocess
import sys

from sinch_reporting.cli import exit_codes


def test_it_prints_a_credentials_file_for_itself(run, tmp_path):
    command = [f"{sys.exec_prefix}/bin/sinch-reporting", "sandbox", "--counter", "currentCalls=7"]
    file = tmp_path / "credentials"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        file.write_text("".join(lines), "utf-8")
        ran = run("counter", "currentCalls", "--credentials", str(file))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert ran.code == exit_codes.OK
    assert re.search(r"^currentCalls +7 ", ran.out, re.MULTILINE)
