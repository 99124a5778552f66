"""Response decoding: from a response to its JSON object, or to an error. No byte of a response is trusted. No I/O."""

import json
import re
import zlib
from collections.abc import AsyncIterable, Iterable, Mapping
from contextlib import aclosing, closing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

import anyio
import httpx

from sinch_reporting._redaction import Secrets, is_reference, redact
from sinch_reporting.errors import APIError, DecodeError, api_error_class
from sinch_reporting.httpdate import parse_http_date

MAX_BODY_BYTES = 1024 * 1024
TOO_LARGE = "the response is larger than 1 MiB; check that the base URL leads to the Reporting API"

_MAX_JSON_VALUES = 10_000  # each takes up to a hundred times the memory of its text
_FRAMING_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}
_REDIRECT = "redirects are not followed, so that signed headers stay with their host; check the base URL"
_REMEDIES = {
    **dict.fromkeys(range(300, 400), _REDIRECT),
    400: "check the parameters",
    401: "check that the secret belongs to the key, and this machine's clock",
    403: "ask Sinch support whether the application may use the Reporting API",
    404: "check the endpoint or id; ids are set up together with Sinch support",
    407: "check the proxy's user name and password",
    429: "send fewer requests",
}


def _is_read(response: httpx.Response) -> bool:  # httpx decompresses what it reads, without a limit
    return response.is_stream_consumed and "Content-Encoding" not in response.headers


def read_body(response: httpx.Response) -> bytes:
    """Read at most 1 MiB and one chunk of a raw body, and close the response."""
    if _is_read(response):
        return response.content
    content = bytearray()
    with closing(response):
        for chunk in cast("Iterable[bytes]", response.stream):
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                break
    return bytes(content)


async def async_read_body(response: httpx.Response) -> bytes:
    """Read at most 1 MiB and one byte of a raw body, and close the response."""
    if _is_read(response):
        return response.content
    content = bytearray()
    async with aclosing(response):
        with anyio.CancelScope() as scope:
            async for chunk in cast("AsyncIterable[bytes]", response.stream):
                content += chunk[: MAX_BODY_BYTES + 1 - len(content)]  # a stream may yield more after the cancellation
                if len(content) > MAX_BODY_BYTES:
                    # Ends the stream from within. `break` would leave generators to the garbage collector.
                    scope.cancel()
    return bytes(content)


def decode_body(response: httpx.Response, content: bytes, request: httpx.Request) -> httpx.Response:
    """Return the response with its body, decompressed. Raises DecodeError if it is too large or cannot be."""
    if len(content) > MAX_BODY_BYTES:
        raise DecodeError(TOO_LARGE)
    if response.is_stream_consumed and content is response.content:
        response.request = request
        return response
    headers = response.headers
    codings = [value for name, value in headers.raw if name.lower() == b"content-encoding"]
    if codings:
        headers = httpx.Headers([field for field in headers.raw if field[0].lower() not in _FRAMING_HEADERS])
        try:
            for coding in reversed(b",".join(codings).lower().split(b",")):
                content = _decompress(content, coding.strip())
        except zlib.error:
            if response.status_code == HTTPStatus.OK:
                raise DecodeError("the response cannot be decompressed") from None
            content = b""
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def _decompress(content: bytes, coding: bytes, wbits: int = zlib.MAX_WBITS + 32) -> bytes:  # detects gzip and zlib
    if coding not in {b"gzip", b"x-gzip", b"deflate"} or not content:
        return content  # unknown codings are ignored, as by httpx: servers send `UTF-8` or `none`
    decompressor = zlib.decompressobj(wbits)
    try:
        inflated = decompressor.decompress(content, MAX_BODY_BYTES + 1)
    except zlib.error:
        if coding != b"deflate" or wbits < 0:
            raise
        return _decompress(content, coding, -zlib.MAX_WBITS)  # raw deflate, which some servers send
    if len(inflated) > MAX_BODY_BYTES:
        raise DecodeError(TOO_LARGE)
    if not decompressor.eof:
        raise zlib.error("incomplete")
    return inflated


def decode(response: httpx.Response, secrets: Secrets = tuple) -> dict[str, Any]:
    """Return the JSON object of a 200. Otherwise raises an APIError or DecodeError, without the secrets."""
    content, status = response.content, response.status_code
    try:
        body = json.loads(content) if sum(map(content.count, b",[{")) <= _MAX_JSON_VALUES else None
    except (ValueError, RecursionError):
        body = None
    fields = _error_fields(body)
    code = fields.get("errorCode", fields.get("code"))
    # Five digits that start with an HTTP error status; published examples have it as a number or a string.
    code = int(code) if code and re.fullmatch(r"[45][0-9]{4}", str(code)) else None
    if status == HTTPStatus.OK and code is None:
        if isinstance(body, dict):
            return cast("dict[str, Any]", body)
        start = content[:200].lstrip()
        what = "no body" if not start else "HTML" if start.startswith(b"<") else "a body that is not a JSON object"
        raise DecodeError(f"the server sent 200 with {what}; check that the base URL leads to the Reporting API")
    if 200 < status < 300:  # noqa: PLR2004
        raise DecodeError(f"the server sent {_status_line(status)}; the contract promises 200 with a JSON object")
    raise _api_error(code // 100 if code and status == HTTPStatus.OK else status, code, fields, response, secrets)


def _api_error(
    status: int, code: int | None, fields: Mapping[str, Any], response: httpx.Response, secrets: Secrets
) -> APIError:
    request = response.request
    texts = {name: fields[name] for name in ("message", "reference") if isinstance(fields.get(name), str)}
    cleaned = {name: redact(text, request, secrets) for name, text in texts.items()}
    message, reference = cleaned.get("message"), cleaned.get("reference")
    if is_reference(texts.get("reference", ""), request):
        reference = texts["reference"]
    remedy = _REMEDIES.get(status, "retry later; if it persists, contact Sinch support with the reference")
    if status == HTTPStatus.FORBIDDEN and response.content.lstrip()[:1] == b"<":
        remedy = "the HTML page comes from something in front of the API, such as a proxy or firewall"
    retry_after = retry_after_seconds(response.headers)
    text = _status_line(status) + (f" (error {code})" if code else "") + (f": {message.rstrip('.')}" if message else "")
    text += f"; {remedy}" + (f"; the server asks to wait {retry_after:g} s" if retry_after is not None else "")
    text += f" [reference {reference}]" if reference else ""
    details = {"error_code": code, "message": message, "reference": reference, "retry_after": retry_after}
    return api_error_class(status)(text, status_code=status, headers=response.headers, **details)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _error_fields(body: Any) -> Mapping[str, Any]:  # some bodies wrap them in `response.error`
    for wrapper in ("response", "error"):
        if isinstance(body, dict) and isinstance(body.get(wrapper), dict):
            body = body[wrapper]
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def retry_after_seconds(headers: httpx.Headers) -> float | None:
    """Return the seconds of Retry-After, or None if it is absent or malformed."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,18}", value):
        return float(value)
    date = parse_http_date(value)
    if date is None:
        return None
    now = parse_http_date(headers.get("Date")) or datetime.now(UTC)  # so the local clock rarely matters
    return max((date - now).total_seconds(), 0.0)
