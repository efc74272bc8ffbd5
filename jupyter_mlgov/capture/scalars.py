"""Parameters and metrics, found without a logging call.

A scalar that the cell's code sets from a literal is a *parameter*; a number that it computes is a *metric*.
Loop variables, imports and names that start with an underscore are neither.
"""

from __future__ import annotations

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
    """``(True, plain value)`` for Python's and NumPy's scalars and 0-d arrays, else ``(False, None)``.

    Nothing of the user's is called: classes are compared by identity, and a subclass's own methods are passed by.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is float:
        return True, value
    if kind is str:
        return (True, value) if len(value) <= TEXT_LIMIT else (False, None)
    bases = type.mro(kind)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found = _numpy_scalar(value, bases, numpy)
        if found is not None:
            return as_scalar(found) if type(found) in (bool, int, float, str) else (False, None)
    if any(base is float for base in bases):
        return True, float.__pos__(value)
    return False, None


def _numpy_scalar(value: Any, bases: list[Any], numpy: Any) -> Any:
    """The Python value of a NumPy scalar or 0-d array; None for anything else."""
    try:
        for base in bases:
            if base is numpy.generic:
                return numpy.generic.item(value)
            if base is numpy.ndarray:
                plain = numpy.ndarray.view(value, numpy.ndarray)
                return plain.item() if plain.ndim == 0 else None
    except (ValueError, TypeError):
        return None
    return None


def as_metric(value: Any) -> Scalar:
    """A logged value as a number. Raises ``TypeError`` for what is none."""
    found, item = as_scalar(value)
    if found and isinstance(item, bool | int | float):
        return item
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"a metric has to be a number, not {type(value).__name__}") from error
