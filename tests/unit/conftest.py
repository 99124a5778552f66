"""Unit tests use no socket and do not wait: any use of the network fails, and time moves only when it is told to."""

import sys
import time
from contextlib import ExitStack

import freezegun
import pytest

from sinch_reporting import ReportingClient
from tests.support.callers import KEY, SECRET
from tests.support.scripted import ScriptedTransport

_FORBIDDEN = {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}
NOON = "2026-11-26T12:00:00Z"
_guard = {"is_active": False}


class SocketUsedError(BaseException):
    """A unit test used the network. Not an Exception, so that no handler catches it."""


def _refuse_sockets(event: str, _arguments: tuple[object, ...]) -> None:
    if _guard["is_active"] and event in _FORBIDDEN:
        raise SocketUsedError(event)


sys.addaudithook(_refuse_sockets)


@pytest.fixture(autouse=True)
def _no_sockets():
    _guard["is_active"] = True
    yield
    _guard["is_active"] = False


@pytest.fixture(scope="module")
def _frozen():
    with freezegun.freeze_time(
        NOON, ignore=["_pytest.timing"]
    ) as frozen:  # looks through all modules, which takes long
        yield frozen


@pytest.fixture
def clock(_frozen, monkeypatch):
    """Return a frozen clock that only `time.sleep` and `tick` move. `waits` lists the seconds slept."""
    _frozen.move_to(NOON)
    _frozen.waits = []

    def sleep(seconds):
        _frozen.waits.append(seconds)
        _frozen.tick(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    return _frozen


@pytest.fixture
def make_client():
    """Return a function that makes a blocking client of a script. Its transport is in `script`."""
    with ExitStack() as stack:

        def make(*script, **options):
            transport = ScriptedTransport(*script)
            credentials = {} if "auth" in options else {"application_key": KEY, "application_secret": SECRET}
            client = ReportingClient(transport=transport, **credentials, **options)
            client.script = transport
            return stack.enter_context(client)

        yield make
