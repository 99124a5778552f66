"""A web service that returns the calls of a number. Run it with `uvicorn web:app`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request

from sinch_reporting import AsyncReportingClient, InvalidRequestError, NotFoundError, Number, ReportingError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client for all requests: it holds the connections. Nobody waits longer than five seconds."""
    async with AsyncReportingClient(deadline=5) as app.state.reporting:
        yield


def get_client(request: Request) -> AsyncReportingClient:
    """Return the client. A test can override this dependency."""
    client: AsyncReportingClient = request.app.state.reporting
    return client


app = FastAPI(lifespan=lifespan)


@app.get("/calls/{number}")
async def calls(number: str, reporting: Annotated[AsyncReportingClient, Depends(get_client)]) -> dict[str, Any]:
    """Return the calls of the last 30 days."""
    try:
        report = await reporting.get_call_report(Number(number))
    except InvalidRequestError as error:
        raise HTTPException(422, str(error)) from error
    except NotFoundError as error:
        raise HTTPException(404, "unknown number") from error
    except ReportingError as error:
        raise HTTPException(503, "no report available", {"Retry-After": "30"}) from error
    return report.to_dict()
