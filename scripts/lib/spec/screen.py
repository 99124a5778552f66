"""Looks at generated Python for what this generator has no reason to write: the last of three locks, see clean.py."""

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts.lib.spec import SpecError

_IMPORTS = {
    "__future__",
    "attrs",
    "collections.abc",
    "datetime",
    "dateutil.parser",
    "enum",
    "http",
    "httpx",
    "io",
    "json",
    "ssl",
    "typing",
    "urllib.parse",
    "uuid",
}
_NAMES = {
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "globals",
    "input",
    "locals",
    "open",
    "vars",
}
_DUNDERS = {"__all__", "__aenter__", "__aexit__", "__bool__", "__enter__", "__exit__", "__init__"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_AT_MODULE = (ast.Import, ast.ImportFrom, ast.ClassDef, *_FUNCTIONS, ast.Assign, ast.AnnAssign)
_CALLED_ON_IMPORT = {
    "TypeVar",
    "UUID",
    "Unset",
    "_attrs_define",
    "_attrs_field",
    "cast",
    "datetime.date.fromisoformat",
    "datetime.datetime.fromisoformat",
    "define",
    "field",
}


def screen(package: Path) -> None:
    """Raise SpecError where a module of the package does more than the generator's templates do."""
    for path in sorted(package.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            raise SpecError(f"the generated {path.name} is not Python: {error}") from error
        for node, why in _findings(tree):
            line = getattr(node, "lineno", 1)
            raise SpecError(f"the generated {path.relative_to(package).as_posix()}, line {line}: {why}")


def _findings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for statement in tree.body:
        if not (isinstance(statement, _AT_MODULE) or _is_docstring(statement) or _is_for_types(statement)):
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
        if isinstance(node, ast.Name) and (node.id in _NAMES or _is_magic(node.id)):
            yield node, f"the name {node.id}"
        if isinstance(node, ast.Attribute) and _is_magic(node.attr):
            yield node, f"the attribute {node.attr}"


def _is_magic(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _DUNDERS


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_types(node: ast.AST) -> bool:
    imports = isinstance(node, ast.If) and all(isinstance(each, ast.ImportFrom) for each in [*node.body, *node.orelse])
    return imports and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is run when the module is imported: everything but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            for part in (*child.decorator_list, child.args):
                yield from ast.walk(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from _run_on_import(child)
