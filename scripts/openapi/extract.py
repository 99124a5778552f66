"""Extracts the Call Report operations from the publisher's document, in a normal form.

The normal form does not depend on how the document is written: each operation has its own parameters, responses and
security, without references; schemas stay references to components. Everything that neither the generator nor the
contract tests read is dropped: extensions, links, callbacks, other operations and their components.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from scripts.openapi import SpecError
from scripts.openapi.refs import (
    METHODS,
    SCHEMA,
    Json,
    as_list,
    as_map,
    lookup,
    operations,
    references,
    resolve,
    schemas_of,
)
from scripts.openapi.sanitize import clean

TAG = "Call Report"
_KEPT = ("summary", "description", "operationId", "deprecated")
# OpenAPI 3.0.3, section 4.7.12.2: the definitions of header parameters with these names are ignored.
_IGNORED_HEADERS = {"accept", "content-type", "authorization"}
_MAX_INLINED = 100


@frozen
class Extract:
    """The extracted part of a document.

    Attributes:
        document: An OpenAPI document of the operations and what they use.
        missing: The known operations that the document no longer has, as method and path.
        notes: Facts for the reviewer that the document cannot express.
    """

    document: Json
    missing: list[str]
    notes: list[str]


def extract(whole: Json, known: Json) -> Extract:
    """Return the operations with the tag, and those that `known`, an earlier extract, has. Raises SpecError."""
    version = str(whole.get("openapi", ""))
    if not re.fullmatch(r"3\.[01](\.\d+)?", version):
        raise SpecError(f"this is not an OpenAPI 3.0 or 3.1 document: `openapi` is {version[:40]!r}")
    if not as_map(whole.get("paths")) or not as_map(whole.get("info")):
        raise SpecError("the document has no `paths` or no `info`; the download may be incomplete")
    found, missing, notes = _select(whole, known)
    servers = _common_servers(found, notes)
    paths: Json = {}
    for path, method, operation in found:
        paths.setdefault(path, {})[method] = operation
    document: Json = {
        "openapi": version,
        "info": {key: str(whole["info"].get(key, "unknown")) for key in ("title", "version")},
        "servers": servers,
        "tags": [_tag(whole)],
        "paths": paths,
        "components": {},
    }
    document["components"] = _components(whole, document)
    dangling = _dangling(whole)
    if missing and dangling:
        raise SpecError(f"the document is incomplete: {', '.join(missing)} missing, and {dangling[0]}")
    return Extract(clean(document), missing, notes + dangling)


def shape(path: str) -> str:
    """Return the path without the names of its parameters."""
    return re.sub(r"{[^}]*}", "{}", path)


def _select(whole: Json, known: Json) -> tuple[list[tuple[str, str, Json]], list[str], list[str]]:
    """Return the operations as path, method and operation, the known ones that are missing, and notes."""
    by_path = {(method, shape(path)): f"{method.upper()} {path}" for path, method, _ in operations(known)}
    by_id = {
        str(each["operationId"]): f"{method.upper()} {path}"
        for path, method, each in operations(known)
        if "operationId" in each
    }
    found, notes, seen = [], [], set()
    for path, unresolved in as_map(whole["paths"]).items():
        item = as_map(resolve(whole, unresolved)) if not path.startswith("x-") else {}
        for method, operation in ((method, item.get(method)) for method in METHODS):
            if not isinstance(operation, dict):
                continue
            name = by_path.get((method, shape(path))) or by_id.get(str(operation.get("operationId")))
            tagged = any(map(_is_tag, as_list(operation.get("tags"))))
            if name and not tagged:
                notes.append(f"`{name}` does not have the tag `{TAG}`; it was found by its path or operation id")
            if name or tagged:
                seen.add(name)
                found.append((path, method, _operation(whole, item, operation)))
    return found, [name for name in by_path.values() if name not in seen], notes


def _is_tag(name: object) -> bool:
    return re.sub(r"[\s_-]+", " ", str(name)).strip().casefold() == TAG.casefold()


def _tag(whole: Json) -> Json:
    described: Json = next((tag for tag in as_list(whole.get("tags")) if _is_tag(as_map(tag).get("name"))), {})
    return {"name": TAG, **{key: described[key] for key in ("description",) if key in described}}


def _operation(whole: Json, item: Json, operation: Json) -> Json:
    made: Json = {"tags": [TAG], **{key: operation[key] for key in _KEPT if key in operation}}
    if "security" in operation or "security" in whole:
        made["security"] = copy.deepcopy(operation.get("security", whole.get("security")))
    parameters: dict[tuple[str, str], Any] = {}
    for unresolved in as_list(item.get("parameters")) + as_list(operation.get("parameters")):
        parameter = _holder(whole, unresolved)
        name, place = str(as_map(parameter).get("name")), str(as_map(parameter).get("in"))
        if place != "header" or name.lower() not in _IGNORED_HEADERS:
            parameters[name, place] = parameter
    if parameters:
        made["parameters"] = list(parameters.values())
    if "requestBody" in operation:
        made["requestBody"] = _holder(whole, operation["requestBody"])
    responses = operation.get("responses", {})
    made["responses"] = (
        {status: _holder(whole, each) for status, each in responses.items() if not status.startswith("x-")}
        if isinstance(responses, dict)
        else responses
    )
    made["servers"] = operation.get("servers") or item.get("servers") or whole.get("servers")
    return made


def _holder(whole: Json, unresolved: Any) -> Any:
    """Return a parameter, body, header or response without references, except in its schemas."""
    holder = resolve(whole, unresolved)
    if not isinstance(holder, dict):
        return holder
    holder.pop("links", None)
    if isinstance(holder.get("headers"), dict):
        holder["headers"] = {name: _holder(whole, each) for name, each in holder["headers"].items()}
    if isinstance(holder.get("content"), dict):
        # Without parameters such as `charset`.
        holder["content"] = {name.partition(";")[0].strip().lower(): each for name, each in holder["content"].items()}
    for each in (holder, *as_map(holder.get("content")).values()):
        if isinstance(as_map(each).get("examples"), dict):
            each["examples"] = {name: resolve(whole, example) for name, example in each["examples"].items()}
    return holder


def _common_servers(found: list[tuple[str, str, Json]], notes: list[str]) -> list[Json]:
    """Return the servers of most operations. An operation with other servers keeps its own."""
    every = []
    for path, _, operation in found:
        listed = [_server(each) for each in as_list(operation.pop("servers"))]
        operation["servers"] = [each for n, each in enumerate(listed) if each not in listed[:n]]
        if not listed:
            raise SpecError(f"the operation {path} has no server")
        every.append(operation["servers"])
    common: list[Json] = max(every, key=every.count, default=[])
    for path, method, operation in found:
        if operation["servers"] == common:
            del operation["servers"]
        else:
            notes.append(f"`{method.upper()} {path}` has another server; the client calls only the common one")
    return common


def _server(server: Any) -> Json:
    """Return the server with the defaults of its variables filled in."""
    url = str(as_map(server).get("url")).rstrip("/")
    for name, variable in as_map(as_map(server).get("variables")).items():
        url = url.replace(f"{{{name}}}", str(as_map(variable).get("default")))
    return {"url": url, **{key: server[key] for key in ("description",) if key in as_map(server)}}


def _components(whole: Json, document: Json) -> Json:
    """Return the schemas and security schemes that the document uses; write out its other references."""
    schemas: Json = {}
    waiting: list[tuple[Any, str]] = [(document, "document")]
    while waiting:
        for place, schema in schemas_of(*waiting.pop()):
            for name in _inline(whole, schema, place):
                if name not in schemas:
                    schemas[name] = copy.deepcopy(lookup(whole, f"#/components/schemas/{name}"))
                    waiting.append((schemas[name], "schema"))
    used = {
        name
        for _, _, operation in operations(document)
        for each in as_list(operation.get("security"))
        for name in as_map(each)
    }
    # The linter finds those that are not declared.
    schemes = as_map(as_map(whole.get("components")).get("securitySchemes"))
    kept = {name: resolve(whole, scheme) for name, scheme in schemes.items() if name in used}
    return {key: value for key, value in (("securitySchemes", kept), ("schemas", schemas)) if value}


def _inline(whole: Json, schema: Json, place: str) -> Iterator[str]:
    """Yield the components that the schema itself refers to. Write out its references to other places."""
    _merge_single_all_of(whole, schema)
    for _ in range(_MAX_INLINED):
        component = SCHEMA.fullmatch(str(schema.get("$ref")))
        if component:
            yield component[1]
        if component or "$ref" not in schema:
            break
        target = copy.deepcopy(as_map(lookup(whole, schema["$ref"])))
        schema.clear()
        schema.update(target)
    else:
        raise SpecError(f"the reference {str(schema['$ref'])[:200]!r} leads to itself ({place[:200]})")
    for reference in as_map(as_map(schema.get("discriminator")).get("mapping")).values():
        component = SCHEMA.fullmatch(str(reference))
        if not component:
            raise SpecError(f"a discriminator maps to {str(reference)[:200]!r}, which is not a component schema")
        yield component[1]


def _merge_single_all_of(whole: Json, schema: Json) -> None:
    """Merge an `allOf` of one reference to a plain value: OpenAPI 3.0 needs it to add `nullable` or a description."""
    parts = as_list(schema.get("allOf"))
    target = as_map(resolve(whole, parts[0])) if len(parts) == 1 and "$ref" in as_map(parts[0]) else {}
    if target and not target.keys() & {"properties", "allOf", "oneOf", "anyOf", "items"}:
        siblings = {key: each for key, each in schema.items() if key != "allOf"}
        schema.clear()
        schema.update({**target, **siblings})


def _dangling(whole: Json) -> list[str]:
    """Return a note if references of other operations point to nothing, as in a truncated document."""
    lost = set()
    for reference in {each for each in references(whole) if each.startswith("#/")}:
        try:
            lookup(whole, reference)
        except SpecError:
            lost.add(reference)
    if not lost:
        return []
    return [f"{len(lost)} references point to nothing, such as `{min(lost)[:200]}`"]
