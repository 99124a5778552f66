import threading

import pytest


class Recorded(list):
    """A Sandbox's requests, whose arrival can be waited for."""

    def __init__(self):
        super().__init__()
        self._changed = threading.Condition()

    def append(self, request):
        with self._changed:
            super().append(request)
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self) >= count, 60)


@pytest.fixture
def sandbox(sandbox, monkeypatch):
    """Return a Sandbox that the environment names, and whose requests can be waited for."""
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.requests = Recorded()
    return sandbox
