"""Refuses what must not reach a generator of code, and takes out what nobody should see.

The generator quotes and renames by itself, and the generated code is screened; that is for when either is wrong.
"""

import re
import unicodedata
from typing import Any

from scripts.lib.spec import SpecError
from scripts.lib.spec.refs import operations, roots, subschemas

_LONGEST_TEXT = 20_000
_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_.@:\[\] -]{0,99}")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,39}")
_PATH = re.compile(r"(/([A-Za-z0-9_.~-]|{[A-Za-z_][A-Za-z0-9_.-]{0,99}})*)+")
_SERVER = re.compile(r"(https?://|/)[A-Za-z0-9_.~:/{}\[\]-]{0,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9*+._-]{1,80}/[a-z0-9*+._-]{1,80}")
_STATUS = re.compile(r"[1-5](\d\d|XX)|default")
_FORMAT = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")
_VALUE = re.compile(r"[^\"'`\\{}<>\n\r\t]{0,200}")
_SCHEMA_KEYWORDS_REFUSED = re.compile(r"\$(?!ref$)")


def cleaned(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without extensions and invisible characters. Raises SpecError where a name is none."""
    found: dict[str, Any] = _texts(document)
    _expect(_VERSION, found["info"]["version"], "a version")
    for server in found["servers"]:
        _expect(_SERVER, server.get("url"), "the URL of a server")
    for path, _, operation in operations(found):
        _expect(_PATH, path, "a path")
        _operation(operation)
    for kind in found["components"].values():
        for name in kind:
            _expect(_IDENTIFIER, name, "the name of a component")
    for root in roots(found):
        for _, schema in subschemas(root):
            _schema(schema)
    return found


def _expect(pattern: "re.Pattern[str]", value: object, what: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SpecError(f"{what} is refused: {str(value)[:100]!r}")


def _operation(operation: dict[str, Any]) -> None:
    if "operationId" in operation:
        _expect(_IDENTIFIER, operation["operationId"], "an operation id")
    for parameter in operation.get("parameters", ()):
        _expect(_NAME, parameter.get("name"), "the name of a parameter")
    for status, answer in operation["responses"].items():
        _expect(_STATUS, status, "the status of an answer")
        for name in answer.get("headers", ()):
            _expect(_IDENTIFIER, name, "the name of a header")
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type in holder.get("content", ()):
            _expect(_MEDIA_TYPE, media_type, "a media type")


def _schema(schema: dict[str, Any]) -> None:
    for keyword in schema:
        if _SCHEMA_KEYWORDS_REFUSED.match(keyword):
            raise SpecError(f"a schema has {keyword[:100]!r}, which could lead out of the document")
    for name in schema.get("properties", ()):
        _expect(_NAME, name, "the name of a field")
    for keyword in ("title", "format"):
        if keyword in schema:
            _expect(_NAME if keyword == "title" else _FORMAT, schema[keyword], f"the {keyword} of a schema")
    values = schema.get("enum", [])
    for value in (*(values if isinstance(values, list) else [values]), schema.get("const"), schema.get("default")):
        if isinstance(value, dict | list) and value:
            raise SpecError("a default or one of a set of values is a mapping or a list")
        if isinstance(value, str):
            _expect(_VALUE, value, "a default or one of a set of values")


def _texts(node: Any, *, named: bool = False) -> Any:
    """Return a copy without the extensions of vendors, its texts without characters that do not show.

    Args:
        node: What to copy.
        named: Its keys are names that the publisher has chosen, so that none is an extension.
    """
    if isinstance(node, list):
        return [_texts(each) for each in node]
    if isinstance(node, dict):
        return {
            _text(key): _texts(each, named=not named and key in {"properties", "headers"})
            for key, each in node.items()
            if named or not key.startswith("x-")
        }
    return _text(node) if isinstance(node, str) else node


def _text(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise SpecError(f"a text is longer than {_LONGEST_TEXT} characters")
    shown = [letter for letter in text.replace("\r\n", "\n") if letter in "\n\t" or _shows(letter)]
    return "".join(shown)


def _shows(letter: str) -> bool:
    # Control characters, those that turn the direction of writing, lone surrogates, and other ends of a line.
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
