import json

import pytest

from sinch_reporting.cli import exit_codes


@pytest.mark.parametrize(("status", "is_up"), [("up", True), ("down", False), ("degraded", False)])
def test_a_service_is_shown_whatever_its_status(run, sandbox_env, status, is_up):
    sandbox_env.set_service("rtpproxy", status)
    ran = run("service", "rtpproxy", "--output", "json")
    assert ran.code == exit_codes.OK
    assert json.loads(ran.out) == {"id": "rtpproxy", "status": status, "is_up": is_up}


def test_a_service_that_is_none_is_a_failure(run, sandbox_env):
    ran = run("service", "no-such-service")
    assert ran.code == exit_codes.FAILED
    assert ran.err.startswith("sinch-reporting: 404 Not Found")
