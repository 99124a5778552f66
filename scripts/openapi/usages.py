"""Finds where the hand-written package uses the generated client."""

import re
from pathlib import Path

from openapi_python_client.strings import PythonIdentifier

from scripts.openapi.diff import Change
from scripts.openapi.sanitize import FIELD_PREFIX


class Usages:
    """The lines of the package below a root, and what they use where."""

    def __init__(self, root: Path) -> None:
        self._lines = [
            (f"{path.relative_to(root).as_posix()}:{number}", line)
            for path in sorted((root / "sinch_reporting").glob("*.py"))
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        ]

    def covers(self, operation: str) -> bool:
        """Whether the package names the generated module of the operation, given by its id."""
        return self._module(operation) is not None

    def place(self, change: Change, operation: str) -> str | None:
        """Return file and line that a change of the operation, given by its id, affects, if known."""
        element = change.element
        if element.kind == "server":
            return self._first(re.escape(f'"{element.name}"'))
        if change.value:
            return self._first(rf"\.{_identifier(change.value.strip(chr(34))).upper()}\b")
        if element.kind == "field" and element.name.startswith("200 "):
            # A `from_api` method passes the fields of the generated model to checks.
            return self._first(rf"[( ]model\.{_identifier(re.split('[ .]', element.name)[-1])}\b")
        return self._module(operation) if element.kind in {"operation", "parameter", "response"} else None

    def _module(self, operation: str) -> str | None:
        return self._first(rf'"{_identifier(operation)}"')

    def _first(self, pattern: str) -> str | None:
        return next((place for place, line in self._lines if re.search(pattern, line)), None)


def _identifier(name: str) -> str:
    return str(PythonIdentifier(name, FIELD_PREFIX))
