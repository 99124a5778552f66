"""The generated functions: requests, routes and response models. No other module uses them."""

import functools
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import httpx
from attrs import frozen

import sinch_reporting_client.api
from sinch_reporting.auth import SIGNED_PATH
from sinch_reporting.errors import DecodeError, InvalidRequestError
from sinch_reporting.version import __version__

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a response has some eighty bytes
    "Content-Type": "application/json",  # sent and signed, also on a GET: the only form that the publisher shows
    "User-Agent": f"sinch-reporting-python/{__version__}",
}
ROUTE = "sinch_reporting.route"
"""Request extension: the route template."""

UNKNOWN_ROUTE = "(unknown route)"
_MAX_URL_LENGTH = 65_536  # of httpx
_EMPTY_BODY = httpx.ByteStream(b"")
ModelT = TypeVar("ModelT")


@frozen
class Operation:
    """A generated function: its route template, and the function that returns the parts of its request."""

    route: str
    get_kwargs: Callable[..., dict[str, Any]]


@functools.cache
def operation(name: str) -> Operation:
    return _operations()[name]


def routes() -> tuple[str, ...]:
    return tuple(function.route for function in _operations().values())


@functools.cache
def path_pattern(route: str) -> re.Pattern[str]:  # for the end of a path
    return re.compile(re.sub(r"{\w+}", "[^/]*", route) + r"\Z")


@functools.cache
def _operations() -> dict[str, Operation]:
    found = {}
    package = sinch_reporting_client.api
    for tag in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for module in pkgutil.iter_modules(importlib.import_module(tag.name).__path__):
            get_kwargs = vars(importlib.import_module(f"{tag.name}.{module.name}"))["_get_kwargs"]
            # The template is a constant of the function; the generator appends `_` to names that shadow built-ins.
            template = next(text for text in get_kwargs.__code__.co_consts if isinstance(text, str) and text[:1] == "/")
            found[module.name] = Operation(re.sub(r"_}", "}", template), get_kwargs)
    return found


class RequestBuilder:
    """Builds the requests of a client. `httpx.Client.build_request` would take longer than the rest of a call."""

    def __init__(self, base_url: str, headers: Mapping[str, str], signing_path_prefix: str | None) -> None:
        self.url = httpx.URL(base_url)
        self._base_length = len(str(self.url).rstrip("/"))
        self._base_path = self.url.raw_path.decode("ascii").rstrip("/")
        self._signing_prefix = signing_path_prefix
        self._headers = httpx.Headers({"Host": self.url.netloc.decode("ascii"), **HEADERS, **headers})

    def build(self, called: Operation, parameters: Mapping[str, Any]) -> httpx.Request:
        """Return the request of a generated function. Raises InvalidRequestError if its URL is too long."""
        kwargs = called.get_kwargs(**parameters)
        # `+` is legal in a path, and the server is known to refuse signatures of %2B.
        path = kwargs["url"].replace("%2B", "+")
        query = _query(tuple(kwargs.get("params", {}).items()))
        if self._base_length + len(path if query is None else f"{path}?{query}") > _MAX_URL_LENGTH:
            raise InvalidRequestError("the endpoint or id is too long for a URL")
        url: Any = httpx.URL(self.url)
        # Everything is quoted already; for `httpx.URL(text)` to check that takes a twentieth of a call.
        url._uri_reference = url._uri_reference._replace(path=self._base_path + path, query=query)  # noqa: SLF001
        extensions: dict[str, Any] = {ROUTE: called.route}
        if self._signing_prefix is not None:
            extensions[SIGNED_PATH] = self._signing_prefix + path
        request = httpx.Request(kwargs["method"], url, headers=self._headers, stream=_EMPTY_BODY, extensions=extensions)
        request.headers.encoding = "ascii"  # otherwise httpx tries to decode each value
        return request

    def adopt(self, request: httpx.Request, route: str) -> None:
        """Adapt a request of an ordinary httpx client. Raises InvalidRequestError if it is for another host."""
        if (request.url.scheme, request.url.netloc) != (self.url.scheme, self.url.netloc):
            raise InvalidRequestError("the request is for another host than the base URL; it would carry our signature")
        path, mark, query = request.url.raw_path.partition(b"?")
        path = path.replace(b"%2B", b"+")
        request.url = request.url.copy_with(raw_path=path + mark + query)
        request.extensions[ROUTE] = route
        if self._signing_prefix is not None:
            request.extensions[SIGNED_PATH] = self._signing_prefix + path.decode("ascii").removeprefix(self._base_path)


@functools.lru_cache(maxsize=16)
def _query(params: tuple[tuple[str, str], ...]) -> str | None:
    return urlencode(params) or None  # the same for the reports of many endpoints


def parse(model: type[ModelT], body: Mapping[str, Any]) -> ModelT:
    """Parse a response body as a generated model. Raises DecodeError."""
    try:
        return cast("ModelT", cast("Any", model).from_dict(body))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DecodeError(f"the response does not conform to the contract: {type(error).__name__}") from error


class StripFrames:
    """Removes the library's frames from every exception that leaves a call.

    Their local variables contain the URL with the phone number and the signed headers, and error reporters upload
    local variables. Exceptions that were being handled before the call keep their frames.
    """

    def __enter__(self) -> None:
        self._outer = sys.exception()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        links, seen = [error], {id(self._outer)}
        while links:
            link = links.pop()
            if link is None or id(link) in seen:  # a chain can be a cycle
                continue
            seen.add(id(link))
            link.__traceback__ = None
            if link.__cause__ is not None:
                link.__context__ = None
            links += [link.__cause__, link.__context__]
            links += link.exceptions if isinstance(link, BaseExceptionGroup) else ()
