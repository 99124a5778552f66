"""A web service that answers how a number's calls went; run it with `uvicorn web:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request

from sinch_reporting import AsyncReportingClient, InvalidRequestError, NotFoundError, Number, ReportingError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client for all requests: it holds the connections. Nobody waits longer than five seconds."""
    async with AsyncReportingClient(deadline=5) as app.state.reporting:
        yield


def reporting_of(request: Request) -> AsyncReportingClient:
    """Return the client; a test can put another in its place."""
    return request.app.state.reporting


app = FastAPI(lifespan=lifespan)


@app.get("/calls/{number}")
async def calls(
    number: str, reporting: Annotated[AsyncReportingClient, Depends(reporting_of)]
) -> dict[str, int | float | None]:
    """Return the calls of the last 30 days."""
    try:
        report = await reporting.get_call_report(Number(number), domain="pstn")
    except InvalidRequestError as error:
        raise HTTPException(422, str(error)) from error
    except NotFoundError as error:
        raise HTTPException(404, "there is no such number") from error
    except ReportingError as error:
        raise HTTPException(503, "no report at the moment", {"Retry-After": "30"}) from error
    return {"total": report.total, "answered": report.asr, "seconds": report.duration.total_seconds()}
