"""The client of `sinch-reporting export`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sinch_reporting import AsyncReportingClient, RetryPolicy
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.exit_codes import UsageError

_CREDENTIAL_OPTIONS = ("sandbox", "keyring", "credentials")
# A night is long: a call may be slow, and is repeated more often, later.
_PATIENT: dict[str, Any] = {
    "timeout": 30.0,
    "deadline": 120.0,
    "retry": RetryPolicy(attempts=6, backoff_base=1, backoff_cap=60),
}


@asynccontextmanager
async def export_client(
    connection: Connection, rate: float | None, cluster: str | None
) -> AsyncGenerator[AsyncReportingClient]:
    """Yield a client with patient defaults, closed at the end. Raises UsageError and ConfigurationError."""
    if cluster is not None:
        if any(getattr(connection, name) for name in _CREDENTIAL_OPTIONS):
            raise UsageError(
                "with --cluster the credentials are those of the environment, here and on the workers; omit --sandbox, "
                "--keyring and --credentials"
            )
        with connection.client_options(connection.base_url, rate_limit=rate, **_PATIENT) as options:
            async with AsyncReportingClient(**options) as client:
                yield client
        return
    transport = None if connection.sandbox else _fast_transport(connection)
    async with connection.async_client(rate_limit=rate, transport=transport, **_PATIENT) as client:
        yield client


def _fast_transport(connection: Connection) -> Any:
    """Return the transport of aiohttp if it is installed, and no proxy is needed; else None."""
    from sinch_reporting._http.proxies import environment_proxy  # noqa: PLC0415

    try:
        from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415 - an extra

        return None if environment_proxy(connection.checked_base_url(connection.base_url)) else AiohttpTransport()
    except (ModuleNotFoundError, ValueError):
        return None
