"""Compares two flattened documents: what differs for a user of the library, and how severe it is.

A change is breaking if code that was right may fail or behave differently:

- A name of the generated client is gone, renamed or of another type. A field may be null or absent. An enum
  value is gone.
- A parameter or body is new and required, or has a default that existing calls would now send.
- There is a further 2xx response, since the client parses only the status 200.
- A server is gone, an operation has another server, or an accepted way to authenticate is gone.

A change is additive if code keeps working: a new operation, optional parameter, field, enum value, error response,
server or media type, and what is deprecated. It is cosmetic if only people read it.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from attrs import frozen

from scripts.openapi.flatten import Element, Elements, Key, plain

# The traits that only name something in the generated client, and are not visible to the server.
_NAMES = {"id", "class", "model"}
_SENT = {"parameter", "body", "body field"}


class Severity(IntEnum):
    """What a change demands of a user. The numbers are exit statuses."""

    COSMETIC = 0
    ADDITIVE = 10
    BREAKING = 20

    def __str__(self) -> str:
        return self.name.lower()


@frozen
class Change:
    """One difference.

    Attributes:
        severity: What it demands of a user.
        element: What has changed; its old state if it is gone.
        trait: Which of its traits; empty if it is new or gone as a whole.
        text: What has changed about it.
        value: The value of an enum that is new or gone.
    """

    severity: Severity
    element: Element
    trait: str
    text: str
    value: str = ""

    @property
    def key(self) -> tuple[Key, str, str]:
        """What identifies the change when other documents are compared."""
        return self.element.key, self.trait, self.value


def diff(before: Elements, after: Elements, *, upstream: bool = False) -> list[Change]:
    """Return the changes, the most severe first.

    Args:
        before: The elements of the old document.
        after: Those of the new one.
        upstream: Compare what the publisher says of the server, without names and types of the generated client.
    """
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        if _is_part_of_new_or_gone(key, before, after):
            continue
        if key not in after:
            found.append(_gone(before[key]))
        elif key not in before:
            found.append(_new(after[key]))
        else:
            found += _changed(before[key], after[key], upstream=upstream)
    return sorted(found, key=lambda change: (-change.severity, change.element.key, change.text))


def _is_part_of_new_or_gone(key: Key, before: Elements, after: Elements) -> bool:
    operation, kind, name = key
    wholes = [(operation, "operation", "")] if operation and kind != "operation" else []
    wholes += [(operation, "response", name.partition(" ")[0])] if kind == "field" else []
    return any((whole in before) is not (whole in after) for whole in wholes)


def _gone(element: Element) -> Change:
    harmless = element.kind == "error field" or (element.kind == "response" and not element.name.startswith("2"))
    return Change(Severity.COSMETIC if harmless else Severity.BREAKING, element, "", "is gone")


def _new(element: Element) -> Change:
    text, severity = "is new", Severity.ADDITIVE
    if element.kind in _SENT and element.contract["required"]:
        text, severity = "is new and required", Severity.BREAKING
    elif element.kind in _SENT and element.contract.get("default") is not None:
        text = f"is new, and existing calls would now send its default {_code(element.contract['default'])}"
        severity = Severity.BREAKING
    elif element.kind == "response" and element.name.startswith("2"):
        text, severity = "is new, and the client parses only the status 200", Severity.BREAKING
    return Change(severity, element, "", text)


def _changed(old: Element, new: Element, *, upstream: bool) -> Iterator[Change]:
    for trait in sorted(new.contract):
        before, after = old.contract.get(trait), new.contract[trait]
        if before == after or (upstream and trait in _NAMES):
            continue
        if trait == "class" and (old.contract.get("values") is None) is not (new.contract["values"] is None):
            continue  # the change of the values says it
        if trait == "values":
            yield from _values(new, before, after, upstream=upstream)
        else:
            severity, text = _trait(new, trait, before, after)
            yield Change(severity, new, trait, text)
    for name in sorted({*old.description, *new.description}):
        if old.description.get(name) != new.description.get(name):
            yield Change(Severity.COSMETIC, new, name, f"has a different {name}")


def _values(element: Element, before: list[str] | None, after: list[str] | None, *, upstream: bool) -> Iterator[Change]:
    received = element.kind not in _SENT
    if before is None or after is None:
        text = f"allows only {_listed(after, 'and')} now" if after is not None else "allows any value now"
        # In the generated client a set of values is a class of its own; for the server it is a promise or a demand.
        kept = upstream and (received or after is None)
        yield Change(Severity.ADDITIVE if kept else Severity.BREAKING, element, "values", text)
        return
    for value in sorted({*before} - {*after}):
        yield Change(Severity.BREAKING, element, "values", f"no longer has the value {_code(value)}", value)
    for value in sorted({*after} - {*before}):
        yield Change(Severity.ADDITIVE, element, "values", f"has the new value {_code(value)}", value)


def _trait(element: Element, trait: str, before: Any, after: Any) -> tuple[Severity, str]:
    """Return how severe a change of a trait is, and its text."""
    received = element.kind not in _SENT
    severity, text = Severity.BREAKING, f"has the {trait} {_code(after)} instead of {_code(before)}"
    match trait:
        case "required":
            words = (
                ("is always present now", "may be absent now") if received else ("is required now", "is optional now")
            )
            severity, text = Severity.ADDITIVE if after is received else severity, words[not after]
        case "nullable":
            text = "may be null now" if after else "is never null now"
            severity = severity if after is received else Severity.ADDITIVE
        case "deprecated":
            text = "is deprecated now" if after else "is no longer deprecated"
            severity = Severity.ADDITIVE if after else Severity.COSMETIC
        case "default" if received or element.contract["required"]:  # existing calls pass it anyway
            severity = Severity.ADDITIVE
        case "default":
            text += ", so existing calls would change"
        case "format":
            severity = Severity.COSMETIC
        case "security":
            # The client can still authenticate if nothing is demanded, or all that was accepted still is.
            kept = "nothing" in (after or ["nothing"]) or {*(before or ["nothing"])} <= {*after}
            severity = Severity.ADDITIVE if kept else severity
            text = f"accepts {_listed(after, 'or')} for authentication instead of {_listed(before, 'or')}"
        case "servers":
            severity = Severity.ADDITIVE if before and {*before} <= {*after} else severity
            text = f"has the server {_listed(after, 'or', 'of all')} instead of {_listed(before, 'or', 'that of all')}"
        case "media types":
            parsed = element.name.startswith("2") and any("json" in each for each in {*before} - {*after})
            severity = severity if parsed else Severity.ADDITIVE
            text = f"has the media types {_listed(after, 'and')} instead of {_listed(before, 'and')}"
    return severity, text


def _listed(values: list[str] | None, word: str, nothing: str = "nothing") -> str:
    *most, last = [_code(value) for value in values or ()] or [nothing]
    return f"{', '.join(most)} {word} {last}" if most else last


def _code(value: object) -> str:
    return "none" if value is None or value == "" else f"`{plain(str(value))}`"
