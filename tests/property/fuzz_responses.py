"""Searches for a response or an argument that breaks `check`, guided by coverage. Run by scripts/fuzz."""

import sys

import atheris

with atheris.instrument_imports(
    include=["sinch_reporting", "sinch_reporting_client", "dateutil", "email", "json", "urllib"]
):
    from tests.property.cases import check

atheris.Setup(sys.argv, check)
atheris.Fuzz()
