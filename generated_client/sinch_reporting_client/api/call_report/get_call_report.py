import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.call_report import CallReport
from ...models.domain import Domain
from ...models.endpoint_type import EndpointType
from ...models.error import Error
from ...types import UNSET, Response, Unset


def _get_kwargs(
    type_: EndpointType,
    endpoint: str,
    domain: Domain,
    *,
    field_start: datetime.date | Unset = UNSET,
    field_stop: datetime.date | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_field_start: str | Unset = UNSET
    if not isinstance(field_start, Unset):
        json_field_start = field_start.isoformat()
    params["_start"] = json_field_start

    json_field_stop: str | Unset = UNSET
    if not isinstance(field_stop, Unset):
        json_field_stop = field_stop.isoformat()
    params["_stop"] = json_field_stop

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/{type_}/{endpoint}/calls/{domain}".format(
            type_=quote(str(type_), safe=""),
            endpoint=quote(str(endpoint), safe=""),
            domain=quote(str(domain), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CallReport | Error | None:
    if response.status_code == 200:
        response_200 = CallReport.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Error.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Error.from_dict(response.json())

        return response_409

    if response.status_code == 429:
        response_429 = Error.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Error.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Error.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CallReport | Error]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    type_: EndpointType,
    endpoint: str,
    domain: Domain,
    *,
    client: AuthenticatedClient,
    field_start: datetime.date | Unset = UNSET,
    field_stop: datetime.date | Unset = UNSET,
) -> Response[CallReport | Error]:
    """Get user call report

     Returns the aggregated data of one user's calls over at most the last 30 days.

    Args:
        type_ (EndpointType): The kind of endpoint of a report.
        endpoint (str):  Example: +46730170101.
        domain (Domain): Where the calls were terminated.
        field_start (datetime.date | Unset):
        field_stop (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CallReport | Error]
    """

    kwargs = _get_kwargs(
        type_=type_,
        endpoint=endpoint,
        domain=domain,
        field_start=field_start,
        field_stop=field_stop,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    type_: EndpointType,
    endpoint: str,
    domain: Domain,
    *,
    client: AuthenticatedClient,
    field_start: datetime.date | Unset = UNSET,
    field_stop: datetime.date | Unset = UNSET,
) -> CallReport | Error | None:
    """Get user call report

     Returns the aggregated data of one user's calls over at most the last 30 days.

    Args:
        type_ (EndpointType): The kind of endpoint of a report.
        endpoint (str):  Example: +46730170101.
        domain (Domain): Where the calls were terminated.
        field_start (datetime.date | Unset):
        field_stop (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CallReport | Error
    """

    return sync_detailed(
        type_=type_,
        endpoint=endpoint,
        domain=domain,
        client=client,
        field_start=field_start,
        field_stop=field_stop,
    ).parsed


async def asyncio_detailed(
    type_: EndpointType,
    endpoint: str,
    domain: Domain,
    *,
    client: AuthenticatedClient,
    field_start: datetime.date | Unset = UNSET,
    field_stop: datetime.date | Unset = UNSET,
) -> Response[CallReport | Error]:
    """Get user call report

     Returns the aggregated data of one user's calls over at most the last 30 days.

    Args:
        type_ (EndpointType): The kind of endpoint of a report.
        endpoint (str):  Example: +46730170101.
        domain (Domain): Where the calls were terminated.
        field_start (datetime.date | Unset):
        field_stop (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CallReport | Error]
    """

    kwargs = _get_kwargs(
        type_=type_,
        endpoint=endpoint,
        domain=domain,
        field_start=field_start,
        field_stop=field_stop,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    type_: EndpointType,
    endpoint: str,
    domain: Domain,
    *,
    client: AuthenticatedClient,
    field_start: datetime.date | Unset = UNSET,
    field_stop: datetime.date | Unset = UNSET,
) -> CallReport | Error | None:
    """Get user call report

     Returns the aggregated data of one user's calls over at most the last 30 days.

    Args:
        type_ (EndpointType): The kind of endpoint of a report.
        endpoint (str):  Example: +46730170101.
        domain (Domain): Where the calls were terminated.
        field_start (datetime.date | Unset):
        field_stop (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CallReport | Error
    """

    return (
        await asyncio_detailed(
            type_=type_,
            endpoint=endpoint,
            domain=domain,
            client=client,
            field_start=field_start,
            field_stop=field_stop,
        )
    ).parsed
