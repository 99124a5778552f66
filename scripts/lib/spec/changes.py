"""What differs between two documents for a user of the library, and how much.

Measured by the generated client, which a user may call: what is gone, is called otherwise or is of another type breaks
code; what is new and can be left alone does not. oasdiff, the usual tool, is a program of another language that no
registry of ours holds, and judges the server's interface, not the client's.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from attrs import evolve, frozen

from scripts.lib.spec.facts import Fact, Key


class Severity(IntEnum):
    """How much a change asks of a user; the numbers are exit statuses."""

    COSMETIC = 0
    ADDITIVE = 10
    BREAKING = 20

    def __str__(self) -> str:
        return self.name.lower()


@frozen
class Change:
    """One difference.

    Attributes:
        severity: How much it asks of a user.
        fact: What has changed; as it was, where it is gone.
        text: What has changed about it.
        value: The one value of a set that came or went.
    """

    severity: Severity
    fact: Fact
    text: str
    value: str = ""


def changes(before: Mapping[Key, Fact], after: Mapping[Key, Fact]) -> list[Change]:
    """Return the differences, the gravest first."""
    found, before = _renamed(before, after)
    both = {key for key in before if key[1] == "operation"} & after.keys()
    shared = {"", *(operation for operation, _, _ in both)}
    for key in [*before, *(key for key in after if key not in before)]:
        operation, kind, _ = key
        if (kind != "operation" and operation not in shared) or _is_of_one_sided_answer(key, before, after):
            continue  # said of the operation or the answer already
        if key not in after:
            found.append(_gone(before[key]))
        elif key not in before:
            found.append(_new(after[key]))
        else:
            found += _changed(before[key], after[key])
    return sorted(found, key=lambda change: (-change.severity, change.fact.key, change.text))


def _is_of_one_sided_answer(key: Key, before: Mapping[Key, Fact], after: Mapping[Key, Fact]) -> bool:
    operation, kind, name = key
    answer = (operation, "answer", name.partition(" ")[0])
    return kind == "field" and (answer in before) is not (answer in after)


def _renamed(before: Mapping[Key, Fact], after: Mapping[Key, Fact]) -> tuple[list[Change], dict[Key, Fact]]:
    """Return the changes of ids, and what was before under the ids of after."""
    new = {fact.traits["call"]: fact for key, fact in after.items() if fact.kind == "operation" and key not in before}
    gone = [fact for key, fact in before.items() if fact.kind == "operation" and key not in after]
    names = {fact.operation: new[fact.traits["call"]] for fact in gone if fact.traits["call"] in new}
    found = [
        Change(Severity.BREAKING, evolve(now, operation=was), f"is called `{now.operation}` now")
        for was, now in names.items()
    ]
    facts = [
        evolve(fact, operation=names[fact.operation].operation) if fact.operation in names else fact
        for fact in before.values()
    ]
    return found, {fact.key: fact for fact in facts}


def _gone(fact: Fact) -> Change:
    harmless = fact.kind == "error field" or (fact.kind in {"answer", "field"} and not fact.name.startswith("2"))
    return Change(Severity.COSMETIC if harmless else Severity.BREAKING, fact, "is gone")


def _new(fact: Fact) -> Change:
    demanded = fact.kind in {"parameter", "body", "body field"} and fact.traits["required"]
    if fact.kind == "server":
        return Change(Severity.BREAKING, fact, "is new: the default base URL may have to change")
    return Change(
        Severity.BREAKING if demanded else Severity.ADDITIVE, fact, "is new and required" if demanded else "is new"
    )


def _changed(old: Fact, new: Fact) -> Iterator[Change]:
    for name in sorted({*old.traits, *new.traits}):
        before, after = old.traits.get(name), new.traits.get(name)
        if before != after:
            yield from _trait(new, name, before, after)
    for name in sorted({*old.prose, *new.prose}):
        if old.prose.get(name) != new.prose.get(name):
            yield Change(Severity.COSMETIC, new, f"has another {name}")


def _trait(fact: Fact, name: str, before: Any, after: Any) -> Iterator[Change]:
    if name == "values" and before is not None and after is not None:
        for value in sorted({*before} - {*after}):
            yield Change(Severity.BREAKING, fact, f"knows the value `{value}` no more", value)
        for value in sorted({*after} - {*before}):
            yield Change(Severity.ADDITIVE, fact, f"knows the value `{value}` too", value)
    elif name == "values":
        return  # the type says it
    elif name in {"required", "nullable"}:
        yield _loosened_or_tightened(fact, name, bool(after))
    elif name == "security":
        gone = sorted({*before} - {*after})
        text = f"takes {_either(after)} to authenticate, in place of {_either(before)}"
        yield Change(Severity.BREAKING if gone else Severity.ADDITIVE, fact, text)
    elif name == "default" and before is None:
        yield Change(Severity.ADDITIVE, fact, f"has the default `{after}`")
    else:
        yield Change(Severity.BREAKING, fact, f"has the {name} {_shown(after)}, in place of {_shown(before)}")


def _loosened_or_tightened(fact: Fact, name: str, now: bool) -> Change:
    # What a caller sends may become freer, what it receives surer, without breaking it.
    received = fact.kind in {"field", "error field"}
    if name == "required":
        text = "is always there now" if received else "is required now"
        text = text if now else "may be missing now" if received else "may be left out now"
        good = now if received else not now
    else:
        text = "may be null now" if now else "is never null now"
        good = now is not received
    return Change(Severity.ADDITIVE if good else Severity.BREAKING, fact, text)


def _either(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names) or "nothing"


def _shown(value: object) -> str:
    return "none" if value is None else f"`{', '.join(value) if isinstance(value, list) else value}`"
