"""The engine of an export: paces the requests, pauses while the server fails, retries, and stops in time."""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint
from attrs import evolve

from sinch_reporting.export.dataset import Dataset, StoppedError
from sinch_reporting.export.input_index import InputIndex
from sinch_reporting.export.job import ExportJob, Period
from sinch_reporting.export.journal import Journal, Unit
from sinch_reporting.export.outcomes import Outcome, OutcomeRecorder
from sinch_reporting.export.state import PeriodState
from sinch_reporting.export.summary import ExportProgress
from sinch_reporting.export.work import PeriodWork, order
from sinch_reporting.rate_limit import RateLimiter
from sinch_reporting.retry import RetryPolicy

_POLL_SECONDS = 0.05

Fetch = Callable[[Period, Sequence[Unit]], Awaitable[list[Outcome]]]
"""Requests some reports of a period. A batch may end early; what has no outcome is requested again."""


class Engine:
    """One run of an export.

    Attributes:
        ended: Why the run ended.
        recorder: Keeps the outcomes.
        names: The names of the periods of the run.
    """

    def __init__(
        self,
        job: ExportJob,
        index: InputIndex,
        dataset: Dataset,
        journal: Journal,
        *,
        fetch: Fetch,
        limiter: RateLimiter,
        retry: RetryPolicy,
        tasks: int,
        batch_size: Callable[[int], int] = lambda _: 1,
    ) -> None:
        self.ended: Literal["finished", "stopped", "gave up"] = "finished"
        self.recorder = OutcomeRecorder(job)
        self._breaker = self.recorder.breaker
        self._job = job
        self._index = index
        self._dataset = dataset
        self._journal = journal
        self._fetch = fetch
        self._task_count = tasks
        self._batch_size = batch_size
        self._limiter = limiter
        self._retry = retry
        self._waiting, complete = order(job, index, dataset, journal)
        self.names = [period.name for period in self._waiting + complete]
        self._waiting.reverse()
        self._units = index.units(job.domains)
        self._active: list[PeriodWork] = []
        self._left = 0  # reports of the periods worked through that failed transiently
        self._sending = 0
        self._probing = False
        self._committed: anyio.Event | None = None  # of the outcomes that are not committed
        self._error: BaseException | None = None

    def open_states(self) -> dict[str, PeriodState]:
        """Return the states of the periods that are not worked through."""
        known = self._dataset.state.periods
        unknown = PeriodState(missing=self._units, input=self._index.digest_for(self._job.domains))
        states = {period.name: known.get(period.name, unknown) for period in self._waiting}
        # Without its files a period is not complete, also if the last report arrived while the export was stopping.
        active = {work.period.name: evolve(work.state(), complete=False) for work in self._active}
        return states | active

    async def run(self) -> None:
        """Work until everything is done, the export is to stop, or it gives up. Raises what all requests meet."""
        self._taking = anyio.Lock(fast_acquire=True)
        self._files = anyio.Lock(fast_acquire=True)
        self._changed = anyio.Event()
        self._closed = anyio.Event()
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._watch)
            async with anyio.create_task_group() as workers:
                for _ in range(self._task_count):
                    workers.start_soon(self._work)
            self._tasks.cancel_scope.cancel()
        if self._error:
            raise self._error

    async def _watch(self) -> None:
        while not self._job.should_stop():  # noqa: ASYNC110 - a function of the caller
            await anyio.sleep(_POLL_SECONDS)
        self.ended = "stopped"
        self._changed.set()
        with anyio.move_on_after(self._job.stop_grace):
            while self._sending:  # noqa: ASYNC110 - simpler, and only at the end
                await anyio.sleep(_POLL_SECONDS)
        self._tasks.cancel_scope.cancel()

    async def _work(self) -> None:
        try:
            while taken := await self._take():
                work, units = taken
                while units and self.ended == "finished":
                    units = await self._request(work, units)
                await self._advance(work)
        except Exception as error:  # noqa: BLE001 - raised by `run`, without the task group
            self._error = self._error or error
            self._tasks.cancel_scope.cancel()

    async def _take(self) -> tuple[PeriodWork, list[Unit]] | None:
        """Wait for reports to request. Return None if there are no more."""
        if taken := self._take_now():
            return taken
        async with self._taking:
            while not self._has_ended():
                if (taken := self._take_now()) or self._has_ended():
                    return taken
                if self._waiting:
                    await self._open(self._waiting[-1])
                elif not self._active:
                    return None
                else:
                    self._changed = anyio.Event()
                    now = time.monotonic()
                    begins = [work.not_before - now for work in self._active if work.not_before > now]
                    with anyio.move_on_after(min(begins, default=math.inf)):
                        await self._changed.wait()
        return None

    def _take_now(self) -> tuple[PeriodWork, list[Unit]] | None:
        """Return reports to request of an open period, None if there are none or the export is to stop."""
        if self.ended == "finished" and self._job.should_stop():
            self.ended = "stopped"
        if self._has_ended():
            return None
        now = time.monotonic()
        for work in self._active:
            if work.not_before <= now and (units := work.take(self._batch_size(work.remaining))):
                return work, units
        return None

    async def _open(self, period: Period) -> None:
        work = await to_thread.run_sync(PeriodWork, period, self._job, self._index, self._dataset, self._journal)
        await to_thread.run_sync(work.reopen)
        self._waiting.pop()
        self._active.append(work)
        if not work.remaining:
            await self._advance(work)
        self._report()

    async def _advance(self, work: PeriodWork) -> None:
        """Begin the next round of a period whose round is over, or write its files."""
        if work not in self._active or work.in_flight or self.ended != "finished":
            return
        self.recorder.settle_forbidden()
        if work.next_round(self._retry):
            self._active.remove(work)
            self._left += work.remaining
            async with self._files:
                with suppress(StoppedError):
                    await to_thread.run_sync(work.finish, self._has_ended)
        self._changed.set()

    def _has_ended(self) -> bool:
        return self.ended != "finished"

    async def _request(self, work: PeriodWork, units: list[Unit]) -> list[Unit]:
        """Request reports, and return those to request again because everything fails."""
        probe = await self._pass_gate()
        if wait := self._limiter.reserve(math.inf):
            await anyio.sleep(wait)
        if self._breaker.is_open and not probe:
            return units
        batch = units[:1] if probe else units
        self._sending += 1
        try:
            outcomes = await self._fetch(work.period, batch)
        finally:
            self._sending -= 1
        done = {outcome.unit for outcome in outcomes if self.recorder.record(work, outcome, probe=probe)}
        await self._commit()
        if probe:
            self._probing = False
            if not self._breaker.is_open:
                self._closed.set()
                self._closed = anyio.Event()
        if self._breaker.gives_up:
            self.ended = "gave up"
            self._tasks.cancel_scope.cancel()
        return [unit for unit in units if unit not in done]

    async def _commit(self) -> None:
        """Commit the outcomes of a turn of the event loop in one transaction, before the next requests."""
        if self._committed:
            await self._committed.wait()
            return
        self._committed = committed = anyio.Event()
        await checkpoint()
        self._committed = None
        self._journal.commit()
        committed.set()
        self._report()

    async def _pass_gate(self) -> bool:
        """Wait while the circuit is open. Return whether the next request is the probe."""
        while self._breaker.is_open:
            if self._probing:
                await self._closed.wait()
                continue
            self._probing = True
            while (delay := self._breaker.next_probe - time.monotonic()) > 0:  # noqa: ASYNC110 - may be prolonged
                await anyio.sleep(delay)
            return True
        return False

    def _report(self) -> None:
        total = self._units * len(self.names)
        open_units = self._units * len(self._waiting) + self._left + sum(work.remaining for work in self._active)
        paused = None
        if self._breaker.is_open:
            delay = timedelta(seconds=max(self._breaker.next_probe - time.monotonic(), 0))
            paused = self._job.now() + delay
        progress = ExportProgress(
            total=total,
            done=max(total - open_units, 0),
            failed=self.recorder.failed,
            requested=self.recorder.requested,
            paused_until=paused,
            problem=self._breaker.problem if paused else None,
        )
        self._job.progress(progress)
