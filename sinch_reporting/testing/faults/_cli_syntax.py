"""Faults on the command line: `503:retry-after=2`, `connection-reset:in-headers`, `ok`."""

import inspect
import re
import textwrap
from typing import Any, Literal, get_args, get_origin

import attrs

from sinch_reporting.testing import faults
from sinch_reporting.testing.faults._base import Fault


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", "-", name).lower()


# Raw needs bytes and headers need a mapping; the command line supports neither.
_CLASSES: dict[str, type[Any]] = {
    _dashed(name): getattr(faults, name) for name in faults.__all__ if name not in {"DEFAULT_CHAOS", "Fault", "Raw"}
}


def parse(spec: str) -> Fault | None:
    """Return the fault of a SPEC, None for `ok`; raises ValueError if it is invalid."""
    if spec == "ok":
        return None
    name, _, rest = spec.partition(":")
    try:
        if re.fullmatch(r"[0-9]{3}", name):
            return _create("status", f"status={name}", rest)
        return _create(name, rest)
    except ValueError as error:
        raise ValueError(f"--fault {spec!r}: {error}") from error


def help_text() -> str:
    """Return the description of each name."""
    lines = ["503 (or any status)\n        Short for status:503.", "ok\n        The normal response."]
    for name, cls in _CLASSES.items():
        options = ", ".join(_dashed(field.name) + _choices(field) for field in _fields(name))
        first_sentence = re.split(r"(?<=\.)\s", inspect.cleandoc(cls.__doc__ or ""))[0].replace("`", "")
        indented = textwrap.fill(first_sentence, 78, initial_indent=" " * 8, subsequent_indent=" " * 8)
        lines.append(f"{name}{f' ({options})' if options else ''}\n{indented}")
    return textwrap.indent("\n".join(lines), "  ")


def _fields(name: str) -> list["attrs.Attribute[Any]"]:
    return [field for field in attrs.fields(_CLASSES[name]) if field.name != "headers"]


def _choices(field: "attrs.Attribute[Any]") -> str:
    values = get_args(field.type) if get_origin(field.type) is Literal else ()
    return f"={'|'.join(value.replace(' ', '-') for value in values)}" if values else ""


def _create(name: str, *texts: str) -> Fault:
    if name not in _CLASSES:
        raise ValueError(f"unknown fault {name!r}; the faults are ok, {', '.join(_CLASSES)}, and each status")
    fields = _fields(name)
    first = fields[0].name if fields else None
    options: dict[str, str] = {}
    for text in texts:
        options |= _options(name, text, None if options else first)
    for field in fields:
        if field.default is attrs.NOTHING and field.name not in options:
            raise ValueError(f"{name} needs its {_dashed(field.name)}: {name}:{field.name.upper()}")
    fault: Fault = _CLASSES[name](**options)
    return fault


def _options(name: str, text: str, first: str | None) -> dict[str, str]:
    """Return the options in a text. A value without a name belongs to the first option."""
    if not text:
        return {}
    names = [_dashed(field.name) for field in _fields(name)]
    options: dict[str, str] = {}
    for piece in re.split(rf",(?=(?:{'|'.join(names)})=)", text) if names else [text]:
        key, equals, value = piece.partition("=")
        if equals and key in names:
            options[key.replace("-", "_")] = value
        elif first and not options:
            options[first] = piece
        else:
            raise ValueError(f"{piece!r} is not an option of {name}; its options: {', '.join(names) or 'none'}")
    choices = [field.name for field in _fields(name) if _choices(field)]
    return {key: value.replace("-", " ") if key in choices else value for key, value in options.items()}
