"""The check of a signed request, and what each refusal means."""

from collections.abc import Mapping
from typing import Any

import httpx

from sinch_reporting import (
    APIError,
    AuthenticationError,
    DecodeError,
    NotFoundError,
    ReportingClient,
    ReportingError,
    RetryPolicy,
    SignedAuth,
)
from sinch_reporting.cli.doctor.network import Route
from sinch_reporting.cli.doctor.result import COUNTER, Check, failed, ok
from sinch_reporting.cli.exit_codes import error_line, is_from_intermediary

COPY = "copy both again from the Sinch dashboard, each completely"
_SUPPORT = "contact Sinch support"
_REMEDIES = {
    401: COPY,
    403: f"{_SUPPORT}: ask whether the application may use the Reporting API",
    429: "send fewer requests, and try again later",
    500: f"try again later; if it persists, {_SUPPORT}",
    40100: "the Authorization header did not arrive as it was sent; find out what changes headers on the way",
    40101: "the timestamp is missing or too old: set this machine's clock, or find out what removes headers on the way",
    40102: f"the secret does not belong to the key; {COPY}",
    40103: "the request is authorized already; find out what adds credentials on the way, such as a gateway",
    40104: f"the application is not authorized by its secret; {COPY}, or {_SUPPORT}",
    40105: "the credentials or the timestamp have expired: set this machine's clock, then create a new secret",
    40107: f"wrong type of authorization, key or password; {COPY}, and use those of the application, not of a project",
    40108: f"the key is unknown; {COPY}",
    40301: "the server does not accept signed requests for this application; ask Sinch support to allow them",
    40302: f"the application may not use this operation; {_SUPPORT}",
    40303: f"the application may not use this operation; {_SUPPORT}",
    42900: "the request capacity is exceeded; send fewer requests, and try again later",
    42901: "requests come too fast; send fewer per second, and try again later",
    50301: f"the configuration of the application at Sinch is incomplete; {_SUPPORT}",
}
_INVALID_SIGNATURE = 40102


def signature(route: Route, auth: SignedAuth, options: Mapping[str, Any]) -> Check:
    """Request the counter of ongoing calls, signed, with the client's options."""
    once: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "timeout": route.seconds, "deadline": 2 * route.seconds}
    try:
        with ReportingClient(auth=auth, **(dict(options) | once)) as client:
            client.get_counter(COUNTER)
    except NotFoundError:
        return ok(f"accepted, although there is no counter {COUNTER}")
    except APIError as error:
        prefix = options.get("signing_path_prefix", route.url.path.rstrip("/"))
        return _refusal(error, _rewritten_path(route, auth, error, prefix))
    except DecodeError as error:
        return failed(error_line(error), "check that the base URL leads to the Reporting API")
    except ReportingError as error:
        return failed(error_line(error), "try again; if it persists, find out what fails on the way")
    return ok("accepted")


def _refusal(error: APIError, rewritten: str | None) -> Check:
    if is_from_intermediary(error):
        return failed(error_line(error), "ask the operator of the proxy or firewall to allow the request")
    code = error.error_code
    details = [f"error {code}"] if code else []
    details += [f"reference {error.reference}"] if error.reference else []
    suffix = f" ({', '.join(details)})" if details else ""
    what = f"refused: {error.status_code} {error.message or 'no reason given'}{suffix}"
    status = min(error.status_code // 100 * 100, 500) if error.status_code not in _REMEDIES else error.status_code
    remedy = rewritten or _REMEDIES.get(code or 0) or _REMEDIES.get(status) or _SUPPORT
    return failed(what, remedy)


def _rewritten_path(route: Route, auth: SignedAuth, error: APIError, prefix: str) -> str | None:
    """Return the remedy if a gateway rewrites paths: the signature of another path prefix is accepted."""
    if not isinstance(error, AuthenticationError) or error.error_code != _INVALID_SIGNATURE:
        return None
    for candidate in ("/v1", ""):
        if candidate != prefix and _accepts(route, auth, candidate):
            return (
                f"a gateway rewrites the path: add --signing-path-prefix {candidate or repr('')}, or pass "
                "signing_path_prefix to the client"
            )
    return None


def _accepts(route: Route, auth: SignedAuth, prefix: str) -> bool:
    """Return whether a request is accepted that is signed for another path than it is sent to."""
    path = f"/counters/{COUNTER}"
    signed = next(auth.auth_flow(httpx.Request("GET", route.url.copy_with(path=prefix + path))))
    headers = {name: signed.headers[name] for name in ("Authorization", "x-timestamp")}
    try:
        response = route.get(path, headers)
    except (httpx.HTTPError, DecodeError, ImportError):
        return False
    return response.is_success or response.status_code == httpx.codes.NOT_FOUND
