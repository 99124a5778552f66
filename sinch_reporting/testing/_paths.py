"""Path templates such as `/counters/{id}`, compared segment by segment."""

from collections.abc import Iterable
from typing import Self
from urllib.parse import unquote

import attrs

BASE_PATH = "/v1"


def split_path(path: str) -> list[str] | None:
    """Return the segments below the base path, still encoded; None for a path elsewhere."""
    if path != BASE_PATH and not path.startswith(f"{BASE_PATH}/"):
        return None
    return path.removeprefix(BASE_PATH).split("/")[1:]


def parameter_name(segment: str) -> str | None:
    """Return the name in a segment like `{id}`; None for a literal segment."""
    return segment[1:-1] if segment.startswith("{") and segment.endswith("}") else None


def matches(template: str, segments: list[str]) -> bool:
    """Return whether segments are a path of the template."""
    parts = template.split("/")[1:]
    return len(parts) == len(segments) and all(
        parameter_name(part) is not None or part == segment for part, segment in zip(parts, segments, strict=True)
    )


@attrs.frozen
class PathPrefix:
    """The beginning of a path, in whole segments: `/users/`, `/users/number/+46730170101`, `/counters/{id}`.

    A segment in braces matches any segment. The base path `/v1` may precede it.
    """

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, templates: Iterable[str]) -> Self:
        """Return the prefix; raises ValueError if no path of the templates begins with it."""
        segments = split_path(text)
        if segments is None:
            segments = text.split("/")
        # Split before decoding: a username can contain an encoded slash.
        prefix = cls(tuple(unquote(segment) for segment in segments if segment))
        known = list(templates)
        if not text.startswith("/") or not any(prefix._could_match(template) for template in known):
            raise ValueError(f"path must be the beginning of one of {', '.join(known)}, not {text!r}")
        return prefix

    def matches(self, path: str) -> bool:
        """Return whether a path, as received, begins with this prefix."""
        segments = split_path(path)
        if segments is None:
            return not self.segments
        return len(segments) >= len(self.segments) and all(
            parameter_name(mine) is not None or mine == unquote(theirs)
            for mine, theirs in zip(self.segments, segments, strict=False)
        )

    def _could_match(self, template: str) -> bool:
        parts = template.split("/")[1:]
        return len(parts) >= len(self.segments) and all(
            parameter_name(mine) is not None or parameter_name(part) is not None or mine == part
            for mine, part in zip(self.segments, parts, strict=False)
        )
