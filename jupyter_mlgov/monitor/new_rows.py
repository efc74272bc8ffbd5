"""The rows to retrain on, as rows of the training table: from the prediction log with its outcomes, or from a file.

What does not fit is refused with the column and what is wrong with it; a row whose outcome nobody knows is left out. Rows
of the log that an earlier retraining added are in the recorded data already and are not taken again.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlgov.assess.row_keys import keys
from jupyter_mlgov.capture.secret_columns import secret_column
from jupyter_mlgov.errors import Damaged, Missing, NotFound, UsageError
from jupyter_mlgov.hashing.tables import read_table
from jupyter_mlgov.monitor import columns
from jupyter_mlgov.monitor.sides import INPUT
from jupyter_mlgov.monitor.training_table import TrainingTable
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.secrets import redact

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from jupyter_mlgov.store import Store


@dataclass(frozen=True)
class NewRows:
    """``frame`` has the training table's columns, in its order; ``ids`` are request ids with row numbers, for those of the
    log. ``exact``: the file's own bytes, which may stand in the table's place as they are."""

    frame: pd.DataFrame
    ids: pd.DataFrame | None = None
    first: str | None = None
    last: str | None = None
    notes: tuple[str, ...] = ()
    exact: bytes | None = None
    secret: str | None = None
    """A column whose texts hold what looks like a secret; of a file, any column of it."""


# -- the prediction log ----------------------------------------------------------------------------------------


def from_log(
    store: Store, snapshot: str, log: pa.Table, into: TrainingTable, *, never_logged: Sequence[str] = ()
) -> NewRows:
    """The rows of the log whose outcome is known. Raises ``UsageError``: none are, a column of the model is not logged, an
    outcome is no label, the notebook needs columns that no log has."""
    import pandas as pd
    import pyarrow.compute as pc

    if not into.features:
        raise UsageError(
            f"the columns of {into.uri} are not known to be those that the model is given, so predictions cannot be put "
            "into it: give rows with --data FILE"
        )
    if not log.num_rows:
        raise UsageError(
            "no prediction is logged for it in that time: mlgov predictions shows what is, --data FILE gives rows"
        )
    known = log.filter(pc.is_valid(log["outcome"]))
    if not known.num_rows:
        raise UsageError(
            f"none of the {log.num_rows:,} logged predictions has an outcome: add them with mlgov outcomes add FILE"
        )
    notes: list[str] = []
    known = _of_like_models(store, snapshot, known, into, notes)
    known = _not_used_before(store, snapshot, known, notes)
    hidden = [
        name for name in into.features if name in never_logged or f"{INPUT}{name}" not in known.column_names
    ]
    if hidden:
        raise UsageError(
            f"{hidden[0]} is not in the prediction log (see [operate] never_log): give rows with --data FILE"
        )
    lacking = sorted(into.needed - set(into.features) - set(into.targets))
    if lacking:
        raise UsageError(
            f"the notebook uses {', '.join(lacking[:5])} of {into.uri}, which no prediction has: give rows with all of its "
            "columns with --data FILE"
        )
    made: dict[str, Any] = {}
    for name in into.frame.columns:
        if name in into.features:
            made[name] = _fitting(known[f"{INPUT}{name}"].to_pandas(), into, name, "the prediction log")
        elif name in into.targets:
            made[name] = _outcomes(known["outcome"], into, name)
        else:
            made[name] = pd.Series([None] * known.num_rows, dtype=object)
    left_out = log.num_rows - known.num_rows
    rest = [name for name in into.frame.columns if name not in into.features and name not in into.targets]
    if rest:
        notes.append(
            f"no prediction has {', '.join(rest[:5])}, which the notebook does not name: missing in the new rows"
        )
    if left_out:
        notes.append(f"of {log.num_rows:,} logged rows {known.num_rows:,} are taken")
    at = known["at"].to_pylist()
    frame = pd.DataFrame(made)
    return NewRows(
        frame,
        known.select(["request_id", "row"]).to_pandas(),
        at[0].isoformat(timespec="seconds") if at else None,
        at[-1].isoformat(timespec="seconds") if at else None,
        tuple(notes),
        secret=secret_column(frame, redact),
    )


def _of_like_models(
    store: Store, snapshot: str, log: pa.Table, into: TrainingTable, notes: list[str]
) -> pa.Table:
    """Those that a version with the same inputs predicted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    own = _inputs(store, snapshot)
    like = [
        one for one in pc.unique(log["snapshot"]).to_pylist() if one == snapshot or _inputs(store, one) == own
    ]
    kept = log.filter(pc.is_in(log["snapshot"], value_set=pa.array(like, pa.string())))
    if kept.num_rows < log.num_rows:
        notes.append(
            f"{log.num_rows - kept.num_rows:,} rows were predicted by versions with other inputs: left out"
        )
    return kept


