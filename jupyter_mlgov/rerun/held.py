"""What a controlled run holds still, from inside its kernel: seeds, the clock, the order of folders, of workers.

A result that changes from run to run and does not when one of these is held depends on it: that is an experiment,
not a guess from the code. Nothing here is used in a plain rerun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Literal

from msgspec import Struct

Listing = Literal["sorted", "reversed"]


class Held(Struct, frozen=True):
    """``seed`` for generators that nobody seeded, ``clock`` (seconds since 1970) for every reading of the time,
    ``listing`` for the order in which folders list their files; ``in_turn``: workers one after the other."""

    seed: int | None = None
    clock: float | None = None
    listing: Listing | None = None
    in_turn: bool = False

    def variables(self) -> dict[str, str | None]:
        """What has to be in the kernel's environment before it starts."""
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS") if self.in_turn else ()
        return dict.fromkeys(names, "1")


def hold(**held: Any) -> None:
    """Called silently in the kernel before the first cell."""
    what = Held(**held)
    if what.seed is not None:
        hold_seeds(what.seed)
    if what.clock is not None:
        hold_clock(what.clock)
    if what.listing is not None:
        hold_listing(what.listing)
    if what.in_turn:
        hold_workers()


# -- seeds ---------------------------------------------------------------------------------------------------


def hold_seeds(seed: int) -> None:
    """Seeds Python's and NumPy's global generators, and torch's once it is loaded; a generator made without a
    seed gets one."""
    import os
    import random
    import uuid
    from importlib.util import find_spec

    random.seed(seed)
    plain = random.Random
    counted = iter(range(seed, 2**31))

    class Random(plain):  # type: ignore[misc, valid-type]
        def __init__(self, x: Any = None) -> None:
            super().__init__(next(counted) if x is None else x)

    random.Random = Random  # type: ignore[misc]
    drawn = plain(seed)
    os.urandom = drawn.randbytes  # ``secrets``, ``SystemRandom`` and numba's generator draw from it
    random._urandom = drawn.randbytes  # type: ignore[attr-defined]
    uuid.uuid4 = lambda: uuid.UUID(int=random.getrandbits(128), version=4)
    if find_spec("numpy") is not None:
        import numpy as np

        np.random.seed(seed)  # what a notebook without a seed draws from
        for name, seed_is in (("default_rng", "seed"), ("RandomState", "seed"), ("SeedSequence", "entropy")):
            setattr(np.random, name, _seeded(getattr(np.random, name), counted, seed_is))
    _seed_when_loaded("torch", lambda torch: torch.manual_seed(seed))


def _seeded(make: Any, seeds: Iterator[int], named: str) -> Any:
    """``make`` with a seed where it is given none. ``named`` is how it calls its seed."""

    def given_seed(given: tuple[Any, ...], names: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        seed, more = (given[0], given[1:]) if given else (names.get(named), ())
        rest = names if given else {name: value for name, value in names.items() if name != named}
        return (next(seeds) if seed is None else seed, *more), rest

    def call(*given: Any, **names: Any) -> Any:
        values, rest = given_seed(given, names)
        return make(*values, **rest)

    def begin(self: Any, *given: Any, **names: Any) -> None:
        values, rest = given_seed(given, names)
        make.__init__(self, *values, **rest)

    return _in_place_of(make, call, __init__=begin) if isinstance(make, type) else call


def _in_place_of(plain: Any, make: Callable[..., Any], **members: Any) -> Any:
    """A class that stands for ``plain``: called, it gives what ``make`` gives, an object of ``plain`` itself; a class that
    is derived from it has objects of its own. ``isinstance(x, np.random.RandomState)`` goes on working."""

    class Standing(type(plain)):  # type: ignore[misc]
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, plain) if cls is stands else type.__instancecheck__(cls, one)

        def __subclasscheck__(cls, one: type) -> bool:
            return issubclass(one, plain) if cls is stands else type.__subclasscheck__(cls, one)

    def new(cls: Any, *given: Any, **names: Any) -> Any:
        return make(*given, **names) if cls is stands else plain.__new__(cls, *given, **names)

    stands: Any = Standing(plain.__name__, (plain,), {"__new__": new, "__doc__": plain.__doc__, **members})
    return stands


def _seed_when_loaded(name: str, seed: Callable[[Any], object]) -> None:
    import sys

    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return

    def look(*_: object) -> None:
        if name in sys.modules:
            seed(sys.modules[name])
            shell.events.unregister("pre_run_cell", look)

    shell.events.register("pre_run_cell", look)


# -- the clock -----------------------------------------------------------------------------------------------

READINGS = 10_000
"""Readings of a clock that stands still after which it goes on: a loop that waits for it has to end."""


