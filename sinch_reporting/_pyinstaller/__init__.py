"""Hooks for PyInstaller, which does not see modules that are imported by their names."""

from pathlib import Path


def hook_directories() -> list[str]:
    """Return the directory of the hooks, for the entry point `pyinstaller40`."""
    return [str(Path(__file__).parent)]
