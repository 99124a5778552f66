"""Any bytes as a response give a result or a ReportingError: never anything else, never a hang, never a secret told."""

import json
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import example, given
from hypothesis import strategies as st

from sinch_reporting import CallReport, Counter, Domain, Number, ReportingError, ServiceStatus, Username
from sinch_reporting._responses import read_body
from sinch_reporting_client import models
from tests.property.cases import (
    KEY,
    NUMBER,
    ONCE,
    SECRET,
    check_decisions,
    check_error,
    check_fields,
    check_result,
    private_words,
)
from tests.property.server import Server
from tests.property.strategies import (
    any_response,
    headers,
    json_bodies,
    json_responses,
    more,
    packed_bodies,
    raw_responses,
    responses,
    statuses,
)
from tests.support.callers import ClientFactory
from tests.support.raw_server import RawServer, response

DEADLINE = 5.0
SHORT = {"timeout": 0.03, "deadline": 0.05}
# What a busy machine may add to a deadline.
SLACK = 10.0

CALLS = [
    lambda reporting: reporting.get_call_report(Number(NUMBER)),
    lambda reporting: reporting.get_call_report(Username("anna-maria")),
    lambda reporting: reporting.get_counter("currentCalls"),
    lambda reporting: reporting.get_service_status("rtpproxy"),
]
calls = st.sampled_from(CALLS)


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture(scope="module", params=["sync", "async"])
def make_client(request):
    """Return what makes clients of one kind, whatever proxies the environment names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "*")
        if request.param == "sync":
            made = ClientFactory(None)
            yield made
            made.close()
        else:
            with start_blocking_portal("asyncio") as portal:
                made = ClientFactory(portal)
                yield made
                made.close()


@pytest.fixture(scope="module")
def reporting(make_client, server):
    """Return a client with signatures, or an async one with a password."""
    options = {} if make_client.portal is None else {"auth": httpx.BasicAuth(KEY, SECRET)}
    return make_client(server.url, retry=ONCE, timeout=DEADLINE, deadline=DEADLINE, **options)


def outcome(server, reporting, call, deadline):
    """Call, assert what holds of every outcome, and return it."""
    began = time.monotonic()
    try:
        result = call(reporting)
    except ReportingError as error:
        result = error
    assert time.monotonic() - began < deadline + SLACK
    if isinstance(result, ReportingError):
        check_error(result, private_words(server.authorizations))
    else:
        check_result(result)
    return result


@given(response=raw_responses, call=calls)
@more(0.3)
def test_any_bytes_in_place_of_a_response(server, reporting, response, call):
    server.reset(response)
    outcome(server, reporting, call, DEADLINE)


@given(response=responses(), call=calls)
@more(0.3)
def test_any_response_with_any_status_headers_and_body(server, reporting, response, call):
    server.reset(response)
    outcome(server, reporting, call, DEADLINE)


@given(response=json_responses, call=calls)
@more(0.2)
def test_a_200_with_any_json(server, reporting, response, call):
    server.reset(response)
    outcome(server, reporting, call, DEADLINE)


@given(response=any_response, cut=st.integers(0, 200), call=calls)
@more(0.1)
def test_a_response_that_stops_anywhere_while_the_connection_stays_open(make_client, response, cut, call):
    with (
        Server(response[: max(0, len(response) - cut)], stays=True) as server,
        closing(make_client(server.url, retry=ONCE, **SHORT)) as reporting,
    ):
        outcome(server, reporting, call, SHORT["deadline"])


def counting(value):
    return response(json.dumps({"value": value, "modified": "2022-04-28T12:00:00Z"}))


@given(surplus=st.just(counting(666)) | raw_responses | responses())
@more(0.2)
@example(counting(666))
def test_what_the_server_sends_beyond_its_response_is_never_the_response_to_the_next_call(make_client, surplus):
    with (
        RawServer([counting(7) + surplus, counting(8)]) as raw_server,
        closing(make_client(raw_server.url, retry=ONCE, timeout=DEADLINE, deadline=DEADLINE)) as reporting,
    ):
        assert [reporting.get_counter("currentCalls").value for _ in range(2)] == [7, 8]


# The longest timedelta has 10^9 days.
counts = st.integers(0, 2**63 - 1)
seconds = st.integers(0, 86_399_999_999_999)
zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A day from either end of time, so that no time zone leads beyond it.
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001


@given(success=counts, failed=counts, duration=seconds, start=moments | st.none(), value=counts, status=st.text())
@more(1)
def test_a_valid_response_is_returned_as_it_was_meant(success, failed, duration, start, value, status):
    modified = start or datetime(2022, 4, 28, tzinfo=UTC)
    report = {"success": success, "failed": failed, "duration": duration, "start": start and start.isoformat()}
    request = {"endpoint": Number(NUMBER), "domain": Domain.PSTN}
    assert CallReport.from_api(models.CallReport.from_dict(report), **request) == CallReport(
        **request, success=success, failed=failed, duration=timedelta(seconds=duration), first_call=start
    )
    counter = models.Counter.from_dict({"value": value, "modified": modified.isoformat()})
    assert Counter.from_api(counter, "a") == Counter(id="a", value=value, modified=modified)
    if len(status) <= 200:
        service = models.ServiceStatus.from_dict({"status": status})
        assert ServiceStatus.from_api(service, "a") == ServiceStatus(id="a", status=status)


@given(status=statuses, headers=headers, body=packed_bodies)
@more(2)
def test_the_decisions_take_any_status_headers_and_body(status, headers, body):
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    check_decisions(httpx.Response(status, headers=pairs, stream=httpx.ByteStream(body)), body)


@given(body=json_bodies)
@more(2)
def test_the_decisions_take_any_json(body):
    check_decisions(httpx.Response(200, stream=httpx.ByteStream(body)), body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.integers(0, 2**64) | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("success", "failed", "duration", "value"), counts | values),
        **{name: moments.map(datetime.isoformat) | values for name in ("start", "modified")},
        "status": values,
        "to_dict": values,
    },
)


@given(fields=fields)
@more(2)
def test_the_models_take_any_fields(fields):
    check_fields(fields)


@given(body=st.binary(), cuts=st.lists(st.integers(0, 2000)))
@more(1)
def test_a_body_does_not_depend_on_its_chunks(body, cuts):
    edges = [0, *sorted(cuts), len(body)]
    chunks = [body[start : max(start, end)] for start, end in pairwise(edges)]
    assert read_body(httpx.Response(200, content=iter(chunks))) == body
