"""What the user has set up in the interpreter is not disturbed by capture, and does not disturb it.

Tracers and profilers are for the user's code; warnings and log lines of the libraries that capture uses are not the
cell's; and warnings that were shown once must not be shown again because a library reset the filters meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from typing import Any

from jupyter_mlgov.capture import audit

_FUNCTIONS = (types.FunctionType, types.MethodType)


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Without the user's ``sys.settrace`` and ``sys.setprofile`` functions in this thread.

    A tracer that is no Python function (a debugger's, a profiler's) stays: it could not be put back as it was.
    """
    trace, profile = sys.gettrace(), sys.getprofile()
    if trace is None and profile is None:
        yield
        return
    if type(trace) in _FUNCTIONS:
        sys.settrace(None)
    if type(profile) in _FUNCTIONS:
        sys.setprofile(None)
    try:
        yield
    finally:
        if type(profile) in _FUNCTIONS:
            sys.setprofile(profile)
        if type(trace) in _FUNCTIONS:
            sys.settrace(trace)


@contextlib.contextmanager
def quiet(namespace: dict[str, Any]) -> Iterator[None]:
    """Warnings, log lines and threads of capture's own are kept from the user's settings for them; and none of the user's
    garbage is collected meanwhile, which takes as long as there are objects and calls their finalizers."""
    with _threads_as_new(), _no_log_lines(), _no_warnings(namespace), _no_collection():
        yield


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _threads_as_new() -> Iterator[None]:
    """Threads that are started meanwhile have no tracer and a stack of the usual size."""
    trace, profile = threading.gettrace(), threading.getprofile()
    size = threading.stack_size(0)
    if trace is not None:
        threading.settrace(None)
    if profile is not None:
        threading.setprofile(None)
    try:
        yield
    finally:
        threading.stack_size(size)
        if trace is not None:
            threading.settrace(trace)
        if profile is not None:
            threading.setprofile(profile)


class _OthersOnly(logging.Filter):
    """Lets through what was not logged by capture."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.threadName != "mlgov-capture" and not audit.is_ours(record.thread)


@contextlib.contextmanager
def _no_log_lines() -> Iterator[None]:
    others = _OthersOnly()
    handlers = [handler for reference in list(_handler_list()) if (handler := reference()) is not None]
    for handler in handlers:
        handler.filters.append(others)
    try:
        yield
    finally:
        for handler in handlers:
            with contextlib.suppress(ValueError):
                handler.filters.remove(others)


def _handler_list() -> list[Any]:
    return getattr(logging, "_handlerList", [])


@contextlib.contextmanager
def _no_warnings(namespace: dict[str, Any]) -> Iterator[None]:
    if getattr(sys.flags, "context_aware_warnings", False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        return
    # ``catch_warnings`` would make the interpreter forget which warnings were shown already. Another list
    # in place of the filters does not; where a library that capture calls does so, it is put right.
    filters = warnings.filters
    warnings.filters = [("ignore", None, Warning, None, 0)]
    before = _filters_version()
    try:
        yield
    finally:
        after = _filters_version()
        warnings.filters = filters
        if before != after:
            _renew_registries(namespace, before, after)


def _filters_version() -> object:
    registry: dict[Any, Any] = {}
    warnings.warn_explicit("mlgov", UserWarning, "mlgov", 1, registry=registry)
    return registry.get("version")


def _renew_registries(namespace: dict[str, Any], before: object, after: object) -> None:
    modules = [vars(one) for one in list(sys.modules.values()) if type(one) is types.ModuleType]
    for registry in [
        one["__warningregistry__"] for one in (namespace, *modules) if "__warningregistry__" in one
    ]:
        if type(registry) is dict and registry.get("version") == before:
            registry["version"] = after
