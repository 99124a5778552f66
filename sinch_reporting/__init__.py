"""A typed client for the Sinch Reporting API: call reports, counters of ongoing calls, and service status."""

import importlib
from typing import TYPE_CHECKING

from sinch_reporting.version import __version__

if TYPE_CHECKING:
    from sinch_reporting.async_client import AsyncReportingClient
    from sinch_reporting.auth import SignedAuth
    from sinch_reporting.bulk import CallReportOutcome, DailyCallReport
    from sinch_reporting.client import ReportingClient
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
    from sinch_reporting.events import Attempt
    from sinch_reporting.models import CallReport, Counter, ServiceStatus
    from sinch_reporting.parameters import Domain, Endpoint, Number, Username
    from sinch_reporting.retry import RetryPolicy
    from sinch_reporting.watch import CounterOutcome, ServiceStatusOutcome

__all__ = [
    "APIError",
    "AsyncReportingClient",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "CallReport",
    "CallReportOutcome",
    "ConfigurationError",
    "Counter",
    "CounterOutcome",
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
    "ServiceStatusOutcome",
    "SignedAuth",
    "TransportError",
    "Username",
    "__version__",
]

# A name is loaded when it is asked for: httpx alone takes some hundred milliseconds, and not everybody who imports a
# part of the package, such as its pytest plugin, needs a client.
_MODULES = {
    "APIError": "errors",
    "AsyncReportingClient": "async_client",
    "Attempt": "observing",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "CallReport": "models",
    "CallReportOutcome": "bulk",
    "ConfigurationError": "errors",
    "Counter": "models",
    "CounterOutcome": "watch",
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
    "ServiceStatusOutcome": "watch",
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
