"""What an error reporter reads in the frames of an exception."""

import traceback
from pathlib import Path

import sinch_reporting
from tests.support.callers import KEY

PACKAGE = Path(sinch_reporting.__file__).parent


def assert_stripped(error):
    """Assert that a chain has none of our frames but those of the called methods, and that none shows a secret."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                assert path.name in {"client.py", "async_client.py"}
                text = repr(frame.f_locals)
                assert "46730170101" not in text
                assert KEY not in text
        error = error.__cause__ or error.__context__
