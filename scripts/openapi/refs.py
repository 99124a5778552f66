"""Walks over a document, and its references. No reference is followed beyond the document.

The walks accept any shape: the validator reports what is malformed, with its place.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from scripts.openapi import SpecError

Json = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SCHEMA = re.compile(r"#/components/schemas/([A-Za-z0-9._-]+)")
# What each kind of object holds: one object, a `*` map or a `+` list of them.
_CHILDREN = {
    "document": {"paths": "*item", "components": "components"},
    "components": {
        "schemas": "*schema",
        "parameters": "*parameter",
        "responses": "*response",
        "headers": "*parameter",
        "requestBodies": "*body",
    },
    "item": {"parameters": "+parameter", **dict.fromkeys(METHODS, "operation")},
    "operation": {"parameters": "+parameter", "requestBody": "body", "responses": "*response"},
    "parameter": {"schema": "schema", "content": "*medium"},
    "response": {"headers": "*parameter", "content": "*medium"},
    "body": {"content": "*medium"},
    "medium": {"schema": "schema"},
    "schema": {
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), "*schema"),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), "+schema"),
        **dict.fromkeys(("items", "additionalProperties", "not", "contains", "propertyNames"), "schema"),
        **dict.fromkeys(("if", "then", "else"), "schema"),
    },
}


def as_map(value: Any) -> Json:
    """Return the value if it is a mapping, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, otherwise an empty one."""
    return value if isinstance(value, list) else []


def pointer(base: str, *parts: object) -> str:
    """Return a JSON pointer (RFC 6901) below the base."""
    return base + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def lookup(document: Json, reference: object) -> Any:
    """Return the target of a reference within the document. Raises SpecError for any other reference."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise SpecError(f"the reference {str(reference)[:200]!r} points outside the document; such are never followed")
    found: Any = document
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and re.fullmatch("[0-9]{1,6}", key) and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            raise SpecError(f"the reference {reference[:200]!r} points to nothing; the document may be incomplete")
    return found


def resolve(document: Json, node: Any) -> Any:
    """Return a copy of the node, or of the target if it is a reference."""
    seen: list[Any] = []
    while isinstance(node, dict) and "$ref" in node:
        if node["$ref"] in seen:
            raise SpecError(f"the reference {str(node['$ref'])[:200]!r} leads to itself")
        seen.append(node["$ref"])
        node = lookup(document, node["$ref"])
    return copy.deepcopy(node)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and operation."""
    for path, item in as_map(document.get("paths")).items():
        for method in METHODS:
            if isinstance(as_map(item).get(method), dict):
                yield path, method, item[method]


def walk(node: Any, kind: str = "document", place: str = "#") -> Iterator[tuple[str, str, Json]]:
    """Yield the pointer, the kind and the node of each object that OpenAPI defines, the outer ones first.

    References are not followed. The caller may change a node when it gets it.
    """
    if not isinstance(node, dict):
        return
    yield place, kind, node
    for keyword, child in _CHILDREN[kind].items():
        below, value = pointer(place, keyword), node.get(keyword)
        if child[0] == "*":
            for name, each in list(as_map(value).items()):
                yield from walk(each, child[1:], pointer(below, name))
        elif child[0] == "+":
            for number, each in enumerate(as_list(value)):
                yield from walk(each, child[1:], pointer(below, number))
        else:
            yield from walk(value, child, below)


def schemas_of(node: Any, kind: str = "document") -> Iterator[tuple[str, Json]]:
    """Yield the pointer of each schema within the node, and the schema."""
    return ((place, each) for place, found, each in walk(node, kind) if found == "schema")


def references(node: Any) -> Iterator[str]:
    """Yield each reference within the node, including those of discriminators."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        if "propertyName" in node:
            yield from (each for each in as_map(node.get("mapping")).values() if isinstance(each, str))
        for each in node.values():
            yield from references(each)


def remove_unused(document: Json) -> None:
    """Remove the components that no operation uses."""
    used: set[str] = set()
    waiting: list[Any] = [document["paths"]]
    while waiting:
        for reference in references(waiting.pop()):
            if reference not in used:
                used.add(reference)
                waiting.append(lookup(document, reference))
    components = as_map(document.get("components"))
    for kind in [kind for kind in components if kind != "securitySchemes"]:
        for name in list(as_map(components[kind])):
            if not any(each == pointer("#/components", kind, name) for each in used):
                del components[kind][name]
        if not components[kind]:
            del components[kind]
