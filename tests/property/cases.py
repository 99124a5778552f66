"""What must hold of every call, whatever the server sends and whatever is asked: one check for all the searches.

It knows nothing of hypothesis, so that the fuzzer does without it.
"""

import asyncio
import math
import pickle
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import unquote

import httpx
from attrs import define, field, frozen

from sinch_reporting import (
    APIError,
    AsyncReportingClient,
    AuthenticationError,
    BadRequestError,
    CallReport,
    Counter,
    DecodeError,
    Domain,
    InvalidRequestError,
    NotFoundError,
    Number,
    PermissionDeniedError,
    RateLimitError,
    ReportingClient,
    ReportingError,
    RetryPolicy,
    ServerError,
    ServiceStatus,
    TransportError,
    Username,
)
from sinch_reporting._responses import decode, decode_body
from sinch_reporting_client import models
from tests.support.callers import KEY, SECRET

NUMBER = "+46730170101"
DIGITS = NUMBER.removeprefix("+")
PRIVATE = [DIGITS, KEY, SECRET]
ONCE = RetryPolicy(attempts=1)

_LARGEST = 2**63 - 1
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BY_STATUS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}


def check_result(result: object) -> None:
    """Assert what holds of every result."""
    if type(result) is CallReport:
        _check_report(result)
    elif type(result) is Counter:
        assert type(result.id) is str
        _check_count(result.value)
        _check_moment(result.modified)
    else:
        assert type(result) is ServiceStatus
        assert type(result.id) is type(result.status) is str
        assert result.is_up is (result.status == "up")
    assert {pickle.loads(pickle.dumps(result))} == {result}
    assert repr(result)


def _check_report(report: CallReport) -> None:
    _check_count(report.success)
    _check_count(report.failed)
    assert report.total == report.success + report.failed
    assert type(report.duration) is timedelta
    assert report.duration >= timedelta()
    if report.first_call is not None:
        _check_moment(report.first_call)
    if report.total:
        assert type(report.asr) is float
        assert 0 <= report.asr <= 1
    else:
        assert report.asr is None
    if report.success:
        assert type(report.acd) is timedelta
        assert timedelta() <= report.acd <= report.duration
    else:
        assert report.acd is None


def _check_count(count: object) -> None:
    assert type(count) is int
    assert 0 <= count <= _LARGEST


def _check_moment(moment: object) -> None:
    assert type(moment) is datetime
    assert moment.tzinfo is UTC


