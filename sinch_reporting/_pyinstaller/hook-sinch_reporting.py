"""Adds the generated functions."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("sinch_reporting_client")
