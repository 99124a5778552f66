"""Replaces several files and folders, all of them or none."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def replace_all(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Move each first path to the second, within one file system. After any failure, restore all of them."""
    done: list[tuple[Path, Path]] = []
    try:
        for new, target in pairs:
            target.parent.mkdir(parents=True, exist_ok=True)
            backup = new.with_name(f"{new.name}.before")
            if target.exists():
                target.rename(backup)
            done.append((target, backup))
            new.rename(target)
    except BaseException:
        for target, backup in reversed(done):
            _remove(target)
            if backup.exists():
                backup.rename(target)
        raise
    for _, backup in done:
        _remove(backup)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
