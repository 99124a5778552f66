import logging
import pickle
import subprocess
import sys

import pytest

from sinch_reporting import ConfigurationError, Number, ReportingError, SignedAuth, Username
from tests.support.callers import KEY, SECRET
from tests.support.raw_server import response

SECRETS = [KEY, SECRET, "46730170101", "anna-maria"]


def use(reporting):
    for endpoint in (Number("+46730170101"), Username("anna-maria")):
        try:
            yield repr(reporting.get_call_report(endpoint))
        except ReportingError as error:
            yield from (str(error), repr(error), repr(vars(error)), repr(error.__cause__), repr(pickle.dumps(error)))


@pytest.mark.parametrize("status", ["200 OK", "200 HTML", "404 Gone", "503 Down", "302 Found"])
def test_neither_logs_nor_errors_tell_who_was_asked_about_or_by_whom(
    make_client, raw_server, no_backoff, caplog, status
):
    caplog.set_level(logging.DEBUG)
    body = '{"success": 1, "failed": 0, "duration": 2}' if status == "200 OK" else "+46730170101 anna-maria"
    raw_server.script[:] = [response(body, status)]
    reporting = make_client(raw_server.url, retry=no_backoff)
    told = [repr(reporting), repr(reporting.api), *use(reporting)]
    told += [record.getMessage() for record in caplog.records]
    assert any("/users/{type}/{endpoint}/calls/{domain}" in line for line in told)
    for secret in [*SECRETS, raw_server.requests[0].headers["authorization"].split(":")[1]]:
        assert not [line for line in told if secret in line]


def test_a_logged_attempt_is_method_route_outcome_attempt_and_seconds(make_client, raw_server, no_backoff, caplog):
    caplog.set_level(logging.DEBUG, "sinch_reporting")
    raw_server.script[:] = [response(status="503 Down"), response('{"status": "up"}')]
    make_client(raw_server.url, retry=no_backoff).get_service_status("rtpproxy")
    lines = [record.getMessage() for record in caplog.records if record.name == "sinch_reporting"]
    assert [line.rpartition(", ")[0] for line in lines] == [
        "GET /services/{id}: 503, attempt 1",
        "GET /services/{id}: 200, attempt 2",
    ]


def test_nothing_is_printed_by_default(sandbox):
    program = """
from sinch_reporting import NotFoundError, ReportingClient
with ReportingClient() as reporting:
    reporting.get_counter("currentCalls")
    try:
        reporting.get_counter("unknown")
    except NotFoundError:
        pass
"""
    environment = {
        "SINCH_REPORTING_URL": sandbox.url,
        "SINCH_APPLICATION_KEY": KEY,
        "SINCH_APPLICATION_SECRET": SECRET,
    }
    ran = subprocess.run([sys.executable, "-X", "dev", "-c", program], env=environment, capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_a_client_pickles_to_its_configuration_without_credentials(make_client, sandbox, monkeypatch):
    reporting = make_client(sandbox.url, timeout=3, deadline=4)
    pickled = pickle.dumps(getattr(reporting, "inner", reporting))
    assert KEY.encode() not in pickled
    assert SECRET.encode() not in pickled
    with pytest.raises(ConfigurationError, match="credentials are missing"):
        pickle.loads(pickled)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    assert repr(pickle.loads(pickled)) == repr(reporting)


def test_a_client_that_holds_what_cannot_be_pickled_says_so(make_client, sandbox):
    reporting = make_client(sandbox.url, auth=SignedAuth(KEY, SECRET))
    with pytest.raises(ConfigurationError, match="not pickled"):
        pickle.dumps(getattr(reporting, "inner", reporting))
