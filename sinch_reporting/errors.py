"""Exceptions of the library: one tree under ReportingError.

Messages contain the cause and a remedy. None contains a secret, an Authorization header, a phone number or a username.
"""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, Self


class ReportingError(Exception):
    """Base class of all exceptions of the library.

    Attributes:
        route: The route template of the call, such as `/counters/{id}`; None outside of calls.
        attempts: Number of attempts that were sent.
        elapsed: Duration of the call in seconds; None outside of calls.
    """

    route: str | None = None
    attempts: int = 0
    elapsed: float | None = None

    def __bool__(self) -> Literal[True]:
        # Declared so that type checkers narrow `if outcome.error`.
        return True


class ConfigurationError(ReportingError, ValueError):
    """A client cannot be made: credentials are missing or malformed, or an option or the base URL is invalid."""


class InvalidRequestError(ReportingError, ValueError):
    """A parameter is invalid. Nothing was sent."""


class TransportError(ReportingError):
    """No response: name resolution, connection, TLS, reset or protocol. The httpx exception is its `__cause__`."""


class RequestTimeoutError(TransportError):
    """No response within the timeout of an attempt."""


class DeadlineExceededError(ReportingError):
    """The deadline of the call has passed, or the next wait would pass it. The last failure is its `__cause__`."""


class DecodeError(ReportingError):
    """A response does not conform to the contract."""


class APIError(ReportingError):
    """The server returned an error.

    Attributes:
        status_code: The HTTP status; if a 200 contains an error body, the status that the body names.
        error_code: Sinch's five-digit code, which starts with the status, if the response contains one.
        message: The server's message, if any, without numbers, names and credentials of the request.
        reference: The id to quote to Sinch support, if the response contains one.
        retry_after: The delay in seconds that the server asks for, if any.
        headers: The response headers.
    """

    error_code: int | None = None
    message: str | None = None
    reference: str | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, text: str, *, status_code: int, **details: Any) -> None:
        super().__init__(text)
        self.status_code = status_code
        vars(self).update(details)

    def __reduce__(self) -> tuple[Callable[[str], Self], tuple[str], dict[str, object]]:
        # BaseException would call the class without its keyword arguments.
        return functools.partial(type(self), status_code=self.status_code), (str(self),), vars(self)


class BadRequestError(APIError):
    """400: the server rejected a parameter."""


class AuthenticationError(APIError):
    """401: the server did not accept the credentials, the signature or the timestamp."""


class PermissionDeniedError(APIError):
    """403: the application may not see this."""


class NotFoundError(APIError):
    """404: the endpoint, counter or service does not exist."""


class RateLimitError(APIError):
    """429: too many requests."""


class ServerError(APIError):
    """5xx: the server, or something in front of it, failed."""


def api_error_class(status_code: int) -> type[APIError]:
    """Return the class for an HTTP status."""
    classes = {400: BadRequestError, 401: AuthenticationError, 403: PermissionDeniedError, 404: NotFoundError}
    classes |= {429: RateLimitError, **dict.fromkeys(range(500, 600), ServerError)}
    return classes.get(status_code, APIError)
