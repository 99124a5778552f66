"""Reads untrusted YAML and JSON within limits, and writes YAML."""

import json
import re
from typing import Any, NoReturn

import yaml

from scripts.openapi import SpecError

MAX_DEPTH = 64
MAX_NODES = 200_000
_TOO_DEEP = f"the document is nested more than {MAX_DEPTH} levels deep"
_TOO_MANY = f"the document has more than {MAX_NODES} values, counting those behind aliases each time"


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core schema: `on`, `12:30` and a date are text. Without merge keys and duplicate keys."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as PyYAML has it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise SpecError(_TOO_DEEP if self._depth > MAX_DEPTH else _TOO_MANY)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                raise SpecError(f"line {line} has a merge key, or a key that is not text; OpenAPI has neither")
            if key.value in seen:
                raise SpecError(f"line {line} has the key {key.value[:100]!r} a second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes any text that YAML 1.1 or 1.2 reads as another type."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), [*"-+0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, [*"-+0123456789."])
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, [*"-+0123456789."])


def parse(data: bytes) -> dict[str, Any]:
    """Return the mapping in the YAML or JSON text. Its keys are text, and aliases are copies.

    Raises SpecError if the text is malformed, too deep or too large.
    """
    try:
        value = _Plain().convert(_load(data.decode("utf-8-sig")), 1)
    except UnicodeDecodeError as error:
        raise SpecError("the document is not UTF-8 text") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(f"the document is neither YAML nor JSON: {str(error)[:300]}") from error
    except RecursionError as error:
        raise SpecError(_TOO_DEEP) from error
    if not isinstance(value, dict):
        raise SpecError("the document is not a mapping")
    return value


def dump(document: dict[str, Any]) -> str:
    """Return the document as YAML."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def _load(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        except json.JSONDecodeError:
            pass  # YAML may begin with a brace too
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def _refuse_constant(name: str) -> NoReturn:
    raise SpecError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise SpecError(f"the key {next(key for key in names if names.count(key) > 1)[:100]!r} occurs twice")
    return found


class _Plain:
    """Converts to plain values. Each alias becomes a copy, up to the limit."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def convert(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise SpecError(_TOO_DEEP if depth > MAX_DEPTH else _TOO_MANY)
        if isinstance(value, dict):
            return {
                key if isinstance(key, str) else json.dumps(key): self.convert(each, depth + 1)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self.convert(each, depth + 1) for each in value]
        if value is None or isinstance(value, str | bool | int | float):
            return value
        raise SpecError(f"the document has a {type(value).__name__}, which JSON does not have")
