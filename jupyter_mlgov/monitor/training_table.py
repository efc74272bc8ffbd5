"""The table that a snapshot's model was fitted on: the input that a retraining puts other rows into.

It is found by what it holds: the columns of the model, with the values that the model was given, and the target. The rows
that were kept with the snapshot show what the outcome of a prediction is in the table: the same value, or for a label the
value that stands beside it in every row (``denied`` 1 is ``approve`` 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlgov.assess.row_keys import keys
from jupyter_mlgov.assess.run import held
from jupyter_mlgov.assess.subject import read_rows
from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.hashing.files import hash_file
from jupyter_mlgov.hashing.table_files import table_suffix
from jupyter_mlgov.hashing.tables import table_from_bytes
from jupyter_mlgov.monitor import columns
from jupyter_mlgov.monitor.named_columns import named_columns
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.rerun import sandbox
from jupyter_mlgov.rerun.code_form import python_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from jupyter_mlgov.store import Store

LEAST = 10
"""Rows by which a relation between outcome and column is known."""
SHARE = 0.5
"""The share of the kept rows whose values have to stand in the table."""
TRUTH = "__truth__"


@dataclass(frozen=True)
class TrainingTable:
    """An input with its recorded content. ``features`` are the columns that hold what the model is given under the same
    name; empty where the table's are not known to be the model's. ``targets`` maps the columns that say the outcome to what
    an outcome's label stands as in them; None: the number itself."""

    item: Input
    data: bytes
    table: pa.Table
    frame: pd.DataFrame
    features: tuple[str, ...] = ()
    targets: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    """Columns that the notebook's code names."""
    holds_rows: bool = False
    """Whether the rows by which the table is known stand in it."""

    @property
    def uri(self) -> str:
        return self.item.uri


def find_table(root: Path, store: Store, manifest: Manifest, uri: str | None) -> TrainingTable:
    """The input to put other rows into: ``uri``, or the only one that holds the model's columns and the target.

    Raises ``UsageError`` (none, several, or one that nothing can be put in place of) and ``Blocked`` (its recorded content,
    or the rows that it is known by, are gone).
    """
    tables = [
        item
        for item in manifest.inputs
        if item.columns and item.digest and not item.derived and table_suffix(item.uri) is not None
    ]
    there = ", ".join(item.uri for item in tables) or "none that is a table"
    if uri is not None:
        named = next((item for item in manifest.inputs if item.uri == uri), None)
        if named is None:
            raise UsageError(f"--input {uri}: the release did not read that; it read {there}")
        if named not in tables:
            raise UsageError(f"--input {uri} is no table: name one of {there}")
        return _read(root, store, manifest, named)
    rows = _kept_rows(store, manifest)
    if rows is None:
        raise Blocked(
            "which input holds the model's columns cannot be told from the rows that were kept with the release (the model "
            "takes no table with named columns, or none were kept): name it with --input URI, and give rows with --data FILE"
        )
    wanted = set(rows.features)
    fitting = [item for item in tables if wanted <= {column.name for column in item.columns or ()}]
    read = [_read(root, store, manifest, item) for item in fitting]
    known = [one for one in read if one.targets]
    others = [one for one in read if not one.targets and not one.holds_rows]
    if known and others and not rows.train:
        uris = ", ".join(one.uri for one in read if one.targets or not one.holds_rows)
        raise UsageError(
            f"{uris} each hold the model's columns, and which of them it was fitted on cannot be told: the rows that it was "
            "fitted on were not kept with the release. Name one with --input URI"
        )
    if len(known) == 1:
        return known[0]
    if known:
        uris = ", ".join(one.uri for one in known)
        raise UsageError(f"{uris} each hold the model's columns and the target: name one with --input URI")
    shown = ", ".join(rows.features[:5]) + (", ..." if len(rows.features) > 5 else "")
    raise UsageError(
        f"no input of the release holds the model's columns ({shown}) with the values that it was given, and the target: "
        f"name the one to put new rows into with --input URI and --data FILE (it read {there})"
    )


