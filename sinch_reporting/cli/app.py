"""The commands, and how an error of any of them ends."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.output import say
from sinch_reporting.errors import ReportingError
from sinch_reporting.version import __version__

# Each is the function of this name in the module of this name, which is imported when it is needed.
COMMANDS = ("report", "counter", "service", "export", "sandbox", "doctor", "metrics")

_HELP = """The Sinch Reporting API at the terminal: call reports, counters of ongoing calls, service status.

Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, from --credentials FILE or --keyring.
Without an account, add --sandbox to any command:

    $ sinch-reporting counter currentCalls --sandbox

Exit codes: 0 all well, 1 something failed, 2 misuse (nothing was sent), 3 --until was not reached, 130 interrupted."""


class _App(App):
    def generate_completion(self, **options: Any) -> str:
        """Return the shell's script."""
        # zsh lists an option and does not complete it, where an argument before it does not say what completes that:
        # `( )` says that nothing does.
        argument = r"""^( *'(?:\d|\*):(?:[^:'\\]|\\.|'\\'')*)(?=')"""
        script = super().generate_completion(**options)
        return re.sub(argument, r"\1:( )", script, flags=re.MULTILINE) if script.startswith("#compdef") else script


def make() -> App:
    """Return the command, with all its commands."""
    app = _App(
        name="sinch-reporting",
        help=_HELP,
        help_format="plaintext",
        version=__version__,
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name in COMMANDS:
        # The Sandbox has options, and help for them, of its own.
        flags = {"help_flags": (), "version_flags": ()} if name == "sandbox" else {}
        app.command(f"sinch_reporting.cli.{name}:{name}", name=name, **flags)
    app.register_install_completion_command(add_to_startup=False, help="Install completion for your shell.")
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command, and return its exit code."""
    app = make()
    if not arguments or arguments[0] in app.help_flags:
        app.resolved_commands()  # their first lines are shown
    try:
        code = app(arguments)
        sys.stdout.flush()
    except CycloptsError as error:
        say(f"sinch-reporting: {' '.join(str(error).split())}")
        return exit_codes.MISUSE
    except (exit_codes.UsageError, ReportingError) as error:
        say(f"sinch-reporting: {exit_codes.sentence_of(error)}")
        return exit_codes.code_of(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone. Nothing more may be flushed to them when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.BROKEN_PIPE
    return code if isinstance(code, int) else exit_codes.OK
