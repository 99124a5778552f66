"""Reads YAML and JSON that nobody vouches for, within limits, and writes YAML."""

import json
import re
from typing import Any, NoReturn

import yaml

from scripts.lib.spec import SpecError

MAX_DEPTH = 64
MAX_NODES = 200_000
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"
_TOO_MANY = f"it has more than {MAX_NODES} values, those behind aliases counted each time"


class _Loader(yaml.SafeLoader):
    """YAML by version 1.2's rules, in which `on`, `12:30` and a date are text, and without merge keys."""

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


class _Dumper(yaml.SafeDumper):
    """Quotes whatever a reader of YAML 1.1 or of 1.2 would take for another type than text."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), [*"-+0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, [*"-+0123456789."])
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, [*"-+0123456789."])


def parse(data: bytes) -> dict[str, Any]:
    """Return the mapping that the YAML or JSON holds, with text as its keys and nothing shared within it.

    Raises SpecError where it is none, is nested too deep, or is too large, once its aliases are followed.
    """
    try:
        text = data.decode("utf-8-sig")
        value = _Plain().of(_loaded(text), 1)
    except UnicodeDecodeError as error:
        raise SpecError("it is not UTF-8 text") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(f"it is neither YAML nor JSON: {str(error)[:300]}") from error
    except RecursionError as error:
        raise SpecError(_TOO_DEEP) from error
    if not isinstance(value, dict):
        raise SpecError("it does not hold a mapping")
    return value


def dump(document: dict[str, Any]) -> str:
    """Return the document as YAML."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def _loaded(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, parse_constant=_no_number)
        except json.JSONDecodeError:
            pass  # YAML may begin with a brace too
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def _no_number(name: str) -> NoReturn:
    raise SpecError(f"{name} is no number of JSON")


class _Plain:
    """Makes plain values, each alias a copy of its own, until there are too many."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise SpecError(_TOO_DEEP if depth > MAX_DEPTH else _TOO_MANY)
        if isinstance(value, dict):
            return {_key(key): self.of(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each, depth + 1) for each in value]
        if value is None or isinstance(value, str | bool | int | float):
            return value
        raise SpecError(f"it holds a {type(value).__name__}, which JSON does not know")


def _key(key: object) -> str:
    if key == "<<":
        raise SpecError("it has a merge key, which OpenAPI does not know")
    if isinstance(key, str):
        return key
    if isinstance(key, int | float | None):
        return json.dumps(key)
    raise SpecError("it has a key that is no text")
