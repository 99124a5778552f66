"""A typed client for the Sinch Reporting API: call reports, counters of ongoing calls, and service status."""

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
from sinch_reporting.version import __version__

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
