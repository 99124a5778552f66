"""The fixture `sinch_sandbox`, which pytest finds by itself where this package is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# The Sandbox is imported by the fixture: this module is loaded in every run of pytest, also where the extra is missing.
if TYPE_CHECKING:
    from sinch_reporting.testing import Sandbox


@pytest.fixture
def sinch_sandbox(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Sandbox]":
    """A local Sinch Reporting API, which clients made without arguments reach.

    It is a running `sinch_reporting.testing.Sandbox`, a new one for each test. The environment variables
    SINCH_REPORTING_URL, SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET name it and its credentials.
    """
    try:
        from sinch_reporting.testing import Sandbox  # noqa: PLC0415
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox() as sandbox:
        monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
        monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
        monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
        yield sandbox
