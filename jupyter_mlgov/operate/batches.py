"""Many requests, one prediction, one flush.

While the model predicts, requests gather; all that gathered are then predicted in one call, and all that were predicted
meanwhile are logged in one write. Nobody waits for a batch to fill. A request is answered when the log has it on the
disk, and refused where the log cannot be written: there is no answer that was not logged.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.operate.explanations import explain
from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.protocol import Asked
from jupyter_mlgov.operate.segments import Answered, Header
from jupyter_mlgov.operate.served import Served

_told = logging.getLogger("jupyter_mlgov.operate")

ROWS = 4_096
"""Rows that are predicted in one call, about."""


FEW = 256
"""Rows that are predicted between two looks at the network: what takes longer has a thread of its own, which for these
would cost more than it gives, since both want the interpreter."""


class NotLogged(MlgovError):
    """The prediction log could not be written: the request is not answered."""


class Failed(MlgovError):
    """The model raised on these inputs."""


class Pending:
    """A request on its way. ``columns`` are checked; ``began`` is when it arrived (``time.perf_counter``)."""

    __slots__ = ("asked", "began", "columns", "done", "explanation", "outputs", "request", "served")

    def __init__(self, served: Served, asked: Asked, columns: dict[str, list[Any]], began: float) -> None:
        self.served = served
        self.asked = asked
        self.columns = columns
        self.began = began
        self.request = request_id()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.outputs: dict[str, list[Any]] = {}
        self.explanation: list[dict[str, float]] | None = None


def request_id() -> str:
    """A name that no other request has; names sort by the time they were made: 12 hex digits of milliseconds since 1970,
    12 random ones."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(6).hex()}"


class Batches:
    """The line from request to answer in one process."""

    def __init__(self, log: PredictionLog) -> None:
        self._log = log
        self._open: set[Pending] = set()
        """Requests that were not answered yet, wherever they are on the way."""
        self._waiting: list[Pending] = []
        self._predicted: list[tuple[Pending, Answered]] = []
        self._asked = asyncio.Event()
        self._to_log = asyncio.Event()
        self._predictor = ThreadPoolExecutor(1, thread_name_prefix="mlgov-predict")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mlgov-log")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._predict_all()), asyncio.create_task(self._log_all())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody waits for what no one does any more."""
        if not task.cancelled():
            _told.critical(
                "requests are not answered any more, restart the service", exc_info=task.exception()
            )
        _fail_all(self._open, _ending())

    async def stop(self) -> None:
        """Ends when nobody waits any more."""
        while self._open:
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._predictor.shutdown()
        self._writer.shutdown()
        self._log.close()

    async def answer(self, pending: Pending) -> None:
        """Predicts and logs a request: ``outputs`` and ``explanation`` are there afterwards.

        Raises ``Failed`` and ``NotLogged``, and ``UsageError`` for an explanation that cannot be given.
        """
        if not self.alive:
            raise _ending()
        self._open.add(pending)
        self._waiting.append(pending)
        self._asked.set()
        try:
            await pending.done
        finally:
            self._open.discard(pending)

    async def _predict_all(self) -> None:
        while True:
            await self._asked.wait()
            batch = self._take()
            try:
                made = await self._predict(batch)
            except Exception as error:  # noqa: BLE001 - no request may wait for ever, whatever went wrong
                _fail_all(batch, Failed(f"the prediction failed: {_in_words(error)}"))
                continue
            for pending, one in made:
                if isinstance(one, Answered):
                    self._predicted.append((pending, one))
                else:
                    _fail(pending, one)
            if self._predicted:
                self._to_log.set()

    async def _predict(self, batch: list[Pending]) -> list[tuple[Pending, Answered | MlgovError]]:
        few = sum(pending.asked.rows for pending in batch) <= FEW
        if few and not any(one.asked.explain for one in batch):
            return _predict(batch)
        return await asyncio.get_running_loop().run_in_executor(self._predictor, _predict, batch)

    def _take(self) -> list[Pending]:
        rows = 0
        for count, pending in enumerate(self._waiting):
            rows += pending.asked.rows
            if rows > ROWS and count:
                batch, self._waiting = self._waiting[:count], self._waiting[count:]
                return batch
        batch, self._waiting = self._waiting, []
        self._asked.clear()
        return batch

    async def _log_all(self) -> None:
        while True:
            await self._to_log.wait()
            self._to_log.clear()
            batch, self._predicted = self._predicted, []
            by_header: defaultdict[Header, list[tuple[Pending, Answered]]] = defaultdict(list)
            for pending, one in batch:
                by_header[pending.served.header].append((pending, one))
            for header, some in by_header.items():
                try:
                    await self._write(header, [one for _, one in some])
                except Exception as error:  # noqa: BLE001 - as above
                    fault = NotLogged(
                        f"the prediction could not be logged ({_in_words(error)}): it is not given"
                    )
                    _fail_all((pending for pending, _ in some), fault)
                    continue
                for pending, _ in some:
                    if not pending.done.done():
                        pending.done.set_result(None)

    async def _write(self, header: Header, answered: list[Answered]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, self._log.write, header, answered)


def _fail(pending: Pending, error: MlgovError) -> None:
    if not pending.done.done():
        pending.done.set_exception(error)


def _fail_all(some: Iterable[Pending], error: MlgovError) -> None:
    for pending in some:
        _fail(pending, error)


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _ending() -> NotLogged:
    return NotLogged("the service is ending: the request was not answered")


def _predict(batch: list[Pending]) -> list[tuple[Pending, Answered | MlgovError]]:
    by_version: defaultdict[int, list[Pending]] = defaultdict(list)
    for pending in batch:
        by_version[id(pending.served)].append(pending)
    made: list[tuple[Pending, Answered | MlgovError]] = []
    for some in by_version.values():
        made += _together(some)
    return made


def _together(some: list[Pending]) -> list[tuple[Pending, Answered | MlgovError]]:
    """Predicts requests to one version in one call; where that raises, each by itself."""
    served = some[0].served
    columns = some[0].columns
    if len(some) > 1:
        columns = {
            name: [value for one in some for value in one.columns[name]] for name in served.accepted.names
        }
    try:
        outputs = served.predict(columns).columns
    except Exception as error:  # noqa: BLE001 - whatever a model raises
        if len(some) > 1:
            return [made for one in some for made in _together([one])]
        return [(some[0], Failed(f"the model raised {type(error).__name__}: {str(error)[:300]}"))]
    found: list[tuple[Pending, Answered | MlgovError]] = []
    start = 0
    for one in some:
        end = start + one.asked.rows
        one.outputs = (
            {name: values[start:end] for name, values in outputs.items()} if len(some) > 1 else outputs
        )
        start = end
        found.append((one, _answered(one)))
    return found


def _answered(one: Pending) -> Answered | MlgovError:
    if one.asked.explain:
        try:
            one.explanation = explain(one.served, one.columns)
        except MlgovError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever a model raises
            return Failed(
                f"the model raised {type(error).__name__} while it was explained: {str(error)[:300]}"
            )
    return Answered(
        id=one.request,
        at=time.time_ns() // 1000,
        latency=time.perf_counter() - one.began,
        rows=one.asked.rows,
        inputs=one.columns,
        outputs=one.outputs,
        explanation=one.explanation,
        client=one.asked.client,
    )
