"""A terminal for the command: a real pty, and an emulator that interprets what is written to it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pexpect
import pyte

COMMAND = f"{sys.exec_prefix}/bin/sinch-reporting"


class Terminal:
    """The command on a terminal of a given size.

    Attributes:
        screen: The emulated screen.
        written: Everything written so far, with escape sequences.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        lines: int = 30,
        env: Mapping[str, str] | None = None,
        program: str = COMMAND,
    ) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        self.screen = pyte.Screen(columns, lines)
        self.written = ""
        self._stream = pyte.Stream(self.screen)
        self.process = pexpect.spawn(
            program, list(arguments), env={**environment, **(env or {})}, dimensions=(lines, columns), encoding="utf-8"
        )

    @property
    def rows(self) -> list[str]:
        """The lines of the screen without trailing blanks."""
        return [row.rstrip() for row in self.screen.display]

    @property
    def text(self) -> str:
        """The text of the screen."""
        return "\n".join(self.rows)

    def read(self, seconds: float = 0.1) -> bool:
        """Read what is written within the time. Return False at the end."""
        try:
            piece = self.process.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.written += piece
        self._stream.feed(piece)
        return True

    def wait_until(self, condition: Callable[["Terminal"], object], seconds: float = 60) -> None:
        """Read until a condition holds."""
        end = time.monotonic() + seconds
        while not condition(self):
            assert self.read(), f"the command has ended:\n{self.text}"
            assert time.monotonic() < end, f"it did not happen:\n{self.text}"

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until a text is on the screen."""
        self.wait_until(lambda terminal: text in terminal.text, seconds)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.kill(signal.SIGINT)

    def finish(self, code: int = 0) -> str:
        """Read to the end, and return the text of the screen."""
        while self.read(30):
            pass
        self.process.close()
        assert self.process.exitstatus == code, self.text
        return self.text

    def close(self) -> None:
        """End the command."""
        self.process.close(force=True)


def run_on_terminal(*arguments: str, code: int = 0, **options: Any) -> str:
    """Return the screen after a command has ended."""
    return Terminal(*arguments, **options).finish(code)
