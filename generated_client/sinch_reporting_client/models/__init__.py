"""Contains all the data models used in inputs/outputs"""

from .call_report import CallReport
from .counter import Counter
from .domain import Domain
from .endpoint_type import EndpointType
from .error import Error
from .service_status import ServiceStatus

__all__ = (
    "CallReport",
    "Counter",
    "Domain",
    "EndpointType",
    "Error",
    "ServiceStatus",
)
