"""Base class of the faults."""

from abc import ABC, abstractmethod
from datetime import datetime

import attrs

from sinch_reporting.testing._actions import Plan, Response


@attrs.frozen(repr=False)
class Fault(ABC):
    """One way to misbehave."""

    def __repr__(self) -> str:
        """Return the shortest expression that creates it."""
        fields = attrs.fields(type(self))
        given = [field for field in fields if getattr(self, field.name) not in (field.default, {})]
        shown = [("" if field is fields[0] else f"{field.name}=") + repr(getattr(self, field.name)) for field in given]
        return f"{type(self).__name__}({', '.join(shown)})"

    def plan(self, normal: Response, now: datetime) -> Plan:
        """Return the actions, from the normal response and the time of the Sandbox's clock."""
        return self._plan(normal, now)

    @abstractmethod
    def _plan(self, normal: Response, now: datetime, /) -> Plan: ...
