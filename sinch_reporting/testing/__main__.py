"""`python -m sinch_reporting.testing`: serve a Sandbox until Ctrl-C or SIGTERM."""

import argparse
import re
import shlex
import signal
import sys
import textwrap
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

from sinch_reporting.testing import Sandbox  # first: its error names the missing extra
from sinch_reporting.testing._sandbox import EXAMPLE_KEY, EXAMPLE_SECRET
from sinch_reporting.testing.faults import DEFAULT_CHAOS, Fault
from sinch_reporting.testing.faults._cli_syntax import help_text, parse

_MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m sinch_reporting.testing") -> int:
    """Run the command, by default with the arguments of the process, and return its exit status.

    Raises OSError if standard output cannot be written to.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            try:
                sandbox = stack.enter_context(_sandbox(options))
            except OSError as error:
                reason = f"cannot listen on port {options.port} of {options.host}: {error.strerror}"
                parser.exit(2, f"{parser.prog}: error: {reason}; choose another --port\n")
            except ValueError as error:
                reason = re.sub(r"\bapplication_(?=key|secret)", "--application-", str(error))
                parser.exit(2, f"{parser.prog}: error: {reason}\n")
            _print_settings(sandbox)
            while True:
                # Signals interrupt it on every platform, unlike a wait for a lock.
                time.sleep(3600)
    except KeyboardInterrupt:
        return 0


class _Parser(argparse.ArgumentParser):
    def print_help(self, file: Any = None) -> None:
        (file or sys.stdout).write(self.format_help())  # argparse ignores that this fails

    def error(self, message: str) -> NoReturn:
        for type_name, kind in {"int": "whole number", "float": "number"}.items():
            message = message.replace(f"invalid {type_name} value:", f"not a {kind}:")
        super().error("".join(each if each.isprintable() else ascii(each)[1:-1] for each in message))


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description=textwrap.fill(
            "Serve the Sinch Reporting API locally, with made-up data, until Ctrl-C or SIGTERM. "
            "Prints shell exports of the URL and the credentials.",
            78,
        ),
        epilog=f"For example:\n\n    $ {prog} --service rtpproxy=down --fault 503:retry-after=2\n\n"
        f"SPEC is NAME, NAME:VALUE or NAME:OPTION=VALUE,OPTION=VALUE, such as\n"
        f"connection-reset, delay:0.5, 503:retry-after=2. A VALUE without a name belongs to the first option.\n\n"
        f"{help_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="the loopback address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="the port to listen on (default: a free one)")
    parser.add_argument(
        "--application-key",
        metavar="KEY",
        default=EXAMPLE_KEY,
        help="the key to accept (default: the documented example)",
    )
    parser.add_argument(
        "--application-secret",
        metavar="SECRET",
        default=EXAMPLE_SECRET,
        help="the secret to accept, Base64 (default: the documented example)",
    )
    parser.add_argument(
        "--service",
        metavar="ID=STATUS",
        type=_service,
        action="append",
        default=[],
        help="create or change a service, such as rtpproxy=down; may be repeated",
    )
    parser.add_argument(
        "--counter",
        metavar="ID=VALUE",
        type=_counter,
        action="append",
        default=[],
        help="set a counter to a whole number, such as currentCalls=7; may be repeated",
    )
    parser.add_argument(
        "--fault",
        metavar="SPEC",
        action="append",
        default=[],
        help="apply this fault to the next request, see below; may be repeated, one for each request, "
        "after which responses are normal",
    )
    parser.add_argument(
        "--chaos",
        metavar="RATE",
        type=float,
        help="apply a random fault to this share of the requests, from 0 to 1: one of those given by --fault, "
        "by default any that ends soon",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random faults (default: %(default)s)")
    return parser


def _port(text: str) -> int:
    if re.fullmatch("[0-9]{1,5}", text) and int(text) <= _MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"the port must be from 0 to {_MAX_PORT}, not {text!r}")


def _service(text: str) -> tuple[str, str]:
    name, _, status = text.partition("=")
    if not name or not status:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=STATUS")
    return name, status


def _counter(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    try:
        if name:
            return name, int(value)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE with a whole number")


def _sandbox(options: argparse.Namespace) -> Sandbox:
    sandbox = Sandbox(
        application_key=options.application_key,
        application_secret=options.application_secret,
        host=options.host,
        port=options.port,
    )
    for name, status in options.service:
        sandbox.set_service(name, status)
    for name, value in options.counter:
        sandbox.set_counter(name, value)
    _set_faults(sandbox, [parse(spec) for spec in options.fault], options)
    return sandbox


def _set_faults(sandbox: Sandbox, faults: list[Fault | None], options: argparse.Namespace) -> None:
    if options.chaos is None:
        sandbox.fail_next(*faults)
    else:
        choice = [fault for fault in faults if fault]
        sandbox.chaos(options.chaos, seed=options.seed, faults=choice or DEFAULT_CHAOS)


def _print_settings(sandbox: Sandbox) -> None:
    user = f"{sandbox.application_key}:{sandbox.application_secret}"
    lines = (
        f"export SINCH_REPORTING_URL={shlex.quote(sandbox.url)}",
        f"export SINCH_APPLICATION_KEY={shlex.quote(sandbox.application_key)}",
        f"export SINCH_APPLICATION_SECRET={shlex.quote(sandbox.application_secret)}",
        f"# {shlex.join(('curl', '--user', user, f'{sandbox.url}/counters/currentCalls'))}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.stdout is None:
        sys.exit("cannot write to standard output: it is closed")
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"cannot write to standard output: {error.strerror}")
