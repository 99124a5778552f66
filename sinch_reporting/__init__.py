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
from sinch_reporting.observing import Attempt
from sinch_reporting.retry import RetryPolicy
from sinch_reporting.version import __version__
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
