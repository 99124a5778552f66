"""Each page with terminal blocks runs from top to bottom in one shell, as for a reader who has only Python."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import venv
from contextlib import suppress
from pathlib import Path

import pytest

from sinch_reporting import __version__
from tests.support.pages import PAGES, ROOT, blocks_of, is_shown
from tests.support.project import pins

FROM_A_CHECKOUT = re.compile(r"(.+?) +# from a checkout: (.+)")
UV = Path(sys.executable).with_name("uv")
END = "-- the end of a block --\n"


def is_for_a_checkout(block):
    """Return whether a block has only scripts of this repository; scripts/demo and scripts/test run them all."""
    return bool(block.commands) and all(command.startswith("scripts/") for command in block.commands)


def steps_of(page):
    """Return the blocks that a reader types or runs."""
    return [block for block in blocks_of(page) if block.kind in {"console", "python"} and not is_for_a_checkout(block)]


FOLLOWED = [page for page in PAGES if any(block.kind == "console" for block in steps_of(page))]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    [built] = folder.iterdir()
    return built


class Shell:
    """A shell in a new folder, with an empty virtual environment, in which pip installs the pinned versions."""

    def __init__(self, folder, constraint=""):
        self.folder = folder / "work"
        venv.create(folder / "venv", symlinks=True)
        (folder / "home").mkdir()
        shutil.copytree(ROOT / "docs/examples", self.folder)
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join([*pins(), constraint]), "utf-8")
        python = folder / "venv/bin/python"
        pip = folder / "venv/bin/pip"
        # uv takes a quarter of pip's time, but ignores a mirror in pip's settings.
        pip.write_text(
            f"""#!/bin/sh
export HOME={shlex.quote(os.environ["HOME"])} UV_SYSTEM_CERTS=1 PIP_QUIET=2 PIP_NO_COMPILE=1
export UV_CONSTRAINT={constraints} PIP_CONSTRAINT={constraints}
env -u SSL_CERT_FILE {UV} --quiet pip "$@" --python {python} 2>/dev/null ||
  exec {sys.executable} -m pip --python {python} "$@"
"""
        )
        pip.chmod(0o755)
        path = f"{folder}/venv/bin:/usr/local/bin:/usr/bin:/bin"
        self.environment = {**os.environ, "PATH": path, "HOME": str(folder / "home"), "LANG": "C.UTF-8"}

    def run(self, program):
        """Return the output of a bash program, including that of background processes."""
        with subprocess.Popen(
            ["bash", "-c", f"exec 2>&1\n{program}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                return process.communicate(timeout=300)[0]
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # background processes of the page


def program_of(block):
    """Return a block as a bash program. A Python block is run, or saved to the file that its first line names."""
    if block.kind == "console":
        return "\n".join(block.commands)
    return f"{f'cat >{block.file}' if block.file else 'python -'} <<'PYTHON'\n{block.text}PYTHON"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_a_page_runs_in_one_shell(page, sandbox, wheel, tmp_path):
    shell = Shell(tmp_path, f"sinch-reporting @ {wheel.as_uri()}")
    sandbox.set_counter("currentCalls", 842)
    credentials = {
        "SINCH_APPLICATION_KEY": sandbox.application_key,
        "SINCH_APPLICATION_SECRET": sandbox.application_secret,
    }
    shell.environment["SINCH_REPORTING_URL"] = sandbox.url
    text = page.read_text("utf-8")
    ports = {port: free_port() for port in re.findall(r"--port (\d+)", text)}

    def filled(text):
        for port, free in ports.items():
            text = text.replace(port, free)
        for name, value in credentials.items():
            text = text.replace(f"export {name}=…", f"export {name}={value}")
        return text

    for name, value in credentials.items():
        if f"export {name}=…" not in text:
            shell.environment[name] = value
    steps = steps_of(page)
    if not steps[0].text.startswith("$ pip install "):
        shell.run("pip install sinch-reporting")  # as in the README
    written = shell.run(f"\necho '{END.strip()}'\n".join(filled(program_of(step)) for step in steps))
    parts = written.split(END)
    assert len(parts) == len(steps), written
    for step, part in zip(steps, parts, strict=True):
        expected = filled(step.shown if step.kind == "console" else step.output)
        assert is_shown(part, expected), f"{page.name}:{step.line}: {part}"


def test_a_checkout_is_installed_in_the_same_way(tmp_path):
    commands = [command for page in FOLLOWED for block in steps_of(page) for command in block.commands]
    found = {match for command in commands if (match := FROM_A_CHECKOUT.fullmatch(command))}
    assert {match[1].replace("sinch-reporting", ".") for match in found} == {match[2] for match in found} != set()
    shell = Shell(tmp_path)
    with_command = max((match[2] for match in found), key=len)
    assert shell.run(f"cd {shlex.quote(str(ROOT))}\n{with_command}") == ""
    assert shell.run("sinch-reporting --version") == f"{__version__}\n"
