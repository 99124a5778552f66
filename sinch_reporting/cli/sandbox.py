"""`sinch-reporting sandbox`: the same as `python -m sinch_reporting.testing`, with its options and its help."""

from typing import Annotated

from cyclopts import Parameter


def sandbox(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Serve the API locally, with fake data, for your own programs.

    Args:
        arguments: Options of the Sandbox.
    """
    from sinch_reporting.testing.__main__ import main  # noqa: PLC0415 - a server, which only this command needs

    return main(arguments, prog="sinch-reporting sandbox")
