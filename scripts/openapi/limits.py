"""Time limits of the steps: a hostile document must not keep any of them busy."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from attrs import frozen

from scripts.openapi import SpecError

_MAX_OUTPUT = 4000


@frozen
class Limits:
    """The longest time that each step may take, in seconds."""

    download: float = 60
    validation: float = 30
    linting: float = 30
    generation: float = 60
    total: float = 300


@contextmanager
def time_limit(seconds: float, step: str) -> Iterator[None]:
    """Raise SpecError in the main thread if the block takes longer. Of nested limits, the first to pass applies."""
    outer_seconds, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < outer_seconds <= seconds:
        yield
        return

    def stop(*_: object) -> None:
        raise SpecError(f"{step} took longer than {seconds:g} s")

    outer_handler = signal.signal(signal.SIGALRM, stop)
    started = time.monotonic()
    # Again each second: a library may have swallowed the first exception.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        left = max(outer_seconds - (time.monotonic() - started), 0.001) if outer_seconds else 0
        signal.signal(signal.SIGALRM, outer_handler)
        signal.setitimer(signal.ITIMER_REAL, left, 1)


def run_tool(
    command: Sequence[str], seconds: float, step: str, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a program and what it starts, and stop all of it at the time limit."""
    with (
        time_limit(seconds, step),
        subprocess.Popen(  # noqa: S603 - no shell; the callers pass fixed programs and paths of this project
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **environment},
            start_new_session=True,
        ) as process,
    ):
        try:
            out, err = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def output_of(ran: "subprocess.CompletedProcess[str]") -> str:
    """Return what a failed program printed; of a traceback, only its last line."""
    text = f"{ran.stdout}{ran.stderr}".strip()
    if "Traceback" in text or "\n    at " in text:
        lines = [line for line in text.splitlines() if line.strip(" │╭╰─╯") and not line.startswith("    at ")]
        return f"it crashed: {lines[-1].strip()[:500]}" if lines else "it crashed"
    return text[:_MAX_OUTPUT] or f"exit status {ran.returncode}"
