"""Evaluating something and leaving no trace: the session's names and random states, and a time limit."""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


class TimeOut(BaseException):
    """The time limit was reached. No ``Exception``, so that no handler in the user's code swallows it."""


@contextlib.contextmanager
def time_limited(seconds: float) -> Iterator[bool]:
    """Raises ``TimeOut`` in the block after ``seconds``, where that can be done without taking anything away;
    the block is told whether it can.

    It can in the main thread of a Unix process whose alarm clock nobody else uses.
    """
    if not _alarm_is_free():
        yield False
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeOut

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _alarm_is_free() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN)
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


@contextlib.contextmanager
def state_kept(namespace: dict[str, Any]) -> Iterator[None]:
    """Puts back, after the block, which names ``namespace`` has, what they are bound to, and the random state."""
    names = dict(namespace)
    put_back = _random_states(names)
    try:
        yield
    finally:
        for restore in put_back:
            with contextlib.suppress(Exception):
                restore()
        for name in [name for name in namespace if name not in names]:
            del namespace[name]
        for name, value in names.items():
            if name not in namespace or namespace[name] is not value:
                namespace[name] = value


def _random_states(namespace: dict[str, Any]) -> list[Callable[[], None]]:
    """A function for each random generator that sets it back to its state of now."""
    python = random.getstate()
    restore: list[Callable[[], None]] = [lambda: random.setstate(python)]
    numpy = sys.modules.get("numpy")
    legacy = sys.modules.get("numpy.random")
    if numpy is None or legacy is None:
        generators: tuple[type, ...] = ()
        bits: tuple[type, ...] = ()
    else:
        bits, generators = (legacy.BitGenerator,), (legacy.Generator, legacy.RandomState)
        with contextlib.suppress(Exception):
            state = legacy.get_state(legacy=False)
            restore.append(lambda: legacy.set_state(state))
    for value in {id(value): value for value in namespace.values()}.values():
        with contextlib.suppress(Exception):
            if type(value) is random.Random:
                restore.append(_setter(value.setstate, value.getstate()))
            elif generators and issubclass(type(value), generators):
                bit = value.bit_generator if issubclass(type(value), generators[0]) else value._bit_generator
                restore.append(_bit_setter(bit, bit.state))
            elif bits and issubclass(type(value), bits):
                restore.append(_bit_setter(value, value.state))
    return restore


def _setter(set_state: Callable[[Any], None], state: Any) -> Callable[[], None]:
    return lambda: set_state(state)


def _bit_setter(generator: Any, state: Any) -> Callable[[], None]:
    return lambda: setattr(generator, "state", state)
