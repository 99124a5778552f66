"""`sinch-reporting doctor`."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
from attrs import Factory, define, frozen

from sinch_reporting.auth import SignedAuth
from sinch_reporting.cli import checks, exit_codes
from sinch_reporting.cli.connection import Connection
from sinch_reporting.cli.output import Output, console, write
from sinch_reporting.config import resolve_base_url
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.httpdate import parse_http_date

_STYLES = {"ok": "green", "doubt": "yellow", "trouble": "red", "not looked at": "dim"}


def doctor(*, output: Output = "table", connection: Connection = Connection()) -> int:
    """Say what is wrong with the set-up, step by step, and what to do.

    Looks at the credentials' form, the base URL, the proxy, the host's name
    and port, TLS, whether the API answers, this machine's clock, and whether a
    signed request is accepted. Nothing is changed. The exit code is 1 where
    there is trouble.

    For example:

        $ sinch-reporting doctor
        $ sinch-reporting doctor --credentials FILE --output json
    """
    code = exit_codes.OK

    def counted() -> Iterator[Finding]:
        nonlocal code
        for finding in findings(connection):
            code = exit_codes.FAILED if finding.result == "trouble" else code
            yield finding

    if output == "table":
        for finding in counted():
            _show(finding)
    else:
        names = ("check", "result", "what", "remedy")
        write(({name: getattr(finding, name) for name in names} for finding in counted()), output)
    return code


@frozen
class Finding:
    """What one check found. The result is `ok`, `doubt`, `trouble` or `not looked at`."""

    check: str
    result: str
    what: str
    remedy: str | None = None


def findings(connection: Connection) -> Iterator[Finding]:
    """Make each check, and yield what it found. After trouble on the way to the server, those behind it are none."""
    with ExitStack() as stack:
        base_url, auth = connection.base_url, None
        try:
            base_url, auth = stack.enter_context(connection.resolved())
        except (exit_codes.UsageError, ConfigurationError) as error:
            what, _, remedy = str(error).partition("\n")
            yield Finding("credentials", "trouble", what, remedy or None)
        else:
            yield _looked("credentials", lambda: _credentials(connection))
        blocked = False
        for name, check in _Way(base_url, auth).checks():
            finding = Finding(name, "not looked at", "trouble before it") if blocked else _looked(name, check)
            blocked = blocked or finding.result == "trouble"
            yield finding


def _looked(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except checks.SkippedError as reason:
        return Finding(name, "not looked at", str(reason))
    except checks.TroubleError as trouble:
        return Finding(
            name, "doubt" if isinstance(trouble, checks.DoubtError) else "trouble", str(trouble), trouble.remedy
        )


def _credentials(connection: Connection) -> str:
    path = connection.credentials
    if path and os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise checks.DoubtError(f"well-formed, but others can read {path}", f"chmod 600 {path}")
    return "key and secret are there and well-formed"


@define
class _Way:
    """The way to the server, and what was found out of it so far."""

    given: str | None
    auth: SignedAuth | None
    _url: httpx.URL = Factory(httpx.URL)
    _proxy: httpx.URL | None = None
    _date: datetime | None = None

    def checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the checks in their order, each of which needs those before it."""
        yield "base URL", self._base_url
        yield "proxy", self._environment
        yield "name", lambda: checks.name_resolution(self._proxy or self._url)
        yield "connection", lambda: checks.connection(self._proxy or self._url)
        yield "TLS", self._tls
        yield "API", self._answer
        yield "clock", lambda: checks.clock(self._date, datetime.now(UTC))
        yield "signature", self._signature

    def _base_url(self) -> str:
        try:
            self._url = httpx.URL(resolve_base_url(self.given, allow_http=False))
        except ConfigurationError as error:
            raise checks.TroubleError(str(error), "correct --base-url or SINCH_REPORTING_URL") from error
        return str(self._url)

    def _environment(self) -> str:
        self._proxy = checks.proxy_for(self._url)
        if not self._proxy:
            raise checks.SkippedError("the environment names none for this URL")
        # Not the whole URL, which may hold a password.
        return f"{self._proxy.scheme}://{self._proxy.host}:{checks.port_of(self._proxy)}"

    def _tls(self) -> str:
        if self._url.scheme != "https":
            raise checks.SkippedError("http:// to this machine goes without")
        if self._proxy:
            raise checks.SkippedError("the next check makes it, through the proxy")
        return checks.tls(self._url)

    def _answer(self) -> str:
        response = checks.ask(self._url)
        self._date = parse_http_date(response.headers.get("Date"))
        return checks.answer(response)

    def _signature(self) -> str:
        if not self.auth:
            raise checks.SkippedError("there are no credentials to sign with")
        return checks.signature(self._url, self.auth)


def _show(finding: Finding) -> None:
    terminal = console()
    terminal.print(f"{finding.result:<13}", style=_STYLES[finding.result], end=" ")
    terminal.print(f"{finding.check:<11} {finding.what}", markup=False, soft_wrap=True)
    for line in (finding.remedy or "").splitlines():
        terminal.print(f"{'':<13} → {line.strip()}", markup=False, soft_wrap=True)
    sys.stdout.flush()
