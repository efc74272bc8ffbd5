"""Calls after which work is done by several workers, in an order that nobody has set."""

from __future__ import annotations

import ast
import re

_CALLS = (
    "concurrent.futures.as_completed",
    "asyncio.as_completed",
    "multiprocessing.Pool",
    "multiprocessing.Process",
    "multiprocessing.pool.",
    "multiprocessing.dummy.",
    "threading.Thread",
    "threading.Timer",
    "dask.",
    "joblib.Parallel",
    "joblib.delayed",
)
_EXECUTORS = re.compile(r"concurrent\.futures\.(?:thread\.|process\.)?(?:Thread|Process)PoolExecutor")
_WORKERS = ("n_jobs", "nthread", "num_threads", "workers")


def in_parallel(name: str, call: ast.Call) -> bool:
    """True for a call of ``name`` (whole, aliases resolved) that gives work to more than one worker."""
    if _EXECUTORS.fullmatch(name):
        given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "max_workers")]
        return not any(isinstance(number, ast.Constant) and number.value == 1 for number in given)
    if name.startswith(_CALLS):
        return True
    for word in call.keywords:
        if word.arg in _WORKERS:
            return not (isinstance(word.value, ast.Constant) and word.value.value in (None, 0, 1))
    return False
