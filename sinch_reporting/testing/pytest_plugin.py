"""The fixture `sinch_sandbox`. pytest finds it automatically if this package is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# The fixture imports the Sandbox: every run of pytest loads this module, even without the extra.
if TYPE_CHECKING:
    from sinch_reporting.testing import Sandbox


@pytest.fixture
def sinch_sandbox(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Sandbox]":
    """A local Sinch Reporting API, used by clients that are created without arguments.

    It is a running `sinch_reporting.testing.Sandbox`, a new one for each test. The environment variables
    SINCH_REPORTING_URL, SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET contain its URL and credentials.
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
