"""Adds the commands."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("sinch_reporting.cli")
