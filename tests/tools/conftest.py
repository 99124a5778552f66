import anyio
import pytest

from sinch_reporting import AsyncReportingClient, ReportingClient
from tests.support.callers import KEY, SECRET


class Caller:
    """Makes calls with the default client, blocking or in an event loop."""

    def __init__(self, loop):
        self.loop = loop

    def call(self, method, *arguments, **options):
        """Return the result of one call of a new client."""
        [result] = self.calls((method, *arguments), **options)
        return result

    def calls(self, *calls, **options):
        """Return the results of calls of one client."""
        if "base_url" not in options:
            options["base_url"] = "https://reporting.example/v1"
        options = {"application_key": KEY, "application_secret": SECRET, **options}
        if not self.loop:
            with ReportingClient(**options) as reporting:
                return [getattr(reporting, method)(*arguments) for method, *arguments in calls]

        async def in_loop():
            async with AsyncReportingClient(**options) as reporting:
                return [await getattr(reporting, method)(*arguments) for method, *arguments in calls]

        return anyio.run(in_loop, backend=self.loop)


@pytest.fixture(params=[None, "asyncio", "trio"], ids=["sync", "asyncio", "trio"])
def caller(request):
    """Return a caller for each kind of client."""
    return Caller(request.param)
