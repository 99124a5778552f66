"""Applies an OpenAPI Overlay 1.0 document, and reports each action that does not fit.

The available overlay tools ignore a target that matches nothing, which is the very sign of a changed document. Three
rules are our own, so that one overlay fits the many ways to write the same document:

- Targets are followed through references.
- A reference stands alone, as in OpenAPI: merging it with anything else replaces that.
- A list never gets the same entry twice. Parameters are the same if their name and place are.
"""

import copy
import difflib
import re
from collections.abc import Iterator
from typing import Any

import jsonpath
from attrs import frozen

from scripts.openapi import SpecError
from scripts.openapi.inline_refs import inlined_refs
from scripts.openapi.refs import Json, as_map

_TEXTS = {"description", "summary", "example", "examples"}
_Actions = dict[int, Json]


class _GoneError(Exception):
    """There is nothing left to remove."""


@frozen
class Failure:
    """An action that does not fit the document.

    Attributes:
        number: Which action of the overlay it is, from 1.
        target: Its target.
        reason: Why it does not fit.
        found: What the document has there.
        proposal: What to do.
    """

    number: int
    target: str
    reason: str
    found: str
    proposal: str

    def __str__(self) -> str:
        return (
            f"overlay action {self.number}, target {self.target}: {self.reason}.\n"
            f"  The document has there: {self.found}.\n  Proposed action: {self.proposal}."
        )


def apply_overlay(document: Json, overlay: Json) -> tuple[Json, list[Failure]]:
    """Return a corrected copy of the document, and the actions that do not fit.

    An action that removes what is already gone fits: the publisher has made that correction.
    """
    return _applied(document, _actions(overlay))


def stages(document: Json, overlay: Json) -> Iterator[Json]:
    """Yield a copy of the document before the first action, and after each of them. It is one object."""
    corrected = copy.deepcopy(document)
    yield corrected
    for number, action in _actions(overlay).items():
        _try(corrected, number, action)
        yield corrected


def redundant_actions(document: Json, overlay: Json) -> dict[int, str]:
    """Return the actions, by number, that can all be dropped: without them only descriptions change."""
    left = _actions(overlay)
    wanted = _contract(_applied(document, left)[0])
    found = {}
    for number, action in list(left.items()):
        others = {each: left[each] for each in left if each != number}
        corrected, failures = _applied(document, others)
        if not failures and _contract(corrected) == wanted:
            left = others
            found[number] = str(action["target"])
    return found


def _actions(overlay: Json) -> _Actions:
    if overlay.get("overlay") != "1.0.0":
        raise SpecError(f"this is not an Overlay 1.0.0 document: `overlay` is {overlay.get('overlay')!r}")
    return dict(enumerate(overlay["actions"], 1))


def _applied(document: Json, actions: _Actions) -> tuple[Json, list[Failure]]:
    corrected = copy.deepcopy(document)
    tried = [_try(corrected, number, action) for number, action in actions.items()]
    return corrected, [failure for failure in tried if failure]


def _try(document: Json, number: int, action: Json) -> Failure | None:
    try:
        with inlined_refs(document):
            _apply(document, action)
    except _GoneError:
        return None
    except (SpecError, jsonpath.JSONPathError) as error:
        return Failure(number, str(action.get("target")), str(error), *_diagnose(document, action))
    return None


def _contract(node: Any) -> Any:
    """Return the node without descriptions and examples. `required: false` is the default."""
    if isinstance(node, list):
        return [_contract(each) for each in node]
    if isinstance(node, dict):
        kept = {key: each for key, each in node.items() if key not in _TEXTS or isinstance(each, dict)}
        return {key: _contract(each) for key, each in kept.items() if (key, each) != ("required", False)}
    return node


def _apply(document: Json, action: Json) -> None:
    remove = action.get("remove") is True
    if not remove and "update" not in action:
        raise SpecError("it has neither an update nor a removal")
    matches = list(jsonpath.finditer(action["target"], document))
    if not matches:
        around, name = _split(action["target"])
        if remove and name and jsonpath.findall(around, document):
            raise _GoneError
        raise SpecError("the target matches nothing")
    if remove:
        # From the last to the first, so that the indices of those left stay valid.
        for match in reversed(matches):
            if match.parent is None:
                raise SpecError("the document itself cannot be removed")
            container: Any = match.parent.obj
            del container[match.parts[-1]]
        return
    for match in matches:
        _merge(match.obj, copy.deepcopy(action["update"]))


def _split(target: str) -> tuple[str, str]:
    """Return the path of the parent, and the name of the member; no name for a filter or an index."""
    *around, last = [str(segment) for segment in jsonpath.compile(target).segments]  # type: ignore[union-attr]
    return f"${''.join(around)}", last[2:-2] if last.startswith("['") else ""


def _merge(node: Any, update: Any) -> None:
    if isinstance(node, list):
        _append(node, update)
        return
    if not isinstance(node, dict) or not isinstance(update, dict):
        raise SpecError("only objects and lists can be updated, and an object only with an object")
    for key, value in update.items():
        present = node.get(key)
        if isinstance(present, dict) and isinstance(value, dict) and "$ref" not in {*present, *value}:
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            for each in value:
                _append(present, each)
        else:
            node[key] = value


def _append(node: list[Any], entry: Any) -> None:
    if isinstance(entry, dict) and entry.keys() >= {"name", "in"}:
        for present in node:
            if isinstance(present, dict) and all(present.get(key) == entry[key] for key in ("name", "in")):
                _merge(present, entry)
                return
    if entry not in node:
        node.append(entry)


def _diagnose(document: Json, action: Json) -> tuple[str, str]:
    """Return what the document has at the action's target, and a proposal."""
    drop = "drop the action if the correction is no longer needed"
    try:
        segments = [str(segment) for segment in jsonpath.compile(str(action.get("target"))).segments]  # type: ignore[union-attr]
    except jsonpath.JSONPathError:
        return "unknown", "correct the syntax of the target"
    with inlined_refs(document):
        for length in range(len(segments), -1, -1):
            found = jsonpath.findall("$" + "".join(segments[:length]), document)
            if found:
                break
        place, rest = "$" + "".join(segments[:length]), segments[length:]
        if not rest:
            return f"{place} is {_shown(found[0])}", f"change the update so that it fits, or {drop}"
        targets = [place + candidate + "".join(rest[1:]) for candidate in _candidates(found[0], rest[0])]
        matching = [target for target in targets if jsonpath.findall(target, document)]
    change = f"change the target to {matching[0]} if that is the same, or " if matching else ""
    return f"{place} is {_shown(found[0])}, without {rest[0]}", f"{change}{drop}"


def _candidates(container: Any, segment: str) -> list[str]:
    """Return the members that may have taken the place of the missing one, the most similar first."""
    form = "[?@.name == '{}']" if isinstance(container, list) else "['{}']"
    names = [name for name in _names(container) if re.fullmatch(r"[\w./{}~-]+", name)]
    return [form.format(name) for name in difflib.get_close_matches(segment, names, len(names) or 1, 0)]


def _names(container: Any) -> list[str]:
    if isinstance(container, list):
        return [str(each.get("name", each)) if isinstance(each, dict) else str(each) for each in container]
    return list(as_map(container))


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        kind = "a list of" if isinstance(value, list) else "an object with"
        return f"{kind} {', '.join(_names(value)) or 'nothing'}"[:400]
    return repr(value)[:400]
