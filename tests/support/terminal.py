"""A terminal for the command."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping

COMMAND = f"{sys.exec_prefix}/bin/sinch-reporting"


def on_a_terminal(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    when: Mapping[str, Callable[["subprocess.Popen[bytes]"], object]] | None = None,
    code: int = 0,
) -> str:
    """Return what the command writes to a terminal.

    When one of the texts in `when` has been written, its function is called with the process; in their order.
    """
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "30", **(env or {})}
    process = subprocess.Popen([COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written, searched, waiting = b"", 0, list((when or {}).items())
    try:
        while piece := os.read(ours, 65536):
            written += piece
            while waiting and (found := written.find(waiting[0][0].encode(), searched)) >= 0:
                searched = found + len(waiting[0][0].encode())
                waiting.pop(0)[1](process)
    except OSError:
        pass  # how a terminal ends
    os.close(ours)
    assert process.wait(30) == code, written
    assert not waiting, written
    return written.decode()
