"""Proxy and TLS settings of the environment."""

import importlib
import ssl
import urllib.request

import httpx

from sinch_reporting.config import is_loopback
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
    return httpx.Proxy(address if "://" in address else f"http://{address}")


def proxy_and_tls_context(base_url: str) -> tuple[httpx.Proxy | None, ssl.SSLContext]:
    """Return the environment's proxy for a URL, and a context that verifies certificates.

    Raises ConfigurationError if one of them is unusable.
    """
    try:
        proxy = environment_proxy(base_url)
        if proxy and proxy.url.scheme.startswith("socks"):
            importlib.import_module("socksio")  # httpcore would miss it only at the first request
        return proxy, httpx.create_ssl_context()
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        # Without the cause: a proxy's URL may contain a password.
        raise ConfigurationError(
            "the environment's proxy or certificates are unusable: check HTTPS_PROXY, ALL_PROXY and NO_PROXY (a SOCKS "
            "proxy needs the package socksio), SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
