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
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")


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


def holders(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield each parameter, body, response and header, with its pointer."""
    places: list[tuple[str, Any]] = []
    for path, method, operation in operations(document):
        base = pointer("#", "paths", path, method)
        places += [(f"{base}/parameters/{n}", each) for n, each in enumerate(as_list(operation.get("parameters")))]
        places.append((f"{base}/requestBody", operation.get("requestBody")))
        places += _children(f"{base}/responses", operation.get("responses"))
    for kind in ("parameters", "responses", "headers", "requestBodies"):
        places += _children(f"#/components/{kind}", as_map(document.get("components")).get(kind))
    for place, holder in places:
        if isinstance(holder, dict):
            yield place, holder
            for below, header in _children(f"{place}/headers", holder.get("headers")):
                yield below, as_map(header)


def _children(base: str, value: Any) -> list[tuple[str, Any]]:
    return [(pointer(base, name), each) for name, each in as_map(value).items()]


def root_schemas(document: Json) -> Iterator[tuple[str, Any]]:
    """Yield each outermost schema of the operations and components, with its pointer."""
    for place, holder in holders(document):
        if "schema" in holder:
            yield f"{place}/schema", holder["schema"]
        for below, medium in _children(f"{place}/content", holder.get("content")):
            if "schema" in as_map(medium):
                yield f"{below}/schema", medium["schema"]
    yield from _children("#/components/schemas", as_map(document.get("components")).get("schemas"))


def subschemas(place: str, schema: Any) -> Iterator[tuple[str, Json]]:
    """Yield the schema and those within it, with their pointers. References are not followed."""
    if not isinstance(schema, dict):
        return  # `additionalProperties: true`, or a boolean schema of OpenAPI 3.1
    yield place, schema
    for keyword in _SCHEMA_MAPS:
        for below, each in _children(f"{place}/{keyword}", schema.get(keyword)):
            yield from subschemas(below, each)
    for keyword in _SCHEMA_LISTS:
        for number, each in enumerate(as_list(schema.get(keyword))):
            yield from subschemas(f"{place}/{keyword}/{number}", each)
    for keyword in _SCHEMAS:
        yield from subschemas(f"{place}/{keyword}", schema.get(keyword))


def every_schema(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield each schema of the document, with its pointer."""
    for place, root in root_schemas(document):
        yield from subschemas(place, root)


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
