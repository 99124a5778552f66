"""Puts files and folders in the place of others, all of them or none."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def replace_all(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Move each first path into the place of the second, on the same file system.

    Whatever goes wrong on the way, everything is put back first.
    """
    done: list[tuple[Path, Path]] = []
    try:
        for made, target in pairs:
            target.parent.mkdir(parents=True, exist_ok=True)
            kept = made.with_name(f"{made.name}.before")
            if target.exists():
                target.rename(kept)
            done.append((target, kept))
            made.rename(target)
    except BaseException:
        for target, kept in reversed(done):
            _remove(target)
            if kept.exists():
                kept.rename(target)
        raise
    for _, kept in done:
        _remove(kept)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
