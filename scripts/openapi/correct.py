"""Makes the document that the client is generated from: the publisher's operations, simplified and corrected."""

import copy
import re
from typing import Any

from scripts.openapi.overlay import Failure, apply_overlay
from scripts.openapi.refs import Json, as_map, operations, remove_unused, schemas_of

# The generator would make other Python types of these, and refuse values in another form.
_PARSED_FORMATS = {"date", "date-time", "uuid"}


def correct(upstream: Json, overlay: Json) -> tuple[Json, list[Failure]]:
    """Return the corrected document, and the overlay actions that do not fit."""
    document, failures = apply_overlay(simplify(upstream), overlay)
    _drop_repeated_titles(document)
    remove_unused(document)
    return document, failures


def simplify(upstream: Json) -> Json:
    """Return a copy without what the client does not use: formats that it checks itself, and bodies other than JSON."""
    document = copy.deepcopy(upstream)
    for _, schema in schemas_of(document):
        if str(schema.get("format")) in _PARSED_FORMATS:
            del schema["format"]
    for _, _, operation in operations(document):
        for status, response in as_map(operation.get("responses")).items():
            content = as_map(as_map(response).get("content"))
            kept = [name for name in content if re.search(r"[/+]json$", name)][:1]
            if kept:
                response["content"] = {name: content[name] for name in kept}
            elif content and not status.startswith("2"):
                del response["content"]
    return document


def _drop_repeated_titles(document: Json) -> None:
    """Leave each title to the first schema that has it: the generator refuses two classes of the same name."""
    components = as_map(as_map(document.get("components")).get("schemas"))
    owners: dict[str, Any] = {}
    for name, schema in components.items():
        owners.setdefault(_class_name(as_map(schema).get("title", name)), schema)
    schemas = [schema for place, schema in schemas_of(document) if "title" in schema]
    for schema in sorted(schemas, key=lambda each: not (each.keys() & {"properties", "enum"})):
        if owners.setdefault(_class_name(schema["title"]), schema) is not schema:
            del schema["title"]


def _class_name(title: object) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", str(title)).casefold()
