import asyncio
import threading

import pytest

from sinch_reporting import RetryPolicy
from sinch_reporting.export import PausePolicy, export_call_reports


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


SHORT_PAUSES = PausePolicy(first=0.02, longest=0.1, give_up_after=30)


@pytest.fixture(params=["sync", "async"])
def export(request, sandbox):
    """Return a function that exports from the Sandbox with one of the two clients, with short pauses."""

    def run(endpoints, destination, *, client=None, **options):
        client = {"retry": RetryPolicy(backoff_base=0.01), **(client or {})}
        options = {"pause": SHORT_PAUSES, **options}
        if request.param == "sync":
            with sandbox.client(**client) as reporting:
                return export_call_reports(reporting, endpoints, destination, **options)

        async def main():
            async with sandbox.async_client(**client) as reporting:
                return await export_call_reports(reporting, endpoints, destination, **options)

        return asyncio.run(main())

    return run
