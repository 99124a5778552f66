"""What a Sandbox can do to a request instead of answering it: steps for its `script`, `always` and `chaos`.

    sandbox.script(Status(503, retry_after=1), Reset(), None)  # None: the normal answer, as for all after the script

Each class tells what a client sees. All are values: frozen, comparable, hashable. Where one speaks of the normal
answer, it is what the request would have been answered, be it an error; other faults check nothing of the request.
"""

from sinch_reporting.testing.faults._answers import (
    ClockOff,
    GzipBomb,
    Html,
    HugeHeader,
    InvalidJson,
    InvalidUtf8,
    Redirect,
    Status,
    WrongTypes,
)
from sinch_reporting.testing.faults._base import Fault
from sinch_reporting.testing.faults._connections import (
    CutShort,
    Delay,
    Drip,
    Garbage,
    HangUp,
    Raw,
    Refused,
    Reset,
    Silence,
    WrongLength,
)

MIXTURE: tuple[Fault, ...] = (
    Status(401),
    Status(429),
    Status(500),
    Status(502, body="Bad gateway"),
    Status(503),
    ClockOff(),
    Delay(0.1),
    Reset("before headers"),
    Reset("in headers"),
    Reset("after headers"),
    HangUp("at once"),
    HangUp("on next request"),
    CutShort(),
    WrongLength(-10),
    Garbage(),
    Html(),
    InvalidUtf8(),
    InvalidJson(),
    WrongTypes(),
    GzipBomb(),
    HugeHeader(),
)
"""What `chaos` chooses from unless told otherwise: what ends soon by itself and touches no other connection."""

__all__ = [
    "MIXTURE",
    "ClockOff",
    "CutShort",
    "Delay",
    "Drip",
    "Fault",
    "Garbage",
    "GzipBomb",
    "HangUp",
    "Html",
    "HugeHeader",
    "InvalidJson",
    "InvalidUtf8",
    "Raw",
    "Redirect",
    "Refused",
    "Reset",
    "Silence",
    "Status",
    "WrongLength",
    "WrongTypes",
]
