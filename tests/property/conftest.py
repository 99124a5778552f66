"""How hard the searches search: the same each time in CI, and as long as one likes by hand.

`pytest tests/property --hypothesis-profile=long` takes half an hour, and something else each time.
"""

import hypothesis.core
import pytest
from hypothesis import settings
from hypothesis.vendor import pretty

settings.register_profile("ci", max_examples=300, derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("long", max_examples=10_000, derandomize=False, deadline=None, print_blob=True)


def pytest_configure(config):
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("ci")


@pytest.fixture(autouse=True, scope="module")
def _examples_are_shown(every_module):
    # schemathesis, wherever it is installed, empties the values in what hypothesis prints.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hypothesis.core, "RepresentationPrinter", pretty.RepresentationPrinter)
        yield
