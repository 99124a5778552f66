"""One run of an export: which endpoints are still to be asked, and what happens with their outcomes."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from sinch_reporting.bulk import CallReportOutcome
from sinch_reporting.errors import AuthenticationError, ConfigurationError
from sinch_reporting.export.formats import FORMATS
from sinch_reporting.export.journal import Journal, Row, row_of
from sinch_reporting.export.manifest import Manifest, claim
from sinch_reporting.export.plan import Plan
from sinch_reporting.export.schemas import (
    FAILURES,
    REJECTED,
    REPORTS,
    Question,
    failure_batches,
    rejected_batches,
    report_batches,
)
from sinch_reporting.export.store import Store
from sinch_reporting.export.summary import ExportProgress
from sinch_reporting.parameters import Endpoint

OF_ALL = (AuthenticationError, ConfigurationError)
"""The errors that all other endpoints would meet too."""

_PART = re.compile(r"part-(\d+)\.\w+")
_JOURNAL = ".journal.sqlite3"


class Datasets:
    """The files of an export's datasets. A partition is finished where its file of reports is there."""

    def __init__(self, store: Store, file_format: str, question: Question) -> None:
        self._store = store
        self._suffix = file_format
        self._format = FORMATS[file_format]
        self._question = question

    def _name(self, dataset: str, partition: int) -> str:
        return f"{dataset}/part-{partition:05d}.{self._suffix}"

    def finished(self) -> set[int]:
        """Return the partitions that are finished."""
        matches = map(_PART.fullmatch, self._store.names("reports"))
        return {int(match[1]) for match in matches if match}

    def failures_in(self, partition: int) -> int:
        """Return how many failures a finished partition has."""
        return self._format.count(self._store.read(self._name("failures", partition)))

    def write_rejected(self, plan: Plan) -> None:
        """Write the rejected lines."""
        name = self._name("rejected", 0)
        self._store.write(
            name, lambda file: self._format.write(file, REJECTED, rejected_batches(plan.rejected_lines()))
        )

    def write_outcomes(self, partition: int, outcomes: Callable[[], Iterator[tuple[Endpoint, Row]]]) -> None:
        """Write what became of a whole partition, the reports last."""
        self._store.write(
            self._name("failures", partition),
            lambda file: self._format.write(file, FAILURES, failure_batches(outcomes(), self._question)),
        )
        self._store.write(
            self._name("reports", partition),
            lambda file: self._format.write(file, REPORTS, report_batches(outcomes(), self._question)),
        )

    def clean(self) -> None:
        """Remove what writers left unfinished when they were killed."""
        for dataset in ("", "reports", "failures", "rejected"):
            self._store.clean(dataset)


class Run:
    """One run. A context manager that holds the journal, and so the destination."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        question: Question,
        *,
        file_format: str,
        journal: Path | None,
        settle: Callable[[], None],
    ) -> None:
        """Claim the destination, settle what is to be settled before it is looked at, and find what is finished.

        Raises:
            InvalidRequestError: The destination is another export's, or another process has it.
            OSError: The destination or the journal cannot be used.
        """
        manifest = Manifest(
            domain=question.domain.value,
            start=question.start.isoformat(),
            stop=question.stop.isoformat(),
            file_format=file_format,
            partition_size=plan.size,
            endpoints=plan.endpoints,
            duplicates=plan.duplicates,
            rejected=plan.rejected,
            input_sha256=plan.digest,
        )
        self.plan = plan
        self.datasets = Datasets(store, file_format, question)
        claim(store, manifest)
        path = journal or (store.folder / _JOURNAL if store.folder else None)
        self._journal = Journal(path, hashlib.sha256(repr(manifest).encode()).hexdigest())
        try:
            # Again, in case two processes claimed an empty destination at once: only this one goes on.
            claim(store, manifest)
            settle()
            self._find()
        except BaseException:
            self._journal.close()
            raise

    def _find(self) -> None:
        self.datasets.clean()
        self.datasets.write_rejected(self.plan)
        self._finished = self.datasets.finished()
        for partition in self._finished:
            self._journal.forget(self.plan.places(partition))  # a kill may have come between the two
        kept, failed = self._journal.counts()
        self._endpoints = self.plan.endpoints
        self._done = kept + sum(len(self.plan.places(partition)) for partition in self._finished)
        self._failed = failed + sum(map(self.datasets.failures_in, self._finished))
        self._asked = 0
        self._in_flight: dict[Endpoint, int] = {}
        self._missing: dict[int, int] = {}
        for partition, count in self._journal.counts_in_partitions(self.plan.size):
            if count == len(self.plan.places(partition)):  # a kill may have come before its files were written
                self.commit(partition)

    @property
    def progress(self) -> ExportProgress:
        """How far the export is."""
        return ExportProgress(endpoints=self._endpoints, done=self._done, failed=self._failed, asked=self._asked)

    def unfinished(self) -> Iterator[int]:
        """Yield the partitions that are not finished, in order."""
        return (partition for partition in range(self.plan.partitions) if partition not in self._finished)

    def endpoints(self, should_stop: Callable[[], bool]) -> Iterator[Endpoint]:
        """Yield the endpoints that are still to be asked, until told to stop."""
        for partition in self.unfinished():
            places = self.plan.places(partition)
            known = self._journal.places(places)
            self._missing[partition] = len(places) - len(known)
            for place, endpoint in self.plan.of(partition):
                if place in known:
                    continue
                if should_stop():
                    return
                self._in_flight[endpoint] = place
                yield endpoint

    def take(self, outcome: CallReportOutcome) -> int | None:
        """Keep an outcome, and return its partition where that is now complete.

        Raises what all other endpoints would meet too.
        """
        if isinstance(outcome.error, OF_ALL):
            raise outcome.error
        place = self._in_flight.pop(outcome.endpoint)
        self._journal.add(row_of(place, outcome))
        self._asked += 1
        self._done += 1
        self._failed += outcome.error is not None
        partition = place // self.plan.size
        self._missing[partition] -= 1
        return None if self._missing[partition] else partition

    def commit(self, partition: int) -> None:
        """Write the files of a complete partition."""
        places = self.plan.places(partition)

        def outcomes() -> Iterator[tuple[Endpoint, Row]]:
            endpoints = (endpoint for _, endpoint in self.plan.of(partition))
            return zip(endpoints, self._journal.rows(places), strict=True)

        self.datasets.write_outcomes(partition, outcomes)
        self._journal.forget(places)
        self._finished.add(partition)
        self._missing.pop(partition, None)

    def known(self, partition: int) -> list[Row]:
        """Return the outcomes of a partition that are kept."""
        return list(self._journal.rows(self.plan.places(partition)))

    def take_partition(self, partition: int, asked: int, failed: int) -> None:
        """Count a partition that another process asked about and wrote the files of."""
        known = self.known(partition)
        places = self.plan.places(partition)
        self._asked += asked
        self._done += len(places) - len(known)
        self._failed += failed - sum(row[5] is not None for row in known)
        self._journal.forget(places)
        self._finished.add(partition)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if len(self._finished) == self.plan.partitions:
            self._journal.remove()
        else:
            self._journal.close()
        self.plan.close()
