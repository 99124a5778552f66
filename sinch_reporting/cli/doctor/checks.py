"""Checks of the credentials, the base URL, the response without credentials and the clock."""

import os
import shlex
import stat
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx

from sinch_reporting.cli.doctor.network import is_json
from sinch_reporting.cli.doctor.result import WITHDRAWN, Check, failed, ok, warning

_TOLERABLE = timedelta(minutes=5)
_NOTICEABLE = timedelta(seconds=5)


def credentials(source: str, path: Path | None) -> Check:
    """Check who can read the file of the credentials."""
    if path and os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning(f"well-formed, from {source}, which other users can read", f"chmod 600 {shlex.quote(str(path))}")
    return ok(f"key and secret are well-formed, from {source}")


def base_url(url: httpx.URL, signing_path_prefix: str | None) -> Check:
    """Check the path of the base URL."""
    if url.path.rstrip("/").endswith("/v1") or signing_path_prefix is not None:
        return ok(str(url))
    remedy = "the paths of the API begin with /v1: correct --base-url or SINCH_REPORTING_URL, unless a gateway adds it"
    return warning(f"{url} does not end with /v1", remedy)


def api(response: httpx.Response) -> Check:
    """Check the response to a request without credentials: the API refuses it with its own error."""
    status = response.status_code
    known = status in HTTPStatus._value2member_map_
    phrase = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        remedy = "try again later; if it persists, contact Sinch support"
        return failed(f"the server, or something in front of it, fails: {phrase}", remedy)
    if status == HTTPStatus.GONE or (status == HTTPStatus.NOT_FOUND and is_json(response)):
        what = f"the host responds, but not with the Reporting API: {phrase}"
        return failed(what, f"check the base URL; its path is usually /v1\n{WITHDRAWN}")
    if status == HTTPStatus.FORBIDDEN and not is_json(response):
        remedy = "a proxy or a firewall may refuse this machine: ask its operator to allow it"
        return failed(f"something in front of the API refuses the request: {phrase}", remedy)
    if not is_json(response) and status != HTTPStatus.UNAUTHORIZED:
        remedy = "check the base URL; a proxy, or a network with a login page, may respond instead"
        return failed(f"the response ({phrase}) is not from the Reporting API", remedy)
    return ok(f"the host responds: {phrase} without credentials")


def clock(date: datetime | None, now: datetime) -> Check:
    """Compare this machine's clock with the server's."""
    if date is None:
        return warning("the response has no date", "compare this machine's clock with another one")
    offset = now - date
    if abs(offset) <= _NOTICEABLE:
        return ok("within seconds of the server's")
    size = timedelta(seconds=round(abs(offset).total_seconds()))
    what = f"{size} {'ahead of' if offset > timedelta() else 'behind'} the server's"
    if now.date() != date.date():
        what += f"; today (UTC) is {now.date()} here and {date.date()} there, so --days, today and yesterday are wrong"
    if abs(offset) <= _TOLERABLE:
        return warning(what, "set it by NTP; if it is off by more than some minutes, the server refuses timestamps")
    return warning(what, "set it by NTP; until then each client learns the offset from a refused request")
