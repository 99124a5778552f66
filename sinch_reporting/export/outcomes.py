"""What follows from the outcome of a request: a row of the journal, and whether all requests fail."""

from typing import NamedTuple

from sinch_reporting.errors import InvalidRequestError, ReportingError
from sinch_reporting.export.failures import CircuitBreaker, Failure, classify
from sinch_reporting.export.job import ExportJob
from sinch_reporting.export.journal import Row, Unit, failure_row, report_row
from sinch_reporting.export.work import PeriodWork
from sinch_reporting.models import CallReport


class Outcome(NamedTuple):
    """Outcome of one request."""

    unit: Unit
    result: CallReport | ReportingError


class OutcomeRecorder:
    """Keeps the outcomes of a run.

    Attributes:
        requested: Number of requests sent.
        failed: Number of those that failed.
        breaker: Stops the requests while all of them fail.
    """

    def __init__(self, job: ExportJob) -> None:
        self.requested = 0
        self.failed = 0
        self.breaker = CircuitBreaker(job.pause)
        self._job = job
        self._succeeded = False
        self._forbidden: list[tuple[PeriodWork, Unit, ReportingError]] = []

    def record(self, work: PeriodWork, outcome: Outcome, *, probe: bool) -> bool:
        """Keep an outcome. Return False if the report is to be requested again at once. Raises fatal errors."""
        unit, result = outcome
        at = self._job.now()
        if isinstance(result, CallReport):
            self.requested += 1
            self._keep(work, report_row(unit, result, at), probe=probe)
            return True
        self.requested += not isinstance(result, InvalidRequestError)
        self.failed += 1
        kind = classify(result)
        if kind is Failure.FATAL:
            raise result
        if kind is Failure.PERMANENT:
            self._keep(work, failure_row(unit, result, kind, at), probe=probe)
            return True
        if kind is Failure.TRANSIENT:
            self.breaker.fail(result, probe=probe)
            if self.breaker.is_open:
                return False  # not the report's own failure
        else:
            self.breaker.succeed(probe=probe)
            self._forbidden.append((work, unit, result))
        work.record(failure_row(unit, result, Failure.TRANSIENT, at), is_open=True)
        if len(self._forbidden) >= self._job.pause.failures:
            raise result
        return True

    def _keep(self, work: PeriodWork, row: Row, *, probe: bool) -> None:
        """Keep a response of the API, which shows that the server works and permits requests."""
        work.record(row, is_open=False)
        self.breaker.succeed(probe=probe)
        self._succeeded = True
        self.settle_forbidden()

    def settle_forbidden(self) -> None:
        """Make 403s permanent if other requests succeed. Raises the 403 if none does."""
        for work, unit, error in self._forbidden:
            if not self._succeeded:
                raise error
            work.in_flight += 1
            work.record(failure_row(unit, error, Failure.PERMANENT, self._job.now()), is_open=False)
        self._forbidden.clear()
