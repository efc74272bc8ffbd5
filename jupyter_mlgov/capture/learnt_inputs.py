"""What a model's inputs look like, learnt from the rows that it was fitted on: names, types, ranges, categories, missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.assessment import Feature, HeldRows, InputSchema

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES = 100
"""Different values up to which a column's are written down."""
_LONG = 200
"""Characters past which a text is no category."""


def learn_inputs(frame: pd.DataFrame, held: HeldRows) -> InputSchema:
    """The schema of ``frame``, whose columns are the model's inputs; ``held`` says which rows they are."""
    return InputSchema(
        layout=held.layout,
        features=tuple(_feature(name, frame[name]) for name in frame.columns),
        rows=len(frame),
        role=held.role,
        data=held.object,
    )


def _feature(name: str, values: pd.Series[Any]) -> Feature:
    import pandas as pd

    dtype = values.dtype
    absent = values.isna().to_numpy()
    missing = float(absent.mean()) if len(values) else 0.0
    facts: dict[str, Any] = {"name": name, "dtype": str(dtype), "missing": round(missing, 9)}
    present = values[~absent] if missing else values
    if pd.api.types.is_bool_dtype(dtype):
        return Feature(kind="boolean", **facts)
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        kind: Any = "integer" if pd.api.types.is_integer_dtype(dtype) else "number"
        return Feature(kind=kind, **_ends(present), **facts)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        utc = pd.to_datetime(present, utc=True)
        seconds = (utc - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
        return Feature(kind="time", **_ends(seconds), **facts)
    categories = _categories(present)
    if isinstance(dtype, pd.CategoricalDtype) or categories is not None:
        return Feature(kind="category", categories=categories, **facts)
    return Feature(kind="text", **facts)


def _ends(values: Any) -> dict[str, Any]:
    if not len(values):
        return {"low": None, "high": None}
    return {"low": float(values.min()), "high": float(values.max())}


def _categories(values: Any) -> tuple[Any, ...] | None:
    """The different values, sorted; None where they are many, long, or no scalars."""
    try:
        found = values.unique().tolist()
    except TypeError:
        return None
    if len(found) > CATEGORIES or (len(found) > 20 and len(found) > len(values) / 2):
        return None
    if not all(isinstance(one, bool | int | float | str) for one in found):
        return None
    if any(isinstance(one, str) and len(one) > _LONG for one in found):
        return None
    return tuple(sorted(found, key=lambda one: (type(one).__name__, one)))
