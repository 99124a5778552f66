"""Faults of the connection: responses that are late, incomplete, endless or missing."""

import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, get_args

import attrs

from sinch_reporting.testing._actions import Action, Disconnect, Plan, Response, Sleep, StopListening
from sinch_reporting.testing.faults import _validators as fields
from sinch_reporting.testing.faults._base import Fault

ResetWhen = Literal["before headers", "in headers", "after headers"]
DropWhen = Literal["at once", "on next request"]
DripPart = Literal["body", "headers"]

_FOREVER = Sleep(None)
# Some systems discard unread data when a reset follows.
_UNTIL_READ = Sleep(0.02)


@attrs.frozen(repr=False)
class Delay(Fault):
    """The normal response, late by this time in seconds."""

    seconds: float = attrs.field(converter=fields.seconds)

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        return Plan(normal.status, [Sleep(self.seconds), normal])


@attrs.frozen(repr=False)
class NoResponse(Fault):
    """No response at all. The connection stays open until the client gives up."""

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [_FOREVER])


@attrs.frozen(repr=False)
class RefuseConnections(Fault):
    """The connection is closed without a response, and new ones are refused for this time in seconds.

    Other connections are closed as soon as they are idle. `sandbox.refuse_connections()` refuses for a `with` block.
    """

    seconds: float = attrs.field(default=1.0, converter=fields.seconds)

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [StopListening(self.seconds), Disconnect.CLOSE])


@attrs.frozen(repr=False)
class ConnectionReset(Fault):
    """The connection is reset (RST): instead of the response, in the middle of its headers, or after them."""

    when: ResetWhen = attrs.field(default="before headers", validator=fields.one_of(*get_args(ResetWhen)))

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        if self.when == "before headers":
            return Plan(None, [Disconnect.RESET])
        head = normal.head()
        sent = head[: len(head) * 2 // 3] if self.when == "in headers" else head
        return Plan(normal.status, [sent, _UNTIL_READ, Disconnect.RESET])


@attrs.frozen(repr=False)
class DropKeepAlive(Fault):
    """The normal response on a connection that should be kept alive, but is closed.

    It is closed at once, or when its next request has arrived. That request gets no response, does not count for
    `fail_next`, and is recorded with this fault.
    """

    when: DropWhen = attrs.field(default="at once", validator=fields.one_of(*get_args(DropWhen)))

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        end = Disconnect.CLOSE if self.when == "at once" else Disconnect.CLOSE_ON_NEXT_REQUEST
        return Plan(normal.status, [normal.with_headers({"connection": "keep-alive"}), end])


@attrs.frozen(repr=False)
class Truncate(Fault):
    """The normal response, with only this share of its body before the connection is closed."""

    share: float = attrs.field(default=0.5, converter=fields.share)

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        return Plan(normal.status, [normal.head() + normal.body[: int(len(normal.body) * self.share)]])


@attrs.frozen(repr=False)
class WrongContentLength(Fault):
    """The normal response with a `Content-Length` that is wrong by this number of bytes, on an open connection.

    If it is too large, the client waits for more until it gives up. If it is too small (`by` < 0), the body ends
    early, and the rest arrives in place of the next response.
    """

    by: int = attrs.field(default=10, converter=int)

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        if self.by < 0:
            return Plan(normal.status, [attrs.evolve(normal, body=normal.body[: self.by]), normal.body[self.by :]])
        length = {"content-length": str(len(normal.body) + self.by)}
        return Plan(normal.status, [normal.with_headers(length).head() + normal.body, _FOREVER])


@attrs.frozen(repr=False)
class SlowDrip(Fault):
    """A 200 with endless headers or an endless body, one byte at a time, this time in seconds apart."""

    what: DripPart = attrs.field(default="body", validator=fields.one_of(*get_args(DripPart)))
    seconds: float = attrs.field(default=0.01, converter=fields.seconds)

    def _plan(self, *_: object) -> Plan:
        return Plan(200, self._actions())

    def _actions(self) -> Iterator[Action]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        yield b"\r\n{" if self.what == "body" else b"x-drip: "
        yield from itertools.cycle((Sleep(self.seconds), b" " if self.what == "body" else b"x"))


@attrs.frozen(repr=False)
class NotHttp(Fault):
    """Bytes that are not HTTP; then the connection is closed."""

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [b"\x15\x03\x01\x00\x02\x02\x16 this is not HTTP \x00\xff\r\n\r\n"])


@attrs.frozen(repr=False)
class Raw(Fault):
    """These bytes instead of a response; then the connection is closed."""

    data: bytes

    def _plan(self, *_: object) -> Plan:
        status = re.match(rb"HTTP/1\.[01] (\d{3})", self.data)
        return Plan(int(status[1]) if status else None, [self.data])
