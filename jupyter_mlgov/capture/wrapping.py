"""Functions of other libraries replaced by ones that look on, so that nobody can tell.

A wrapper passes arguments, result and exception through. Its frame is in no traceback, no warning is put down to it
(``warnings`` passes over frames of the import system, and so it passes over these), and a wrapped function can be
pickled: it is replaced in the module that defines it as well. One that looks up names in its caller's frame finds
them. What is wrapped stays wrapped; with nobody listening, it only calls the original.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

_WRAPPED = "__mlgov_wrapped__"
_FRAME = "<mlgov importlib._bootstrap>"

Function = TypeVar("Function", bound=Callable[..., Any])
After = Callable[[Any], None]
Before = Callable[[tuple[Any, ...], dict[str, Any]], After | None]
"""Called with the arguments; what it gives is called with the result, or with ``FAILED``. Neither may raise."""

FAILED = object()

_CALL = compile("__mlgov_call__()", _FRAME, "eval")


def looking_on(
    original: Callable[..., Any], before: Before, *, asks_its_caller: bool = False
) -> Callable[..., Any]:
    """``original`` with ``before`` looking on. ``asks_its_caller``: it looks for names in the frame that calls it."""

    if inspect.iscoroutinefunction(original):
        return _marked(_awaiting(original, before))

    @functools.wraps(original)
    def reader(*args: Any, **kwargs: Any) -> Any:
        after = before(args, kwargs)
        try:
            if asks_its_caller:
                result = _among_names_of(sys._getframe(1), functools.partial(original, *args, **kwargs))
            else:
                result = original(*args, **kwargs)
        except BaseException as error:
            if after is not None:
                after(FAILED)
            _leave_out_our_frames(error)
            raise
        if after is not None:
            after(result)
        return result

    return _marked(reader)


def _awaiting(original: Callable[..., Any], before: Before) -> Callable[..., Any]:
    """The same for a coroutine function: what it gives is what comes when it is awaited."""

    @functools.wraps(original)
    async def reader(*args: Any, **kwargs: Any) -> Any:
        after = before(args, kwargs)
        try:
            result = await original(*args, **kwargs)
        except BaseException as error:
            if after is not None:
                after(FAILED)
            _leave_out_our_frames(error)
            raise
        if after is not None:
            after(result)
        return result

    return reader


def _among_names_of(caller: FrameType, call: Callable[[], Any]) -> Any:
    """Calls from a frame that has the caller's names: ``from df`` in DuckDB's SQL is a variable of the frame it is
    called from. A module's names are not copied."""
    names = {} if caller.f_locals is caller.f_globals else dict(caller.f_locals)
    return eval(_CALL, caller.f_globals, {**names, "__mlgov_call__": call})  # noqa: S307 - the code is fixed


_among_names_of.__code__ = _among_names_of.__code__.replace(co_filename=_FRAME)


def _leave_out_our_frames(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == _FRAME:
        trace = trace.tb_next
    error.__traceback__ = trace


def _marked(reader: Any) -> Callable[..., Any]:
    reader.__code__ = reader.__code__.replace(co_filename=_FRAME)
    setattr(reader, _WRAPPED, True)
    function: Callable[..., Any] = reader
    return function


def wrap(module: Any, name: str, before: Before, *, asks_its_caller: bool = False) -> bool:
    """Wraps ``module.name`` (``Class.method`` too), once. False where there is no such function to replace."""
    owner: Any = module
    *outer, last = name.split(".")
    try:
        for part in outer:
            owner = getattr(owner, part)
        original = getattr(owner, last)
        if not callable(original) or isinstance(original, type) or hasattr(original, _WRAPPED):
            return False
        home, names = _home(original) if not outer else (None, set())
        wrapped = next((one for name in names if _wraps(one := vars(home).get(name), original)), None)
        wrapped = wrapped or looking_on(original, before, asks_its_caller=asks_its_caller)
        setattr(owner, last, wrapped)
    except (AttributeError, TypeError):
        return False
    for name in names:
        # Pickles name a function by where it was defined, and check that it is there.
        if vars(home).get(name) is original:
            setattr(home, name, wrapped)
    return True


def _home(function: Any) -> tuple[Any, set[str]]:
    """The module that defines ``function``, and what it may be called there."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    names = {getattr(function, "__name__", ""), getattr(function, "__qualname__", "")}
    return module, (names if module is not None else set())


def _wraps(one: Any, original: Any) -> bool:
    return hasattr(one, _WRAPPED) and one.__wrapped__ is original
