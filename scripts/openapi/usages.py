"""Finds where the hand-written package uses the generated client."""

import ast
from collections.abc import Callable
from pathlib import Path

from openapi_python_client.strings import PythonIdentifier

from scripts.openapi.diff import Change
from scripts.openapi.sanitize import FIELD_PREFIX

PACKAGE = Path("sinch_reporting")
_Place = str | None


class Usages:
    """The modules of the package below a root, and what they use where."""

    def __init__(self, root: Path) -> None:
        self._modules = {
            path.relative_to(root).as_posix(): list(ast.walk(ast.parse(path.read_text("utf-8"))))
            for path in sorted((root / PACKAGE).glob("*.py"))
        }

    def covers(self, operation: str) -> bool:
        """Whether the package calls the operation, given by its id."""
        return self._operation(operation) is not None

    def place(self, change: Change, operation: str) -> _Place:
        """Return file and line that a change of the operation, given by its id, affects, if known."""
        element = change.element
        name = element.name.rpartition(" ")[2].rpartition(".")[2]
        if element.kind == "server":
            return self._first(lambda node: isinstance(node, ast.Constant) and node.value == element.name)
        if change.value:
            constant = PythonIdentifier(change.value.strip('"'), FIELD_PREFIX).upper()
            return self._first(lambda node: isinstance(node, ast.Attribute) and node.attr == constant)
        if element.kind == "parameter" and change.trait:
            keyword = str(PythonIdentifier(element.name.rpartition(" in ")[0], FIELD_PREFIX))
            return self._first(lambda node: isinstance(node, ast.keyword) and node.arg == keyword) or self._operation(
                operation
            )
        if element.kind == "field" and element.name.startswith("2"):
            return self._field(str(PythonIdentifier(name, FIELD_PREFIX)))
        return self._operation(operation) if element.kind in {"operation", "parameter", "response"} else None

    def _operation(self, operation: str) -> _Place:
        module = str(PythonIdentifier(operation, FIELD_PREFIX))
        return self._first(lambda node: isinstance(node, ast.Constant) and node.value == module)

    def _field(self, attribute: str) -> _Place:
        """Find where a `from_api` method, which converts a generated model, reads the field."""
        for path, nodes in self._modules.items():
            for function in nodes:
                if isinstance(function, ast.FunctionDef) and function.name == "from_api":
                    for node in ast.walk(function):
                        if isinstance(node, ast.Attribute) and node.attr == attribute:
                            return f"{path}:{node.lineno}"
        return None

    def _first(self, wanted: Callable[[ast.AST], bool]) -> _Place:
        for path, nodes in self._modules.items():
            for node in nodes:
                if wanted(node):
                    return f"{path}:{getattr(node, 'lineno', 1)}"
        return None
