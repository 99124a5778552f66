"""Signals that stop an export."""

import asyncio
import signal
from contextlib import suppress

from sinch_reporting.cli.export_progress import Display
from sinch_reporting.cli.streams import print_error


class StopSignal:
    """The first Ctrl-C or SIGTERM stops the export; the second one cancels the requests in flight."""

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """Return whether to stop."""
        return self._is_set

    def install(self, progress: Display) -> None:
        """Handle the signals in the running event loop. While the input is read, the first one cancels it."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)

        def handle() -> None:
            if task and (self._is_set or not progress.has_begun):
                task.cancel()
            elif not self._is_set:
                self._is_set = True
                print_error("stopping: requests in flight get 5 s; once more to stop at once")

        with suppress(NotImplementedError):  # on Windows, Ctrl-C cancels at once
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, handle)
