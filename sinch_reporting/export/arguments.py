"""The arguments of an export, and what is done with them wherever it runs."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from sinch_reporting.export.lines import RejectedLine
from sinch_reporting.export.plan import Plan
from sinch_reporting.export.run import Run
from sinch_reporting.export.schemas import Question
from sinch_reporting.export.store import Store
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.parameters import Endpoint

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


def _nothing() -> None: ...


@frozen(kw_only=True)
class Export:
    """An export."""

    endpoints: Iterable[Endpoint | RejectedLine]
    destination: str | os.PathLike[str]
    question: Question
    file_format: str
    partition_size: int
    concurrency: int
    filesystem: "FileSystem | None"
    journal: Path | None
    progress: Callable[[ExportProgress], None]
    should_stop: Callable[[], bool]
    began: float

    def open(self, settle: Callable[[], None] = _nothing) -> Run:
        """Read the input, claim the destination for it, and settle what is to be settled before it is looked at."""
        store = Store(self.destination, self.filesystem)
        plan = Plan(self.endpoints, self.partition_size)
        try:
            return Run(plan, store, self.question, file_format=self.file_format, journal=self.journal, settle=settle)
        except BaseException:
            plan.close()
            raise

    def options(self) -> dict[str, Any]:
        """Return what `iter_call_reports` is called with."""
        question = self.question
        return {
            "domain": question.domain,
            "start": question.start,
            "stop": question.stop,
            "concurrency": self.concurrency,
        }

    def summary(self, run: Run) -> ExportSummary:
        """Return what the run came to."""
        progress = run.progress
        return ExportSummary(
            destination=os.fspath(self.destination),
            endpoints=progress.endpoints,
            reports=progress.done - progress.failed,
            failures=progress.failed,
            duplicates=run.plan.duplicates,
            rejected=run.plan.rejected,
            asked=progress.asked,
            seconds=time.monotonic() - self.began,
        )
