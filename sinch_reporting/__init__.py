"""A typed client for the Sinch Reporting API: call reports, counters of ongoing calls, and service status."""

import importlib
from typing import TYPE_CHECKING

from sinch_reporting.version import __version__

if TYPE_CHECKING:
    from sinch_reporting.auth import SignedAuth
    from sinch_reporting.bulk import CallReportOutcome, DailyCallReport
    from sinch_reporting.client import AsyncReportingClient, ReportingClient
    from sinch_reporting.endpoints import Domain, Endpoint, Number, Username
    from sinch_reporting.errors import (
        APIError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        DeadlineExceededError,
        DecodeError,
        InvalidRequestError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        ReportingError,
        RequestTimeoutError,
        ServerError,
        TransportError,
    )
    from sinch_reporting.models import CallReport, Counter, ServiceStatus
    from sinch_reporting.retry import RetryPolicy

__all__ = [
    "APIError",
    "AsyncReportingClient",
    "AuthenticationError",
    "BadRequestError",
    "CallReport",
    "CallReportOutcome",
    "ConfigurationError",
    "Counter",
    "DailyCallReport",
    "DeadlineExceededError",
    "DecodeError",
    "Domain",
    "Endpoint",
    "InvalidRequestError",
    "NotFoundError",
    "Number",
    "PermissionDeniedError",
    "RateLimitError",
    "ReportingClient",
    "ReportingError",
    "RequestTimeoutError",
    "RetryPolicy",
    "ServerError",
    "ServiceStatus",
    "SignedAuth",
    "TransportError",
    "Username",
    "__version__",
]

# A name is loaded when it is asked for: httpx alone takes some hundred milliseconds, and not everybody who imports a
# part of the package, such as its pytest plugin, needs a client.
_MODULES = {
    "APIError": "errors",
    "AsyncReportingClient": "client",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "CallReport": "models",
    "CallReportOutcome": "bulk",
    "ConfigurationError": "errors",
    "Counter": "models",
    "DailyCallReport": "bulk",
    "DeadlineExceededError": "errors",
    "DecodeError": "errors",
    "Domain": "endpoints",
    "Endpoint": "endpoints",
    "InvalidRequestError": "errors",
    "NotFoundError": "errors",
    "Number": "endpoints",
    "PermissionDeniedError": "errors",
    "RateLimitError": "errors",
    "ReportingClient": "client",
    "ReportingError": "errors",
    "RequestTimeoutError": "errors",
    "RetryPolicy": "retry",
    "ServerError": "errors",
    "ServiceStatus": "models",
    "SignedAuth": "auth",
    "TransportError": "errors",
    "Username": "endpoints",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
