"""``log_metric``, ``log_param`` and ``input``: for what cannot be found in the cell by itself.

They act on the kernel's session. Where there is none (a script, an extension that is not loaded) they do
nothing and say so once: code that logs has to run everywhere.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from jupyter_mlgov.capture.scalars import as_metric, as_scalar
from jupyter_mlgov.capture.session import Session

_session: Session | None = None


def current_session() -> Session | None:
    """The session that is attached to this kernel."""
    return _session


def set_session(session: Session | None) -> None:
    """Attaches a session to this process, or none."""
    global _session
    _session = session


def _listening(call: str) -> Session | None:
    if _session is None:
        warnings.warn(
            f"{call} has nothing to log to: run %load_ext jupyter_mlgov first", UserWarning, stacklevel=3
        )
    return _session


def log_metric(name: str, value: Any, step: float | None = None) -> None:
    """Records a number as a metric of the experiment that runs, or runs next. With ``step``, a point of its
    curve as well; the last value is the metric. Raises ``TypeError`` for what is no number."""
    number = as_metric(value)
    session = _listening("log_metric")
    if session is not None:
        session.logged.metrics[str(name)] = number
        if step is not None:
            session.logged.series.setdefault(str(name), []).append((float(step), number))


def log_param(name: str, value: Any) -> None:
    """Records a parameter of the experiment that runs, or runs next. What is no scalar is kept as its text."""
    session = _listening("log_param")
    if session is not None:
        found, scalar = as_scalar(value)
        session.logged.parameters[str(name)] = scalar if found else str(value)[:1000]


def declare_input(path_or_uri: Any) -> Any:
    """Declares an input that cannot be seen being read, and gives it back: ``read(mlgov.input(path))``."""
    session = _listening("input")
    if session is not None:
        session.logged.inputs.append((os.fspath(path_or_uri), session.position()))
    return path_or_uri
