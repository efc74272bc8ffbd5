"""What differs between two versions of a table, counted in columns, cells and rows.

Cells are compared exactly, rows by a 64-bit mix of their cells. Rows are matched without regard to their order
first; only when that leaves exactly the rows that differ in place do positions mean anything, and cells are
counted column by column.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Codes = np.ndarray[Any, np.dtype[np.uint64]]


class TableDifference(Struct, frozen=True):
    """How one version of a table differs from an earlier one.

    ``changed_columns`` counts the cells that changed in rows that both have (``changed_rows`` of them);
    ``rows_added`` and ``rows_removed`` count rows that only one of them has. ``reordered``: all the same rows, in
    another order, and nothing else. Rows and cells are compared in the columns that both have; numbers of
    different types are compared as numbers.
    """

    added_columns: tuple[str, ...] = ()
    removed_columns: tuple[str, ...] = ()
    retyped_columns: tuple[str, ...] = ()
    changed_columns: dict[str, int] = field(default_factory=dict)
    changed_rows: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    reordered: bool = False


def compare_tables(old: pa.Table, new: pa.Table) -> TableDifference:
    """What ``new`` has that ``old`` has not, and the other way round."""
    import numpy as np

    before, after = _places(old), _places(new)
    common = [key for key in before if key in after]
    cells = {key: _cells(old.column(before[key]), new.column(after[key])) for key in common}
    rows = len(old), len(new)
    one, other = (
        _mixed([pair[0] for pair in cells.values()], rows[0]),
        _mixed([pair[1] for pair in cells.values()], rows[1]),
    )

    def difference(**found: Any) -> TableDifference:
        return TableDifference(
            added_columns=tuple(key[0] for key in after if key not in before),
            removed_columns=tuple(key[0] for key in before if key not in after),
            retyped_columns=tuple(
                key[0] for key in common if old.field(before[key]).type != new.field(after[key]).type
            ),
            **found,
        )

    gone, come = _surplus(one, other), _surplus(other, one)
    both = min(rows)
    moved = int(np.count_nonzero(one[:both] != other[:both]))
    if not gone and not come:
        return difference(reordered=moved > 0)
    edited = min(gone, come)
    if moved == edited:  # in place, perhaps with rows added or removed at the end
        changed = {key[0]: int(np.count_nonzero(a[:both] != b[:both])) for key, (a, b) in cells.items()}
        return difference(
            changed_columns={name: count for name, count in changed.items() if count},
            changed_rows=moved,
            rows_added=come - edited,
            rows_removed=gone - edited,
        )
    if rows[0] == rows[1]:  # other places too: are there columns in which nothing was changed?
        changed = {key[0]: _surplus(a, b) for key, (a, b) in cells.items()}
        changed = {name: count for name, count in changed.items() if count}
        if 2 * len(changed) <= len(cells):
            return difference(changed_columns=changed, changed_rows=edited)
    return difference(rows_added=come, rows_removed=gone)


def _places(table: pa.Table) -> dict[tuple[str, int], int]:
    """Where each column is, by its name and how many of that name came before it."""
    seen: Counter[str] = Counter()
    places = {}
    for place, name in enumerate(table.column_names):
        places[name, seen[name]] = place
        seen[name] += 1
    return places


def _cells(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[Codes, Codes]:
    """64 bits for each cell: equal for equal cells of this column, in either table."""
    old, new = _alike(old, new)
    codes = _codes(old, new)
    return codes[: len(old)], codes[len(old) :]


def _alike(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Both columns in a type that both fit: as they are, as numbers, or as text."""
    import pyarrow as pa
    from pyarrow import types

    old, new = (
        column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
        for column in (old, new)
    )
    if old.type == new.type:
        return old, new
    for kind in (new.type, old.type, pa.float64(), pa.large_string()):
        try:
            return old.cast(kind), new.cast(kind)
        except (pa.ArrowException, NotImplementedError):
            continue
    return _as_text(old), _as_text(new)


def _codes(old: pa.ChunkedArray, new: pa.ChunkedArray) -> Codes:
    import numpy as np
    import pyarrow as pa
    from pyarrow import types

    kind = old.type
    if types.is_string(kind) or types.is_binary(kind):
        kind = pa.large_string() if types.is_string(kind) else pa.large_binary()
    whole = pa.chunked_array([*old.cast(kind).chunks, *new.cast(kind).chunks], kind).combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    missing = whole.is_null().to_numpy(zero_copy_only=False)
    if types.is_null(kind):
        codes = np.zeros(len(whole), np.uint64)
    elif types.is_boolean(kind):
        codes = whole.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64)
    elif types.is_floating(kind):
        numbers = whole.fill_null(0.0).to_numpy(zero_copy_only=False).astype("f8")
        numbers[np.isnan(numbers)] = np.nan
        codes = numbers.view(np.uint64)
    elif types.is_primitive(kind) and kind.bit_width in (32, 64) and not types.is_interval(kind):
        codes = (
            whole.view(f"int{kind.bit_width}")
            .fill_null(0)
            .to_numpy(zero_copy_only=False)
            .astype("i8")
            .view(np.uint64)
        )
    elif types.is_integer(kind):
        codes = whole.fill_null(0).to_numpy(zero_copy_only=False).astype("i8").view(np.uint64)
    else:
        codes = _numbered(whole)
    codes = codes.copy() if not codes.flags.writeable else codes
    codes[missing] = 0x9E3779B97F4A7C15
    return codes


def _numbered(values: pa.Array) -> Codes:
    """Distinct values numbered in order of appearance."""
    import numpy as np
    import pyarrow as pa

    try:
        encoded = values.dictionary_encode()
    except (pa.ArrowException, NotImplementedError):  # lists, structs, maps
        encoded = _as_text(pa.chunked_array([values])).combine_chunks().dictionary_encode()
    numbers: Codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint64)
    return numbers


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    texts = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def _mixed(columns: list[Codes], rows: int) -> Codes:
    """One number a row, from all of its cells (splitmix64 over the columns)."""
    import numpy as np

    state = np.zeros(rows, np.uint64)
    with np.errstate(over="ignore"):
        for codes in columns:
            state = (state ^ codes) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
    return state


def _surplus(one: Codes, other: Codes) -> int:
    """How many of ``one`` have no partner in ``other``, each counted as often as it occurs."""
    import numpy as np

    values, counts = np.unique(one, return_counts=True)
    theirs, their_counts = np.unique(other, return_counts=True)
    if not len(theirs):
        return len(one)
    places = np.minimum(np.searchsorted(theirs, values), len(theirs) - 1)
    matched = np.where(theirs[places] == values, their_counts[places], 0)
    return int(np.maximum(counts - matched, 0).sum())
