"""The guard on the network works: no test reaches another machine."""

import socket

import pytest

from sinch_reporting import ReportingClient
from tests.transport.conftest import ONCE


def test_connecting_to_another_machine_ends_a_test():
    with pytest.raises(BaseException, match=r"192\.0\.2\.1") as caught, socket.socket() as connection:
        connection.connect(("192.0.2.1", 443))
    assert type(caught.value).__name__ == "NetworkAccessError"


@pytest.mark.parametrize("resolve", [socket.gethostbyname, lambda host: socket.getaddrinfo(host, 443)])
def test_resolving_a_name_ends_a_test(resolve):
    with pytest.raises(BaseException, match=r"reporting\.example") as caught:
        resolve("reporting.example")
    assert type(caught.value).__name__ == "NetworkAccessError"


def test_the_default_base_url_is_that_of_the_publisher():
    with (
        ReportingClient("key", "c2VjcmV0", retry=ONCE) as reporting,
        pytest.raises(BaseException, match=r"^reportingapi\.sinch\.com$"),
    ):
        reporting.get_counter("currentCalls")
