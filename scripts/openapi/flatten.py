"""Flattens a document into the elements that a user's code depends on, so that two documents can be compared."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from scripts.openapi.extract import shape
from scripts.openapi.refs import SCHEMA, Json, as_list, as_map, operations

Key = tuple[str, str, str]
Elements = Mapping[Key, "Element"]
_MAX_DEPTH = 5


def plain(text: str) -> str:
    """Return a text of the document without what could be markup in the report."""
    return re.sub(r"[^\w ./{}()\[\]\"':+*=,;?&#$%|!-]", "?", text)[:200]


@frozen
class Element:
    """An operation, parameter, body, response, field or server.

    Attributes:
        operation: The method and path shape of its operation; empty if it belongs to all.
        kind: What it is.
        name: Its name within the operation.
        contract: What a user's code depends on, by trait.
        description: What only people read.
        model: The generated class that a field belongs to.
    """

    operation: str
    kind: str
    name: str = field(converter=plain)
    contract: Json
    description: Json = field(factory=dict)
    model: str = ""

    @property
    def key(self) -> Key:
        """What identifies the element in other documents."""
        return self.operation, self.kind, self.name


def flatten(document: Json) -> dict[Key, Element]:
    """Return the elements of an extracted or corrected document."""
    found: dict[Key, Element] = {}
    for element in _elements(document):
        found.setdefault(element.key, element)
    return found


def operation_id(path: str, method: str, operation: Json) -> str:
    """Return the operation's id, or method and path if it has none."""
    return plain(str(operation.get("operationId", f"{method} {path}")))


def operation_key(path: str, method: str) -> str:
    """Return what identifies an operation in all documents."""
    return f"{method.upper()} {shape(path)}"


def _elements(document: Json) -> Iterator[Element]:
    common = [str(as_map(server).get("url")) for server in as_list(document.get("servers"))]
    for url in common:
        yield Element("", "server", url, {})
    for path, method, operation in operations(document):
        key = operation_key(path, method)
        servers = [str(as_map(each).get("url")) for each in as_list(operation.get("servers"))]
        contract = {
            "id": operation_id(path, method, operation),
            "path": path,
            "security": _security(document, operation),
            "servers": servers if not {*servers} & {*common[:1]} else [],
            "deprecated": operation.get("deprecated") is True,
        }
        yield Element(key, "operation", "", contract, _texts(operation, "summary", "description"))
        for parameter in map(as_map, as_list(operation.get("parameters"))):
            yield _parameter(document, key, parameter)
        body = as_map(operation.get("requestBody"))
        if body:
            required = {"required": body.get("required") is True}
            yield Element(key, "body", "", required, _texts(body, "description"))
            yield from _Fields(document, key, "body field").of(body, "")
        for status, unresolved in as_map(operation.get("responses")).items():
            response = response_of(document, unresolved)
            yield Element(key, "response", status, {"media types": sorted(as_map(response.get("content")))})
            fields = _Fields(document, key, "field").of(response, f"{status} ")
            yield from fields if status.startswith("2") else map(_of_errors, fields)


def response_of(document: Json, response: Any) -> Json:
    """Return the response, or the component that it refers to."""
    name = str(as_map(response).get("$ref", "")).removeprefix("#/components/responses/")
    components = as_map(as_map(document.get("components")).get("responses"))
    return as_map(components.get(name)) if name else as_map(response)


def _security(document: Json, operation: Json) -> list[str]:
    """Return the accepted ways to authenticate, by what is sent, since the names of the schemes do not matter."""
    schemes = as_map(as_map(document.get("components")).get("securitySchemes"))
    ways = map(as_map, as_list(operation.get("security")))
    return sorted({" and ".join(sorted(_sent(as_map(schemes.get(name))) for name in way)) or "nothing" for way in ways})


def _sent(scheme: Json) -> str:
    kind, name = str(scheme.get("type")), str(scheme.get("scheme")).lower()
    if kind == "http" and name in {"basic", "bearer"}:
        return name
    if kind == "http":  # a scheme of the publisher's own, which an API key can describe too
        return "Authorization header"
    return f"{scheme.get('name')} {scheme.get('in')}" if kind == "apiKey" else kind


