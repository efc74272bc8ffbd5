"""Any Python value as something that can be written down: numbers stay numbers, the rest becomes a short text.

No code of the value's own class runs for that (no ``repr``, no ``len``), so it never hangs and is never long.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import sys
from typing import Any

from jupyter_mlgov.capture.scalars import as_scalar
from jupyter_mlgov.records.canonical import Scalar

TEXT_LIMIT = 200
_EXACT = (
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    fractions.Fraction,
)
_SIZED = (list, tuple, dict, set, frozenset, range, bytes, bytearray)


def as_plain(value: Any) -> Scalar:
    """``value`` where it is a scalar (NumPy's too), else what it is: ``"DataFrame of 20 rows x 3 columns"``."""
    kind = type(value)
    if kind is int and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    if kind is str:
        return str(value) if len(value) <= TEXT_LIMIT else f"{value[: TEXT_LIMIT - 1]}…"
    if isinstance(value, float) and kind is not float and kind.__module__.startswith("jupyter_mlgov."):
        return float(value)
    try:
        found, scalar = as_scalar(value)
        return scalar if found else describe(value)
    except Exception:  # noqa: BLE001 - a strange value must not cost the check its answer
        return f"a {kind.__name__}"[:TEXT_LIMIT]


def describe(value: Any) -> str:
    """What ``value`` is, in a few words."""
    kind = type(value)
    name = kind.__name__[:80]
    if kind in _EXACT:
        return one_line(str(value), TEXT_LIMIT)
    if kind in _SIZED:
        return f"{name} of {len(value)}"
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return f"array of shape {numpy.shape(value)}, {value.dtype}"[:TEXT_LIMIT]
    if pandas is not None and kind is pandas.DataFrame:
        return f"DataFrame of {value.shape[0]} rows x {value.shape[1]} columns"
    if pandas is not None and kind is pandas.Series:
        return f"Series of {value.shape[0]} values"
    if callable(value):
        named = getattr(value, "__name__", None) if kind.__module__ == "builtins" else None
        return f"function {named}"[:TEXT_LIMIT] if isinstance(named, str) else f"a {name}"
    return f"a {kind.__module__}.{name}"[:TEXT_LIMIT]


def truth(value: Any) -> bool:
    """``value`` where it is one yes or no. Raises ``TypeError`` that says what it is instead."""
    if value is True or value is False:
        return value
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.bool_):
            return bool(value)
        if isinstance(value, numpy.ndarray) and value.ndim == 0 and value.dtype == bool:
            return bool(value.item())
    what = (
        describe(value)
        if as_plain(value) is None or not isinstance(value, int | float | str)
        else repr(as_plain(value))
    )
    if value is None:
        what = "None"
    many = numpy is not None and (
        isinstance(value, numpy.ndarray) or type(value).__name__ in ("Series", "DataFrame")
    )
    advice = "use .all() or .any()" if many else "compare it with something"
    raise TypeError(f"the answer is {what}, not one True or False; {advice}")


def one_line(text: object, limit: int = 300) -> str:
    """``str(text)`` as one line of at most ``limit`` characters."""
    try:
        words = " ".join(str(text)[: limit * 4].split())
    except Exception:  # noqa: BLE001 - the message of an exception may itself raise
        return f"a {type(text).__name__}"
    return words if len(words) <= limit else words[: limit - 1] + "…"
