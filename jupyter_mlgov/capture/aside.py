"""Work beside the cell's own thread, so that there is an end to the waiting.

What capture looks at may be an object of the user's own class, a disk that hangs or a git that asks for a password:
none of it can be stopped from within the thread that it runs in. So it runs in a thread of capture's, item by item,
and the cell's thread waits. An item that takes longer than it may is given up: Python code in it is ended by an
exception, and the next item starts in a new thread.

Two limits of this: a call into C that does not return keeps its thread (asleep, harmless) until the process ends;
and one that never releases the interpreter's lock stops every thread of the process, this one too.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from jupyter_mlgov.capture import audit

T = TypeVar("T")
Item = TypeVar("Item")

_GRACE_S = 0.05
"""How long a thread that was given up may take to end."""
_END_S = 5.0
"""How long one that has nothing to do is waited for."""


class Overrun(Exception):
    """The work was given up; ``str(error)`` says why."""


class GivenUp(Struct, frozen=True):
    """In place of the result of an item that was given up or that failed."""

    reason: str


class _Ended(BaseException):
    """Raised in a thread that was given up."""


class _Raised(Struct, frozen=True):
    error: BaseException


class _Batch(Generic[Item, T]):
    """Items with what has become of them so far, written by one thread and read by the other."""

    def __init__(self, items: Sequence[Item], work: Callable[[Item], T]) -> None:
        self.items = items
        self.work = work
        self.results: list[T | _Raised] = []
        self.started = time.monotonic()
        self.given_up = False

    def run(self) -> None:
        for item in self.items:
            if self.given_up:
                return
            self.started = time.monotonic()
            try:
                result: T | _Raised = self.work(item)
            except _Ended:
                raise
            except BaseException as error:  # noqa: BLE001 - raised again, or told, by who waits
                result = _Raised(error)
            self.results.append(result)


class _Worker:
    """A thread that runs batches, one after the other."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[_Batch[Any, Any] | None] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="mlgov-capture", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        with contextlib.suppress(_Ended), audit.unseen():
            while (batch := self.jobs.get()) is not None:
                batch.run()
                del batch  # or the user's objects would be referred to until the next one comes
                self.done.put(None)

    def give_up(self, batch: _Batch[Any, Any]) -> None:
        """Ends the thread where that can be done."""
        import ctypes

        batch.given_up = True
        self.jobs.put(None)
        if self.thread.ident is not None and self.thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread.ident), ctypes.py_object(_Ended)
            )
            self.thread.join(_GRACE_S)


class Aside:
    """One capture's work, with a budget of seconds for all of it. A context manager."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._worker: _Worker | None = None

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, *error: object) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.jobs.put(None)
            # The next cell finds the threads that it would have without us. This one has nothing left to do; where other
            # work keeps the processors, its end takes longer than that of one that was given up may.
            worker.thread.join(_END_S)

    @property
    def deadline(self) -> float:
        """The moment of ``time.monotonic()`` when the budget is used up."""
        return self._deadline

    def each(
        self,
        items: Sequence[Item],
        work: Callable[[Item], T],
        seconds: Callable[[Item], float] | None = None,
    ) -> list[T | GivenUp]:
        """``work`` of each item, in order; ``seconds`` is what one item may take.

        What is given up or raises is ``GivenUp`` in its place. An interrupt gives everything up and is raised.
        """
        results: list[T | GivenUp] = []
        while len(results) < len(items):
            if time.monotonic() >= self._deadline:
                used_up = GivenUp(self._used_up())
                return [*results, *[used_up] * (len(items) - len(results))]
            batch = _Batch(items[len(results) :], work)
            late = self._wait(batch, seconds)
            results += [_told(result) for result in batch.results]
            if late is not None and len(results) < len(items):
                results.append(late)
        return results

    def run(self, work: Callable[[], T], *, seconds: float | None = None, to_the_end: bool = False) -> T:
        """``work`` itself, within what is left of the budget or within ``seconds`` of its own.

        Raises ``Overrun`` when it is given up, and what it raises. With ``to_the_end`` an interrupt does not
        stop it: it ends, or its time does.
        """
        deadline = self._deadline
        if seconds is not None:
            self._deadline = time.monotonic() + seconds
        try:
            if time.monotonic() >= self._deadline:
                raise Overrun(self._used_up())
            batch: _Batch[None, T] = _Batch([None], lambda _: work())
            late = self._wait(batch, None, to_the_end=to_the_end)
            if not batch.results:
                own = f"it took longer than {seconds:g} s" if seconds is not None else None
                raise Overrun(own or (late.reason if late else "it did not end"))
            result = batch.results[0]
            if isinstance(result, _Raised):
                raise result.error
            return result
        finally:
            self._deadline = deadline

    def in_turn(self, works: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """Several works, one after the other, that are handed over together: each hand-over costs as much as a small part
        of a record. In place of a result stands what was raised, or an ``Overrun`` where the work was given up.
        """
        results: list[T | Exception] = []
        while len(results) < len(works):
            if time.monotonic() >= self._deadline:
                return [*results, *(Overrun(self._used_up()) for _ in works[len(results) :])]
            batch = _Batch(works[len(results) :], _call)
            late = self._wait(batch, None)
            for result in batch.results:
                if not isinstance(result, _Raised):
                    results.append(result)
                elif isinstance(result.error, Exception):
                    results.append(result.error)
                else:
                    raise result.error
            if late is not None and len(results) < len(works):
                results.append(Overrun(late.reason))
        return results

    def _used_up(self) -> str:
        return f"the time budget of {self.seconds:g} s was used up"

    def _wait(
        self,
        batch: _Batch[Item, T],
        seconds: Callable[[Item], float] | None,
        *,
        to_the_end: bool = False,
    ) -> GivenUp | None:
        """Runs ``batch`` aside. Gives the reason where an item was given up: the one after the last result."""
        try:
            worker = self._worker or _Worker()
        except RuntimeError:  # no thread can be started: the interpreter ends, or the system has no more
            batch.run()
            return None
        self._worker = worker
        worker.jobs.put(batch)
        held_back: BaseException | None = None
        while True:
            at = len(batch.results)
            now = time.monotonic()
            allowed = self._deadline - now
            if seconds is not None and at < len(batch.items):
                allowed = min(allowed, seconds(batch.items[at]) - (now - batch.started))
            try:
                worker.done.get(timeout=max(allowed, 0.0))
                if held_back is not None:
                    raise held_back
                return None
            except queue.Empty:
                if len(batch.results) > at:
                    continue
            except BaseException as error:
                if to_the_end and held_back is None:
                    if not isinstance(error, KeyboardInterrupt):
                        held_back = error
                    continue
                self._give_up(worker, batch)
                raise
            self._give_up(worker, batch)
            if time.monotonic() >= self._deadline:
                return GivenUp(self._used_up())
            return GivenUp(f"it took longer than {seconds(batch.items[at]) if seconds else 0:g} s")

    def _give_up(self, worker: _Worker, batch: _Batch[Any, Any]) -> None:
        self._worker = None
        worker.give_up(batch)


def _call(work: Callable[[], T]) -> T:
    return work()


def _told(result: T | _Raised) -> T | GivenUp:
    return (
        GivenUp(f"{type(result.error).__name__} while it was read") if isinstance(result, _Raised) else result
    )