def _inputs(store: Store, snapshot: str) -> tuple[str, ...] | None:
    from jupyter_mlgov.errors import StoreError

    try:
        schema = store.manifest(snapshot).inputs_schema
    except StoreError:
        return None
    return tuple(feature.name for feature in schema.features) if schema is not None else None


def _not_used_before(store: Store, snapshot: str, log: pa.Table, notes: list[str]) -> pa.Table:
    import pyarrow as pa

    used = used_rows(store, store.manifest(snapshot))
    if not used:
        return log
    pairs = zip(log["request_id"].to_pylist(), log["row"].to_pylist(), strict=True)
    fresh = [pair not in used for pair in pairs]
    notes.append(
        f"{fresh.count(False):,} rows are in the recorded data since an earlier retraining: not added again"
    )
    return log.filter(pa.array(fresh, pa.bool_()))


def used_rows(store: Store, manifest: Manifest) -> set[tuple[str, int]]:
    """Request ids and rows of the predictions that the recorded data holds: those of its own retraining, and of those that
    the release had before it."""
    import pyarrow.parquet as pq

    used: set[tuple[str, int]] = set()
    while manifest.retrained is not None:
        try:
            table = pq.read_table(io.BytesIO(store.get(manifest.retrained.rows)))
        except (ValueError, OSError) as error:
            raise Damaged(
                f"object {manifest.retrained.rows} is no table ({error}); run `mlgov fsck`"
            ) from error
        if {REQUEST, ROW} <= set(table.column_names):
            used |= set(zip(table[REQUEST].to_pylist(), table[ROW].to_pylist(), strict=True))
        if manifest.retrained.mode == "in place" or manifest.parent is None:
            break
        try:
            manifest = store.manifest(manifest.parent)
        except Missing:  # it came in a bundle, without the releases before it
            break
    return used


REQUEST, ROW = "mlgov.request_id", "mlgov.row"


