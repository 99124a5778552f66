"""What a document says to a user of the library, as a flat table that can be compared."""

import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve, field, frozen

from scripts.lib.spec.refs import SCHEMA, operations

_Json = dict[str, Any]
Key = tuple[str, str, str]


@frozen
class Fact:
    """One operation, parameter, answer, field or server.

    Attributes:
        operation: The id of the operation that it belongs to; empty where it belongs to all.
        kind: What it is.
        name: Which one.
        traits: What a user's code depends on.
        prose: What only people read.
        model: The generated class that a field is of.
    """

    operation: str
    kind: str
    name: str
    traits: _Json
    prose: _Json = field(factory=dict)
    model: str = ""

    @property
    def key(self) -> Key:
        """What makes it the same one in another document."""
        return self.operation, self.kind, self.name


def facts(document: _Json) -> dict[Key, Fact]:
    """Return the facts of a corrected document."""
    return {fact.key: fact for fact in _facts(document)}


def operation_id(path: str, method: str, operation: _Json) -> str:
    """Return the operation's id, or what stands for one."""
    return str(operation.get("operationId", f"{method} {path}"))


def _facts(document: _Json) -> Iterator[Fact]:
    for server in document["servers"]:
        yield Fact("", "server", server["url"], {})
    for path, method, operation in operations(document):
        name = operation_id(path, method, operation)
        security = sorted("+".join(sorted(each)) or "none" for each in operation.get("security", ()))
        yield Fact(
            operation=name,
            kind="operation",
            name="",
            traits={"call": f"{method.upper()} {path}", "security": security},
            prose=_picked(operation, "summary", "description", "deprecated"),
        )
        for parameter in operation.get("parameters", ()):
            yield _parameter(document, name, parameter)
        body = operation.get("requestBody", {})
        if body:
            yield Fact(name, "body", "", {"required": body.get("required", False)}, _picked(body, "description"))
            yield from _Fields(document, name, "body field").of(body, "")
        for status, unresolved in operation["responses"].items():
            answer = answer_of(document, unresolved)
            yield Fact(name, "answer", status, {"media types": sorted(answer.get("content", {}))})
            fields = _Fields(document, name, "field").of(answer, f"{status} ")
            yield from fields if status.startswith("2") else map(_of_class, fields)


def answer_of(document: _Json, answer: _Json) -> _Json:
    """Return the answer, or the shared one that it refers to."""
    reference = re.fullmatch(r"#/components/responses/(.+)", str(answer.get("$ref")))
    return document["components"]["responses"][reference[1]] if reference else answer


def _picked(holder: _Json, *names: str) -> _Json:
    return {name: holder[name] for name in names if name in holder}


def _schema(document: _Json, schema: Any) -> tuple[_Json, str]:
    """Return a schema behind its references, and the name of the class that is made of it."""
    name = ""
    for _ in range(20):
        reference = SCHEMA.fullmatch(str(schema.get("$ref"))) if isinstance(schema, dict) else None
        if not reference:
            break
        name, schema = reference[1], document["components"]["schemas"][reference[1]]
    found = schema if isinstance(schema, dict) else {}
    return found, str(found.get("title", name))


def _parameter(document: _Json, operation: str, parameter: _Json) -> Fact:
    schema, _ = _schema(document, parameter.get("schema", {}))
    traits = {"required": parameter.get("required", False), **_traits(document, parameter.get("schema", {}))}
    prose = {**_picked(schema, "description", "example"), **_picked(parameter, "description", "example", "deprecated")}
    return Fact(operation, "parameter", f"{parameter['name']} in {parameter['in']}", traits, prose)


def _traits(document: _Json, unresolved: Any) -> _Json:
    schema, name = _schema(document, unresolved)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    found: _Json = {"type": _type(document, unresolved)}
    if values is not None:
        found["values"] = sorted(json.dumps(value) for value in values if value is not None)
        found["type"] = f"one of {name}" if name else "one of a set"
    if "default" in schema:
        found["default"] = json.dumps(schema["default"])
    return {**found, "nullable": _nullable(schema)}


def _nullable(schema: _Json) -> bool:
    kinds = schema.get("type")
    return schema.get("nullable") is True or (isinstance(kinds, list) and "null" in kinds)


def _type(document: _Json, unresolved: Any, depth: int = 0) -> str:
    schema, name = _schema(document, unresolved)
    for keyword in ("allOf", "oneOf", "anyOf"):
        if schema.get(keyword) and depth < 5:  # noqa: PLR2004 - deeper ones go by their outer form
            parts = sorted({_type(document, each, depth + 1) for each in schema[keyword]})
            return (" and " if keyword == "allOf" else " or ").join(parts)
    kinds = schema.get("type", "object" if "properties" in schema else "anything")
    kinds = sorted(kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null")
    if kinds == ["object"] and name:
        return name
    text = " or ".join(kinds)
    return f"{text} ({schema['format']})" if "format" in schema else text


@frozen
class _Fields:
    """The fields of one operation's bodies or answers."""

    document: _Json
    operation: str
    kind: str

    def of(self, holder: _Json, place: str) -> Iterator[Fact]:
        for medium in holder.get("content", {}).values():
            yield from self._within(medium.get("schema", {}), place, ())

    def _within(self, unresolved: Any, place: str, seen: tuple[int, ...]) -> Iterator[Fact]:
        schema, model = _schema(self.document, unresolved)
        if id(schema) in seen:
            return
        seen = (*seen, id(schema))
        for keyword in ("allOf", "oneOf", "anyOf"):
            for each in schema.get(keyword, ()):
                yield from self._within(each, place, seen)
        if "items" in schema:
            yield from self._within(schema["items"], f"{place}[].", seen)
        for name, unresolved_field in schema.get("properties", {}).items():
            found, _ = _schema(self.document, unresolved_field)
            required = name in schema.get("required", ())
            traits = {"required": required, **_traits(self.document, unresolved_field), "class": model}
            prose = _picked(found, "description", "example")
            yield Fact(self.operation, self.kind, f"{place}{name}", traits, prose, model)
            yield from self._within(unresolved_field, f"{place}{name}.", seen)


def _of_class(fact: Fact) -> Fact:
    """Return a field of an error as one of its class, which many answers share."""
    name = fact.name.rpartition(" ")[2].rpartition(".")[2]
    return evolve(fact, operation="", kind="error field", name=f"{fact.model}.{name}") if fact.model else fact
