"""What an error reporter reads in the frames of an exception."""

import traceback
from pathlib import Path

import sinch_reporting
from tests.support.callers import KEY

PACKAGE = Path(sinch_reporting.__file__).parent


def assert_stripped(error):
    """Assert that a chain has none of our frames but those of the called methods, and that none shows a secret."""
    while error is not None:
        files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
        ours = {path.name for path in files if path.is_relative_to(PACKAGE)}
        assert ours <= {"client.py", "async_client.py"}
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "46730170101" not in text
        assert KEY not in text
        error = error.__cause__ or error.__context__
