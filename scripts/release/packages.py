"""The packages that an installation brings, and their pins with hashes."""

import argparse
import re
import sys
from collections.abc import Iterable
from importlib.metadata import metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINS = Path(__file__).resolve().parents[1] / "requirements.txt"


def extras() -> list[str]:
    """Return the names of this project's extras."""
    return list(metadata("sinch-reporting").get_all("Provides-Extra") or ())


def installed_with(extras: Iterable[str]) -> set[str]:
    """Return the names of all packages that an installation with the extras brings, without this project."""
    waiting = [("sinch-reporting", extra) for extra in ("", *extras)]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        for requirement in map(Requirement, requires(name) or ()):
            if not requirement.marker or any(requirement.marker.evaluate({"extra": each}) for each in {"", extra}):
                needed = {(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)} - seen
                seen |= needed
                waiting += needed
    return {name for name, _ in seen} - {"sinch-reporting"}


def pins(text: str, names: Iterable[str]) -> str:
    """Return the lines of pinned requirements, with their hashes, for the named packages."""
    blocks = re.findall(r"^[^#\s].*(?:\n[ #].*)*", text, flags=re.MULTILINE)
    wanted: dict[str, str] = {canonicalize_name(re.split(r"[=\[ ;]", block, maxsplit=1)[0]): block for block in blocks}
    return "".join(f"{wanted[name]}\n" for name in sorted(names))


def main() -> int:
    """Print the pins of what the core brings."""
    argparse.ArgumentParser(prog="python -m scripts.release.packages", description=__doc__).parse_args()
    print(pins(PINS.read_text("utf-8"), installed_with([])), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
