"""Gives each class one schema: the generator refuses a document in which two schemas would make the same class."""

import copy
import re
from typing import Any

from scripts.lib.spec.refs import operations, subschemas

_PROSE = ("description", "example", "examples")


def settle_titles(document: dict[str, Any]) -> None:
    """Make equal schemas of the same title one component, and take the title from others that would clash.

    An answer that operations share, written out in each, is the usual case. Answers of success come first.
    """
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    keys = {_class_name(_title(schema) or key): key for key, schema in schemas.items()}
    for name, found in _titled(document).items():
        if name not in keys and len(found) == 1:
            continue
        if name not in keys:
            keys[name] = re.sub(r"[^A-Za-z0-9._-]", "", found[0]["title"])
            schemas[keys[name]] = copy.deepcopy(found[0])
        shared = _shape(schemas[keys[name]])
        for schema in found:
            if _shape(schema) == shared:
                schema.clear()
                schema["$ref"] = f"#/components/schemas/{keys[name]}"
            else:
                del schema["title"]


def _titled(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    answers = [
        (not status.startswith("2"), answer)
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for _, answer in sorted(answers, key=lambda each: each[0]):
        for medium in answer.get("content", {}).values():
            for _, schema in subschemas(medium.get("schema")):
                if _title(schema) and ("properties" in schema or "enum" in schema):
                    found.setdefault(_class_name(schema["title"]), []).append(schema)
    return found


def _title(schema: Any) -> str | None:
    return schema.get("title") if isinstance(schema, dict) else None


def _class_name(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", title).casefold()


def _shape(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_shape(each) for each in schema]
    if isinstance(schema, dict):
        kept = {key: each for key, each in schema.items() if key not in _PROSE or isinstance(each, dict)}
        return {key: _shape(each) for key, each in kept.items() if key != "title"}
    return schema
