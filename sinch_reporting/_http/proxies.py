"""Proxy and TLS settings of the environment, and the default transports that use them."""

import importlib
import os
import urllib.request
import weakref
from collections.abc import Callable
from typing import Any

import httpx

from sinch_reporting.config import check_address, is_loopback
from sinch_reporting.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443}


def environment_proxy(base_url: str) -> httpx.Proxy | None:
    """Return the environment's proxy for a URL, if any. Raises ValueError if it is unusable."""
    url = httpx.URL(base_url)
    if is_loopback(url.host):  # a proxy elsewhere would receive, over http://, what must not leave this machine
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    # NO_PROXY entries may have a port; the standard library compares them with the host as it is passed.
    hosts = (url.host, f"{url.host}:{url.port or _PORTS[url.scheme]}")
    if not address or any(urllib.request.proxy_bypass(host) for host in hosts):
        return None
    proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    check_address(proxy.url)
    return proxy


def transport_factory(base_url: str, *, is_async: bool) -> Callable[[], Any]:
    """Return a function that makes the default transport. Raises ConfigurationError if the environment is unusable."""
    try:
        proxy = environment_proxy(base_url)
        if proxy and proxy.url.scheme.startswith("socks"):
            importlib.import_module("socksio")  # httpcore would miss it only at the first request
        context = httpx.create_ssl_context()
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        # Without the cause: a proxy's URL may contain a password.
        raise ConfigurationError(
            "the environment's proxy or certificates are unusable: check HTTPS_PROXY, ALL_PROXY and NO_PROXY (a SOCKS "
            "proxy needs the package socksio), SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None

    def make() -> httpx.BaseTransport | httpx.AsyncBaseTransport:
        # Imported when needed: importing httpcore takes as long as importing httpx.
        if is_async:
            from sinch_reporting._http.async_transport import AsyncTransport  # noqa: PLC0415

            return AsyncTransport(ssl_context=context, proxy=proxy)
        from sinch_reporting._http.transport import Transport  # noqa: PLC0415

        transport = Transport(ssl_context=context, proxy=proxy)
        weakref.finalize(transport, _close_unless_forked, transport.close_pool, os.getpid())
        return transport

    return make


def _close_unless_forked(close: Callable[[], object], creator: int) -> None:
    if os.getpid() == creator:  # otherwise, the sockets are the parent's
        close()