def hold_clock(moment: float) -> None:
    """Lets the ``time`` and ``datetime`` that the notebook and the modules of its folder import read ``moment``.

    Compiled libraries go on with the real ones: they depend on the layout of the real classes.
    """
    import builtins
    from pathlib import Path

    held = {"time": _time_at(moment), "datetime": _datetime_at(moment)}
    told: set[str] = set()
    now = _still(moment)
    plain = builtins.__import__
    here = str(Path.cwd())

    def imported(
        name: str,
        globals: Any = None,  # noqa: A002 - named as Python names them
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        known = globals or {}
        if name.partition(".")[0] == "pandas" and "pandas" not in told:
            told.add("pandas")
            _hold_timestamps(plain("pandas"), now)
        own = known.get("__name__") == "__main__" or str(known.get("__file__") or "").startswith(here)
        return held[name] if own and name in held else plain(name, globals, locals, fromlist, level)

    builtins.__import__ = imported


def _hold_timestamps(pandas: Any, now: Callable[[], float]) -> None:
    """``pd.Timestamp.now()`` and its like: compiled, but of a class that can be told."""
    stamp = pandas.Timestamp
    stamp.now = staticmethod(lambda tz=None: stamp.fromtimestamp(now(), tz))
    stamp.today = stamp.now
    stamp.utcnow = staticmethod(lambda: stamp.fromtimestamp(now(), "UTC"))


def _still(moment: float) -> Callable[[], float]:
    import time

    real = time.time
    state = {"read": 0, "since": 0.0}

    def now() -> float:
        state["read"] += 1
        if state["read"] == READINGS:
            state["since"] = real()
        return moment if state["read"] < READINGS else moment + real() - state["since"]

    return now


def _copy(module: ModuleType, **changed: Any) -> ModuleType:
    copy = ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update(module.__dict__ | changed)
    return copy


def _time_at(moment: float) -> ModuleType:
    import time

    now = _still(moment)
    return _copy(
        time,
        time=now,
        time_ns=lambda: int(now() * 1e9),
        localtime=_of_now(time.localtime, now),
        gmtime=_of_now(time.gmtime, now),
        ctime=_of_now(time.ctime, now),
        strftime=lambda form, *at: time.strftime(form, *(at or (time.localtime(now()),))),
    )


def _datetime_at(moment: float) -> ModuleType:
    import datetime

    now = _still(moment)
    moment_class, day_class = datetime.datetime, datetime.date

    def read(plain: Any, reading: Callable[..., Any]) -> Any:
        """A class method that gives a class derived in the notebook objects of its own."""
        return classmethod(
            lambda cls, *given, **names: reading(cls if cls.__base__ is not plain else plain, *given, **names)
        )

    return _copy(
        datetime,
        datetime=_in_place_of(
            moment_class,
            moment_class,
            now=read(moment_class, lambda cls, tz=None: cls.fromtimestamp(now(), tz)),
            today=read(moment_class, lambda cls: cls.fromtimestamp(now())),
            utcnow=read(
                moment_class, lambda cls: cls.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)
            ),
        ),
        date=_in_place_of(day_class, day_class, today=read(day_class, lambda cls: cls.fromtimestamp(now()))),
    )


def _of_now(plain: Callable[..., Any], now: Callable[[], float]) -> Callable[..., Any]:
    return lambda seconds=None: plain(now() if seconds is None else seconds)


# -- folders and workers -------------------------------------------------------------------------------------


class _Entries:
    """What ``os.scandir`` gives, in another order."""

    def __init__(self, entries: Iterable[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open any more."""


def hold_listing(order: Listing) -> None:
    """Lets folders list their files by name, or backwards. ``glob`` and ``pathlib`` ask ``os``."""
    import os

    listed, scanned = os.listdir, os.scandir
    backwards = order == "reversed"

    def listdir(path: Any = ".") -> list[Any]:
        return sorted(listed(path), reverse=backwards)

    def scandir(path: Any = ".") -> _Entries:
        with scanned(path) as entries:
            return _Entries(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    os.listdir = listdir
    os.scandir = scandir  # type: ignore[assignment]


def hold_workers() -> None:
    """Lets pools work one task after the other, and give results in the order of the tasks."""
    import concurrent.futures
    import concurrent.futures._base
    import multiprocessing.pool

    def in_order(tasks: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
        for task in list(tasks):
            concurrent.futures.wait([task], timeout=timeout)
            yield task

    for module in (concurrent.futures, concurrent.futures._base):
        setattr(module, "as_completed", in_order)  # noqa: B010 - its type is not quite the same
    for pool in (concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor):
        pool.__init__ = _one_worker(pool.__init__)  # type: ignore[method-assign]
    multiprocessing.pool.Pool.imap_unordered = multiprocessing.pool.Pool.imap  # type: ignore[method-assign]
    hold_threads()


PATIENCE = 2.0
"""Seconds after which a thread that waits for another is let go."""


def hold_threads() -> None:
    """Lets each thread that the notebook or a module of its folder starts end before the next one begins."""
    import sys
    import threading
    from pathlib import Path

    plain = threading.Thread.start
    here = str(Path.cwd())

    def own(thread: threading.Thread) -> bool:
        does = getattr(thread, "_target", None) or type(thread)
        module = sys.modules.get(getattr(does, "__module__", None) or "")
        return getattr(module, "__name__", "") == "__main__" or str(
            getattr(module, "__file__", None) or ""
        ).startswith(here)

    def start(self: threading.Thread) -> None:
        plain(self)
        if own(self) and not self.daemon:
            self.join(PATIENCE)

    threading.Thread.start = start  # type: ignore[method-assign]


def _one_worker(plain: Any) -> Any:
    def start(self: Any, max_workers: int | None = None, *more: Any, **named: Any) -> None:
        plain(self, 1, *more, **named)

    return start
