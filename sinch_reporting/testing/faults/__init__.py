"""What a Sandbox can do to a request instead of answering it: steps for its `fail_next`, `fail_always` and `chaos`.

    sandbox.fail_next(Status(503, retry_after=1), ConnectionReset(), None)  # None: the normal answer, as for all after the script

Each class tells what a client sees. All are values: frozen, comparable, hashable. Where one speaks of the normal
answer, it is what the request would have been answered, be it an error; other faults check nothing of the request.
"""

from sinch_reporting.testing.faults._answers import (
    ClockSkew,
    GzipBomb,
    HtmlPage,
    HugeHeader,
    InvalidJson,
    InvalidUtf8,
    Redirect,
    Status,
    WrongTypes,
)
from sinch_reporting.testing.faults._base import Fault
from sinch_reporting.testing.faults._connections import (
    ConnectionReset,
    Delay,
    DropKeepAlive,
    NoResponse,
    NotHttp,
    Raw,
    RefuseConnections,
    SlowDrip,
    Truncate,
    WrongContentLength,
)

DEFAULT_CHAOS: tuple[Fault, ...] = (
    Status(401),
    Status(429),
    Status(500),
    Status(502, body="Bad gateway"),
    Status(503),
    ClockSkew(),
    Delay(0.1),
    ConnectionReset("before headers"),
    ConnectionReset("in headers"),
    ConnectionReset("after headers"),
    DropKeepAlive("at once"),
    DropKeepAlive("on next request"),
    Truncate(),
    WrongContentLength(-10),
    NotHttp(),
    HtmlPage(),
    InvalidUtf8(),
    InvalidJson(),
    WrongTypes(),
    GzipBomb(),
    HugeHeader(),
)
"""What `chaos` chooses from unless told otherwise: what ends soon by itself and touches no other connection."""

__all__ = [
    "DEFAULT_CHAOS",
    "ClockSkew",
    "ConnectionReset",
    "Delay",
    "DropKeepAlive",
    "Fault",
    "GzipBomb",
    "HtmlPage",
    "HugeHeader",
    "InvalidJson",
    "InvalidUtf8",
    "NoResponse",
    "NotHttp",
    "Raw",
    "Redirect",
    "RefuseConnections",
    "SlowDrip",
    "Status",
    "Truncate",
    "WrongContentLength",
    "WrongTypes",
]
