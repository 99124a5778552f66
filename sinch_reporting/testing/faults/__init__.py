"""Faults: what a Sandbox can do to a request, for its `fail_next`, `fail_always` and `chaos`.

    sandbox.fail_next(Status(503, retry_after=1), ConnectionReset(), None)  # None: the normal response

The description of each class states what a client sees. Faults are values: frozen, comparable, hashable. The *normal
response* is the one that the request would get without the fault, including errors such as a 401. All other faults
ignore the credentials and the path.
"""

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
from sinch_reporting.testing.faults._responses import (
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
"""The default choice of `chaos`, namely faults that end soon without the client and affect no other connection."""

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
