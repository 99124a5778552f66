import pytest

from tests.soak.soak import SOAKS, expected_reports, misbehaving_sandbox


@pytest.mark.parametrize("name", SOAKS)
def test_under_faults_every_call_ends_well_and_nothing_is_left_over(name):
    with misbehaving_sandbox() as sandbox:
        soaked = SOAKS[name](sandbox, 500, 50, expected_reports())
    assert soaked.problems(500) == []
    assert soaked.right > 250
