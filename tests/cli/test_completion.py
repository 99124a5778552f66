import subprocess
import sys

import pytest

PROGRAM = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="${{COMP_WORDS[*]}}"; COMP_POINT=${{#COMP_LINE}}
_sinch_reporting
echo "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """Return the script that the command makes for bash."""
    path = tmp_path_factory.mktemp("completion") / "sinch-reporting"
    command = [f"{sys.exec_prefix}/bin/sinch-reporting", "--install-completion", "--shell", "bash", "--output", path]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("sinch-reporting cou", "counter"),
        ("sinch-reporting report --dom", "--domain"),
        ("sinch-reporting report --domain p", "pstn"),
        ("sinch-reporting counter --san", "--sandbox"),
    ],
)
def test_bash_completes_commands_options_and_choices(script, words, completed):
    program = PROGRAM.format(script=script, words=words)
    ran = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [completed]
