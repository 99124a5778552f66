"""Removes invisible text from a document, and refuses names and values that must not reach a code generator.

The generator escapes names by itself, and the generated code is checked. These checks protect if one of them fails,
and report the place. They apply to the corrected document, so that the overlay can remove what they refuse.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from openapi_python_client.strings import ClassName, PythonIdentifier

from scripts.openapi import SpecError
from scripts.openapi.refs import Json, as_list, as_map, pointer, walk

FIELD_PREFIX = "field_"  # the generator's prefix for names that are not valid in Python
_MAX_TEXT = 20_000
# Their keys are names that the publisher has chosen.
_MAPS = {"properties", "headers", "schemas", "securitySchemes", "content", "mapping"}
_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_.@:\[\] -]{0,99}")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_PATH = re.compile(r"(/([A-Za-z0-9_.~-]|{[A-Za-z_][A-Za-z0-9_.-]{0,99}})*)+")
_SERVER = re.compile(r"(https?://|/)[A-Za-z0-9_.~:/{}\[\]-]{0,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9*+._-]{1,80}/[a-z0-9*+._-]{1,80}")
_STATUS = re.compile(r"[1-5](\d\d|XX)|default")
_FORMAT = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")
_VALUE = re.compile(r"[^\"'`\\{}<>\n\r\t]{0,200}")
_REFUSED_KEYWORD = re.compile(r"\$(?!ref$)")
# Headers of the connection (RFC 9110, section 7.6.1), of the message's framing, and those that the client itself sends.
_REFUSED_HEADERS = {
    *("connection", "content-length", "cookie", "expect", "host", "keep-alive", "proxy-authorization"),
    *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-timestamp"),
}
# Names that the generator's templates use, in lower case.
_USED_BY_FUNCTIONS = {"body", "client", "cookies", "headers", "kwargs", "params", "quote", "response", "url"}
_USED_BY_MODELS = {
    "additional_keys",
    "additional_properties",
    "cls",
    "d",
    "field_dict",
    "from_dict",
    "src_dict",
    "to_dict",
}
_USED_AS_CLASSES = {
    *("any", "authenticatedclient", "binaryio", "client", "enum", "file", "generator", "httpstatus", "intenum"),
    *("literal", "mapping", "response", "strenum", "t", "textio", "typevar", "unset", "uuid"),
}


def clean(node: Any, *, names: bool = False) -> Any:
    """Return a copy without vendor extensions, and without invisible characters in its texts.

    Args:
        node: What to copy.
        names: The keys are the publisher's names, so that `x-` does not mark an extension.
    """
    if isinstance(node, list):
        return [clean(each) for each in node]
    if isinstance(node, dict):
        return {
            _visible(key): clean(each, names=not names and key in _MAPS)
            for key, each in node.items()
            if names or not key.startswith("x-")
        }
    return _visible(node) if isinstance(node, str) else node


def _visible(text: str) -> str:
    if len(text) > _MAX_TEXT:
        raise SpecError(f"a text is longer than {_MAX_TEXT} characters: {text[:60]!r}…")
    # Without control characters, direction marks, lone surrogates and other line ends.
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return "".join(
        letter
        for letter in text.replace("\r\n", "\n")
        if letter in "\n\t" or unicodedata.category(letter) not in hidden
    )


def check(document: Json) -> None:
    """Raise SpecError with all names and values that are refused, each with its JSON pointer."""
    if found := [f"{place}: {reason}" for place, reason in _findings(document)]:
        advice = "add an overlay action that removes or renames it, or take the case to the publisher"
        raise SpecError("\n".join([*found, f"For each of them: {advice}."]))


Finding = tuple[str, str]


def _findings(document: Json) -> Iterator[Finding]:
    checks = {"document": _document, "operation": _operation, "schema": _schema}
    for place, kind, node in walk(document):
        yield from checks[kind](place, node) if kind in checks else ()
        for keyword, pattern in (("headers", _IDENTIFIER), ("content", _MEDIA_TYPE)) if kind != "schema" else ():
            for name in as_map(node.get(keyword)):
                yield from _expect(pattern, name, f"name in `{keyword}`", pointer(place, keyword, name))


def _document(place: str, document: Json) -> Iterator[Finding]:
    for number, server in enumerate(as_list(document.get("servers"))):
        yield from _expect(_SERVER, as_map(server).get("url"), "URL of a server", f"{place}/servers/{number}/url")
    for path in as_map(document.get("paths")):
        yield from _expect(_PATH, path, "path", pointer(place, "paths", path))
    for kind, components in as_map(document.get("components")).items():
        for name in as_map(components):
            yield from _expect(_IDENTIFIER, name, "name of a component", pointer(place, "components", kind, name))
    schemas = as_map(as_map(document.get("components")).get("schemas")).items()
    titles = [
        (str(as_map(schema).get("title", name)), f"{place}/components/schemas/{name}") for name, schema in schemas
    ]
    yield from _clashes(titles, ClassName, _USED_AS_CLASSES, "schema")


def _operation(place: str, operation: Json) -> Iterator[Finding]:
    if "operationId" in operation:
        yield from _expect(_IDENTIFIER, operation["operationId"], "operation id", f"{place}/operationId")
    for status in as_map(operation.get("responses")):
        yield from _expect(_STATUS, status, "status of a response", pointer(place, "responses", status))
    names = []
    for number, parameter in enumerate(map(as_map, as_list(operation.get("parameters")))):
        name, below = parameter.get("name"), f"{place}/parameters/{number}"
        yield from _expect(_NAME, name, "name of a parameter", f"{below}/name")
        if parameter.get("in") == "header" and str(name).lower() in _REFUSED_HEADERS:
            yield below, f"the header parameter {name!r} is refused: the client or HTTP itself sets it"
        names.append((str(name), below))
    yield from _clashes(names, PythonIdentifier, _USED_BY_FUNCTIONS, "parameter")


def _expect(pattern: "re.Pattern[str]", value: object, what: str, place: str) -> Iterator[Finding]:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        yield place[:300], f"the {what} {str(value)[:100]!r} is refused"


def _schema(place: str, schema: Json) -> Iterator[Finding]:
    for keyword in schema:
        if _REFUSED_KEYWORD.match(keyword):
            yield place, f"the keyword {keyword[:100]!r} is refused: it could lead out of the document"
    for keyword, pattern in (("title", _NAME), ("format", _FORMAT)):
        if keyword in schema:
            yield from _expect(pattern, schema[keyword], f"{keyword} of a schema", f"{place}/{keyword}")
    names = [(name, pointer(place, "properties", name)) for name in as_map(schema.get("properties"))]
    for name, below in names:
        yield from _expect(_NAME, name, "name of a field", below)
    yield from _clashes(names, PythonIdentifier, _USED_BY_MODELS, "field")
    values = as_list(schema.get("enum"))
    for value in (*values, schema.get("const"), schema.get("default")):
        if isinstance(value, dict | list) and value:
            yield place, "a default or enum value is a mapping or a list"
        if isinstance(value, str):
            yield from _expect(_VALUE, value, "default or enum value", place)
    # The generator numbers all others.
    texts = [(value, f"{place}/enum") for value in values if isinstance(value, str) and value[:1].isalpha()]
    yield from _clashes(texts, lambda text, prefix: PythonIdentifier(text.upper(), prefix), set(), "enum value")


def _clashes(
    names: Iterable[tuple[str, str]], generated: Callable[[str, str], str], used: set[str], what: str
) -> Iterator[Finding]:
    """Find names that the generator maps to the same name, or to one that its templates use."""
    seen: dict[str, str] = {}
    for name, place in names:
        # As Python compares identifiers, and file systems the names of modules.
        identifier = unicodedata.normalize("NFKC", generated(name, FIELD_PREFIX)).casefold()
        if identifier in used:
            yield place, f"the {what} {name!r} shadows a name of the generated code"
        elif identifier in seen:
            yield (
                place,
                f"the {what} {name!r} shadows the {what} {seen[identifier]!r}: both are {identifier!r} in Python",
            )
        seen.setdefault(identifier, name)
