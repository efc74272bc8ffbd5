"""Reading the prediction log: parts and segments of one model and stage as one table, joined with outcomes.

Nothing is locked and nothing is changed, so it can be read while it is written. What is not whole is told, never
skipped in silence.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from jupyter_mlgov import written
from jupyter_mlgov.errors import Damaged, UsageError
from jupyter_mlgov.operate import parts, segments
from jupyter_mlgov.operate.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

BY_MODEL = "by-model"
_TRIES = 5
_AGO = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PROBLEMS = b"mlgov.problems"


class Logged(Struct, frozen=True, kw_only=True):
    """The log of one model and stage, in short."""

    model: str
    stage: str
    requests: int
    rows: int
    first: str | None
    last: str | None
    outcomes: int
    versions: tuple[int, ...]
    problems: tuple[str, ...] = ()


class _Listing(NamedTuple):
    parts: tuple[str, ...]
    segments: tuple[str, ...]
    torn: tuple[str, ...]


def folder_of(root: Path, store: Path, settings: Settings) -> Path:
    """Where the log of the project at ``root`` lies."""
    return root / settings.predictions if settings.predictions else store / "predictions"


def moment(value: str | datetime | None, *, now: datetime | None = None) -> datetime | None:
    """A time as one writes it: a date, a time (UTC unless it says otherwise), or how long ago (``90m``, ``24h``, ``7d``).

    Raises ``UsageError``.
    """
    if value is None:
        return None
    if isinstance(value, str):
        ago = _AGO.fullmatch(value.strip())
        if ago is not None:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago["unit"]]: float(ago["number"])})
        text = value.strip()
        try:
            value = datetime.fromisoformat(text)
        except ValueError as error:
            raise UsageError(
                f"{text[:80]!r} is no time: write 2026-11-26, 2026-11-26T09:30 or how long ago (24h, 7d)"
            ) from error
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def logged(folder: Path) -> list[tuple[str, str]]:
    """Every model and stage that has a log."""
    place = folder / BY_MODEL
    models = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
    return [
        (model.name, stage.name) for model in models for stage in sorted(model.iterdir()) if stage.is_dir()
    ]


def place_of(folder: Path, model: str, stage: str) -> Path:
    """The folder with the parts and segments of one model and stage."""
    return folder / BY_MODEL / model / stage


def read(
    folder: Path,
    model: str,
    stage: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    snapshot: str | None = None,
) -> pa.Table:
    """The predictions of ``model`` on ``stage`` from ``since`` and before ``until``, oldest first, without outcomes.

    Columns that not every version had are null where they were absent; of one type each, text where versions disagree.
    With ``snapshot`` only what its version predicted, in its own columns and types.
    What could not be read is told by :func:`problems`. Raises ``StoreError`` for a part of a newer version.
    """
    place = place_of(folder, model, stage)
    for _ in range(_TRIES):
        listing = _list(place)
        try:
            tables, problems = _tables(place, listing, since, until)
            if snapshot is not None:
                tables = [one for one in (_of(table, snapshot) for table in tables) if one.num_rows]
        except FileNotFoundError:
            continue
        if _list(place)[:1] == listing[:1]:
            break
    whole = united(tables).sort_by([("at", "ascending"), ("request_id", "ascending"), ("row", "ascending")])
    return whole.replace_schema_metadata({_PROBLEMS: json.dumps(problems)})


def summary(folder: Path, model: str, stage: str, outcomes: pa.Table) -> Logged:
    """The log of one model and stage, in short; ``outcomes`` are all that were added."""
    import pyarrow.compute as pc

    table = read(folder, model, stage)
    ends = pc.min_max(table["at"]).as_py()
    known = outcomes.join(table.select(["request_id", "row"]), ["request_id", "row"], join_type="inner")
    return Logged(
        model=model,
        stage=stage,
        requests=pc.count_distinct(table["request_id"]).as_py(),
        rows=table.num_rows,
        first=ends["min"].isoformat() if ends["min"] else None,
        last=ends["max"].isoformat() if ends["max"] else None,
        outcomes=known.num_rows,
        versions=tuple(sorted(pc.unique(table["version"]).to_pylist())),
        problems=problems(table),
    )


def records(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON has them: times in ISO 8601, an explanation as an object."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name, value in row.items():
            if isinstance(value, datetime):
                row[name] = value.isoformat().replace("+00:00", "Z")
        if row["explanation"] is not None:
            row["explanation"] = json.loads(row["explanation"])
    return rows


def write_file(table: pa.Table, path: Path) -> None:
    """Writes predictions as Parquet or, for a name that ends in ``.csv``, as CSV: whole or not at all. Raises
    ``NotWritable``."""
    import pyarrow.csv
    import pyarrow.parquet as pq

    with written.writing(path) as file:
        if path.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(table, file)
        else:
            pq.write_table(table, file, compression="zstd")


def problems(table: pa.Table) -> tuple[str, ...]:
    """What could not be read of the log that a table of :func:`read` was made from, a sentence each."""
    meta = (table.schema.metadata or {}).get(_PROBLEMS)
    return tuple(json.loads(meta)) if meta else ()


def _list(place: Path) -> _Listing:
    names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    names = [name for name in names if not name.startswith(".")]
    kept = [name for name in names if name.endswith(parts.PART)]
    rolled = {name.removesuffix(parts.PART) for name in kept}
    begun = [name for name in names if name.endswith(segments.SUFFIX)]
    return _Listing(
        tuple(kept),
        tuple(name for name in begun if name.removesuffix(segments.SUFFIX) not in rolled),
        tuple(name for name in names if name.endswith(parts.TORN)),
    )


def _tables(
    place: Path, listing: _Listing, since: datetime | None, until: datetime | None
) -> tuple[list[pa.Table], list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: list[pa.Table] = []
    faults = [
        f"{name}: {(place / name).stat().st_size} bytes of a half-written segment, for which nobody was answered, "
        "were put aside"
        for name in listing.torn
    ]
    for name in listing.parts:
        try:
            file = pq.ParquetFile(place / name)
            version = parts.version_of(file.schema_arrow)
            if version > segments.SCHEMA:
                raise segments.newer(place / name, version)
            tables.append(_between(file.read(), since, until))
        except pa.ArrowInvalid as error:
            faults.append(f"{name} is damaged and was left out: {error}")
    for name in listing.segments:
        try:
            found = segments.read(place / name)
        except Damaged as error:
            faults.append(str(error))
            continue
        if found.torn:
            with segments.unowned(place / name) as free:
                inside = found.places[0] + len(found.torn) < (place / name).stat().st_size
                if free or inside:
                    faults.append(
                        f"{name}: {len(found.torn)} bytes are no whole prediction and were left out"
                    )
        if found.header is not None:
            tables.append(_between(parts.table(found.header, found.answered), since, until))
    return tables, faults


def _between(table: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.timestamp("us", tz="UTC")
    if since is not None:
        table = table.filter(pc.greater_equal(table["at"], pa.scalar(since, type=kind)))
    if until is not None:
        table = table.filter(pc.less(table["at"], pa.scalar(until, type=kind)))
    return table


def _of(table: pa.Table, snapshot: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.equal(table["snapshot"], snapshot))


def united(tables: list[pa.Table]) -> pa.Table:
    """Tables as one. A column that has two types is a number where both are numbers, and else text."""
    import pyarrow as pa

    empty = pa.schema(parts.base_fields()).empty_table()
    types: dict[str, set[pa.DataType]] = {}
    for table in (empty, *tables):
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    common = {name: common_type(kinds) for name, kinds in types.items()}
    cast = []
    for table in (empty, *tables):
        fields = [pa.field(field.name, common[field.name]) for field in table.schema]
        cast.append(table.cast(pa.schema(fields)) if table.num_rows else pa.schema(fields).empty_table())
    return pa.concat_tables(cast, promote_options="default")


def common_type(kinds: set[pa.DataType]) -> pa.DataType:
    """The type that values of all of ``kinds`` can have."""
    import pyarrow as pa

    if len(kinds) == 1:
        return next(iter(kinds))
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    return pa.string()
