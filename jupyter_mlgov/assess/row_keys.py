"""Rows by what they hold: equal rows have equal keys, whatever their columns' types are called.

A column of whole numbers that got a missing value holds floats, and a CSV file knows neither categories nor booleans: such
rows are the same all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def keys(frame: Any, columns: Sequence[str]) -> Any:
    """A 64-bit key for each row of a data frame, from ``columns`` in that order."""
    import pandas as pd

    plain = pd.DataFrame({place: _plain(frame[name]) for place, name in enumerate(columns)})
    return pd.util.hash_pandas_object(plain, index=False).to_numpy()


def _plain(values: Any) -> Any:
    """A column as floats where it holds numbers, else as text; what is missing is the same in both."""
    import pandas as pd

    dtype = values.dtype
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return pd.Series(values.to_numpy(dtype=float, na_value=float("nan")) + 0.0)
    text = values.astype(object)
    known = ~values.isna().to_numpy() & (text.to_numpy() != "")
    return pd.Series(
        [str(one) if there else "" for one, there in zip(text, known, strict=True)], dtype=object
    )
