"""The commands, and what happens on errors that any of them raises."""

import difflib
import re
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import (
    App,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from sinch_reporting import ReportingError, __version__
from sinch_reporting.cli import exit_codes
from sinch_reporting.cli.arguments import STANDARD_INPUT
from sinch_reporting.cli.streams import console, discard, os_error_message, print_error
from sinch_reporting.cli.text import printable

# Each is a function in the module of the same name, imported when needed, for PyInstaller by a hook.
COMMANDS = ("report", "counter", "service", "export", "sandbox", "doctor", "metrics")

# One sentence per line here and in the docstrings of commands: the terminal wraps each line once.
_HELP = """Call reports, counters of ongoing calls and service status of the Sinch Reporting API.

Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, --credentials or --keyring.
To try a command without an account, add --sandbox:

    $ sinch-reporting counter currentCalls --sandbox

Exit codes:

    0    success
    1    something failed
    2    usage error, nothing was sent
    3    --until was not met in time
    75   the export is incomplete: run the same command again
    130  interrupted
    141  the reader closed the pipe"""


class _App(App):
    def generate_completion(self, **options: Any) -> str:
        """Return the completion script of a shell."""
        # zsh lists an option without completing it if an argument before it does not say what completes that:
        # `( )` says that nothing does.
        argument = r"""^( *'(?:\d|\*):(?:[^:'\\]|\\.|'\\'')*)(?=')"""
        script = super().generate_completion(**options)
        return re.sub(argument, r"\1:( )", script, flags=re.MULTILINE) if script.startswith("#compdef") else script


def make() -> App:
    """Return the command with all its subcommands."""
    app = _App(
        name="sinch-reporting",
        help=_HELP,
        help_format="plaintext",
        version=__version__,
        version_flags=("--version", "-V"),
        console=console(),
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name in COMMANDS:
        # The Sandbox parses its own options and prints its own help.
        flags = {"help_flags": (), "version_flags": ()} if name == "sandbox" else {}
        app.command(f"sinch_reporting.cli.{name}:{name}", name=name, **flags)
    app.register_install_completion_command(add_to_startup=False, help="Install completion for your shell.")
    return app


def run(arguments: Sequence[str]) -> int:  # noqa: PLR0911 - a table of exits
    """Run a command, and return its exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except CycloptsError as error:
        print_error(f"sinch-reporting: {_usage_message(error)}")
        return exit_codes.USAGE_ERROR
    except (exit_codes.UsageError, ReportingError) as error:
        print_error(f"sinch-reporting: {exit_codes.error_message(error)}")
        return exit_codes.exit_code(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        discard(1)
        return exit_codes.BROKEN_PIPE
    except OSError as error:
        print_error(f"sinch-reporting: {os_error_message(error)}")
        discard(1)
        return exit_codes.FAILED
    except RuntimeError as error:
        if "home directory" not in str(error):
            raise
        print_error("sinch-reporting: this user has no home folder; set HOME")
        return exit_codes.USAGE_ERROR
    return code if isinstance(code, int) else exit_codes.OK


def _usage_message(error: CycloptsError) -> str:
    """Return cyclopts' message, in other words if they are a programmer's."""
    text = " ".join(str(error).split())
    unused = [printable(token) for token in error.unused_tokens or [""]]
    manual = f"see {' '.join(['sinch-reporting', *(error.command_chain or ()), '-h'])}"
    match error:
        case UnknownCommandError():
            return _unknown_command(unused[0])
        case UnusedCliTokensError():
            return f"too many arguments: {' '.join(unused)}; {manual}"
        case UnknownOptionError() if "Did you mean" not in text:
            return f"{text.rstrip('.')}; {manual}"
        case MissingArgumentError() if match := re.search(r"arameter (\S+) requires an argument", text):
            return f"{match[1]} {'needs a value' if match[1][0] == '-' else 'is missing'}; {manual}"
        case RepeatArgumentError():
            return f"{text.rstrip('.')}; give it once"
        case _:
            return re.sub(r'unable to convert ".*" into bool', "it takes no value", text)


def _unknown_command(name: str) -> str:
    nearest = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"the commands are {', '.join(COMMANDS)}"
    return f"unknown command '{name}'; {hint}"


def _run(arguments: Sequence[str]) -> object:
    app = make()
    if not arguments or arguments[0] in app.help_flags:
        app.resolved_commands()  # the list shows their first lines
    if [*arguments][:1] in (["report"], ["export"]):
        arguments = [STANDARD_INPUT if argument == "-" else argument for argument in arguments]
    try:
        return app(arguments)
    except SystemExit as ended:  # of argparse, in the Sandbox
        return ended.code
