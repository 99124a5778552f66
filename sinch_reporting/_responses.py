"""What an answer means. Plain functions without I/O, shared by both clients; no byte of an answer is trusted."""

import re
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

import httpx

from sinch_reporting.errors import APIError, DecodeError, api_error_class
from sinch_reporting.httpdate import parse_http_date
from sinch_reporting.messages import ApiAnswer

MAX_BODY_BYTES = 1024 * 1024
Redact = Callable[[str], str]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REMEDIES = {
    400: "Check the arguments",
    401: "Check that the secret belongs to the key, and this machine's clock",
    403: "Ask Sinch support whether the application may use the Reporting API",
    404: "Check the endpoint or id; ids are set up together with Sinch support",
    429: "Send fewer requests",
}


def decode_body(response: httpx.Response, content: bytes | bytearray, request: httpx.Request) -> ApiAnswer:
    """Return the answer with its body, decompressed.

    Raises DecodeError where it is larger than 1 MiB, or where a 200 cannot be decompressed.
    """
    if len(content) > MAX_BODY_BYTES:
        raise DecodeError("the answer is larger than 1 MiB; check that the base URL leads to the Reporting API")
    content = bytes(content)
    headers = response.headers
    if "Content-Encoding" not in headers and isinstance(response, ApiAnswer):
        return response
    if "Content-Encoding" in headers:
        headers = headers.copy()
        encoding = headers["Content-Encoding"].strip().lower()
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
        try:
            content = _decompressed(content, encoding)
        except zlib.error:
            if response.status_code == HTTPStatus.OK:
                raise DecodeError("the answer cannot be decompressed") from None
            content = b""
    return ApiAnswer(response.status_code, headers, content, request, response.extensions)


def _decompressed(raw: bytes, encoding: str) -> bytes:
    if encoding == "identity" or not raw:
        return raw
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise zlib.error
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS + 32)  # finds out by itself whether it is gzip or zlib
    content = decompressor.decompress(raw, MAX_BODY_BYTES + 1)
    if len(content) > MAX_BODY_BYTES:
        raise DecodeError("the answer is larger than 1 MiB once decompressed; check the base URL")
    if not decompressor.eof:
        raise zlib.error
    return content


def error_from_response(response: ApiAnswer, attempts: int, redact: Redact = str) -> APIError | DecodeError | None:
    """Return the error that the answer is, or None where it is a JSON object with status 200.

    `redact` takes from the server's words what the request does not show.
    """
    body = response.parsed
    fields = _error_fields(body)
    status = response.status_code
    if status == HTTPStatus.OK:
        code = _error_code(fields)
        if code is None:
            return None if isinstance(body, dict) else DecodeError(_not_json(response))
        status = code // 100
    elif 200 < status < 300:  # noqa: PLR2004
        return DecodeError(f"the server answered {_phrase(status)} where the contract promises 200 with a JSON body")
    return _api_error(status, fields, response, attempts, redact)


def _api_error(
    status: int, fields: Mapping[str, Any], response: httpx.Response, attempts: int, redact: Redact
) -> APIError:
    code = _error_code(fields)
    message = _text(fields.get("message"), response.request, redact)
    reference = _reference(fields.get("reference"), response.request, redact)
    retry_after = retry_after_seconds(response.headers)
    text = _phrase(status) + (f" (error {code})" if code else "") + (f": {message.rstrip('.')}" if message else "")
    text += f". {_remedy(status)}"
    text += f"; the server asks to wait {retry_after:g} s" if retry_after is not None else ""
    text += f" [reference {reference}]" if reference else ""
    return api_error_class(status)(
        text,
        status_code=status,
        error_code=code,
        message=message,
        reference=reference,
        retry_after=retry_after,
        attempts=attempts,
    )


def _remedy(status: int) -> str:
    if 300 <= status < 400:  # noqa: PLR2004
        return "Redirects are not followed, so that signed headers stay with their host; check the base URL"
    return _REMEDIES.get(status, "Try again later; where it stays, ask Sinch support and quote the reference")


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _not_json(response: httpx.Response) -> str:
    start = response.content[:200].lstrip().lower()
    what = "nothing" if not start else "HTML" if start.startswith(b"<") else "something that is not a JSON object"
    return f"the server answered 200 with {what}; check that the base URL leads to the Reporting API"


def _error_fields(body: Any) -> Mapping[str, Any]:
    """Return the error's fields; some answers wrap them in `response.error`, or say `code` for `errorCode`."""
    for wrapper in ("response", "error"):
        if isinstance(body, dict) and isinstance(body.get(wrapper), dict):
            body = body[wrapper]
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _error_code(fields: Mapping[str, Any]) -> int | None:
    code = fields.get("errorCode", fields.get("code"))
    # Five digits that begin with an HTTP error status; a number in some answers and a string in others.
    return int(code) if re.fullmatch(r"[45][0-9]{4}", str(code)) else None


def _text(value: object, request: httpx.Request, redact: Redact) -> str | None:
    return redact_request(redact(value), request) if isinstance(value, str) else None


def _reference(value: object, request: httpx.Request, redact: Redact) -> str | None:
    # A UUID names nobody, and must reach the support as it is; its digits may look like a phone number's.
    return value if isinstance(value, str) and _UUID.fullmatch(value) else _text(value, request, redact)


def retry_after_seconds(headers: httpx.Headers) -> float | None:
    """Return the seconds that Retry-After asks to wait, or None where it is absent or malformed.

    A date is counted from the answer's own Date, so that our clock does not matter.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,18}", value):
        return float(value)
    until = parse_http_date(value)
    if until is None:
        return None
    now = parse_http_date(headers.get("Date")) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0.0)
