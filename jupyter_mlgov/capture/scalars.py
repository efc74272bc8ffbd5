"""Parameters and metrics, found without a logging call.

A scalar that the cell's code sets from a literal is a *parameter*; a number that it computes is a *metric*.
Loop variables, imports and names that start with an underscore are neither.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from jupyter_mlgov.capture.names import Names, names_of
from jupyter_mlgov.records.canonical import Scalar

TEXT_LIMIT = 1000


def find_scalars(names: Names, namespace: Mapping[str, Any]) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """``(parameters, metrics)`` of a cell that has just run in ``namespace``."""
    parameters: dict[str, Scalar] = {}
    metrics: dict[str, Scalar] = {}
    for name in names.constants:
        if not name.startswith("_") and name in namespace:
            found, value = as_scalar(namespace[name])
            if found:
                parameters[name] = value
    for name in names.computed:
        if not name.startswith("_") and name in namespace:
            found, value = as_scalar(namespace[name])
            if found and isinstance(value, bool | int | float):
                metrics[name] = value
    return parameters, metrics


def parameters_of(code: str, namespace: Mapping[str, Any]) -> dict[str, Scalar]:
    """Only the parameters: for a cell tagged ``parameters`` and for what papermill injects."""
    return find_scalars(names_of(code), namespace)[0]


def as_scalar(value: Any) -> tuple[bool, Scalar]:
    """``(True, plain value)`` for Python's and NumPy's scalars and 0-d arrays, else ``(False, None)``."""
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return True, value
    if kind is str:
        return (True, value) if len(value) <= TEXT_LIMIT else (False, None)
    numpy = sys.modules.get("numpy")
    if numpy is not None and (
        isinstance(value, numpy.generic) or (isinstance(value, numpy.ndarray) and value.ndim == 0)
    ):
        try:
            item = value.item()
        except (ValueError, TypeError):
            return False, None
        if isinstance(item, bool | int | float):
            return True, item
        if isinstance(item, str) and len(item) <= TEXT_LIMIT:
            return True, item
        return False, None
    if isinstance(value, float):  # subclasses of float
        return True, float(value)
    return False, None


def as_metric(value: Any) -> Scalar:
    """A logged value as a number. Raises ``TypeError`` for what is none."""
    found, item = as_scalar(value)
    if found and isinstance(item, bool | int | float):
        return item
    try:
        item = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"a metric has to be a number, not {type(value).__name__}") from error
    return item if not math.isnan(item) else float("nan")
