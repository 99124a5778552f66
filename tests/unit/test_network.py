import socket

import pytest

from sinch_reporting import ReportingClient, RetryPolicy


def test_dialling_out_ends_a_test():
    with pytest.raises(BaseException, match=r"192\.0\.2\.1") as caught, socket.socket() as dialling:
        dialling.connect(("192.0.2.1", 443))
    assert type(caught.value).__name__ == "DialledOutError"


def test_the_default_address_is_the_publishers_and_is_never_dialled_here():
    with (
        ReportingClient("key", "c2VjcmV0", retry=RetryPolicy(attempts=1)) as reporting,
        pytest.raises(BaseException, match=r"^reportingapi\.sinch\.com$"),
    ):
        reporting.get_counter("currentCalls")
