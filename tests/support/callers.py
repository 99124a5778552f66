"""Both clients, called in the same way, so that a behaviour is stated once."""

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal

from sinch_reporting import AsyncReportingClient, ReportingClient

KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
SECRET = "JViE5vDor0Sw3WllZka15Q=="


class Blocked:
    """An async client, or what it returns, whose coroutines run in a portal's event loop."""

    def __init__(self, portal: BlockingPortal, inner: Any) -> None:
        self.inner = inner
        self.portal = portal

    def __repr__(self) -> str:
        return repr(self.inner)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.inner, "aclose" if name == "close" else name)
        if inspect.iscoroutinefunction(attribute):
            return lambda *args, **kwargs: self.portal.call(partial(attribute, *args, **kwargs))
        if name in {"iter_call_reports", "daily_call_reports"}:
            return lambda *args, **kwargs: self._iterated(attribute(*args, **kwargs))
        if name == "with_options":
            return lambda **kwargs: Blocked(self.portal, attribute(**kwargs))
        return attribute

    def _iterated(self, generator: Any) -> Iterator[Any]:
        def each() -> Iterator[Any]:
            try:
                while True:
                    try:
                        yield self.portal.call(generator.__anext__)
                    except StopAsyncIteration:
                        return
            finally:
                self.portal.call(generator.aclose)

        return each()


class Maker:
    """Makes clients of one kind, and closes them in the end."""

    def __init__(self, portal: BlockingPortal | None) -> None:
        self.kind = AsyncReportingClient if portal else ReportingClient
        self._portal = portal
        self._made: list[Any] = []

    def __call__(self, base_url: str, **options: Any) -> Any:
        if "auth" not in options:
            options = {"application_key": KEY, "application_secret": SECRET, **options}
        return self.plain(base_url=base_url, **options)

    def plain(self, **options: Any) -> Any:
        client: Any = self.kind(**options)
        made = Blocked(self._portal, client) if self._portal else client
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()
