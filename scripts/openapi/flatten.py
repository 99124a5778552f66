"""Flattens a document into the elements that a user's code depends on, so that two documents can be compared."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from scripts.openapi.extract import shape
from scripts.openapi.refs import Json, as_list, as_map, operations

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
    """

    operation: str
    kind: str
    name: str = field(converter=plain)
    contract: Json
    description: Json = field(factory=dict)

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
        key, flat = operation_key(path, method), _Flattener(document)
        servers = [str(as_map(each).get("url")) for each in as_list(operation.get("servers"))]
        contract = {
            "id": operation_id(path, method, operation),
            "path": path,
            "security": flat.security(operation),
            "servers": servers if not {*servers} & {*common[:1]} else [],
            "deprecated": operation.get("deprecated") is True,
        }
        yield Element(key, "operation", "", contract, _texts(operation, "summary", "description"))
        for parameter in map(as_map, as_list(operation.get("parameters"))):
            yield flat.parameter(key, parameter)
        if body := as_map(operation.get("requestBody")):
            yield Element(key, "body", "", {"required": body.get("required") is True}, _texts(body, "description"))
            for name, contract, texts in flat.fields(body):
                yield Element(key, "body field", name, contract, texts)
        for status, unresolved in as_map(operation.get("responses")).items():
            response, _ = flat.target("responses", unresolved)
            yield Element(key, "response", status, {"media types": sorted(as_map(response.get("content")))})
            for name, contract, texts in flat.fields(response):
                if status.startswith("2"):
                    yield Element(key, "field", f"{status} {name}", contract, texts)
                else:  # the same code reads the errors of all operations
                    yield Element("", "error field", name, contract, texts)


def _texts(holder: Json, *names: str) -> Json:
    return {name: holder[name] for name in names if name in holder}


class _Flattener:
    def __init__(self, document: Json) -> None:
        self._components = as_map(document.get("components"))

    def target(self, kind: str, node: Any) -> tuple[Json, str]:
        """Return the node after its references to components of the kind, and the name of the last component."""
        name = ""
        for _ in range(20):
            reference = str(as_map(node).get("$ref", ""))
            if not reference.startswith(f"#/components/{kind}/"):
                break
            name = reference.rpartition("/")[2]
            node = as_map(self._components.get(kind)).get(name)
        return as_map(node), name

    def security(self, operation: Json) -> list[str]:
        """Return the accepted ways to authenticate, by what is sent, since the names of the schemes do not matter."""
        schemes = as_map(self._components.get("securitySchemes"))
        ways = map(as_map, as_list(operation.get("security")))
        return sorted(
            {" and ".join(sorted(_sent(as_map(schemes.get(name))) for name in way)) or "nothing" for way in ways}
        )

    def parameter(self, operation: str, parameter: Json) -> Element:
        contract, texts = self._value(parameter.get("schema", {}))
        contract |= {"required": parameter.get("required") is True}
        contract["deprecated"] |= parameter.get("deprecated") is True
        texts |= _texts(parameter, "description", "example")
        return Element(operation, "parameter", f"{parameter.get('name')} in {parameter.get('in')}", contract, texts)

    def fields(self, holder: Json) -> Iterator[tuple[str, Json, Json]]:
        """Yield the name, contract and texts of each field of a body or response."""
        for medium in as_map(holder.get("content")).values():
            yield from self._fields(as_map(medium).get("schema"), "", ())

    def _fields(self, unresolved: Any, place: str, seen: tuple[int, ...]) -> Iterator[tuple[str, Json, Json]]:
        schema, name = self.target("schemas", unresolved)
        if id(schema) in seen:
            return
        seen = (*seen, id(schema))
        for keyword in ("allOf", "oneOf", "anyOf"):
            for each in as_list(schema.get(keyword)):
                yield from self._fields(each, place, seen)
        if "items" in schema:
            yield from self._fields(schema["items"], f"{place}[].", seen)
        for field_name, each in as_map(schema.get("properties")).items():
            contract, texts = self._value(each)
            required = field_name in as_list(schema.get("required"))
            contract |= {"required": required, "model": str(schema.get("title", name))}
            yield f"{place}{field_name}", contract, texts
            yield from self._fields(each, f"{place}{field_name}.", seen)

    def _value(self, unresolved: Any) -> tuple[Json, Json]:
        """Return the contract and the texts of a value with the schema."""
        schema, name = self.target("schemas", unresolved)
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        contract = {
            "type": self._type(unresolved),
            "format": schema.get("format"),
            "nullable": schema.get("nullable") is True or "null" in as_list(schema.get("type")),
            "deprecated": schema.get("deprecated") is True,
            "default": json.dumps(schema["default"]) if "default" in schema else None,
            "values": sorted({json.dumps(each) for each in as_list(values) if each is not None}) if values else None,
            "class": str(schema.get("title", name)) if schema.keys() & {"properties", "enum"} else "",
        }
        return contract, _texts(schema, "description", "example")

    def _type(self, unresolved: Any, depth: int = 0) -> str:
        schema, _ = self.target("schemas", unresolved)
        for keyword in ("allOf", "oneOf", "anyOf"):
            if as_list(schema.get(keyword)) and depth < _MAX_DEPTH:
                parts = sorted({self._type(each, depth + 1) for each in schema[keyword]})
                return (" and " if keyword == "allOf" else " or ").join(parts)
        kinds = schema.get("type", "object" if "properties" in schema else "anything")
        names = sorted(str(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null")
        if names == ["array"] and depth < _MAX_DEPTH:
            return f"array of {self._type(schema.get('items', {}), depth + 1)}"
        return " or ".join(names)


def _sent(scheme: Json) -> str:
    kind, name = str(scheme.get("type", "undeclared")), str(scheme.get("scheme")).lower()
    if kind == "http" and name in {"basic", "bearer"}:
        return name
    if kind == "http":  # a scheme of the publisher's own, which an API key can describe too
        return "Authorization header"
    return f"{scheme.get('name')} {scheme.get('in')}" if kind == "apiKey" else kind
