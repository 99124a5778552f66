"""What a client tells of each attempt, to whoever asked to be told by `on_attempt`."""

from collections.abc import Callable

from attrs import frozen

from sinch_reporting._logging import logger


@frozen
class Attempt:
    """An attempt of a call, once it has ended. It holds no phone number, username or id.

    Attributes:
        method: The HTTP method.
        route: The template of the route, such as `/counters/{id}`.
        number: Which attempt of its call it was, counted from 1: above that, it was a retry.
        outcome: The HTTP status of the answer; or, where no good answer came, the name of the error's class, such as
            `ReadTimeout`, `ConnectError` or `DecodeError`.
        seconds: How long it took.
    """

    method: str
    route: str
    number: int
    outcome: str
    seconds: float

    @property
    def status(self) -> int | None:
        """The HTTP status, None where no answer came or it could not be read."""
        return int(self.outcome) if self.outcome.isdecimal() else None

    @property
    def succeeded(self) -> bool:
        """Whether it brought what was asked for."""
        return self.outcome == "200"


AttemptHook = Callable[[Attempt], object]
"""What is called with each attempt, in the thread or task of the call."""


def tell(observer: AttemptHook, attempt: Attempt) -> None:
    """Tell of an attempt. A fault of the observer's is logged, and does not become one of the call."""
    try:
        observer(attempt)
    except Exception:  # noqa: BLE001 - whatever it is, the call goes on
        logger.exception("on_attempt raised an error")
