"""What happened to an input between two runs: its values, rows, order or columns.

Columns and rows come from the manifests; how many rows changed and whether they were only reordered from the
contents that the store kept. A file that was written anew with the same table has not changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.manifest import Column, Input
from jupyter_mlgov.records.verdict import Cause
from jupyter_mlgov.rerun import databases
from jupyter_mlgov.rerun.array_changes import array_change
from jupyter_mlgov.rerun.text_changes import records_change, text_change

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mlgov.store import Store

SHOWN = 8
"""Columns that a message names."""


@dataclass(frozen=True)
class DataChange:
    """What differs between two versions of one input, in one sentence."""

    cause: Cause
    message: str
    columns: tuple[str, ...] = ()
    member: str | None = None
    """The one file of several that it is about."""
    added: bool = False
    """Nothing was there when it was recorded."""


def data_change(store: Store, before: Input, after: Input) -> DataChange | None:
    """The change from ``before`` to ``after``; None when both hold the same data, or it cannot be told."""
    if before.digest is None or after.digest is None or before.digest == after.digest:
        return None
    name = before.uri
    if "://" in name and not name.startswith("file:"):
        return DataChange("data.external", f"What {name} gives has changed since it was recorded.")
    if before.members is not None and after.members is not None:
        return _folder(store, before, after)
    if before.columns is None or after.columns is None:
        return _contents(store, before, after)
    if before.rows == after.rows and before.columns == after.columns:
        return None
    return _table(store, before, after)


def _folder(store: Store, before: Input, after: Input) -> DataChange | None:
    old = {member.path: member.digest for member in before.members or ()}
    new = {member.path: member.digest for member in after.members or ()}
    gone = [path for path in old if path not in new]
    come = [path for path in new if path not in old]
    changed = [
        path
        for path in old
        if path in new and old[path] != new[path] and not _same_table(store, before, after, path)
    ]
    if gone or come:
        parts = [f"{_count(gone, 'file')} gone ({_listed(gone)})" if gone else ""]
        parts += [f"{_count(come, 'file')} new ({_listed(come)})" if come else ""]
        return DataChange(
            "data.rows",
            f"{before.uri} holds other files: {' and '.join(p for p in parts if p)}.",
            member=_only([*gone, *come, *changed]),
            added=not gone and not changed,
        )
    tables = _tables(store, before, after, changed[0]) if len(changed) == 1 else None
    if tables is not None:
        return replace(_table(store, *tables), member=changed[0])
    if changed:
        said = f"{_listed(changed)}{_inside(store, before, after, changed)}"
        return DataChange(
            "data.values",
            f"{_count(changed, 'file')} of {before.uri} changed: {said}.",
            member=_only(changed),
        )
    return None


def _tables(store: Store, before: Input, after: Input, path: str) -> tuple[Input, Input] | None:
    """One file of several, before and now, as an input of its own; None where it is no table that is kept."""
    from jupyter_mlgov.hashing.frames import arrow_columns
    from jupyter_mlgov.hashing.tables import table_from_bytes

    found = []
    for item in (before, after):
        digest = next(member.digest for member in item.members or () if member.path == path)
        data = store.get(digest) if digest is not None and store.has(digest) else None
        table = table_from_bytes(data, PurePosixPath(path).name) if data is not None else None
        if table is None:
            return None
        uri = str(PurePosixPath(item.place(), path))
        columns = arrow_columns(table)
        found.append(Input(uri=uri, digest=digest, rows=table.num_rows, columns=columns, kept=True))
    return found[0], found[1]


def _same_table(store: Store, before: Input, after: Input, path: str) -> bool:
    tables = _tables(store, before, after, path)
    return tables is not None and (tables[0].rows, tables[0].columns) == (tables[1].rows, tables[1].columns)


def _only(paths: list[str]) -> str | None:
    return paths[0] if len(paths) == 1 else None


def _inside(store: Store, before: Input, after: Input, changed: list[str]) -> str:
    """What changed in the one file that did."""
    if len(changed) != 1:
        return ""
    kept = []
    for item in (before, after):
        digest = next(member.digest for member in item.members or () if member.path == changed[0])
        if digest is None or not store.has(digest):
            return ""
        kept.append(store.get(digest))
    said = text_change(*kept)
    return f" ({said})" if said else ""


def _contents(store: Store, before: Input, after: Input) -> DataChange | None:
    one, other = _bytes(store, before), _bytes(store, after)
    if one is not None and other is not None and databases.is_sqlite(one) and databases.is_sqlite(other):
        found = databases.compare_databases(one, other)
        if found == "equal":
            return None
        if found is not None:
            cause, said, columns = found
            return DataChange(cause, f"The database {before.uri} changed: {said}.", columns)
    arrays = array_change(one, other) if one is not None and other is not None else None
    if arrays is not None:
        cause, said = arrays
        return DataChange(cause, f"The content of {before.uri} changed: {said}.") if said else None
    told = text_change(one, other) if one is not None and other is not None else None
    if told == "":
        return None
    records = records_change(one, other) if told and one is not None and other is not None else None
    if records is not None:
        cause, said = records
        return DataChange(cause, f"The content of {before.uri} changed: {said}.")
    sizes = f" ({before.bytes} bytes before, {after.bytes} now)"
    return DataChange("data.values", f"The content of {before.uri} changed{f': {told}' if told else sizes}.")


def _table(store: Store, before: Input, after: Input) -> DataChange:
    old = {column.name: column for column in before.columns or ()}
    new = {column.name: column for column in after.columns or ()}
    schema = _schema(before.uri, old, new)
    if schema is not None:
        one, other = _bytes(store, before), _bytes(store, after)
        if _no_head(old, new) and one is not None and other is not None:
            return _contents(store, before, after) or schema
        return schema
    difference = _compared(store, before, after)
    retyped = tuple(name for name in old if old[name].dtype != new[name].dtype)
    changed = dict(difference.changed_columns) if difference is not None else {}
    # One decimal in a column of integers retypes the whole column: the value is the change, not the type.
    if retyped and not any(changed.get(name) for name in retyped) and not _moved(difference):
        said = _listed([f"{name} ({old[name].dtype} before, {new[name].dtype} now)" for name in retyped])
        return DataChange("data.schema", f"The type of {said} in {before.uri} changed.", retyped)
    columns = tuple(name for name in old if old[name].digest != new[name].digest)
    if difference is None:
        if before.rows != after.rows:
            said = f"{before.uri} had {before.rows} rows and has {after.rows} now."
            return DataChange("data.rows", said)
        return DataChange("data.values", f"Values of {before.uri} changed in {_listed(columns)}.", columns)
    if difference.reordered:
        return DataChange(
            "data.order", f"The {before.rows} rows of {before.uri} are the same, in another order."
        )
    if difference.rows_added or difference.rows_removed:
        return _rows(before, after, difference)
    counts = {name: changed.get(name, 0) for name in columns} or changed
    ordered = sorted(counts, key=lambda name: -counts[name])
    said = ", ".join(f"{name} in {_count(counts[name], 'row')}" for name in ordered[:SHOWN] if counts[name])
    more = f" and {len(ordered) - SHOWN} more columns" if len(ordered) > SHOWN else ""
    whole = f" of {before.rows}" if before.rows else ""
    return DataChange(
        "data.values",
        f"Values of {before.uri} changed: {said or _listed(columns)}{more}{whole}.",
        tuple(ordered),
    )


def _moved(difference: Any) -> bool:
    return difference is not None and bool(difference.rows_added or difference.rows_removed)


def _rows(before: Input, after: Input, difference: Any) -> DataChange:
    parts = [
        f"{_count(difference.rows_added, 'row')} added" if difference.rows_added else "",
        f"{_count(difference.rows_removed, 'row')} removed" if difference.rows_removed else "",
    ]
    said = " and ".join(part for part in parts if part)
    return DataChange("data.rows", f"{before.uri}: {said} ({before.rows} rows before, {after.rows} now).")


def _schema(uri: str, old: dict[str, Column], new: dict[str, Column]) -> DataChange | None:
    """Columns that came, went, got another name or another place."""
    removed = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    if not removed and not added:
        if list(old) != list(new):
            moved = tuple(a for a, b in zip(old, new, strict=True) if a != b)
            return DataChange("data.schema", f"The columns of {uri} stand in another order.", moved)
        return None
    renamed = {
        name: other
        for name in removed
        for other in added
        if old[name].digest == new[other].digest and old[name].dtype == new[other].dtype
    }
    said = [f"{name} is called {other} now" for name, other in renamed.items()]
    gone = [name for name in removed if name not in renamed]
    come = [name for name in added if name not in renamed.values()]
    said += [f"{_listed(gone)} {'is' if len(gone) == 1 else 'are'} gone"] if gone else []
    said += [f"{_listed(come)} {'is' if len(come) == 1 else 'are'} new"] if come else []
    return DataChange("data.schema", f"The columns of {uri} changed: {', '.join(said)}.", (*removed, *added))


def _no_head(old: dict[str, Column], new: dict[str, Column]) -> bool:
    """True where a row of numbers was taken for the names of the columns: the file has no head."""
    if len(old) != len(new):
        return False
    return all(any(_is_number(name) for name in side) for side in (old, new))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _compared(store: Store, before: Input, after: Input) -> Any:
    """A ``TableDifference`` of the kept contents; None where they are not kept or cannot be read."""
    from jupyter_mlgov.hashing.tables import compare_tables, table_from_bytes

    suffix = "".join(PurePosixPath(before.uri).suffixes[-2:])
    tables: list[pa.Table] = []
    for item in (before, after):
        data = _bytes(store, item)
        table = table_from_bytes(data, suffix) if data is not None else None
        if table is None:
            return None
        tables.append(table)
    return compare_tables(*tables)


def _bytes(store: Store, item: Input) -> bytes | None:
    if item.kept and item.digest is not None and store.has(item.digest):
        return store.get(item.digest)
    return None


def _count(things: Any, noun: str) -> str:
    number = things if isinstance(things, int) else len(things)
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Any) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(str(name)[:80] for name in shown[:SHOWN]) + more
