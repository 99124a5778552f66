"""The command `sinch-reporting`, from the extra `cli`.

Each command is a module with a function of the same name, listed in `app.COMMANDS` and imported when it is called or
its help is shown:

    def counter(
        counter_id: str,
        /,
        *,
        output: Output = "table",                  # --output table|json|csv
        connection: Connection = Connection(),     # --base-url, --credentials, --sandbox, --timeout, …
    ) -> int:                                      # one of `exit_codes`
        with connection.client() as client:        # a ReportingClient, closed at the end
            write([row(client.get_counter(counter_id))], output)
        return exit_codes.OK

`connection.async_client()` is the same for `async with`. A command raises `ReportingError`, or `exit_codes.UsageError`
for invalid input: `app.run` turns both into a message on standard error and the exit code. Data go to standard output
through `output.write`, everything else to standard error through `output.print_error`.
"""

import sys

_EXTRA = {"cyclopts", "rich", "rich_rst", "docstring_parser", "plotille"}


def main() -> int:
    """Run the command with the process's arguments, and return its exit code."""
    try:
        from sinch_reporting.cli import app, streams  # noqa: PLC0415 - the extra may be missing
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _EXTRA:
            raise
        if sys.stderr:
            sys.stderr.write("sinch-reporting: the command needs the extra `cli`: pip install 'sinch-reporting[cli]'\n")
        return 2
    streams.prepare()
    return app.run(sys.argv[1:])
