"""Both clients, called in the same way, so that each behaviour is tested once for all."""

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal

from sinch_reporting import AsyncReportingClient, ReportingClient

KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
SECRET = "JViE5vDor0Sw3WllZka15Q=="


class SyncFacade:
    """An async client whose coroutines run in the event loop of a portal."""

    def __init__(self, portal: BlockingPortal, inner: Any) -> None:
        self.inner = inner
        self.portal = portal

    def __repr__(self) -> str:
        return repr(self.inner)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.inner, "aclose" if name == "close" else name)
        if inspect.iscoroutinefunction(attribute):
            return lambda *args, **kwargs: self.portal.call(partial(attribute, *args, **kwargs))
        if name in {"iter_call_reports", "daily_call_reports"} or name.startswith("watch_"):
            return lambda *args, **kwargs: self._iterate(attribute(*args, **kwargs))
        if name == "with_options":
            return lambda **kwargs: SyncFacade(self.portal, attribute(**kwargs))
        return attribute

    def _iterate(self, generator: Any) -> Iterator[Any]:
        def iterate() -> Iterator[Any]:
            try:
                while True:
                    try:
                        yield self.portal.call(generator.__anext__)
                    except StopAsyncIteration:
                        return
            finally:
                self.portal.call(generator.aclose)

        return iterate()


class ClientFactory:
    """Makes blocking clients, or async ones that run in a portal, and closes them."""

    def __init__(self, portal: BlockingPortal | None) -> None:
        self.client_class = AsyncReportingClient if portal else ReportingClient
        self.portal = portal
        self._clients: list[Any] = []

    def __call__(self, base_url: str, **options: Any) -> Any:
        """Return a client with credentials."""
        if "auth" not in options:
            options = {"application_key": KEY, "application_secret": SECRET, **options}
        return self.from_environment(base_url=base_url, **options)

    def from_environment(self, **options: Any) -> Any:
        """Return a client with these options, and others from the environment."""
        client: Any = self.client_class(**options)
        client = SyncFacade(self.portal, client) if self.portal else client
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            client.close()
