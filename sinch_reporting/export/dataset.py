"""The files of the dataset at the destination, and the order in which they are written.

The order of the writes is what keeps it safe. An outcome is in the journal before the next request is sent. The files
of a period are written from the journal once every report of the period has an outcome: first the reports, then the
failures, `_SUCCESS`, and `export.json`. Each replaces the previous one as a whole. Only then is the journal cleared.
After a kill between any two of these steps, the next run repeats them, with the same result.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
from attrs import evolve

from sinch_reporting.errors import InvalidRequestError
from sinch_reporting.export.input_index import InputIndex
from sinch_reporting.export.job import FileFormat, Period
from sinch_reporting.export.journal import Journal, Row
from sinch_reporting.export.output_store import OutputStore
from sinch_reporting.export.state import PeriodState, State
from sinch_reporting.export.writers import (
    FAILURES,
    FORMATS,
    REJECTED,
    REPORTS,
    batches,
    failure_batches,
    failure_rows,
    report_batches,
)
from sinch_reporting.parameters import Domain
from sinch_reporting.version import __version__

_STATE = "export.json"


class StoppedError(Exception):
    """The export is to stop, and a file is not needed any more."""


class Dataset:
    """The files of an export. Only files of these names are read, replaced or deleted."""

    def __init__(self, store: OutputStore, file_format: FileFormat, api_host: str, domains: Iterable[Domain]) -> None:
        self._store = store
        self._format = FORMATS[file_format]
        self._part = f"part-0.{file_format}"
        self._domains = ",".join(domains) or "pstn for numbers, data for usernames"
        self.state = State(file_format=file_format, api_host=api_host)

    def claim(self, periods: tuple[Period, ...]) -> None:
        """Read `export.json`, if there is one.

        Raises InvalidRequestError if the destination contains other files, another format, or other kinds of periods.
        """
        names = self._store.names()
        if _STATE not in names:
            if [name for name in names if not name.startswith(".")]:
                raise InvalidRequestError(
                    f"the destination {self._store.name} contains other files; choose an empty folder"
                )
            return
        try:
            found = State.from_json(self._store.read(_STATE))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise InvalidRequestError(
                f"{_STATE} in {self._store.name} is damaged or of another version; choose another destination, or "
                f"restore the file"
            ) from None
        if found.file_format != self.state.file_format:
            raise InvalidRequestError(
                f"the destination {self._store.name} contains {found.file_format} files; choose that format or another "
                "destination"
            )
        if found.api_host != self.state.api_host:
            raise InvalidRequestError(
                f"the destination {self._store.name} contains reports from {found.api_host}, not "
                f"{self.state.api_host}; choose another destination"
            )
        kinds = {name.partition("=")[0] for name in [*found.periods, *(each.name for each in periods)]}
        if len(kinds) > 1:
            raise InvalidRequestError(
                f"the destination {self._store.name} would contain both single days and longer periods, which readers "
                "cannot combine; choose another destination"
            )
        self.state = found

    def save(self, **changes: Any) -> None:
        """Write `export.json`."""
        self.state = evolve(self.state, **changes)
        content = self.state.to_json()
        self._store.write(_STATE, lambda file: file.write(content))

    def save_period(self, period: Period, state: PeriodState) -> None:
        """Write `export.json` with a new state of a period."""
        self.save(periods={**self.state.periods, period.name: state})

    def is_complete(self, period: Period, digest: str) -> bool:
        """Return whether a period needs no request for an input."""
        state = self.state.periods.get(period.name)
        if state is None or not state.complete or state.input != digest:
            return False
        return self._store.exist(*(f"reports/{period.name}/{name}" for name in (self._part, "_SUCCESS")))

    def write_rejected(self, index: InputIndex) -> None:
        """Write the rejected lines of the input, or delete those of the previous one."""
        name = f"rejected/{self._part}"
        if index.rejected:
            found = batches(REJECTED, index.rejected_lines())
            self._store.write(name, lambda file: self._format.write(file, REJECTED, found))
        else:
            self._store.delete(name)

    def load(self, period: Period, journal: Journal, *, partial_is_stale: bool) -> None:
        """Load the stored reports and failures of a period, so that they are not requested."""
        name = f"reports/{period.name}/{self._part}"
        if self._store.exist(name):
            journal.add_stored(period.name, self._stored(name, partial_is_stale=partial_is_stale))
        journal.add_failures(period.name, self._failures(period))

    def load_others(self, period: Period, journal: Journal, index: InputIndex) -> None:
        """Load the stored failures of endpoints that the input does not contain, so that they are kept."""
        journal.add_failures(period.name, (row for row in self._failures(period) if row[1] not in index))

    def _stored(self, name: str, *, partial_is_stale: bool) -> Iterator[tuple[str, str]]:
        for batch in self._read(name, REPORTS):
            for unit, partial in zip(_units(batch), batch["partial"].to_pylist(), strict=True):
                if not (partial and partial_is_stale):
                    yield unit

    def _failures(self, period: Period) -> Iterator[Row]:
        name = f"failures/{period.name}/{self._part}"
        return failure_rows(self._read(name, FAILURES)) if self._store.exist(name) else iter(())

    def _read(self, name: str, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
        remedy = "delete it and run the export again, which requests its reports once more"
        with self._store.open(name) as file:
            try:
                for batch in self._format.read(file, schema):
                    batch.validate(full=True)
                    yield batch
            except (pa.ArrowInvalid, pa.ArrowKeyError, ValueError) as error:
                raise OSError(f"{name} in {self._store.name} is damaged; {remedy}") from error
            except OSError as error:  # pyarrow raises it for damaged pages too
                reason = str(error).partition("\n")[0]
                raise OSError(
                    f"{name} in {self._store.name} cannot be read: {reason}; if it is damaged, {remedy}"
                ) from error

    def reopen(self, period: Period) -> None:
        """Note that a period is not complete any more."""
        self._store.delete(f"reports/{period.name}/_SUCCESS")
        self.save_period(period, evolve(self.state.periods[period.name], complete=False))

    def write(self, period: Period, journal: Journal, *, replaces: bool, should_stop: Callable[[], bool]) -> int:
        """Write the reports and failures of a period, and return the number of reports. Raises StoppedError.

        Stored reports are kept unless there is a new outcome, also those of endpoints that the input does not contain.

        Args:
            period: The period.
            journal: Its new outcomes.
            replaces: Whether failures may take the place of stored reports.
            should_stop: Whether to stop before the files are complete.
        """
        name = f"reports/{period.name}/{self._part}"
        exists = self._store.exist(name)
        new, permanent, transient = journal.counts(period.name)
        count = journal.count_stored(period.name)
        if new or replaces or not exists:
            kept = self._kept(name, period, journal) if exists else iter(())
            found = report_batches(journal.rows(period.name, failures=False), period)
            count = self._write(name, REPORTS, period, chain(kept, found), should_stop)
        name = f"failures/{period.name}/{self._part}"
        if permanent or transient:
            found = failure_batches(journal.rows(period.name, failures=True), period)
            self._write(name, FAILURES, period, found, should_stop)
        else:
            self._store.delete(name)
        return count

    def _kept(self, name: str, period: Period, journal: Journal) -> "Iterator[pa.RecordBatch]":
        for batch in self._read(name, REPORTS):
            keep = [not journal.has(period.name, *unit) for unit in _units(batch)]
            yield batch.filter(pa.array(keep, pa.bool_()))

    def _write(
        self,
        name: str,
        schema: "pa.Schema",
        period: Period,
        found: "Iterable[pa.RecordBatch]",
        should_stop: Callable[[], bool],
    ) -> int:
        rows = 0

        def checked() -> "Iterator[pa.RecordBatch]":
            nonlocal rows
            for batch in found:
                if should_stop():
                    raise StoppedError
                rows += batch.num_rows
                yield batch

        metadata = {
            "client_version": __version__,
            "api_host": self.state.api_host,
            "period": f"{period.start}/{period.stop}",
            "domain": self._domains,
        }
        described = schema.with_metadata(metadata)
        self._store.write(name, lambda file: self._format.write(file, described, checked()))
        return rows

    def succeed(self, period: Period) -> None:
        """Write `_SUCCESS`."""
        self._store.write(f"reports/{period.name}/_SUCCESS", lambda _: None)


def _units(batch: "pa.RecordBatch") -> Iterator[tuple[str, str]]:
    """Yield domain and key of each row."""
    columns = (batch[name].to_pylist() for name in ("domain", "type", "endpoint"))
    return ((domain, kind[0] + endpoint) for domain, kind, endpoint in zip(*columns, strict=True))
