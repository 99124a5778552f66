import socket

import pytest

from sinch_reporting import ReportingClient
from tests.support.callers import KEY, SECRET


def call(_):
    with ReportingClient(KEY, SECRET, base_url="http://127.0.0.1:9/v1") as client:
        client.get_counter("a")


@pytest.mark.parametrize(
    "use",
    [
        lambda unused: unused.connect(("127.0.0.1", 9)),
        lambda unused: unused.bind(("127.0.0.1", 0)),
        lambda unused: unused.sendto(b"x", ("127.0.0.1", 9)),
        lambda _: socket.getaddrinfo("localhost", 80),
        call,
    ],
    ids=["connect", "bind", "sendto", "resolve", "client"],
)
def test_a_unit_test_that_uses_the_network_fails(use):
    with socket.socket() as unused, pytest.raises(BaseException, match=r"socket\.") as caught:
        use(unused)
    assert type(caught.value).__name__ == "SocketUsedError"