def check_error(error: ReportingError, private: Iterable[str]) -> None:
    """Assert what holds of every error: picklable, of the right class, no bug in disguise, telling no secret."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    if isinstance(error, APIError):
        _check_api_error(error)
    elif isinstance(error, TransportError):
        assert isinstance(error.__cause__, httpx.TransportError), repr(error.__cause__)
    elif isinstance(error, DecodeError):
        # Any other cause would be a mistake of ours.
        assert error.__cause__ is None or type(error.__cause__) in {ValueError, OverflowError}, repr(error.__cause__)
    assert str(error).isprintable()
    for words in _words(error):
        for word in filter(None, private):
            assert word not in words, (word, words)


def private_words(authorizations: Iterable[str]) -> list[str]:
    """Return what no error may say after requests with these Authorization headers."""
    tokens = [header.partition(" ")[2] for header in authorizations]
    return [*PRIVATE, *authorizations, *tokens, *(token.partition(":")[2] for token in tokens)]


def _check_api_error(error: APIError) -> None:
    status = error.status_code
    assert type(status) is int
    assert type(error) is _BY_STATUS.get(status, ServerError if 500 <= status <= 599 else APIError)
    assert error.error_code is None or type(error.error_code) is int
    for text in (error.message, error.reference):
        assert text is None or (type(text) is str and text.isprintable() and len(text) <= 300)
    if error.retry_after is not None:
        assert type(error.retry_after) is float
        assert 0 <= error.retry_after < math.inf
    assert isinstance(error.headers, Mapping)


def _words(error: ReportingError) -> list[str]:
    words = [str(error), repr(error), str(getattr(error, "message", ""))]
    reference = getattr(error, "reference", None) or ""
    if _UUID.fullmatch(reference):
        # Kept as it is, by design: a UUID names nobody, whatever its digits look like.
        return [text.replace(reference, "") for text in words]
    return [*words, reference]


@frozen
class Case:
    """A call and its response, from any bytes: `counter currentCalls`, the status, headers, an empty line, the body."""

    operation: str
    argument: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Make something of any bytes, so that no change to them is in vain."""
        head, _, body = data.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        operation, _, argument = first.partition(b" ")
        status = int(lines[0]) if lines and re.fullmatch(rb"[1-9][0-9]{2}", lines[0]) else 200
        pairs = (re.fullmatch(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+):([\t -~\x80-\xff]*)", line) for line in lines[1:])
        return cls(
            operation={b"u": "username", b"c": "counter", b"s": "service"}.get(operation[:1], "number"),
            argument=argument.decode("utf-8", "surrogateescape"),
            status=status,
            headers=[(pair[1], pair[2].strip(b"\t ")) for pair in pairs if pair],
            body=body,
        )

    def response(self) -> httpx.Response:
        """Return the response, as a transport would."""
        return httpx.Response(self.status, headers=self.headers, stream=httpx.ByteStream(self.body))

    def call(self, reporting: Any) -> Any:
        """Call the client, and return what it returns."""
        if self.operation == "counter":
            return reporting.get_counter(self.argument)
        if self.operation == "service":
            return reporting.get_service_status(self.argument)
        return reporting.get_call_report((Number if self.operation == "number" else Username)(self.argument))

    @property
    def path(self) -> list[str]:
        """The segments at which the call must arrive."""
        if self.operation in {"counter", "service"}:
            return ["", "v1", f"{self.operation}s", self.argument]
        domain = "pstn" if self.operation == "number" else "data"
        return ["", "v1", "users", self.operation, self.argument, "calls", domain]


@define
class _Server:
    case: Case
    paths: list[list[str]] = field(factory=list)
    authorizations: list[str] = field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode("ascii")
        self.paths.append([unquote(part, errors="surrogateescape") for part in path.split("/")])
        self.authorizations.append(request.headers["Authorization"])
        return self.case.response()

    @property
    def options(self) -> dict[str, Any]:
        return {
            "application_key": KEY,
            "application_secret": SECRET,
            "base_url": "https://reporting.invalid/v1",
            "retry": ONCE,
            "transport": httpx.MockTransport(self),
        }


def check(data: bytes) -> None:
    """Assert that a call with the bytes' argument and response ends as promised, in both clients alike."""
    case = Case.parse(data)
    check_decisions(case.response(), case.body)
    outcomes = []
    for called in (_called, _called_async):
        server = _Server(case)
        outcome = called(case, server)
        _check_arrived(case, server, outcome)
        if isinstance(outcome, ReportingError):
            check_error(outcome, private_words(server.authorizations))
        else:
            check_result(outcome)
        outcomes.append(_comparable(outcome))
    assert outcomes[0] == outcomes[1]


def _called(case: Case, server: _Server) -> Any:
    try:
        with ReportingClient(**server.options) as reporting:
            return case.call(reporting)
    except ReportingError as error:
        return error


def _called_async(case: Case, server: _Server) -> Any:
    async def called() -> Any:
        async with AsyncReportingClient(**server.options) as reporting:
            return await case.call(reporting)

    try:
        return asyncio.run(called())
    except ReportingError as error:
        return error


def _check_arrived(case: Case, server: _Server, outcome: object) -> None:
    if isinstance(outcome, InvalidRequestError):
        assert server.paths == []
    else:
        # A second time where the response moved the clock.
        assert server.paths in ([case.path], [case.path] * 2)


def _comparable(outcome: object) -> object:
    if not isinstance(outcome, ReportingError):
        return outcome
    # A Retry-After that is a date is counted from the moment, and stands in the text too.
    attributes = {name: value for name, value in vars(outcome).items() if name not in {"retry_after", "elapsed"}}
    return type(outcome), attributes, None if isinstance(outcome, APIError) else str(outcome)


_REQUEST = httpx.Request(
    "GET",
    f"https://reporting.invalid/v1/users/number/{NUMBER}/calls/data",
    headers={"Authorization": f"Application {KEY}:c2lnbmF0dXJl"},
)
# Not the secret, which a signed request does not hold: that is for the clients to keep back.
_PRIVATE = [DIGITS, KEY, "c2lnbmF0dXJl"]


def check_decisions(response: httpx.Response, body: bytes) -> None:
    """Assert that the decisions without I/O make a good response or an error of ours of it, and raise nothing else."""
    try:
        fields = decode(decode_body(response, body, _REQUEST))
    except (APIError, DecodeError) as error:
        check_error(error, _PRIVATE)
    else:
        assert response.status_code == 200
        assert type(fields) is dict
        check_fields(fields)


def check_fields(fields: dict[str, Any]) -> None:
    """Assert that the models make a result of the fields, or raise DecodeError."""
    for make in (
        lambda: CallReport.from_api(models.CallReport.from_dict(fields), endpoint=Number(NUMBER), domain=Domain.PSTN),
        lambda: Counter.from_api(models.Counter.from_dict(fields), "currentCalls"),
        lambda: ServiceStatus.from_api(models.ServiceStatus.from_dict(fields), "rtpproxy"),
    ):
        try:
            result = make()
        except DecodeError as error:
            check_error(error, _PRIVATE)
        else:
            check_result(result)
