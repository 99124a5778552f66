"""Make one call with Sentry's default integrations, and print what Sentry would send."""

import json
import sys

import anyio
import sentry_sdk
from sentry_sdk.transport import Transport

from sinch_reporting import AsyncReportingClient, Number, ReportingClient, ReportingError
from tests.support.callers import KEY, SECRET


class Printer(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type in {"event", "transaction"}:
                sys.stdout.write(json.dumps([item.type, json.loads(item.get_bytes())]) + "\n")


def main(method, number):
    with ReportingClient(KEY, SECRET, base_url=sys.argv[1]) as reporting:
        if method == "direct":
            reporting.api.get_httpx_client().get(f"/users/number/{number.value}/calls/pstn")
        else:
            getattr(reporting, method)(number)


async def main_async(method, number):
    async with AsyncReportingClient(KEY, SECRET, base_url=sys.argv[1]) as reporting:
        if method == "direct":
            await reporting.api.get_async_httpx_client().get(f"/users/number/{number.value}/calls/pstn")
        else:
            await getattr(reporting, method)(number)


if __name__ == "__main__":
    loop, method, number = sys.argv[2], sys.argv[3], Number(sys.argv.pop())
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Printer, traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="job"):
        try:
            main(method, number) if loop == "None" else anyio.run(main_async, method, number, backend=loop)
        except ReportingError as error:
            sentry_sdk.capture_exception(error)