def _texts(holder: Json, *names: str) -> Json:
    return {name: holder[name] for name in names if name in holder}


def _schema(document: Json, schema: Any) -> tuple[Json, str]:
    """Return a schema after its references, and the name of its generated class."""
    name = ""
    for _ in range(20):
        reference = SCHEMA.fullmatch(str(as_map(schema).get("$ref")))
        if not reference:
            break
        name = reference[1]
        schema = as_map(as_map(document.get("components")).get("schemas")).get(name)
    return as_map(schema), str(as_map(schema).get("title", name))


def _parameter(document: Json, operation: str, parameter: Json) -> Element:
    unresolved = parameter.get("schema", {})
    schema, _ = _schema(document, unresolved)
    contract = {"required": parameter.get("required") is True, **_value(document, unresolved)}
    contract["deprecated"] = parameter.get("deprecated") is True or contract["deprecated"]
    description = {**_texts(schema, "description", "example"), **_texts(parameter, "description", "example")}
    name = f"{parameter.get('name')} in {parameter.get('in')}"
    return Element(operation, "parameter", name, contract, description)


def _value(document: Json, unresolved: Any) -> Json:
    schema, name = _schema(document, unresolved)
    kinds = schema.get("type")
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    found: Json = {
        "type": _type(document, unresolved),
        "format": schema.get("format"),
        "nullable": schema.get("nullable") is True or "null" in as_list(kinds),
        "deprecated": schema.get("deprecated") is True,
        "default": json.dumps(schema["default"]) if "default" in schema else None,
        "values": None,
        "class": name if schema.keys() & {"properties", "enum"} else "",
    }
    if isinstance(values, list):
        found["values"] = sorted({json.dumps(value) for value in values if value is not None})
    return found


def _type(document: Json, unresolved: Any, depth: int = 0) -> str:
    schema, _ = _schema(document, unresolved)
    for keyword in ("allOf", "oneOf", "anyOf"):
        if as_list(schema.get(keyword)) and depth < _MAX_DEPTH:
            parts = sorted({_type(document, each, depth + 1) for each in schema[keyword]})
            return (" and " if keyword == "allOf" else " or ").join(parts)
    kinds = schema.get("type", "object" if "properties" in schema else "anything")
    names = sorted(str(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null")
    if names == ["array"] and depth < _MAX_DEPTH:
        return f"array of {_type(document, schema.get('items', {}), depth + 1)}"
    return " or ".join(names)


@frozen
class _Fields:
    """The fields of the bodies or responses of one operation."""

    document: Json
    operation: str
    kind: str

    def of(self, holder: Json, place: str) -> Iterator[Element]:
        for medium in as_map(holder.get("content")).values():
            yield from self._within(as_map(medium).get("schema"), place, ())

    def _within(self, unresolved: Any, place: str, seen: tuple[int, ...]) -> Iterator[Element]:
        schema, model = _schema(self.document, unresolved)
        if id(schema) in seen:
            return
        seen = (*seen, id(schema))
        for keyword in ("allOf", "oneOf", "anyOf"):
            for each in as_list(schema.get(keyword)):
                yield from self._within(each, place, seen)
        if "items" in schema:
            yield from self._within(schema["items"], f"{place}[].", seen)
        for name, each in as_map(schema.get("properties")).items():
            found, _ = _schema(self.document, each)
            contract = {"required": name in as_list(schema.get("required")), **_value(self.document, each)}
            contract["model"] = model
            description = _texts(found, "description", "example")
            yield Element(self.operation, self.kind, f"{place}{name}", contract, description, model)
            yield from self._within(each, f"{place}{name}.", seen)


def _of_errors(element: Element) -> Element:
    """Return a field of an error as one that all operations and statuses share, since one code reads them all."""
    return evolve(element, operation="", kind="error field", name=element.name.partition(" ")[2])
