"""The default transports, with TLS verified and the environment's proxies.

Ours, over httptools, are for threads and for asyncio; behind a proxy and in other event loops, httpcore's pools serve.
They are loaded where they are needed, since loading httpcore takes as long as loading httpx.
"""

import asyncio
import ssl
import urllib.request
from collections.abc import Callable

import httpx

from sinch_reporting.asyncio_transport import AsyncioTransport
from sinch_reporting.config import is_loopback
from sinch_reporting.errors import ConfigurationError
from sinch_reporting.socket_transport import SocketTransport


def environment_proxy(base_url: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for the URL. Raises ValueError where it is unusable."""
    url = httpx.URL(base_url)
    if is_loopback(url.host):  # else a proxy elsewhere would be sent, over http://, what must not leave this machine
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(url.host):
        return None
    return httpx.Proxy(address if "://" in address else f"http://{address}")


def default_transport(base_url: str) -> Callable[[object], httpx.BaseTransport]:
    """Return what makes the transport of a blocking client.

    Raises ConfigurationError for unusable proxies or certificates.
    """
    proxy, context = _environment(base_url)

    def make(_: object) -> httpx.BaseTransport:
        if proxy is None:
            return SocketTransport(context)
        from sinch_reporting.httpcore_transport import PooledTransport  # noqa: PLC0415

        return PooledTransport(proxy, context)

    return make


def default_async_transport(base_url: str) -> Callable[[object], httpx.AsyncBaseTransport]:
    """Return what makes the transport of an async client for an event loop.

    Raises ConfigurationError for unusable proxies or certificates.
    """
    proxy, context = _environment(base_url)

    def make(loop: object) -> httpx.AsyncBaseTransport:
        if proxy is None and isinstance(loop, asyncio.AbstractEventLoop):
            return AsyncioTransport(loop, context)
        from sinch_reporting.httpcore_transport import AsyncPooledTransport  # noqa: PLC0415

        return AsyncPooledTransport(proxy, context)

    return make


def _environment(base_url: str) -> tuple[httpx.Proxy | None, ssl.SSLContext]:
    try:
        proxy = environment_proxy(base_url)
        if proxy:
            from sinch_reporting.httpcore_transport import core_proxy  # noqa: PLC0415

            core_proxy(proxy)
        context = httpx.create_ssl_context()
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        # Without the cause: a proxy's URL may hold a password.
        raise ConfigurationError(
            "the environment's proxy or certificates are unusable: check HTTPS_PROXY, ALL_PROXY and NO_PROXY (a SOCKS "
            "proxy needs the package socksio), SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    return proxy, context
