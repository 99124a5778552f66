"""Default transports: httpx's own, over pools whose connections enforce the deadline of an attempt.

Importing httpcore takes as long as importing httpx, so the transports are imported when a client needs one.
"""

from collections.abc import Callable

import httpx

from sinch_reporting._http.ownership import close_on_finalize
from sinch_reporting._http.proxies import proxy_and_tls_context


class Deadline(float):
    """A timeout in seconds that also knows the time at which it expires.

    httpcore passes a timeout to each read unchanged, so that a server that sends single bytes could hold a call
    forever. Our connections use `at`; other transports use the number.
    """

    at: float


def sync_transport_factory(base_url: str) -> Callable[[], httpx.BaseTransport]:
    """Return a function that makes the transport of a blocking client.

    Raises ConfigurationError if the proxy or certificates of the environment are unusable.
    """
    proxy, context = proxy_and_tls_context(base_url)

    def make() -> httpx.BaseTransport:
        from sinch_reporting._http.transport import Transport  # noqa: PLC0415

        transport = Transport(ssl_context=context, proxy=proxy)
        close_on_finalize(transport, transport.close_pool)
        return transport

    return make


def async_transport_factory(base_url: str) -> Callable[[], httpx.AsyncBaseTransport]:
    """Return a function that makes the transport of an async client.

    Raises ConfigurationError if the proxy or certificates of the environment are unusable.
    """
    proxy, context = proxy_and_tls_context(base_url)

    def make() -> httpx.AsyncBaseTransport:
        from sinch_reporting._http.async_transport import AsyncTransport  # noqa: PLC0415

        return AsyncTransport(ssl_context=context, proxy=proxy)

    return make
