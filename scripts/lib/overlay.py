"""Applies an OpenAPI Overlay 1.0 document, and fails where a target matches nothing.

The overlay tools at hand accept an unmatched target in silence, which is just what a changed upstream document looks
like.
"""

import copy
from typing import Any

import jsonpath


class OverlayError(Exception):
    """The overlay does not fit the document."""


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return a corrected copy of the document.

    Raises OverlayError, naming the action, where a target matches nothing or an update does not fit its target.
    """
    if overlay.get("overlay") != "1.0.0":
        raise OverlayError(f"this is not an Overlay 1.0.0 document: {overlay.get('overlay')!r}")
    corrected = copy.deepcopy(document)
    for number, action in enumerate(overlay["actions"], 1):
        try:
            _apply(corrected, action)
        except (OverlayError, jsonpath.JSONPathError) as error:
            raise OverlayError(f"action {number}, target {action.get('target')}: {error}") from error
    return corrected


def _apply(document: dict[str, Any], action: dict[str, Any]) -> None:
    matches = list(jsonpath.finditer(action["target"], document))
    if not matches:
        raise OverlayError("matches nothing; the document has changed, or the target is wrong")
    if action.get("remove") is True:
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


def _merge(node: Any, update: Any) -> None:
    if isinstance(node, list):
        node.append(update)
        return
    if not isinstance(node, dict) or not isinstance(update, dict):
        raise OverlayError("only objects and arrays can be updated, and an object only with an object")
    for key, value in update.items():
        present = node.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        else:
            node[key] = value
