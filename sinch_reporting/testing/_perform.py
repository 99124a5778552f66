"""Doing what was decided about a request, on its connection."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sinch_reporting.testing._plan import Act, Answer, End, Pause, Refuse
from sinch_reporting.testing._verify import Incoming


class Connection(Protocol):
    """What lies beneath ASGI."""

    closes_on_next_request: bool

    @property
    def is_lost(self) -> bool:
        """Whether it is closed, from either side."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes as they are, and return when more may follow."""

    def close(self) -> None:
        """Close, when all is sent."""

    def reset(self) -> None:
        """Close at once, so that the other side reads an error."""

    async def wait_until_lost(self, seconds: float | None) -> None:
        """Return when it is closed, or when so many seconds have passed."""


async def read(request: Request) -> Incoming:
    """Return a request as it came over the wire; raises ClientDisconnect."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Incoming(
        method=request.method,
        path=request.scope["raw_path"].decode("ascii"),
        query=request.scope["query_string"].decode("ascii"),
        headers=headers,
        body=await request.body(),
    )


@attrs.frozen
class Performer:
    """Does acts for one request. `refuse` refuses new connections for some seconds."""

    connection: Connection
    refuse: Callable[[float], Awaitable[None]]
    scope: Scope
    receive: Receive
    send: Send

    async def perform(self, acts: Iterable[Act]) -> None:
        """Do the acts, unless the connection is lost before."""
        answered = False
        for act in acts:
            await self._do(act)
            if self.connection.is_lost:
                return
            answered = answered or isinstance(act, Answer)
        if not answered:
            self.connection.close()
            # Uvicorn would send an answer of its own if this returned before.
            await self.connection.wait_until_lost(None)

    async def _do(self, act: Act) -> None:
        match act:
            case Answer():
                response = Response(act.body, act.status, act.headers)
                await response(self.scope, self.receive, self.send)
            case bytes():
                await self.connection.write(act)
            case Pause():
                await self.connection.wait_until_lost(act.seconds)
            case Refuse():
                await self.refuse(act.seconds)
            case End.CLOSE:
                self.connection.close()
            case End.RESET:
                self.connection.reset()
            case End.CLOSE_ON_NEXT_REQUEST:
                self.connection.closes_on_next_request = True