def _read(root: Path, store: Store, manifest: Manifest, item: Input) -> TrainingTable:
    if item.members is not None:
        raise UsageError(f"{item.uri} is made of several files: a retraining can replace a single file only")
    if sandbox.inside(item.uri) is None:
        raise UsageError(
            f"{item.uri} does not lie in the project, and a retraining can replace a file of the project only: read a copy "
            "in the project's folder, run the cell and release that snapshot"
        )
    data = _content(root, store, item)
    table = table_from_bytes(data, item.uri)
    if table is None:
        raise UsageError(f"{item.uri} cannot be read as a table: name another input with --input URI")
    frame = table.to_pandas()
    sources = [python_of(store.get(cell.source).decode("utf-8", "replace")) for cell in _code(manifest)]
    needed = frozenset(named_columns(sources, table.column_names))
    rows = _kept_rows(store, manifest)
    if rows is None:
        return TrainingTable(item, data, table, frame, needed=needed)
    if not set(rows.features) <= set(frame.columns):
        return TrainingTable(item, data, table, frame, needed=needed)
    targets = _targets(rows, frame)
    features = rows.features if targets else ()
    return TrainingTable(item, data, table, frame, features, targets or {}, needed, targets is not None)


def _code(manifest: Manifest) -> Sequence[Any]:
    return [cell for cell in manifest.notebook.cells if cell.type == "code"]


def _content(root: Path, store: Store, item: Input) -> bytes:
    if sandbox.stored(item, store):
        return store.get(str(item.digest))
    place = sandbox.located(item.uri, root)
    if place is None or not place.is_file() or hash_file(place).digest != item.digest:
        raise Blocked(
            f"the recorded content of {item.uri} is not in the store, and the file is another now: put it back, or give "
            "all rows with --data FILE --replace and that file in its place"
        )
    return place.read_bytes()


@dataclass(frozen=True)
class _Kept:
    """The rows that were kept with their truth (the first ``train`` of them are those that the model was fitted on), the
    names of what the model was given, and whether the truth is a label."""

    frame: pd.DataFrame
    features: tuple[str, ...]
    labels: bool
    train: int


def _kept_rows(store: Store, manifest: Manifest) -> _Kept | None:
    import pandas as pd

    frames: list[pd.DataFrame] = []
    features: tuple[str, ...] = ()
    labels = False
    train = 0
    for role in ("train", "test"):
        kept = held(manifest, role)
        if kept is None or kept.object is None or kept.truth is None or kept.layout != "table":
            continue
        if features and kept.features != features:
            continue
        features = kept.features
        labels = labels or bool(kept.classes)
        frame = read_rows(store, kept).frame
        train += len(frame) if role == "train" else 0
        frames.append(frame[[*features, kept.truth]].rename(columns={kept.truth: TRUTH}))
    if not frames:
        return None
    return _Kept(pd.concat(frames, ignore_index=True), features, labels, train)


def _targets(rows: _Kept, frame: pd.DataFrame) -> dict[str, dict[str, Any] | None] | None:
    """The columns of ``frame`` that say what the truth says, by the rows that both have; None where the rows that the model
    was fitted on (where they are not known, those that it is tested on) do not stand in it."""
    import pandas as pd

    kept, features, labels = rows.frame, rows.features, rows.labels
    one = pd.Series(np.arange(len(kept)), index=keys(kept, features))
    other = pd.Series(np.arange(len(frame)), index=keys(frame, features))
    one, other = (side[~side.index.duplicated(keep=False)] for side in (one, other))
    deciding = one[one < rows.train] if rows.train else one
    found_in = deciding.index.intersection(other.index)
    if len(found_in) < LEAST or len(found_in) < SHARE * len(deciding):
        return None
    shared = one.index.intersection(other.index)
    said = kept[TRUTH].iloc[one[shared].to_numpy()]
    there = frame.iloc[other[shared].to_numpy()]
    found: dict[str, dict[str, Any] | None] = {}
    for name in frame.columns:
        if name in features:
            continue
        values = there[name]
        if labels or said.nunique() <= 2 or not pd.api.types.is_numeric_dtype(said.dtype):
            mapping = _one_to_one(columns.labels(said), values)
            if mapping is not None:
                found[name] = mapping
        elif pd.api.types.is_numeric_dtype(values.dtype) and np.allclose(
            values.to_numpy(dtype=float), said.to_numpy(dtype=float), rtol=1e-9, equal_nan=True
        ):
            found[name] = None
    return found


def _one_to_one(labels: Any, values: Any) -> dict[str, Any] | None:
    """What each label stands as, where label and value always go together; None where they do not."""
    pairs = set(zip((str(one) for one in labels), values.tolist(), strict=True))
    if len(pairs) < 2 or any(value != value or value is None for _, value in pairs):
        return None
    mapping = dict(pairs)
    return mapping if len(mapping) == len(pairs) == len({str(value) for value in mapping.values()}) else None
