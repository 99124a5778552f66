"""A headless Chromium, controlled by its DevTools protocol over a pipe."""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from itertools import count

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]


class Browser:
    """One page of a browser. `events` contains the events since the last page was opened."""

    def __init__(self, profile) -> None:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        assert program, "chromium is missing; scripts/test-system installs it"
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        # Chromium reads from 3 and writes to 4.
        command = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{ours}', "bash", program, *FLAGS]
        command.append(f"--user-data-dir={profile}")
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, pass_fds=(theirs, ours), **quiet)
        os.close(theirs)
        os.close(ours)
        self._unread, self._numbers, self._session, self.events = b"", count(1), None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session = None
        with suppress(EOFError, BrokenPipeError):
            self.call("Browser.close")
        self._process.wait(30)
        os.close(self._to)
        os.close(self._from)

    def call(self, method, **params):
        """Return the result of a method of the protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (response := self._next()).get("id") != number:
            self.events.append(response)
        assert "error" not in response, response
        return response["result"]

    def open(self, url):
        """Load a page and all its resources."""
        self.events.clear()
        assert "errorText" not in self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def run(self, program):
        """Return the value of a JavaScript expression in the page."""
        return self.call("Runtime.evaluate", expression=program, returnByValue=True)["result"].get("value")

    def show(self, *, width, theme):
        """Set the width of the window in pixels, and the preferred theme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        preference = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", features=[preference])

    def _next(self):
        while b"\0" not in self._unread:
            piece = os.read(self._from, 65536)
            if not piece:
                raise EOFError("the browser has ended")
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)
