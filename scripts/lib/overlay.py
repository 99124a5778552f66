"""Applies an OpenAPI Overlay 1.0 document, and fails where a target matches nothing.

The overlay tools at hand accept an unmatched target in silence, which is just what a changed upstream document looks
like. Three things are our own, so that one overlay fits the many ways in which the same document can be written:

- References on the way of a target are followed.
- A reference stands alone, as OpenAPI has it: merged with anything else, it takes its place.
- What is already in a list is not put there twice; nor is a parameter, which goes by its name and place.
"""

import copy
import re
from typing import Any

import jsonpath

from scripts.lib.spec.links import linked

_PROSE = {"description", "summary", "example", "examples"}


class OverlayError(Exception):
    """The overlay does not fit the document."""


class _GoneError(OverlayError):
    """There is nothing left to remove."""


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return a corrected copy of the document.

    Raises OverlayError, naming the action, where a target matches nothing or an update does not fit its target. A
    removal of what is not there, where all around it is, has been made by the publisher.
    """
    return _applied(document, dict(enumerate(_actions(overlay), 1)))


def superfluous(document: dict[str, Any], overlay: dict[str, Any]) -> dict[int, str]:
    """Return the actions without which the same document comes out but for its prose, as number and target.

    They can go, all of them together: the publisher has made these corrections. `required: false` is what it would be
    without.
    """
    left = dict(enumerate(_actions(overlay), 1))
    wanted = _without_prose(_applied(document, left))
    found = {}
    for number, action in list(left.items()):
        others = {each: left[each] for each in left if each != number}
        try:
            dropped = _without_prose(_applied(document, others)) == wanted
        except OverlayError:
            dropped = False
        if dropped:
            left = others
            found[number] = str(action["target"])
    return found


def _actions(overlay: dict[str, Any]) -> list[dict[str, Any]]:
    if overlay.get("overlay") != "1.0.0":
        raise OverlayError(f"this is not an Overlay 1.0.0 document: {overlay.get('overlay')!r}")
    actions: list[dict[str, Any]] = overlay["actions"]
    return actions


def _applied(document: dict[str, Any], actions: dict[int, dict[str, Any]]) -> dict[str, Any]:
    corrected = copy.deepcopy(document)
    for number, action in actions.items():
        try:
            with linked(corrected):
                _apply(corrected, action)
        except _GoneError:
            continue
        except (OverlayError, jsonpath.JSONPathError) as error:
            raise OverlayError(f"action {number}, target {action.get('target')}: {error}") from error
    return corrected


def _without_prose(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_prose(each) for each in node]
    if isinstance(node, dict):
        kept = {key: each for key, each in node.items() if key not in _PROSE or isinstance(each, dict)}
        return {key: _without_prose(each) for key, each in kept.items() if (key, each) != ("required", False)}
    return node


def _apply(document: dict[str, Any], action: dict[str, Any]) -> None:
    matches = list(jsonpath.finditer(action["target"], document))
    remove = action.get("remove") is True
    if not matches:
        if remove and _is_gone(document, action["target"]):
            raise _GoneError
        raise OverlayError("matches nothing; the document has changed, or the target is wrong")
    if remove:
        # From the last to the first, so that removing an array's entry does not move the ones still to be removed.
        for match in reversed(matches):
            if match.parent is None:
                raise OverlayError("the document itself cannot be removed")
            container: Any = match.parent.obj
            del container[match.parts[-1]]
        return
    if "update" not in action:
        raise OverlayError("neither an update nor a removal")
    for match in matches:
        _merge(match.obj, copy.deepcopy(action["update"]))


def _is_gone(document: dict[str, Any], target: str) -> bool:
    """Whether the target is the one member of an object that is there without it."""
    around = re.fullmatch(r"(.+)\['[^']*'\]", str(jsonpath.compile(target)))
    return around is not None and bool(jsonpath.findall(around[1], document))


def _merge(node: Any, update: Any) -> None:
    if isinstance(node, list):
        _append(node, update)
        return
    if not isinstance(node, dict) or not isinstance(update, dict):
        raise OverlayError("only objects and arrays can be updated, and an object only with an object")
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
