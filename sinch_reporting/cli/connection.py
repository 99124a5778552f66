"""The options that all commands share, and the client that follows from them."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

from attrs import frozen
from cyclopts import Group, Parameter

from sinch_reporting.async_client import AsyncReportingClient
from sinch_reporting.auth import SignedAuth
from sinch_reporting.cli import credentials
from sinch_reporting.cli.exit_codes import UsageError
from sinch_reporting.client import ReportingClient
from sinch_reporting.events import AttemptHook

_GROUP = Group("Connection", sort_key=10)


@Parameter(name="*", group=_GROUP)
@frozen(kw_only=True)
class Connection:
    """Which server to ask, and as whom.

    Attributes:
        base_url: Where the API is; default: SINCH_REPORTING_URL, then Sinch.
        credentials: A file with SINCH_APPLICATION_KEY=… and SINCH_APPLICATION_SECRET=…, in place of the environment.
        keyring: Take both from the system's keyring, service sinch-reporting.
        sandbox: Ask a built-in Sandbox with made-up data, which needs no account.
    """

    base_url: Annotated[str | None, Parameter(show_default=False)] = None
    credentials: Annotated[Path | None, Parameter(show_default=False)] = None
    keyring: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    sandbox: Annotated[bool, Parameter(negative=(), show_default=False)] = False

    @contextmanager
    def client(self) -> Generator[ReportingClient]:
        """Yield a client, closed at the end. Raises UsageError and ConfigurationError."""
        with self.resolved() as (base_url, auth), ReportingClient(auth=auth, base_url=base_url) as client:
            yield client

    @asynccontextmanager
    async def async_client(
        self, *, rate_limit: float | None = None, on_attempt: AttemptHook | None = None
    ) -> AsyncGenerator[AsyncReportingClient]:
        """Yield an async client, closed at the end. Raises UsageError and ConfigurationError."""
        with self.resolved() as (base_url, auth):
            async with AsyncReportingClient(
                auth=auth, base_url=base_url, rate_limit=rate_limit, on_attempt=on_attempt
            ) as client:
                yield client

    @contextmanager
    def resolved(self) -> Generator[tuple[str | None, SignedAuth]]:
        """Yield the base URL, if one is set, and the auth; the Sandbox runs meanwhile, if it is to.

        Raises UsageError and ConfigurationError.
        """
        if not self.sandbox:
            found = credentials.find(self.credentials, keyring=self.keyring)
            yield self.base_url or found.url, SignedAuth(found.key, found.secret)
            return
        if self.base_url or self.credentials or self.keyring:
            raise UsageError("--sandbox has a URL and credentials of its own; leave out the other options for those")
        from sinch_reporting.testing import Sandbox  # noqa: PLC0415 - a server, which only this option needs

        with Sandbox() as sandbox:
            yield sandbox.url, SignedAuth(sandbox.application_key, sandbox.application_secret)
