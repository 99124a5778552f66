"""What the library raises, as one tree under ReportingError.

Messages say what happened and what to do. None holds a secret, an Authorization header, a phone number or a username.
"""

import functools
from collections.abc import Callable
from typing import Self


class ReportingError(Exception):
    """Everything that this library raises."""


class ConfigurationError(ReportingError, ValueError):
    """A client cannot be made: credentials are missing or malformed, or an option or the base URL is unusable."""


class InvalidRequestError(ReportingError, ValueError):
    """An argument was refused before anything was sent."""


class TransportError(ReportingError):
    """No answer came: name resolution, connection, TLS, reset or protocol. The httpx error is its `__cause__`."""


class RequestTimeoutError(TransportError):
    """No answer came within the timeout of an attempt."""


class DeadlineExceededError(ReportingError):
    """The time of the whole call is up, or the next wait would pass it. The last failure is its `__cause__`."""


class DecodeError(ReportingError):
    """An answer came that is not what the contract promises."""


class APIError(ReportingError):
    """The server answered with an error.

    Attributes:
        status_code: The HTTP status; where a 200 carried an error body, the status that the body names.
        error_code: Sinch's five-digit code, whose first three digits are the status, if the answer held one.
        message: The server's words, if any, with numbers, names and credentials of the request taken out.
        reference: An id to quote to Sinch support, if the answer held one.
        retry_after: The seconds that the server asked to wait, if it did.
        attempts: How many attempts were made.
    """

    def __init__(
        self,
        text: str,
        *,
        status_code: int,
        error_code: int | None = None,
        message: str | None = None,
        reference: str | None = None,
        retry_after: float | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.error_code = error_code
        self.message = message
        self.reference = reference
        self.retry_after = retry_after
        self.attempts = attempts

    def __reduce__(self) -> tuple[Callable[[str], Self], tuple[str]]:
        return functools.partial(type(self), **vars(self)), (str(self),)


class BadRequestError(APIError):
    """400: the server refused a parameter."""


class AuthenticationError(APIError):
    """401: the server did not accept the credentials, the signature or the timestamp."""


class PermissionDeniedError(APIError):
    """403: the application may not see this."""


class NotFoundError(APIError):
    """404: there is no such endpoint, counter or service."""


class RateLimitError(APIError):
    """429: too many requests."""


class ServerError(APIError):
    """5xx: the server, or something before it, failed."""


def api_error_class(status_code: int) -> type[APIError]:
    """Return the class for an HTTP status."""
    by_status: dict[int, type[APIError]] = {
        400: BadRequestError,
        401: AuthenticationError,
        403: PermissionDeniedError,
        404: NotFoundError,
        429: RateLimitError,
    }
    return by_status.get(status_code, ServerError if 500 <= status_code <= 599 else APIError)  # noqa: PLR2004
