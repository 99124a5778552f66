"""Where the facade, written by hand, uses what is generated."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from openapi_python_client.strings import ClassName, PythonIdentifier

from scripts.lib.spec.changes import Change

PACKAGE = Path("sinch_reporting")
_PREFIX = "field_"  # the generator's, for names that Python does not allow


class Facade:
    """The modules of the facade at a root, and where they use what."""

    def __init__(self, root: Path) -> None:
        self._modules = {
            path.relative_to(root).as_posix(): list(ast.walk(ast.parse(path.read_text("utf-8"))))
            for path in sorted((root / PACKAGE).glob("*.py"))
        }

    def covers(self, operation: str) -> bool:
        """Whether a method of the facade calls the operation."""
        return self._operation(operation) is not None

    def place(self, change: Change) -> str | None:
        """Return the file and line that the change touches, if that is known."""
        fact = change.fact
        if fact.kind == "error field":
            return None  # the facade reads errors by itself
        if fact.kind == "server":
            return self._first(lambda node: _text(node) == fact.name)
        if change.value:
            name = PythonIdentifier(change.value.strip('"'), _PREFIX).upper()
            return self._first(lambda node: isinstance(node, ast.Attribute) and node.attr == name)
        if fact.kind == "parameter" and self.covers(fact.operation):
            name = str(PythonIdentifier(fact.name.rpartition(" in ")[0], _PREFIX))
            return self._argument(fact.operation, name) or self._operation(fact.operation)
        if fact.kind == "field" and fact.name.startswith("2"):
            return self._field(fact.model, fact.name.rpartition(" ")[2].rpartition(".")[2])
        return self._operation(fact.operation) if fact.kind in {"operation", "answer", "parameter"} else None

    def _operation(self, operation: str) -> str | None:
        module = str(PythonIdentifier(operation, _PREFIX))
        return self._first(lambda node: _is_call(node, module))

    def _argument(self, operation: str, name: str) -> str | None:
        """Find where the argument is given, in the call or as a member of a TypedDict."""
        module = str(PythonIdentifier(operation, _PREFIX))
        for path, nodes in self._modules.items():
            for node in nodes:
                for member, line in (*_keywords(node, module), *_members(node)):
                    if member == name:
                        return f"{path}:{line}"
        return None

    def _field(self, model: str, name: str) -> str | None:
        """Find where a method that takes the generated model reads the field."""
        attribute = str(PythonIdentifier(name, _PREFIX))
        wanted = str(ClassName(model, _PREFIX))
        for path, nodes in self._modules.items():
            for function in nodes:
                if isinstance(function, ast.FunctionDef) and any(map(_of(wanted), function.args.args)):
                    for node in ast.walk(function):
                        if isinstance(node, ast.Attribute) and node.attr == attribute:
                            return f"{path}:{node.lineno}"
        return None

    def _first(self, wanted: Callable[[ast.AST], bool]) -> str | None:
        return next(self._lines(wanted), None)

    def _lines(self, wanted: Callable[[ast.AST], bool]) -> Iterator[str]:
        for path, nodes in self._modules.items():
            for node in nodes:
                if wanted(node):
                    yield f"{path}:{getattr(node, 'lineno', 1)}"


def _of(model: str) -> Callable[[ast.arg], bool]:
    return lambda argument: isinstance(argument.annotation, ast.Attribute) and argument.annotation.attr == model


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_call(node: ast.AST, module: str) -> bool:
    # The blocking client's calls are made from the async one's.
    function = node.func if isinstance(node, ast.Call) else None
    name = function.value if isinstance(function, ast.Attribute) and function.attr.startswith("asyncio") else None
    return isinstance(name, ast.Name) and name.id == module


def _keywords(node: ast.AST, module: str) -> list[tuple[str | None, int]]:
    if not isinstance(node, ast.Call) or not _is_call(node, module):
        return []
    return [(keyword.arg, keyword.lineno) for keyword in node.keywords]


def _members(node: ast.AST) -> list[tuple[str | None, int]]:
    if not isinstance(node, ast.ClassDef) or "TypedDict" not in map(ast.unparse, node.bases):
        return []
    return [(ast.unparse(each.target), each.lineno) for each in node.body if isinstance(each, ast.AnnAssign)]
