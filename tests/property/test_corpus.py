"""The fuzzer's starting points and its finds, replayed."""

from pathlib import Path

import pytest

from tests.property.cases import check

CASES = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_case_ends_as_promised_in_both_clients(case):
    check(case.read_bytes())
