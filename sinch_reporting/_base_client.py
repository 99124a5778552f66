"""What the two clients have in common; all of it without I/O."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

import httpx
from attrs import evolve

from sinch_reporting._http.ownership import SharedTransport, Transport
from sinch_reporting.auth import SignedAuth
from sinch_reporting.config import Settings, resolve_auth, resolve_base_url
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.events import AttemptHook
from sinch_reporting.rate_limit import RateLimiter
from sinch_reporting.retry import RetryPolicy
from sinch_reporting_client import AuthenticatedClient

Kind = TypeVar("Kind")
_PICKLED = ("base_url", "timeout", "deadline", "retry", "rate_limit")


class BaseClient(ABC, Generic[Transport]):
    """How a client is made, copied, shown and pickled."""

    _transport_type: ClassVar[type[httpx.BaseTransport | httpx.AsyncBaseTransport]]

    def __init__(
        self,
        application_key: str | None = None,
        application_secret: str | None = None,
        *,
        auth: httpx.Auth | None = None,
        base_url: str | None = None,
        timeout: float = 10.0,
        deadline: float = 60.0,
        retry: RetryPolicy = RetryPolicy(),
        rate_limit: float | None = None,
        transport: Transport | None = None,
        allow_http: bool = False,
        pickle_credentials: bool = False,
        on_attempt: AttemptHook | None = None,
    ) -> None:
        url = resolve_base_url(base_url, allow_http=allow_http)
        self._settings = Settings(
            base_url=url,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            rate_limit=rate_limit,
            on_attempt=on_attempt,
        )
        self._auth = resolve_auth(application_key, application_secret, auth)
        self._portable = auth is None and transport is None
        self._pickle_credentials = pickle_credentials
        self._connections = self._connect(url, transport, RateLimiter(rate_limit))
        self._owner = True
        self._api = self._generated_client()

    @classmethod
    def _connect(cls, base_url: str, transport: Transport | None, pace: RateLimiter) -> SharedTransport[Transport]:
        if transport is None:
            return SharedTransport(None, cls._default_transport(base_url), pace)
        if not isinstance(transport, cls._transport_type):
            kind = cls._transport_type.__name__
            raise ConfigurationError(f"the transport of this {cls.__name__} must be an httpx.{kind}")
        return SharedTransport(transport, None, pace)

    @staticmethod
    @abstractmethod
    def _default_transport(base_url: str) -> Callable[[object], Transport]: ...

    @abstractmethod
    def _generated_client(self) -> AuthenticatedClient: ...

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for the functions in `sinch_reporting_client.api`.

        Its requests are signed, retried and checked as the client's own, and raise the same errors.
        """
        return self._api

    def with_options(
        self, *, timeout: float | None = None, deadline: float | None = None, retry: RetryPolicy | None = None
    ) -> Self:
        """Return a copy that shares the connections, the rate limit and the credentials, with other options.

        Only the original closes the connections, for its copies too.

        Raises:
            ConfigurationError: An option is unusable.
        """
        changes: dict[str, Any] = {"timeout": timeout, "deadline": deadline, "retry": retry}
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        copy._settings = evolve(self._settings, **{name: value for name, value in changes.items() if value is not None})
        copy._owner = False
        copy._api = copy._generated_client()
        return copy

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._settings.base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._portable:
            raise ConfigurationError("a client with auth= or transport= is not pickled; make one where it is needed")
        options = {name: getattr(self._settings, name) for name in _PICKLED}
        options["allow_http"] = True  # the base URL was accepted here already
        if self._pickle_credentials and isinstance(self._auth, SignedAuth):
            options["application_key"], options["application_secret"] = self._auth.credentials()
            options["pickle_credentials"] = True
        return _restored, (type(self), options)


def _restored(kind: type[Kind], options: dict[str, Any]) -> Kind:
    return kind(**options)