def as_parquet(new: NewRows) -> bytes:
    """The new rows with their request ids, as they are kept beside the snapshot."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = new.frame.copy()
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = frame[name].map(
                lambda value: value if value is None or isinstance(value, str) else str(value)
            )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if new.ids is not None:
        table = table.append_column(REQUEST, pa.array(new.ids["request_id"].tolist(), pa.string()))
        table = table.append_column(ROW, pa.array(new.ids["row"].tolist(), pa.int64()))
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _outcomes(held: Any, into: TrainingTable, name: str) -> Any:
    """Outcomes as they stand in the column ``name`` of the table."""
    import pandas as pd

    mapping = into.targets[name]
    if mapping is None:
        try:
            return pd.Series(columns.floats(held))
        except (ValueError, TypeError) as error:
            raise UsageError(
                "there are outcomes that are no numbers, and the model predicts numbers: correct them"
            ) from error
    said = columns.labels(held)
    unknown = sorted({str(label) for label in said.tolist()} - set(mapping))
    if unknown:
        raise UsageError(
            f"the outcome {unknown[0][:60]!r} is no label of the model, which knows {', '.join(list(mapping)[:5])}: "
            "correct what was added"
        )
    return pd.Series([mapping[str(label)] for label in said.tolist()])


# -- a file ----------------------------------------------------------------------------------------------------


def from_file(file: Path, into: TrainingTable, *, replace: bool) -> NewRows:
    """The rows of a table file. Raises ``NotFound``, and ``UsageError``: no table, columns that are missing or of another
    type, no outcome, or (not ``replace``) rows that are in the recorded data already."""
    import pandas as pd

    if not file.is_file():
        raise NotFound(f"there is no file {file}: check the path")
    table = read_table(file)
    if table is None:
        raise UsageError(f"{file} cannot be read as a table: give CSV, JSON lines, Parquet, Arrow or Excel")
    given = table.to_pandas()
    notes: list[str] = []
    absent = [name for name in into.frame.columns if name not in given.columns]
    needed = into.needed | set(into.features)
    lacking = [name for name in absent if name in needed]
    targets = [name for name in into.targets if name in given.columns]
    if into.targets and not targets:
        lacking += list(into.targets)[:1]
    if lacking:
        has = ", ".join(str(name) for name in given.columns[:8])
        raise UsageError(
            f"{file} has no column {lacking[0]!r} (it has {has}): it needs those that {into.uri} has"
        )
    if absent:
        notes.append(
            f"{file.name} has no {', '.join(absent[:5])}, which the notebook does not name: missing in the new rows"
        )
    further = [str(name) for name in given.columns if name not in into.frame.columns]
    if further:
        notes.append(f"{', '.join(further[:5])} of {file.name} are not in {into.uri}: left out")
    nothing = pd.Series([None] * len(given), dtype=object)
    made = pd.DataFrame(
        {
            name: _fitting(given[name], into, name, str(file)) if name in given.columns else nothing
            for name in into.frame.columns
        }
    )
    kept = _with_outcome(made, targets, file, notes)
    if len(kept) and not replace:
        _refuse_known(kept, into, file)
    exact = file.read_bytes() if len(kept) == len(given) and _same_kind(file, into) else None
    return NewRows(kept, notes=tuple(notes), exact=exact, secret=secret_column(given, redact))


def _with_outcome(made: pd.DataFrame, targets: Sequence[str], file: Path, notes: list[str]) -> pd.DataFrame:
    if not targets:
        return made
    known = ~np.logical_or.reduce([made[name].isna() | (made[name].astype(object) == "") for name in targets])
    if not known.any():
        raise UsageError(
            f"{file}: no row has a {targets[0]}: nothing can be learnt from rows without an outcome"
        )
    if not known.all():
        notes.append(
            f"{int((~known).sum()):,} of {len(made):,} rows of {file.name} have no {targets[0]}: left out"
        )
    kept: pd.DataFrame = made.loc[known].reset_index(drop=True)
    return kept


def _refuse_known(made: pd.DataFrame, into: TrainingTable, file: Path) -> None:
    names = list(into.frame.columns)
    there = np.isin(keys(into.frame, names), keys(made, names))
    if there.sum() > len(there) / 2:
        raise UsageError(
            f"{file} holds {int(there.sum()):,} of the {len(there):,} recorded rows of {into.uri}: it is a new table, "
            "not rows to add; give --replace to put it in place of the recorded one"
        )


def _same_kind(file: Path, into: TrainingTable) -> bool:
    from jupyter_mlgov.hashing.table_files import table_suffix

    return table_suffix(file.name) == table_suffix(into.uri)


def _fitting(values: Any, into: TrainingTable, name: str, where: str) -> Any:
    """A column as the table's own column has it. Raises ``UsageError`` for values of another type."""
    import pandas as pd

    wanted = into.frame[name].dtype
    values = values.reset_index(drop=True)
    number = pd.api.types.is_numeric_dtype(wanted) and not pd.api.types.is_bool_dtype(wanted)
    if not number:
        if pd.api.types.is_numeric_dtype(values.dtype) and _all_texts(into.frame[name]):
            raise UsageError(f"{where}: {name} holds numbers, and text in {into.uri}: correct them")
        return values
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype(float)
    try:
        return pd.to_numeric(values.replace("", None) if values.dtype == object else values)
    except (ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{where}: {name} holds what is no number ({said}), and numbers in {into.uri}: correct them"
        ) from error


def _all_texts(values: Any) -> bool:
    known = values.dropna()
    return (
        len(known) > 0
        and not known.map(lambda value: str(value).replace(".", "", 1).lstrip("-").isdigit()).any()
    )
