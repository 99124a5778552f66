"""The reports of one period that are still to be requested, from its opening to its files."""

from collections.abc import Callable, Iterator
from itertools import chain
from time import monotonic

from attrs import evolve

from sinch_reporting.export.dataset import Dataset
from sinch_reporting.export.input_index import InputIndex
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.journal import Journal, Row, Unit
from sinch_reporting.export.state import PeriodState
from sinch_reporting.retry import RetryPolicy


class PeriodWork:
    """Work on one period, in rounds: first every open report, then those that failed transiently.

    Attributes:
        period: The period.
        in_flight: Number of reports that were taken and have no outcome yet.
        not_before: Monotonic time at which the next round begins.
        remaining: Number of reports without a report or permanent failure.
    """

    def __init__(self, period: Period, job: ExportJob, index: InputIndex, dataset: Dataset, journal: Journal) -> None:
        """Load the state of the period from the destination and the journal."""
        self._name = name = period.name
        self._before = state = dataset.state.periods.get(name, PeriodState())
        is_over = period.end <= job.now()
        asked = period.start in job.refresh or period.stop in job.refresh
        self.refreshes = journal.is_refreshing(name)
        if asked and not self.refreshes:
            journal.delete(name)
            journal.set_refreshing(name)
            self.refreshes = True
        if self.refreshes:
            dataset.load_others(period, journal, index)
        else:
            dataset.load(period, journal, partial_is_stale=is_over or state.partial)
        if is_over:
            journal.delete_partial(name, period.end)
        if job.retry_failed:
            journal.retry_failed(name)
        self.period = period
        self.in_flight = 0
        self.not_before = 0.0
        self._job = job
        self._digest = index.digest_for(job.domains)
        self._dataset = dataset
        self._journal = journal
        self._round = 0
        _, _, transient = journal.counts(name)
        self.remaining = transient + journal.count_missing(name, job.domains)
        self._begin(chain(journal.transient(name), journal.missing(name, job.domains)))

    def _begin(self, units: Iterator[Unit]) -> None:
        self._units = units
        self._ahead = next(units, None)

    def take(self, count: int) -> list[Unit]:
        """Return reports to request in this round, none if all are taken."""
        units: list[Unit] = []
        while self._ahead and len(units) < count:
            units.append(self._ahead)
            self._ahead = next(self._units, None)
        self.in_flight += len(units)
        return units

    def record(self, row: Row, *, is_open: bool) -> None:
        """Keep an outcome."""
        self._journal.add(self._name, row)
        self.in_flight -= 1
        self.remaining -= not is_open

    def next_round(self, retry: RetryPolicy) -> bool:
        """Begin the next round if this one is over. Return whether the work is done."""
        if self._ahead or self.in_flight:
            return False
        self._round += 1
        if self._round >= retry.attempts or not self._journal.counts(self._name)[2]:
            return True
        self._begin(self._journal.transient(self._name))
        self.not_before = monotonic() + min(retry.backoff_cap, retry.backoff_base * 2 ** min(self._round - 1, 32))
        return False

    def state(self) -> PeriodState:
        """Return the state of the period for `export.json`."""
        new, permanent, transient = self._journal.counts(self._name)
        missing = self._journal.count_missing(self._name, self._job.domains)
        is_partial = self.period.end > self._job.now()
        if self.refreshes and (transient or missing):
            return evolve(self._before, complete=False, transient_failures=transient, missing=missing)
        return PeriodState(
            complete=not transient and not missing and not is_partial,
            partial=is_partial and not missing,
            reports=new + self._journal.count_stored(self._name),
            permanent_failures=permanent,
            transient_failures=transient,
            missing=missing,
            input=self._digest,
        )

    def reopen(self) -> None:
        """Note at the destination that reports are missing, before they are requested."""
        if self.remaining and self._before.complete and not self.refreshes:
            self._dataset.reopen(self.period)

    def finish(self, should_stop: Callable[[], bool]) -> None:
        """Write the files of the period. Raises StoppedError."""
        state = self.state()
        # In a refresh the old reports stay until all new ones are there.
        is_written = not self.refreshes or not (state.transient_failures or state.missing)
        if is_written:
            replaces = self.refreshes or self._before.partial
            reports = self._dataset.write(self.period, self._journal, replaces=replaces, should_stop=should_stop)
            state = evolve(state, reports=reports)
            if state.complete:
                self._dataset.succeed(self.period)
        self._dataset.save_period(self.period, state)
        if is_written:
            self._journal.delete(self._name)


def order(job: ExportJob, index: InputIndex, dataset: Dataset, journal: Journal) -> tuple[list[Period], list[Period]]:
    """Return the periods to work on, and the requested ones that are complete.

    Periods that an earlier run left unfinished come first, also if they are not requested now.
    """
    unfinished = {Period.parse(name) for name, state in dataset.state.periods.items() if not state.complete}
    begun = unfinished | journal.open_periods()
    first = sorted(each for each in begun if each in job.periods or each.end <= job.now())
    digest = index.digest_for(job.domains)
    complete: list[Period] = []
    rest: list[Period] = []
    for period in sorted(set(job.periods) - set(first)):
        is_refreshed = period.start in job.refresh or period.stop in job.refresh
        done = not is_refreshed and not job.retry_failed and dataset.is_complete(period, digest)
        (complete if done else rest).append(period)
    return first + rest, complete
