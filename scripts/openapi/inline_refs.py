"""Puts schemas in the place of references to them while a document is searched and changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripts.openapi.refs import SCHEMA, Json, as_map


@contextmanager
def inlined_refs(document: Json) -> Iterator[None]:
    """Inline the references to schemas. Afterwards, restore those that are still there.

    A path then leads through a reference as if the schema were written out, and a change affects every user of it.
    """
    schemas = as_map(as_map(document.get("components")).get("schemas"))
    links = list(_links(document, schemas))
    for container, key, _, schema in links:
        container[key] = schema
    try:
        yield
    finally:
        for container, key, reference, schema in links:
            # Removed or replaced values are no longer references. In a list the index may have changed.
            keys = list(range(len(container))) if isinstance(container, list) else [key]
            for each in keys:
                if (each in container or isinstance(container, list)) and container[each] is schema:
                    container[each] = reference
                    break


def _links(node: Any, schemas: Json) -> Iterator[tuple[Any, Any, Json, Json]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        name = SCHEMA.fullmatch(str(child.get("$ref"))) if isinstance(child, dict) else None
        if name and isinstance(schemas.get(name[1]), dict):
            yield node, key, child, schemas[name[1]]
        else:
            yield from _links(child, schemas)
