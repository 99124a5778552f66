"""A typed client for the Sinch Reporting API: call reports, counters of ongoing calls, and service status."""

from typing import TYPE_CHECKING

from sinch_reporting.auth import SignedAuth as SignedAuth
from sinch_reporting.auth import sign as sign
from sinch_reporting.bulk import CallReportOutcome as CallReportOutcome
from sinch_reporting.bulk import DailyCallReport as DailyCallReport
from sinch_reporting.client import ReportingClient as ReportingClient
from sinch_reporting.errors import APIError as APIError
from sinch_reporting.errors import AuthenticationError as AuthenticationError
from sinch_reporting.errors import BadRequestError as BadRequestError
from sinch_reporting.errors import ConfigurationError as ConfigurationError
from sinch_reporting.errors import DeadlineExceededError as DeadlineExceededError
from sinch_reporting.errors import DecodeError as DecodeError
from sinch_reporting.errors import InvalidRequestError as InvalidRequestError
from sinch_reporting.errors import NotFoundError as NotFoundError
from sinch_reporting.errors import PermissionDeniedError as PermissionDeniedError
from sinch_reporting.errors import RateLimitError as RateLimitError
from sinch_reporting.errors import ReportingError as ReportingError
from sinch_reporting.errors import RequestTimeoutError as RequestTimeoutError
from sinch_reporting.errors import ServerError as ServerError
from sinch_reporting.errors import TransportError as TransportError
from sinch_reporting.events import Attempt as Attempt
from sinch_reporting.models import CallReport as CallReport
from sinch_reporting.models import Counter as Counter
from sinch_reporting.models import ServiceStatus as ServiceStatus
from sinch_reporting.parameters import Domain as Domain
from sinch_reporting.parameters import Endpoint as Endpoint
from sinch_reporting.parameters import Number as Number
from sinch_reporting.parameters import Username as Username
from sinch_reporting.retry import RetryPolicy as RetryPolicy
from sinch_reporting.version import __version__ as __version__
from sinch_reporting.watch import CounterOutcome as CounterOutcome
from sinch_reporting.watch import ServiceStatusOutcome as ServiceStatusOutcome

if TYPE_CHECKING:
    from sinch_reporting.async_client import AsyncReportingClient as AsyncReportingClient
else:
    _names = [name for name in globals() if name[0].isupper() and name != "TYPE_CHECKING"]
    # Not an assignment: tools that read the source take the names from the imports.
    globals()["__all__"] = [*_names, "AsyncReportingClient", "sign", "__version__"]

    def __getattr__(name: str) -> object:
        if name != "AsyncReportingClient":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Imported when it is used: threads need neither asyncio nor its import time.
        from sinch_reporting.async_client import AsyncReportingClient  # noqa: PLC0415

        return AsyncReportingClient
