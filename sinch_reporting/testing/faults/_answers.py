"""Faults that are answers of HTTP, on a connection that goes on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime

import attrs

from sinch_reporting.testing._plan import Answer, Plan, error_answer, json_answer
from sinch_reporting.testing.faults import _fields as fields
from sinch_reporting.testing.faults._base import Fault
from sinch_reporting.testing.faults._bomb import gzip_bomb

_NO_BODY = (204, 304)
_FINAL = range(200, 600)
_FIRST_ERROR = 400
_PAGE = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Please log in</h1></body></html>\n"
_WRONG_TYPES = {
    "success": "3",
    "failed": 1.5,
    "duration": [1],
    "start": 7,
    "value": {"seven": 7},
    "modified": True,
    "status": None,
}


@attrs.frozen(repr=False)
class Status(Fault):
    """An answer with this status.

    Its body is the API's error JSON if the status is 400 or more or a code is given; else it has none. After a status
    that is no final one of HTTP, such as 100 or 777, the connection is closed.

    Args:
        status: The status, of three digits.
        body: Text in place of that body; `""` for none.
        code: The `errorCode` in that body. Default: the status and two zeros, such as 50300.
        retry_after: Send `Retry-After` in seconds.
        retry_at: Send `Retry-After` as a date, so many seconds after the Sandbox's clock.
        headers: More headers, or others in place of those that would be sent.
    """

    status: int = attrs.field(converter=fields.status)
    body: str | None = attrs.field(default=None, kw_only=True)
    code: int | None = attrs.field(default=None, converter=fields.maybe_whole, kw_only=True)
    retry_after: float | None = attrs.field(default=None, converter=fields.maybe_seconds, kw_only=True)
    retry_at: float | None = attrs.field(default=None, converter=fields.maybe_seconds, kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=fields.headers, hash=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.status in _NO_BODY and (self.body or self.code):
            raise ValueError(f"an answer with the status {self.status} has no body")

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        answer = self._with_body()
        if self.retry_after is not None:
            answer = answer.but({"retry-after": f"{self.retry_after:.3f}".rstrip("0").rstrip(".")})
        if self.retry_at is not None:
            moment = now + timedelta(seconds=self.retry_at)
            answer = answer.but({"retry-after": format_datetime(moment, usegmt=True)})
        answer = answer.but(self.headers).dated(now)
        return Plan(self.status, [answer] if self.status in _FINAL else [answer.head() + answer.body])

    def _with_body(self) -> Answer:
        if self.body:
            return Answer(self.status, self.body.encode(), {"content-type": "text/plain; charset=utf-8"})
        if self.code is None and (self.body is not None or self.status < _FIRST_ERROR):
            return Answer(self.status)
        code = self.status * 100 if self.code is None else self.code
        return error_answer(self.status, code, "The Sandbox was told to fail.")


@attrs.frozen(repr=False)
class Redirect(Fault):
    """An answer that sends the client to another place, which is given as a URL."""

    location: str
    status: int = attrs.field(default=307, converter=fields.status)

    def __attrs_post_init__(self) -> None:
        self._as_status()  # which checks the location

    def _plan(self, normal: Answer, now: datetime, /) -> Plan:
        return self._as_status().plan(normal, now)

    def _as_status(self) -> Status:
        return Status(self.status, body="", headers={"location": self.location})


@attrs.frozen(repr=False)
class ClockSkew(Fault):
    """The 401, code 40101, of a server whose clock is so many hours ahead (behind, if < 0), as its `Date` shows.

    It is so for one answer; to move the time for all, assign to `sandbox.clock`.
    """

    hours: float = attrs.field(default=3.0, converter=fields.hours)

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        message = f"The x-timestamp header is {self.hours:g} hours off, by the server's clock."
        return Plan(401, [error_answer(401, 40101, message).dated(now + timedelta(hours=self.hours))])


@attrs.frozen(repr=False)
class HtmlPage(Fault):
    """A page in place of the API, as proxies and login portals have them, with the status 200."""

    status: int = attrs.field(default=200, converter=fields.status)

    def _plan(self, normal: Answer, now: datetime, /) -> Plan:
        headers = {"content-type": "text/html; charset=utf-8"}
        return Status(self.status, body=_PAGE, headers=headers).plan(normal, now)


@attrs.frozen(repr=False)
class InvalidUtf8(Fault):
    """A 200 that says it is JSON and holds bytes that are no text."""

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        return _ok(b'{"status":"\xff\xfe\xc3"}', now)


@attrs.frozen(repr=False)
class InvalidJson(Fault):
    """A 200 that says it is JSON and stops in the middle of it, though the whole body arrives."""

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        return _ok(b'{"status":"up","value":', now)


@attrs.frozen(repr=False)
class WrongTypes(Fault):
    """A 200 with JSON in which every field that the API knows has a wrong type."""

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        return _ok(json_answer(_WRONG_TYPES).body, now)


@attrs.frozen(repr=False)
class GzipBomb(Fault):
    """A 200 with a compressed body, small on the wire, that becomes so many MiB of JSON."""

    mebibytes: int = attrs.field(default=256, converter=fields.size)

    def _plan(self, _: Answer, now: datetime, /) -> Plan:
        return _ok(gzip_bomb(self.mebibytes), now, {"content-encoding": "gzip"})


@attrs.frozen(repr=False)
class HugeHeader(Fault):
    """The normal answer with one more header, of so many KiB."""

    kibibytes: int = attrs.field(default=256, converter=fields.size)

    def _plan(self, normal: Answer, _: datetime, /) -> Plan:
        return Plan(normal.status, [normal.but({"x-padding": "x" * self.kibibytes * 1024})])


def _ok(body: bytes, now: datetime, headers: Mapping[str, str] | None = None) -> Plan:
    return Plan(200, [Answer(200, body, {"content-type": "application/json", **(headers or {})}).dated(now)])
