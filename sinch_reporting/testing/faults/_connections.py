"""Faults of the connection: what arrives late, in part, for ever, or not at all."""

import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, get_args

import attrs

from sinch_reporting.testing._plan import Act, Answer, End, Pause, Plan, Refuse
from sinch_reporting.testing.faults import _fields as fields
from sinch_reporting.testing.faults._base import Fault

ResetWhen = Literal["before headers", "in headers", "after headers"]
HangUpWhen = Literal["at once", "on next request"]
DripWhat = Literal["body", "headers"]

_FOREVER = Pause(None)
# Some systems throw away what has arrived and is not read yet when a reset follows.
_UNTIL_READ = Pause(0.02)


@attrs.frozen(repr=False)
class Delay(Fault):
    """The normal answer, after so many seconds."""

    seconds: float = attrs.field(converter=fields.seconds)

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        return Plan(normal.status, [Pause(self.seconds), normal])


@attrs.frozen(repr=False)
class NoResponse(Fault):
    """No answer, ever; the connection stays open until the client gives up."""

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [_FOREVER])


@attrs.frozen(repr=False)
class RefuseConnections(Fault):
    """The connection is closed without an answer, and for so many seconds new ones are refused.

    The others are closed as soon as they are idle. `sandbox.refuse_connections()` does it for as long as you like.
    """

    seconds: float = attrs.field(default=1.0, converter=fields.seconds)

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [Refuse(self.seconds), End.CLOSE])


@attrs.frozen(repr=False)
class ConnectionReset(Fault):
    """A connection that is reset (RST): in place of the answer, in the middle of its headers, or after them."""

    when: ResetWhen = attrs.field(default="before headers", validator=fields.one_of(*get_args(ResetWhen)))

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        if self.when == "before headers":
            return Plan(None, [End.RESET])
        head = normal.head()
        sent = head[: len(head) * 2 // 3] if self.when == "in headers" else head
        return Plan(normal.status, [sent, _UNTIL_READ, End.RESET])


@attrs.frozen(repr=False)
class DropKeepAlive(Fault):
    """The normal answer, on a connection that promises to be kept alive and is not.

    It is closed at once, or when the next request on it has arrived. That request gets no answer, takes no step of a
    script, and is recorded as met by this fault.
    """

    when: HangUpWhen = attrs.field(default="at once", validator=fields.one_of(*get_args(HangUpWhen)))

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        end = End.CLOSE if self.when == "at once" else End.CLOSE_ON_NEXT_REQUEST
        return Plan(normal.status, [normal.but({"connection": "keep-alive"}), end])


@attrs.frozen(repr=False)
class Truncate(Fault):
    """The normal answer, of whose body only this share is sent before the connection is closed."""

    share: float = attrs.field(default=0.5, converter=fields.share)

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        return Plan(normal.status, [normal.head() + normal.body[: int(len(normal.body) * self.share)]])


@attrs.frozen(repr=False)
class WrongContentLength(Fault):
    """The normal answer with a `Content-Length` that is wrong by so many bytes, on a connection that stays open.

    If it is too long, the client waits for the rest until it gives up. If it is too short (`by` < 0), the body ends
    early, and the rest stands where the next answer should begin.
    """

    by: int = attrs.field(default=10, converter=fields.whole)

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        if self.by < 0:
            return Plan(normal.status, [attrs.evolve(normal, body=normal.body[: self.by]), normal.body[self.by :]])
        length = {"content-length": str(len(normal.body) + self.by)}
        return Plan(normal.status, [normal.but(length).head() + normal.body, _FOREVER])


@attrs.frozen(repr=False)
class SlowDrip(Fault):
    """A 200 whose body, or whose headers, come byte by byte, so many seconds apart, and never end."""

    what: DripWhat = attrs.field(default="body", validator=fields.one_of(*get_args(DripWhat)))
    seconds: float = attrs.field(default=0.01, converter=fields.seconds)

    def _plan(self, *_: object) -> Plan:
        return Plan(200, self._acts())

    def _acts(self) -> Iterator[Act]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        yield b"\r\n{" if self.what == "body" else b"x-drip: "
        yield from itertools.cycle((Pause(self.seconds), b" " if self.what == "body" else b"x"))


@attrs.frozen(repr=False)
class NotHttp(Fault):
    """Bytes that are not HTTP; then the connection is closed."""

    def _plan(self, *_: object) -> Plan:
        return Plan(None, [b"\x15\x03\x01\x00\x02\x02\x16 this is not HTTP \x00\xff\r\n\r\n"])


@attrs.frozen(repr=False)
class Raw(Fault):
    """These bytes in place of an answer; then the connection is closed."""

    data: bytes

    def _plan(self, *_: object) -> Plan:
        status = re.match(rb"HTTP/1\.[01] (\d{3})", self.data)
        return Plan(int(status[1]) if status else None, [self.data])
