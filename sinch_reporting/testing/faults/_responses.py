"""Faults that are HTTP responses on a connection that stays open."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime

import attrs

from sinch_reporting.testing._actions import Plan, Response, error_response, json_response
from sinch_reporting.testing.faults import _validators as fields
from sinch_reporting.testing.faults._base import Fault
from sinch_reporting.testing.faults._gzip_bomb import gzip_bomb

_NO_BODY = (204, 304)
_FINAL = range(200, 600)
_FIRST_ERROR = 400
# The published codes with a published meaning.
_MESSAGES = {
    40001: "A parameter is invalid.",
    40002: "A parameter is missing.",
    40003: "The request is invalid.",
    40004: "The application key is invalid.",
    40005: "The number lacks its leading plus.",
    40100: "The Authorization header is missing or malformed.",
    40101: "The x-timestamp header is missing or too old.",
    40102: "The signature is invalid.",
    40103: "Already authorized.",
    40104: "Not authorized and signed with the application secret.",
    40105: "The authorization has expired.",
    40107: "Wrong type of authorization, key or password.",
    40108: "The credentials are invalid.",
    40200: "Payment is required.",
    40300: "Forbidden.",
    40301: "The authorization scheme is invalid.",
    40400: "Not found.",
    42900: "The request capacity is exceeded.",
    42901: "The velocity constraint is exceeded.",
    50000: "Internal error.",
    50300: "Temporarily down.",
    50301: "Configuration error.",
}
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
    """A response with this status.

    Its body is the API's error JSON if the status is 400 or more or a code is given; otherwise it is empty. After a
    status that does not end an HTTP exchange, such as 100 or 777, the connection is closed.

    Args:
        status: The status, three digits.
        body: Text instead of that body; `""` for an empty one.
        code: The `errorCode` in that body, such as 40105. Default: the status and two zeros, such as 50300.
        body_status: The `status` in that body, such as 404 for "404 Not Found". Default: the status. The API's
            published examples contain a `status` that contradicts the `errorCode`.
        retry_after: Send `Retry-After` in seconds.
        retry_at: Send `Retry-After` as a date, this number of seconds after the Sandbox's clock.
        headers: Headers to add or replace.
    """

    status: int = attrs.field(converter=fields.status)
    body: str | None = attrs.field(default=None, kw_only=True)
    code: int | None = attrs.field(default=None, converter=fields.optional_int, kw_only=True)
    body_status: int | None = attrs.field(default=None, converter=fields.optional_status, kw_only=True)
    retry_after: float | None = attrs.field(default=None, converter=fields.optional_seconds, kw_only=True)
    retry_at: float | None = attrs.field(default=None, converter=fields.optional_seconds, kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=fields.headers, hash=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        in_json = self.code or self.body_status
        if self.status in _NO_BODY and (self.body or in_json):
            raise ValueError(f"a response with the status {self.status} has no body")
        if self.body is not None and in_json:
            raise ValueError("body replaces the JSON that code and body_status belong to; give one or the other")

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        response = self._with_body()
        if self.retry_after is not None:
            response = response.with_headers({"retry-after": f"{self.retry_after:.3f}".rstrip("0").rstrip(".")})
        if self.retry_at is not None:
            moment = now + timedelta(seconds=self.retry_at)
            response = response.with_headers({"retry-after": format_datetime(moment, usegmt=True)})
        response = response.with_headers(self.headers).with_date(now)
        return Plan(self.status, [response] if self.status in _FINAL else [response.head() + response.body])

    def _with_body(self) -> Response:
        if self.body:
            return Response(self.status, self.body.encode(), {"content-type": "text/plain; charset=utf-8"})
        is_error = self.status >= _FIRST_ERROR or self.code is not None or self.body_status is not None
        if self.body is not None or not is_error:
            return Response(self.status)
        code = self.status * 100 if self.code is None else self.code
        message = _MESSAGES.get(code, "An error of the Sandbox.")
        return error_response(self.status, code, message, body_status=self.body_status)


@attrs.frozen(repr=False)
class Redirect(Fault):
    """A redirect to a URL."""

    location: str
    status: int = attrs.field(default=307, converter=fields.status)

    def __attrs_post_init__(self) -> None:
        self._as_status()  # validates the location

    def _plan(self, normal: Response, now: datetime, /) -> Plan:
        return self._as_status().plan(normal, now)

    def _as_status(self) -> Status:
        return Status(self.status, body="", headers={"location": self.location})


@attrs.frozen(repr=False)
class ClockSkew(Fault):
    """The 401 (code 40101) of a server with a clock ahead by this number of hours (behind, if < 0), as in its `Date`.

    It applies to one response. To move the time for all responses, assign to `sandbox.clock`.
    """

    hours: float = attrs.field(default=3.0, converter=fields.hours)

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        message = f"The x-timestamp header is {self.hours:g} hours off, by the server's clock."
        return Plan(401, [error_response(401, 40101, message).with_date(now + timedelta(hours=self.hours))])


@attrs.frozen(repr=False)
class HtmlPage(Fault):
    """An HTML page with the status 200, as from a proxy or a login portal."""

    status: int = attrs.field(default=200, converter=fields.status)

    def _plan(self, normal: Response, now: datetime, /) -> Plan:
        headers = {"content-type": "text/html; charset=utf-8"}
        return Status(self.status, body=_PAGE, headers=headers).plan(normal, now)


@attrs.frozen(repr=False)
class InvalidUtf8(Fault):
    """A 200 with JSON that is not valid UTF-8."""

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        return _ok(b'{"status":"\xff\xfe\xc3"}', now)


@attrs.frozen(repr=False)
class InvalidJson(Fault):
    """A 200 with half of a JSON text, although the whole body arrives."""

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        return _ok(b'{"status":"up","value":', now)


@attrs.frozen(repr=False)
class WrongTypes(Fault):
    """A 200 with JSON in which every field of the API has a wrong type."""

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        return _ok(json_response(_WRONG_TYPES).body, now)


@attrs.frozen(repr=False)
class GzipBomb(Fault):
    """A 200 with a small compressed body that expands to this size in MiB."""

    mebibytes: int = attrs.field(default=256, converter=fields.size)

    def _plan(self, _: Response, now: datetime, /) -> Plan:
        return _ok(gzip_bomb(self.mebibytes), now, {"content-encoding": "gzip"})


@attrs.frozen(repr=False)
class HugeHeader(Fault):
    """The normal response with an additional header of this size in KiB."""

    kibibytes: int = attrs.field(default=256, converter=fields.size)

    def _plan(self, normal: Response, _: datetime, /) -> Plan:
        return Plan(normal.status, [normal.with_headers({"x-padding": "x" * self.kibibytes * 1024})])


def _ok(body: bytes, now: datetime, headers: Mapping[str, str] | None = None) -> Plan:
    return Plan(200, [Response(200, body, {"content-type": "application/json", **(headers or {})}).with_date(now)])
