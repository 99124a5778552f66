"""Validates a document against the OpenAPI specification."""

import os
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from scripts.openapi import SpecError
from scripts.openapi.limits import time_limit
from scripts.openapi.refs import Json, as_list, as_map, pointer

# The other backend, written in Rust, does not say which part of a `oneOf` failed, and where.
os.environ["OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND"] = "jsonschema"
_MAX_MESSAGE = 300


def validate(document: Json, seconds: float) -> None:
    """Raise SpecError with every finding and its JSON pointer."""
    kind = OpenAPIV31SpecValidator if document["openapi"].startswith("3.1") else OpenAPIV30SpecValidator
    found = _circular(document)
    with time_limit(seconds, "the validation"):
        try:
            for error in () if found else kind(document).iter_errors():
                found.append(_line(error))
        except SpecError:
            raise
        except Exception as error:  # noqa: BLE001 - after such findings the library may crash in several ways
            found = found or [f"#: the validator failed: {type(error).__name__}: {str(error)[:_MAX_MESSAGE]}"]
    if found:
        raise SpecError("\n".join(["the corrected document is not valid OpenAPI:", *dict.fromkeys(found)]))


def _line(error: Any) -> str:
    """Return the pointer and the message of the most specific part of the error."""
    while error.context:
        parts = [each for each in error.context if "'$ref'" not in each.message]
        error = max(parts or error.context, key=lambda each: len(each.absolute_path))
    return f"{pointer('#', *error.absolute_path)}: {error.message[:_MAX_MESSAGE]}"


def _circular(document: Json) -> list[str]:
    """Find schemas that contain themselves through `allOf`, which no value satisfies and no library expects."""
    schemas = as_map(as_map(document.get("components")).get("schemas"))
    parts = {name: _all_of(schema) for name, schema in schemas.items()}
    found = []
    for name, direct in parts.items():
        reached, waiting = set(), [*direct]
        while waiting:
            part = waiting.pop()
            if part not in reached:
                reached.add(part)
                waiting += parts.get(part, ())
        if name in reached:
            found.append(f"#/components/schemas/{name}: the schema contains itself through `allOf` or `$ref`")
    return found


def _all_of(schema: Any) -> list[str]:
    """Return the components that every value of the schema must be valid against."""
    reference = str(as_map(schema).get("$ref", "")).removeprefix("#/components/schemas/")
    return [reference, *(name for each in as_list(as_map(schema).get("allOf")) for name in _all_of(each))]
