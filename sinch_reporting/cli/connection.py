"""Options that all commands share, and the client built from them."""

import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

from attrs import evolve, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number as InRange

from sinch_reporting import AsyncReportingClient, ReportingClient, RetryPolicy, SignedAuth
from sinch_reporting.cli import credentials
from sinch_reporting.cli.arguments import Duration, WholeNumber
from sinch_reporting.cli.attempts import AttemptReporter
from sinch_reporting.cli.exit_codes import UsageError
from sinch_reporting.config import resolve_base_url
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.events import Attempt, AttemptHook

_GROUP = Group("Connection", sort_key=10)
_PREFIX = re.compile(r"(?:/[!-~]*[!-.0-~])?")


@frozen
class Account:
    """Server and credentials of a connection.

    Attributes:
        base_url: The base URL; None for that of the environment, or of Sinch.
        auth: The credentials.
        source: Where the credentials come from.
    """

    base_url: str | None
    auth: SignedAuth
    source: str


@Parameter(name="*", group=_GROUP)
@frozen(kw_only=True)
class Connection:
    """Server, credentials and limits of the calls.

    Attributes:
        base_url: Base URL of the API; default: SINCH_REPORTING_URL, then that of Sinch.
        credentials: File with SINCH_APPLICATION_KEY=… and SINCH_APPLICATION_SECRET=…, instead of the environment.
        keyring: Read the credentials from the system's keyring, service sinch-reporting.
        sandbox: Use a built-in Sandbox with fake data, which needs no account.
        timeout: Time limit of one attempt; default: 10s, longer for export.
        deadline: Time limit of one call, all attempts and waits included; default: 60s, longer for export.
        retries: How often a failed attempt is repeated; default: 3, more for export.
        max_retry_after: Longest Retry-After of a server to wait for; default: 30s, longer for export.
        allow_http: Accept http:// to another machine. Everyone on the way can read the requests.
        signing_path_prefix: Path prefix to sign, such as /v1, behind a gateway that rewrites paths.
        verbose: Print each attempt and each wait to standard error.
    """

    base_url: Annotated[str | None, Parameter(metavar="URL", show_default=False)] = None
    credentials: Annotated[Path | None, Parameter(metavar="FILE", show_default=False)] = None
    keyring: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    sandbox: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    timeout: Annotated[Duration | None, Parameter(show_default=False)] = None
    deadline: Annotated[Duration | None, Parameter(show_default=False)] = None
    retries: Annotated[WholeNumber | None, Parameter(show_default=False, validator=InRange(gte=0))] = None
    max_retry_after: Annotated[Duration | None, Parameter(show_default=False)] = None
    allow_http: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    signing_path_prefix: Annotated[str | None, Parameter(metavar="PREFIX", show_default=False)] = None
    verbose: Annotated[bool, Parameter(alias="-v", negative=(), show_default=False)] = False

    @contextmanager
    def client(self, **defaults: Any) -> Generator[ReportingClient]:
        """Yield a client, closed at the end; see `client_options`. Raises UsageError and ConfigurationError."""
        with (
            self.account() as account,
            self.client_options(account.base_url, **defaults) as options,
            ReportingClient(auth=account.auth, **options) as client,
        ):
            yield client

    @asynccontextmanager
    async def async_client(self, **defaults: Any) -> AsyncGenerator[AsyncReportingClient]:
        """Yield an async client, closed at the end; see `client_options`. Raises UsageError and ConfigurationError."""
        with self.account() as account, self.client_options(account.base_url, **defaults) as options:
            async with AsyncReportingClient(auth=account.auth, **options) as client:
                yield client

    @contextmanager
    def client_options(self, base_url: str | None, **defaults: Any) -> Generator[dict[str, Any]]:
        """Yield the options of a client without its credentials.

        Args:
            base_url: The base URL, None for that of the environment, or of Sinch.
            defaults: Options of the client. Those of the command line take precedence. `on_attempt` is called as well.
        """
        policy: RetryPolicy = defaults.pop("retry", RetryPolicy())
        if self.retries is not None:
            policy = evolve(policy, attempts=self.retries + 1)
        if self.max_retry_after is not None:
            policy = evolve(policy, max_retry_after=self.max_retry_after.total_seconds())
        options: dict[str, Any] = {**defaults}
        given = {"timeout": self.timeout, "deadline": self.deadline}
        options |= {name: value.total_seconds() for name, value in given.items() if value}
        if self.allow_http:
            options["allow_http"] = True
        if self.signing_path_prefix is not None:
            if not _PREFIX.fullmatch(self.signing_path_prefix):
                raise UsageError("--signing-path-prefix must be '' or an ASCII path such as /v1, without a final slash")
            options["signing_path_prefix"] = self.signing_path_prefix
        reporter = AttemptReporter(policy, verbose=self.verbose)
        hooks: list[AttemptHook] = [reporter, *filter(None, [options.pop("on_attempt", None)])]
        options |= {"retry": policy, "on_attempt": _call_each(hooks)}
        try:
            yield options | {"base_url": self.checked_base_url(base_url)}
        finally:
            reporter.close()

    @contextmanager
    def account(self) -> Generator[Account]:
        """Yield server and credentials; a built-in Sandbox runs in the meantime.

        Raises UsageError and ConfigurationError.
        """
        if not self.sandbox:
            found = credentials.load(self.credentials, keyring=self.keyring)
            base_url = found.url if self.base_url is None else self.base_url
            yield Account(base_url, SignedAuth(found.key, found.secret), found.source)
            return
        if self.base_url or self.credentials or self.keyring:
            raise UsageError("--sandbox has its own URL and credentials; omit --base-url, --credentials and --keyring")
        from sinch_reporting.testing import Sandbox  # noqa: PLC0415 - a server, which only this option needs

        with Sandbox() as sandbox:
            auth = SignedAuth(sandbox.application_key, sandbox.application_secret)
            yield Account(sandbox.url, auth, "the built-in Sandbox")

    def checked_base_url(self, base_url: str | None) -> str:
        """Return the base URL, by default that of the environment, or of Sinch. Raises UsageError."""
        try:
            return resolve_base_url(base_url, allow_http=self.allow_http)
        except ConfigurationError as error:
            try:
                resolve_base_url(base_url, allow_http=True)
            except ConfigurationError:
                raise UsageError(f"{error}; correct --base-url or SINCH_REPORTING_URL") from error
            raise UsageError(
                "the base URL is http:// to another machine: everyone on the way could read credentials and phone "
                "numbers; use https://, or add --allow-http for a test server"
            ) from error


def _call_each(hooks: list[AttemptHook]) -> Callable[[Attempt], None]:
    def call(attempt: Attempt) -> None:
        for hook in hooks:
            hook(attempt)

    return call
