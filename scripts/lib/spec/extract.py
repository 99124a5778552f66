"""Takes one tag out of the publisher's document, in the form that the overlay speaks of.

That form is the same however the document was written: each operation has its own parameters, answers and security, and
none of them is a reference; schemas stay references to components. What neither the generator nor the contract tests
read is left out: extensions, links, callbacks, and whatever only other tags use.
"""

import copy
import re
from typing import Any

from attrs import frozen

from scripts.lib.spec import SpecError
from scripts.lib.spec.clean import cleaned
from scripts.lib.spec.refs import METHODS, SCHEMA, contents, lookup, operations, resolved, roots, subschemas

TAG = "Call Report"
_KEPT = ("summary", "description", "operationId", "deprecated")
_MOST_WRITTEN_OUT = 100
_Json = dict[str, Any]


@frozen
class Extract:
    """The part of a document, with what its reader should know.

    Attributes:
        document: An OpenAPI document of the tag's operations and what they use.
        notes: What could not be kept, for people.
    """

    document: _Json
    notes: list[str]


def extract(whole: _Json) -> Extract:
    """Return the tag's part of the document. Raises SpecError where there is none, or it cannot be trusted."""
    version = str(whole.get("openapi", ""))
    if not re.fullmatch(r"3\.[01](\.\d+)?", version):
        raise SpecError(f"it is not an OpenAPI 3.0 or 3.1 document: `openapi` is {version[:40]!r}")
    found, tags = _tagged(whole)
    if not found:
        raise SpecError(f"no operation has the tag {TAG!r}; there are: {', '.join(sorted(tags)) or 'none'}")
    servers, notes = _servers(found)
    paths: _Json = {}
    for path, method, operation, _ in found:
        paths.setdefault(path, {})[method] = operation
    document: _Json = {
        "openapi": version,
        "info": {key: str(_object(whole, "info").get(key, "unknown")) for key in ("title", "version")},
        "servers": servers,
        "tags": [_tag(whole)],
        "paths": paths,
        "components": {},
    }
    document["components"] = _components(whole, document)
    return Extract(cleaned(document), notes)


def _object(holder: _Json, key: str) -> _Json:
    value = holder.get(key, {})
    if not isinstance(value, dict):
        raise SpecError(f"`{key}` is not a mapping")
    return value


def _list(holder: _Json, key: str) -> list[Any]:
    value = holder.get(key, [])
    if not isinstance(value, list):
        raise SpecError(f"`{key}` is not a list")
    return value


def _is_tag(name: object) -> bool:
    return re.sub(r"[\s_-]+", " ", str(name)).strip().casefold() == TAG.casefold()


def _tag(whole: _Json) -> _Json:
    described = next((tag for tag in _list(whole, "tags") if isinstance(tag, dict) and _is_tag(tag.get("name"))), {})
    return {"name": TAG, **{key: described[key] for key in ("description",) if key in described}}


def _tagged(whole: _Json) -> tuple[list[tuple[str, str, _Json, Any]], set[str]]:
    """Return path, method, operation and servers of each operation with the tag, and the names of all tags."""
    found = []
    tags: set[str] = set()
    for path, unresolved in _object(whole, "paths").items():
        if path.startswith("x-"):
            continue
        item = resolved(whole, unresolved) if isinstance(unresolved, dict) else {}
        for method in METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            names = _list(operation, "tags")
            tags |= {str(name)[:60] for name in names}
            if any(map(_is_tag, names)):
                servers = operation.get("servers") or item.get("servers") or whole.get("servers")
                found.append((path, method, _operation(whole, item, operation), servers))
    return found, tags


def _operation(whole: _Json, item: _Json, operation: _Json) -> _Json:
    made: _Json = {"tags": [TAG], **{key: operation[key] for key in _KEPT if key in operation}}
    security = operation.get("security", whole.get("security"))
    if security is not None:
        made["security"] = copy.deepcopy(security)
    parameters: dict[tuple[object, object], _Json] = {}
    for unresolved in _list(item, "parameters") + _list(operation, "parameters"):
        parameter = _holder(whole, unresolved)
        parameters[parameter.get("name"), parameter.get("in")] = parameter
    if parameters:
        made["parameters"] = list(parameters.values())
    if "requestBody" in operation:
        made["requestBody"] = _holder(whole, operation["requestBody"])
    responses = _object(operation, "responses")
    made["responses"] = {
        status: _holder(whole, answer) for status, answer in responses.items() if not status.startswith("x-")
    }
    return made


