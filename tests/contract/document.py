"""What openapi/reporting.yaml promises, read from it, so that the tests follow it."""

from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from attrs import field, frozen

DOCUMENT = Path(__file__).parents[2] / "openapi" / "reporting.yaml"
_CONTENT = yaml.safe_load(DOCUMENT.read_text("utf-8"))
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@frozen
class Operation:
    """One operation, with its documented examples.

    Attributes:
        method: The HTTP method, in capitals.
        path: The path's template.
        path_arguments: The examples of the path parameters.
        query: The examples of the query parameters.
        result: The example of a 200.
    """

    method: str
    path: str
    path_arguments: dict[str, str]
    query: dict[str, str]
    result: dict[str, Any]

    @property
    def arguments(self) -> dict[str, str]:
        return {**self.path_arguments, **self.query}


@frozen
class DocumentedError:
    """One named example of an error response, of the first operation that has it."""

    operation: str = field(eq=False)
    status: int
    name: str
    body: dict[str, Any]
    retry_after: float | None

    def __str__(self) -> str:
        return f"{self.status}-{self.name}"


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = reduce(lambda found, key: found[key], node["$ref"].removeprefix("#/").split("/"), _CONTENT)
    return node


def _json(response: dict[str, Any]) -> dict[str, Any]:
    return _resolved(response)["content"]["application/json"]


def _parameters(operation: dict[str, Any], place: str) -> dict[str, str]:
    parameters = [_resolved(parameter) for parameter in operation["parameters"]]
    return {
        parameter["name"]: parameter.get("example", parameter["schema"].get("example"))
        for parameter in parameters
        if parameter["in"] == place
    }


def _operation(path: str, method: str, operation: dict[str, Any]) -> Operation:
    properties = _resolved(_json(operation["responses"]["200"])["schema"])["properties"]
    return Operation(
        method=method.upper(),
        path=path,
        path_arguments=_parameters(operation, "path"),
        query=_parameters(operation, "query"),
        result={name: _resolved(schema)["example"] for name, schema in properties.items()},
    )


def _errors(operation: dict[str, Any]) -> list[DocumentedError]:
    # An error response without a named example fails here: nothing would be known of it.
    return [
        DocumentedError(operation["operationId"], int(status), name, example["value"], _retry_after(response))
        for status, response in operation["responses"].items()
        if status != "200"
        for name, example in _json(response)["examples"].items()
    ]


def _retry_after(response: dict[str, Any]) -> float | None:
    header = _resolved(response).get("headers", {}).get("Retry-After")
    return None if header is None else float(header["example"])


_DOCUMENTED = [
    (path, method, operation)
    for path, item in _CONTENT["paths"].items()
    for method, operation in item.items()
    if method in _METHODS
]

SERVER: str = _CONTENT["servers"][0]["url"]
OPERATIONS = {operation["operationId"]: _operation(path, method, operation) for path, method, operation in _DOCUMENTED}
ERRORS: list[DocumentedError] = []
for _, _, _documented in _DOCUMENTED:
    ERRORS += [error for error in _errors(_documented) if error not in ERRORS]
