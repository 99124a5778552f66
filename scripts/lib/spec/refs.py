"""References within a document, and walks over its schemas. No reference is followed beyond the document."""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from scripts.lib.spec import SpecError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SCHEMA = re.compile(r"#/components/schemas/([A-Za-z0-9._-]+)")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")


def lookup(document: dict[str, Any], reference: object) -> Any:
    """Return what a reference within the document points to. Raises SpecError for any other."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise SpecError(f"the reference {str(reference)[:200]!r} leads out of the document; none is followed")
    found: Any = document
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            raise SpecError(f"the reference {reference[:200]!r} points to nothing")
    return found


def resolved(document: dict[str, Any], node: Any) -> Any:
    """Return a copy of the object, or of the one that it refers to."""
    seen: set[str] = set()
    while isinstance(node, dict) and "$ref" in node:
        reference = node["$ref"]
        node = lookup(document, reference)
        if reference in seen:
            raise SpecError(f"the reference {reference!r} leads to itself")
        seen.add(reference)
    return copy.deepcopy(node)


def subschemas(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the schema and those within it, each with its place; references are not followed."""
    if not isinstance(schema, dict):
        return  # `additionalProperties: true`, or a boolean schema of OpenAPI 3.1
    yield place, schema
    for keyword in _MAPS:
        for name, each in _mapping(schema, keyword).items():
            yield from subschemas(each, f"{place}.{name}")
    for keyword in _LISTS:
        for each in _sequence(schema, keyword):
            yield from subschemas(each, place)
    for keyword in _SINGLES:
        if keyword in schema:
            yield from subschemas(schema[keyword], f"{place}[]" if keyword == "items" else place)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its path and method."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def contents(holder: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each media type of a parameter, body, header or answer with its object."""
    yield from _mapping(holder, "content").items()


def roots(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each outermost schema of the operations and the components."""
    for _, _, operation in operations(document):
        holders = [*operation.get("parameters", []), operation.get("requestBody", {})]
        holders += operation.get("responses", {}).values()
        for holder in holders:
            yield from _within(holder)
    components = document.get("components", {})
    for kind in ("parameters", "responses", "headers", "requestBodies"):
        for holder in components.get(kind, {}).values():
            yield from _within(holder)
    yield from components.get("schemas", {}).values()


def _within(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in (holder, *(medium for _, medium in contents(holder)), *_mapping(holder, "headers").values()):
        if "schema" in each:
            yield each["schema"]


def without_unused(document: dict[str, Any]) -> None:
    """Take out the components that no operation uses."""
    components = document.get("components", {})
    kinds = [kind for kind in components if kind != "securitySchemes"]
    used: set[str] = set()
    waiting: list[Any] = [document["paths"]]
    while waiting:
        for reference in references(waiting.pop()):
            if reference not in used:
                used.add(reference)
                waiting.append(lookup(document, reference))
    for kind in kinds:
        for name in list(components[kind]):
            if not any(each == f"#/components/{kind}/{name}" for each in used):
                del components[kind][name]
        if not components[kind]:
            del components[kind]


def references(node: Any) -> Iterator[str]:
    """Yield each reference within the node, those of discriminators too."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        mapping = node.get("mapping")
        if "propertyName" in node and isinstance(mapping, dict):
            yield from (each for each in mapping.values() if isinstance(each, str))
        for each in node.values():
            yield from references(each)


def _mapping(holder: dict[str, Any], keyword: str) -> dict[str, Any]:
    value = holder.get(keyword, {})
    if not isinstance(value, dict):
        raise SpecError(f"`{keyword}` is not a mapping")
    return value


def _sequence(holder: dict[str, Any], keyword: str) -> list[Any]:
    value = holder.get(keyword, [])
    if not isinstance(value, list):
        raise SpecError(f"`{keyword}` is not a list")
    return value
