"""Checks that generated Python does nothing that the generator's templates do not. The last check after sanitize.py."""

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts.openapi import SpecError

_IMPORTS = {
    *("__future__", "attrs", "collections.abc", "datetime", "dateutil.parser", "enum", "http", "httpx", "io", "json"),
    *("ssl", "typing", "urllib.parse", "uuid"),
}
_REFUSED_NAMES = {
    *("__import__", "breakpoint", "compile", "delattr", "eval", "exec", "globals", "input", "locals", "open", "vars"),
}
_SPECIAL_NAMES = {"__all__", "__aenter__", "__aexit__", "__bool__", "__enter__", "__exit__", "__init__"}
_CALLED_ON_IMPORT = {
    *("TypeVar", "UUID", "Unset", "_attrs_define", "_attrs_field", "cast", "define", "field"),
    *("datetime.date.fromisoformat", "datetime.datetime.fromisoformat"),
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_AT_MODULE = (ast.Import, ast.ImportFrom, ast.ClassDef, *_FUNCTIONS, ast.Assign, ast.AnnAssign)


def check_code(package: Path) -> None:
    """Raise SpecError, with file and line, at the first thing that no template writes."""
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            raise SpecError(f"the generated {name} is not Python: {error}") from error
        for node, reason in _findings(tree):
            raise SpecError(f"the generated {name}, line {getattr(node, 'lineno', 1)}, has {reason}")


def _findings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for statement in tree.body:
        if not (isinstance(statement, _AT_MODULE) or _is_docstring(statement) or _is_type_import(statement)):
            yield statement, "code that runs on import"
    for node in _run_on_import(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in _CALLED_ON_IMPORT:
            yield node, "a call on import"
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        for module in modules:
            if module not in _IMPORTS:
                yield node, f"an import of {module}"
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        special = name.startswith("__") and name.endswith("__") and name not in _SPECIAL_NAMES
        if special or (isinstance(node, ast.Name) and name in _REFUSED_NAMES):
            yield node, f"the name {name}"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_type_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.If) or ast.unparse(node.test) != "TYPE_CHECKING":
        return False
    return all(isinstance(each, ast.ImportFrom) for each in [*node.body, *node.orelse])


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when the module is imported: everything but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            for part in (*child.decorator_list, child.args):
                yield from ast.walk(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from _run_on_import(child)