def _holder(whole: _Json, unresolved: Any) -> _Json:
    """Return a parameter, body, header or answer without references but in its schemas."""
    holder = resolved(whole, unresolved)
    if not isinstance(holder, dict):
        raise SpecError("a parameter, body, header or answer is not a mapping")
    holder.pop("links", None)
    if "headers" in holder:
        holder["headers"] = {name: _holder(whole, each) for name, each in _object(holder, "headers").items()}
    if "content" in holder:
        holder["content"] = {_media_type(name): medium for name, medium in contents(holder)}
    for each in (holder, *(medium for _, medium in contents(holder))):
        if not isinstance(each, dict):
            raise SpecError("the content of a body or an answer is not a mapping")
        if isinstance(each.get("examples"), dict):
            each["examples"] = {name: resolved(whole, example) for name, example in each["examples"].items()}
    return holder


def _media_type(name: str) -> str:
    return name.partition(";")[0].strip().lower()


def _servers(found: list[tuple[str, str, _Json, Any]]) -> tuple[list[_Json], list[str]]:
    """Return the servers of most operations; an operation with others keeps its own."""
    for *_, servers in found:
        for server in servers if isinstance(servers, list) else ():
            if isinstance(server, dict):
                server["url"] = str(server.get("url")).rstrip("/")
    every = [servers for *_, servers in found if isinstance(servers, list) and servers]
    if not every:
        raise SpecError(f"the operations of {TAG!r} have no server")
    common = max(every, key=every.count)
    notes = []
    for path, method, operation, servers in found:
        if servers != common:
            operation["servers"] = servers
            notes.append(f"`{method.upper()} {path}` has another server than the rest; the client calls only theirs")
    return common, notes


def _components(whole: _Json, document: _Json) -> _Json:
    """Return the schemas and security schemes that the document uses, its other references written out."""
    schemas: _Json = {}
    waiting = list(roots(document))
    while waiting:
        for name in _settled(whole, waiting.pop()):
            if name not in schemas:
                schemas[name] = copy.deepcopy(_object(_object(whole, "components"), "schemas")[name])
                waiting.append(schemas[name])
    schemes = _object(_object(whole, "components"), "securitySchemes")
    asked = {
        name for _, _, operation in operations(document) for each in operation.get("security", ()) for name in each
    }
    missing = asked - schemes.keys()
    if missing:
        raise SpecError(f"no security scheme is called: {', '.join(sorted(missing))[:200]}")
    kept = {name: resolved(whole, scheme) for name, scheme in schemes.items() if name in asked}
    return {key: value for key, value in (("securitySchemes", kept), ("schemas", schemas)) if value}


def _settled(whole: _Json, root: Any) -> list[str]:
    """Return the components that the schema refers to; write out what it refers to elsewhere, in place."""
    names = []
    written = 0
    for _, schema in subschemas(root):
        while "$ref" in schema:
            reference = schema["$ref"]
            target = lookup(whole, reference)
            component = SCHEMA.fullmatch(reference)
            if component:
                names.append(component[1])
                break
            written += 1
            if written > _MOST_WRITTEN_OUT:
                raise SpecError(f"the reference {reference!r} leads to itself, or too far")
            schema.clear()
            schema.update(copy.deepcopy(target) if isinstance(target, dict) else {})
        names += _mapped(schema)
    return names


def _mapped(schema: _Json) -> list[str]:
    """Return the components that a discriminator names."""
    discriminator = schema.get("discriminator")
    mapping = discriminator.get("mapping", {}) if isinstance(discriminator, dict) else {}
    names = [SCHEMA.fullmatch(str(reference)) for reference in mapping.values()]
    if not all(names):
        raise SpecError("a discriminator maps to something else than the document's schemas")
    return [name[1] for name in names if name]
