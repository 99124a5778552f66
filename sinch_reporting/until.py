"""How the time of an attempt is handed to the transports. On its own, so that no transport is loaded for it."""

import time
from typing import Self

import httpx


class EndsInTime:
    """Marks an async transport that ends an attempt by itself at the moment that `Until` names."""


class Until(float):
    """A timeout in seconds that also knows the moment at which it is up.

    httpcore hands a timeout on as it is, and would give each read the whole of it. The streams below look at the
    moment; any other stream takes it for the plain number that it is.
    """

    moment: float

    def __new__(cls, seconds: float) -> Self:
        """Begin a timeout of so many seconds."""
        timeout = super().__new__(cls, seconds)
        timeout.moment = time.monotonic() + seconds
        return timeout

    @property
    def left(self) -> float:
        """The seconds until then; negative once it is past."""
        return self.moment - time.monotonic()

    @classmethod
    def of(cls, request: httpx.Request) -> Self:
        """Return when the attempt of the request ends. Seconds as httpx itself hands them on count from now."""
        timeout = request.extensions["timeout"]["read"]
        return timeout if isinstance(timeout, cls) else cls(timeout)
