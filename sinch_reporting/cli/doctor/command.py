"""The command: runs the checks in order, and shows their results."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
from attrs import define, evolve, field

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.connection import Account, Connection
from sinch_reporting.cli.doctor import checks, network, signing
from sinch_reporting.cli.doctor.network import Route
from sinch_reporting.cli.doctor.result import Check, Status, failed, skipped
from sinch_reporting.cli.output import Output, console, write
from sinch_reporting.cli.streams import write_text
from sinch_reporting.cli.text import printable
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.httpdate import parse_http_date

_STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.ERROR: "red", Status.SKIPPED: "dim"}
_INDENT = 9


def doctor(*, output: Output = "table", connection: Connection = Connection()) -> int:
    """Find out what is wrong with the configuration, step by step, and what to do.

    Checks credentials, base URL, proxy, host name, port, TLS, API, the local clock and a signed request.
    Nothing is changed. The exit code is 1 if there is an error.

    For example:

        $ sinch-reporting doctor
        $ sinch-reporting doctor --credentials FILE --output json
    """
    code = exit_codes.OK

    def counted() -> Iterator[tuple[str, Check]]:
        nonlocal code
        for name, check in run_checks(connection):
            code = exit_codes.FAILED if check.status is Status.ERROR else code
            yield name, check

    if output == "table":
        for name, check in counted():
            _show(name, check)
    else:
        write(
            (
                {"check": name, "result": check.status.value, "what": check.what, "remedy": check.remedy}
                for name, check in counted()
            ),
            output,
        )
    return code


def run_checks(connection: Connection) -> Iterator[tuple[str, Check]]:
    """Run each check and yield its name and result. After an error on the way to the server, the rest is skipped."""
    with ExitStack() as stack:
        account: Account | None = None
        try:
            account = stack.enter_context(connection.account())
        except (exit_codes.UsageError, ConfigurationError) as error:
            text = str(error)
            what, _, remedy = text.partition("\n" if "\n" in text else "; ")
            yield "credentials", failed(what, remedy or signing.COPY)
        else:
            yield "credentials", checks.credentials(account.source, connection.credentials)
        blocked = False
        for name, check in _Diagnosis(connection, account).checks():
            result = skipped("an earlier check failed") if blocked else check()
            blocked = blocked or result.status is Status.ERROR
            yield name, result


@define
class _Diagnosis:
    """The route to the API, and what earlier checks found."""

    connection: Connection
    account: Account | None
    route: Route = field(init=False)
    _date: datetime | None = field(default=None, init=False)

    def checks(self) -> Iterator[tuple[str, Callable[[], Check]]]:
        """Yield the checks in order. Each needs the earlier ones."""
        yield "base URL", self._check_base_url
        yield "proxy", self._check_proxy
        yield "name", lambda: network.name_resolution(self.route)
        yield "connection", lambda: network.connection(self.route)
        yield "TLS", lambda: network.tls(self.route)
        yield "API", self._check_api
        yield "clock", lambda: checks.clock(self._date, datetime.now(UTC))
        yield "signature", self._check_signature

    def _check_base_url(self) -> Check:
        given = self.account.base_url if self.account else self.connection.base_url
        try:
            url = httpx.URL(self.connection.checked_base_url(given))
        except exit_codes.UsageError as error:
            what, _, remedy = str(error).partition("; ")
            return failed(what, remedy)
        timeout = self.connection.timeout
        self.route = Route(url, None, timeout.total_seconds() if timeout else network.SECONDS)
        return checks.base_url(url, self.connection.signing_path_prefix)

    def _check_proxy(self) -> Check:
        proxy, check = network.proxy(self.route.url)
        self.route = evolve(self.route, proxy=proxy)
        return check

    def _check_api(self) -> Check:
        response = network.unsigned_request(self.route)
        if isinstance(response, Check):
            return response
        self._date = parse_http_date(response.headers.get("Date"))
        return checks.api(response)

    def _check_signature(self) -> Check:
        if not self.account:
            return skipped("there are no credentials to sign with")
        with self.connection.client_options(str(self.route.url)) as options:
            return signing.signature(self.route, self.account.auth, options)


def _show(name: str, check: Check) -> None:
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(f"{check.status.value:<{_INDENT}}", style=_STYLES[check.status], end="")
        terminal.print(f"{name:<11} {printable(check.what)}", markup=False, soft_wrap=True)
        for line in (check.remedy or "").splitlines():
            terminal.print(f"{'':<{_INDENT}}→ {printable(line.strip())}", markup=False, soft_wrap=True)
    write_text(captured.get())
