"""What changed in a NumPy file: how many values, or the rows. Nothing is unpickled."""

from __future__ import annotations

import io
from typing import Any

from jupyter_mlgov.records.verdict import Cause

LARGEST = 64 << 20
"""Bytes of a file past which it is not read."""


_ORDER: tuple[Cause, ...] = ("data.schema", "data.rows", "data.values", "data.order")
"""Of several changes the one that says most."""


def array_change(before: bytes, after: bytes) -> tuple[Cause, str] | None:
    """The kind of change and one clause about it; an empty clause where all arrays are equal, None for anything else."""
    old, new = _arrays(before), _arrays(after)
    if old is None or new is None:
        return None
    if list(old) != list(new):
        gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
        said = [f"{', '.join(gone)} gone"] if gone else []
        said += [f"{', '.join(come)} new"] if come else []
        return "data.schema", " and ".join(said) or "its arrays stand in another order"
    found = [one for name in old if (one := _array(name, old[name], new[name])) is not None]
    cause = min((one[0] for one in found), key=_ORDER.index, default=_ORDER[-1])
    return cause, ", ".join(said for _, said in found)


def _arrays(data: bytes) -> dict[str, Any] | None:
    import numpy as np

    if len(data) > LARGEST or not data.startswith((b"\x93NUMPY", b"PK")):
        return None
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except Exception:  # noqa: BLE001 - whatever NumPy says about untrusted bytes: they are no arrays
        return None


def _array(name: str, old: Any, new: Any) -> tuple[Cause, str] | None:
    import numpy as np

    called = f"{name} " if name else ""
    if old.dtype != new.dtype:
        return "data.schema", f"the type of {called or 'the array '}was {old.dtype} and is {new.dtype} now"
    if old.shape != new.shape:
        rows = old.ndim and old.ndim == new.ndim and old.shape[1:] == new.shape[1:]
        said = f"{called}had {_shape(old, rows)} and has {_shape(new, rows)} now".strip()
        return ("data.rows" if rows else "data.schema"), said if name else f"it {said}"
    same = (old == new) | ((old != old) & (new != new))
    off = int(np.size(same) - np.count_nonzero(same))
    if not off:
        return None
    if old.ndim and old.dtype.kind in "biufSU" and _sorted(old) == _sorted(new):
        return (
            "data.order",
            f"the {len(old)} rows {f'of {name} ' if name else ''}are the same, in another order",
        )
    return "data.values", f"{off} of {old.size} values {f'of {name} ' if name else ''}".strip()


def _sorted(array: Any) -> list[bytes]:
    return sorted(row.tobytes() for row in array)


def _shape(array: Any, rows: bool) -> str:
    return f"{array.shape[0]} rows" if rows else f"shape {'x'.join(map(str, array.shape)) or 'of a number'}"
