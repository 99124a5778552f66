import logging

import httpx
import pytest

from sinch_reporting import NotFoundError
from sinch_reporting._logging import own_request
from tests.support.scripted import COUNTER, reply

PATH = "/users/number/+46730170101/calls/pstn"
ROUTE = "/users/{type}/{endpoint}/calls/{domain}"


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("path", [PATH, PATH.replace("+", "%2B"), f"{PATH}?_start=2026-11-01&_stop=2026-11-01"])
def test_httpx_logs_the_route_of_a_request_of_api(make_client, caplog, path):
    caplog.set_level(logging.DEBUG)
    make_client(reply(COUNTER)).api.get_httpx_client().get(path)
    assert any(ROUTE in text for text in messages(caplog) if text.startswith("HTTP Request: GET"))
    assert "46730170101" not in caplog.text


def test_failed_requests_of_api_are_not_logged_with_their_url(make_client, caplog):
    caplog.set_level(logging.DEBUG)
    client = make_client(reply(status=404))
    with pytest.raises(NotFoundError):
        client.api.get_httpx_client().get(PATH)
    assert f"GET {ROUTE}: 404" in caplog.text
    assert "46730170101" not in caplog.text


def test_requests_of_other_clients_are_logged_as_they_are(make_client, caplog):
    caplog.set_level(logging.INFO)
    make_client(reply(COUNTER)).api.get_httpx_client().get("/counters/a")
    with httpx.Client(transport=httpx.MockTransport(reply(COUNTER))) as client:
        client.get("https://other.example/counters/b")
    assert messages(caplog)[-1] == 'HTTP Request: GET https://other.example/counters/b "HTTP/1.1 200 OK"'


@pytest.mark.parametrize(
    ("part", "private"),
    [
        ("http11", "receive_response_headers.complete return_value=Location: /+46730170101"),
        ("http11", "receive_response_body.failed exception=RemoteProtocolError('illegal header line: +46730170101')"),
        ("socks", "setup_socks5_connection.started auth=(b'user', b'password')"),
    ],
)
def test_httpcore_logs_nothing_private_of_our_requests(caplog, part, private):
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger(f"httpcore.{part}")
    token = own_request.set(True)
    logger.debug(private)
    logger.debug("another event")
    own_request.reset(token)
    logger.debug("%s of another client", private)
    assert messages(caplog) == ["another event", f"{private} of another client"]
