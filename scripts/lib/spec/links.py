"""References in the shape of what they refer to, for as long as a document is searched and changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.lib.spec.refs import SCHEMA


@contextmanager
def linked(document: dict[str, Any]) -> Iterator[None]:
    """Put the schemas themselves in the place of the references to them; after, put back the references that are left.

    A path then leads through a reference as if the schema were written out, and a change reaches everyone who uses it.
    """
    schemas = document.get("components", {}).get("schemas", {})
    links = list(_links(document, schemas))
    for container, key, _, schema in links:
        container[key] = schema
    try:
        yield
    finally:
        for container, key, reference, schema in links:
            # What was taken out or replaced meanwhile is no link any more; in a list it may have moved.
            keys = list(range(len(container))) if isinstance(container, list) else [key]
            for each in keys:
                if (each in container or isinstance(container, list)) and container[each] is schema:
                    container[each] = reference
                    break


def _links(node: Any, schemas: dict[str, Any]) -> Iterator[tuple[Any, Any, dict[str, Any], dict[str, Any]]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        name = SCHEMA.fullmatch(str(child.get("$ref"))) if isinstance(child, dict) else None
        if name and isinstance(schemas.get(name[1]), dict):
            yield node, key, child, schemas[name[1]]
        else:
            yield from _links(child, schemas)
