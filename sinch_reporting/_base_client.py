"""Base class of both clients: construction, copies, pickling. No I/O."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, ClassVar, Generic, Self, TypeVar

import httpx
from anyio.lowlevel import current_token
from attrs import asdict, evolve, filters

from sinch_reporting._http import SharedTransport
from sinch_reporting._http.proxies import transport_factory
from sinch_reporting._operations import HEADERS, RequestBuilder
from sinch_reporting.auth import SignedAuth
from sinch_reporting.config import Config, require_httpx, resolve_auth, resolve_base_url
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.events import AttemptHook, Tracer
from sinch_reporting.rate_limit import RateLimiter
from sinch_reporting.retry import RetryPolicy
from sinch_reporting_client import AuthenticatedClient

TransportT = TypeVar("TransportT")


class BaseClient(Generic[TransportT]):
    """Construction, copies, representation and pickling of a client."""

    _caller_type: ClassVar[Any]  # set by the subclasses

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
        transport: TransportT | None = None,
        headers: Mapping[str, str] | None = None,
        signing_path_prefix: str | None = None,
        allow_http: bool = False,
        pickle_credentials: bool = False,
        on_attempt: AttemptHook | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        url = resolve_base_url(base_url, allow_http=allow_http)
        self._config = Config(
            url, timeout, deadline, retry, rate_limit, on_attempt, tracer, signing_path_prefix, headers
        )
        self._auth = resolve_auth(application_key, application_secret, auth)
        self._is_custom = auth is not None or transport is not None
        self._pickle_credentials = pickle_credentials
        is_async = issubclass(self._caller_type, httpx.AsyncBaseTransport)
        factory = transport_factory(url, is_async=is_async) if transport is None else None
        if transport is not None:
            require_httpx(transport, httpx.AsyncBaseTransport if is_async else httpx.BaseTransport, "transport")
        current_loop = current_token if is_async else NoneType  # threads have no event loop
        self._shared = SharedTransport(transport, factory, RateLimiter(rate_limit), current_loop)
        self._owns_transport = True
        self._builder = RequestBuilder(url, self._config.headers, signing_path_prefix)
        self._caller: Any = self._caller_type(self._config, self._auth, self._shared, self._builder)
        self._api: AuthenticatedClient | None = None

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client, for the functions in `sinch_reporting_client.api`.

        An ordinary generated client on an ordinary httpx client. Its requests are signed, retried and checked as the
        client's own, and raise the same errors. Its timeout is that of an attempt.
        """
        if self._api is None:
            self._api = AuthenticatedClient(
                base_url=self._config.base_url,
                token="",  # the transport authenticates
                headers={**HEADERS, **self._config.headers},
                timeout=httpx.Timeout(self._config.timeout),
                httpx_args={"transport": self._caller, "trust_env": False},
            )
        return self._api

    def with_options(
        self, *, timeout: float | None = None, deadline: float | None = None, retry: RetryPolicy | None = None
    ) -> Self:
        """Return a copy with other options that shares the connections, the rate limit and the credentials.

        Only the original closes the connections, also for its copies. Raises ConfigurationError for an invalid option.
        """
        changes: dict[str, Any] = {"timeout": timeout, "deadline": deadline, "retry": retry}
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        copy._config = evolve(self._config, **{name: value for name, value in changes.items() if value is not None})
        copy._owns_transport = False
        copy._caller = self._caller_type(copy._config, self._auth, self._shared, self._builder)
        copy._api = None
        return copy

    # A copy shares the credentials: those of the environment could be another account's.
    def __copy__(self) -> Self:
        return self.with_options()

    def __deepcopy__(self, _memo: object) -> Self:
        return self.with_options()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._config.base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._is_custom:
            raise ConfigurationError("a client with auth= or transport= cannot be pickled; make one in each process")
        options = asdict(self._config, recurse=False, filter=filters.exclude("on_attempt", "tracer"))
        options["allow_http"] = True  # the base URL was accepted here
        if self._pickle_credentials and isinstance(self._auth, SignedAuth):
            options["application_key"], options["application_secret"] = self._auth.credentials()
            options["pickle_credentials"] = True
        return _unpickle, (type(self), options)


def _unpickle(client_type: type[BaseClient[Any]], options: dict[str, Any]) -> object:
    return client_type(**options)
