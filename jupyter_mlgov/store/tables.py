"""The index's tables and every question that is asked of them.

``entries`` has one row per ledger entry and ``snapshots`` one per snapshot or candidate, both in ledger order
(``seq``). Everything here can be computed again from ledger and manifests. Importing this module imports
SQLAlchemy: only :mod:`jupyter_mlgov.store.index` does, when it is first needed.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from blake3 import blake3
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.types import UserDefinedType

from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.store.listing import LogEntry
from jupyter_mlgov.store.objects import is_identity

VERSION = "4"
"""Version of the tables: an index of another version is rebuilt."""

tables = MetaData()


class Identity(UserDefinedType[str]):
    """64 hex digits, as the 32 bytes that they are: half of the index is identities. Anything else is kept as it is."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """A type that makes SQLite convert nothing."""
        return "BLOB"

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], bytes | str | None]:
        """What SQLite is given."""
        return lambda value: bytes.fromhex(value) if value is not None and is_identity(value) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], str | None]:
        """What SQLite gave."""
        return lambda value: value.hex() if isinstance(value, bytes) else value


state = Table(
    "state",
    tables,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
    sqlite_with_rowid=False,
)

entries = Table(
    "entries",
    tables,
    Column("seq", Integer, primary_key=True),
    Column("id", Identity, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("subject", Identity, nullable=False),
    Column("imported", Boolean, nullable=False),
    Index("entries_by_subject", "subject", "kind", "seq"),
    Index("entries_by_kind", "kind", "seq"),
)

snapshots = Table(
    "snapshots",
    tables,
    Column("seq", Integer, primary_key=True),
    Column("id", Identity, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("experiment", String, nullable=False),
    Column("number", Integer),
    Column("readable", Boolean, nullable=False),
    Column("created_at", String, nullable=False),
    Column("notebook", String, nullable=False),
    Column("metrics", String, nullable=False),
    Column("status", String, nullable=False),
    Column("message", String, nullable=False),
    Column("author", String, nullable=False),
    Column("parent", Identity),
    Column("baseline", Identity),
    Column("kpis_met", Boolean),
    Column("verdict", String),
    Column("tags", String, nullable=False),
    Column("risks", String, nullable=False),
    Index("snapshots_by_experiment", "experiment", "kind", "seq", "risks"),
    Index("snapshots_by_notebook", "notebook", "kind", "seq"),
    Index("snapshots_by_number", "experiment", "number"),
)


class Dump(msgspec.Struct):
    """A whole index in memory."""

    head: str | None
    lost: str | None
    entries: list[tuple[str, str, str]]
    snapshots: dict[str, tuple[Any, ...]]


class _Cell(msgspec.Struct):
    index: int
    tags: tuple[str, ...] = ()


class _Notebook(msgspec.Struct):
    path: str
    cells: tuple[_Cell, ...] = ()


class _Kpi(msgspec.Struct):
    met: bool | None = None


class Summary(msgspec.Struct):
    """The fields of a manifest that the index keeps."""

    experiment: str
    created_at: str
    notebook: _Notebook
    kind: str = "snapshot"
    metrics: dict[str, Scalar] = {}
    status: str = "ok"
    message: str = ""
    author: str = ""
    parent: str | None = None
    baseline: str | None = None
    cell: int | None = None
    kpis: tuple[_Kpi, ...] = ()
    risks: msgspec.Raw = msgspec.Raw(b"[]")

    def risks_digest(self) -> str:
        """Equal for snapshots with equal risks; empty for none."""
        data = bytes(self.risks)
        return "" if data == b"[]" else blake3(data).hexdigest()[:32]

    def tags(self) -> tuple[str, ...]:
        """The tags of the experiment's cell."""
        return next((one.tags for one in self.notebook.cells if one.index == self.cell), ())

    def kpis_met(self) -> bool | None:
        """Whether all were met; None when that is not known."""
        answers = {kpi.met for kpi in self.kpis}
        return False if False in answers else (True if answers == {True} else None)


def create(connection: Connection) -> None:
    """Makes the empty tables."""
    tables.create_all(connection)
    set_state(connection, "version", VERSION)


_STATES = select(state.c.key, state.c.value)


def states(connection: Connection) -> dict[str, str]:
    """``version``; ``head``: the entry that the rows lead up to; ``lost``: a head that is no longer reached."""
    return {str(key): str(value) for key, value in connection.execute(_STATES)}


def set_state(connection: Connection, key: str, value: str) -> None:
    statement = upsert(state).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


class Line(NamedTuple):
    """A ledger entry with its name. ``imported``: a bundle brought it. ``summary`` is that of its snapshot: None where it is
    about no new one, and for a manifest that cannot be read."""

    name: str
    entry: Entry
    imported: bool
    summary: Summary | None


def add(connection: Connection, made: Sequence[Line]) -> None:
    """Adds the rows of some entries, in their order."""
    first = int(connection.scalar(select(func.max(entries.c.seq))) or 0) + 1
    rows = [
        {
            "seq": place,
            "id": line.name,
            "kind": line.entry.kind,
            "subject": line.entry.subject,
            "imported": line.imported,
        }
        for place, line in enumerate(made, first)
    ]
    listed = [
        _listed(place, line.entry, line.summary)
        for place, line in enumerate(made, first)
        if line.entry.kind in ("snapshot", "candidate")
    ]
    if rows:
        connection.execute(insert(entries), rows)
    if listed:
        connection.execute(upsert(snapshots).on_conflict_do_nothing(), listed)
    _note_verdicts(connection, [line for line in made if line.entry.kind == "rerun"])


def _note_verdicts(connection: Connection, made: Sequence[Line]) -> None:
    """Writes down the newest verdict on each snapshot: one that was found here, or else one that a bundle brought."""
    own = exists().where(
        entries.c.subject == snapshots.c.id, entries.c.kind == "rerun", entries.c.imported.is_(False)
    )
    these = snapshots.c.id == bindparam("about")
    for imported, where in ((True, and_(these, ~own)), (False, these)):
        verdicts = {
            line.entry.subject: line.entry.body.get("verdict")
            for line in made
            if line.imported is imported and isinstance(line.entry.body.get("verdict"), str)
        }
        if verdicts:
            connection.execute(
                update(snapshots).where(where).values(verdict=bindparam("newest")),
                [{"about": about, "newest": newest} for about, newest in verdicts.items()],
            )


def _listed(place: int, entry: Entry, summary: Summary | None) -> dict[str, Any]:
    """The row of a snapshot. Experiment and number are the ledger's, so that they hold without the manifest."""
    experiment = entry.body.get("experiment")
    number = entry.body.get("number")
    return {
        "seq": place,
        "id": entry.subject,
        "kind": entry.kind,
        "experiment": experiment if isinstance(experiment, str) else "",
        "number": number if type(number) is int and entry.kind == "snapshot" else None,
        "readable": summary is not None,
        "created_at": summary.created_at if summary else entry.at,
        "notebook": summary.notebook.path if summary else "",
        "metrics": msgspec.json.encode(summary.metrics).decode() if summary else "{}",
        "status": summary.status if summary else "",
        "message": summary.message if summary else "",
        "author": summary.author if summary else entry.author,
        "parent": summary.parent if summary else None,
        "baseline": summary.baseline if summary else None,
        "kpis_met": summary.kpis_met() if summary else None,
        "verdict": None,
        "tags": msgspec.json.encode(summary.tags()).decode() if summary else "[]",
        "risks": summary.risks_digest() if summary else "",
    }


def log(
    connection: Connection,
    *,
    experiment: str | None,
    notebooks: Sequence[str] | None,
    limit: int | None,
    candidates: bool,
    offset: int = 0,
) -> list[LogEntry]:
    """Readable snapshots, newest first, without the first ``offset``. ``notebooks`` are the spellings of one path."""
    wanted = [column for column in snapshots.c if column.name not in ("seq", "readable", "risks")]
    statement = _narrowed(select(*wanted), experiment, notebooks, candidates).order_by(snapshots.c.seq.desc())
    if limit is not None:
        statement = statement.limit(limit)
    if offset:
        statement = statement.offset(offset)
    names = [column.name for column in wanted]
    decoder, tags = msgspec.json.Decoder(dict[str, Scalar]), msgspec.json.Decoder(list[str])
    found = []
    for row in connection.execute(statement).all():
        values = dict(zip(names, row, strict=True))
        values["metrics"] = decoder.decode(values["metrics"])
        values["tags"] = tuple(tags.decode(values["tags"]))
        found.append(LogEntry(**values))
    return found


def listed(
    connection: Connection, *, experiment: str | None, notebooks: Sequence[str] | None, candidates: bool
) -> int:
    """How many snapshots :func:`log` lists without a limit."""
    counted = select(func.count()).select_from(snapshots)
    return int(connection.scalar(_narrowed(counted, experiment, notebooks, candidates)) or 0)


def listed_experiments(connection: Connection) -> list[str]:
    """The names of all experiments with a readable snapshot, the one that was run last first."""
    newest_of = _narrowed(select(snapshots.c.experiment), None, None, candidates=False)
    return list(
        connection.scalars(
            newest_of.group_by(snapshots.c.experiment).order_by(func.max(snapshots.c.seq).desc())
        )
    )


def _narrowed(
    statement: Select[Any], experiment: str | None, notebooks: Sequence[str] | None, candidates: bool
) -> Select[Any]:
    statement = statement.where(snapshots.c.readable)
    if experiment is not None:
        statement = statement.where(snapshots.c.experiment == experiment)
    if notebooks is not None:
        statement = statement.where(snapshots.c.notebook.in_(notebooks))
    return statement if candidates else statement.where(snapshots.c.kind == "snapshot")


def entry_names(
    connection: Connection, *, subject: str | None, kind: str | None, here: bool = False
) -> list[str]:
    """Ids of ledger entries, oldest first; with ``here``, none that a bundle brought."""
    statement = select(entries.c.id).order_by(entries.c.seq)
    if here:
        statement = statement.where(entries.c.imported.is_(False))
    if subject is not None:
        statement = statement.where(entries.c.subject == subject)
    if kind is not None:
        statement = statement.where(entries.c.kind == kind)
    return list(connection.scalars(statement))


def risk_entries(
    connection: Connection, experiment: str, *, until: str | None
) -> list[tuple[str, int | None]]:
    """Ids of entries, oldest first, each with the number of its snapshot: see ``Store.risk_entries``."""
    of_line: tuple[Any, ...] = (snapshots.c.experiment == experiment, snapshots.c.kind == "snapshot")
    last = None
    if until is not None:
        last = connection.scalar(select(snapshots.c.seq).where(snapshots.c.id == until, *of_line))
    if last is not None:
        of_line = (*of_line, snapshots.c.seq <= last)
    before = func.lag(snapshots.c.risks, 1, "").over(order_by=snapshots.c.seq)
    line = select(snapshots.c.seq, snapshots.c.risks, before.label("before")).where(*of_line).subquery()
    told = set(connection.scalars(select(line.c.seq).where(line.c.risks != line.c.before)))
    about = select(entries.c.seq).join(snapshots, snapshots.c.id == entries.c.subject)
    said = list(connection.scalars(about.where(entries.c.kind == "risk", *of_line).order_by(entries.c.seq)))
    if said:
        places = sorted(connection.scalars(select(snapshots.c.seq).where(*of_line)))
        following = (bisect.bisect(places, place) for place in said)
        told.update(places[place] for place in following if place < len(places))
        told.update(said)
    found = []
    for batch in batches(sorted(told), 500):
        rows = (
            select(entries.c.id, snapshots.c.number)
            .join(snapshots, snapshots.c.id == entries.c.subject)
            .where(entries.c.seq.in_(batch))
            .order_by(entries.c.seq)
        )
        found += [(row.id, row.number) for row in connection.execute(rows)]
    return found


def batches(values: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """``values`` in pieces: SQLite takes so many parameters at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def has_entry(connection: Connection, name: str) -> bool:
    """Whether the entry ``name`` has a row."""
    return connection.scalar(select(entries.c.seq).where(entries.c.id == name)) is not None


def entry_of(connection: Connection, snapshot: str) -> str | None:
    """The id of the entry that says that ``snapshot`` was made."""
    statement = (
        select(entries.c.id)
        .where(entries.c.subject == snapshot, entries.c.kind.in_(("snapshot", "candidate")))
        .order_by(entries.c.seq)
        .limit(1)
    )
    return connection.scalar(statement)


def highest_number(connection: Connection, experiment: str) -> int:
    """The number of the experiment's last snapshot, 0 when it has none."""
    statement = select(func.max(snapshots.c.number)).where(snapshots.c.experiment == experiment)
    return int(connection.scalar(statement) or 0)


def number_of(connection: Connection, snapshot: str) -> int | None:
    return connection.scalar(select(snapshots.c.number).where(snapshots.c.id == snapshot))


def newest(
    connection: Connection, *, experiment: str | None = None, notebooks: Sequence[str] | None = None
) -> str | None:
    """The id of the newest snapshot (no candidate) of an experiment or a notebook, or of all."""
    statement = select(snapshots.c.id).where(snapshots.c.kind == "snapshot")
    if experiment is not None:
        statement = statement.where(snapshots.c.experiment == experiment)
    if notebooks is not None:
        statement = statement.where(snapshots.c.notebook.in_(notebooks))
    return connection.scalar(statement.order_by(snapshots.c.seq.desc()).limit(1))


def numbered(connection: Connection, experiment: str, number: int) -> str | None:
    """The id of the experiment's snapshot with that number."""
    statement = select(snapshots.c.id).where(
        snapshots.c.experiment == experiment, snapshots.c.number == number
    )
    return connection.scalar(statement.order_by(snapshots.c.seq).limit(1))


def with_prefix(connection: Connection, prefix: str, *, limit: int) -> list[LogEntry]:
    """Snapshots and candidates whose id starts with ``prefix``, at most ``limit``; no metrics are read."""
    columns = (snapshots.c.id, snapshots.c.kind, snapshots.c.experiment, snapshots.c.number)
    first, last = prefix.ljust(64, "0"), prefix.ljust(64, "f")
    statement = select(*columns).where(snapshots.c.id.between(first, last)).limit(limit)
    empty: dict[str, Any] = {"created_at": "", "notebook": "", "metrics": {}, "status": ""}
    return [LogEntry(**row._mapping, **empty) for row in connection.execute(statement)]


def experiments(connection: Connection) -> list[str]:
    """The names of all experiments that have a snapshot."""
    statement = select(snapshots.c.experiment).where(snapshots.c.kind == "snapshot").distinct()
    return sorted(connection.scalars(statement))


def count(connection: Connection) -> int:
    """How many snapshots and candidates are listed."""
    return int(connection.scalar(select(func.count()).where(snapshots.c.readable)) or 0)


def dump(connection: Connection) -> Dump:
    """Every row of both tables, to compare two indexes: entries as (name, kind, subject), and the snapshots'
    rows by id."""
    found = states(connection)
    return Dump(
        head=found.get("head"),
        lost=found.get("lost"),
        entries=[
            (row.id, row.kind, row.subject)
            for row in connection.execute(select(entries).order_by(entries.c.seq))
        ],
        snapshots={row.id: tuple(row) for row in connection.execute(select(snapshots))},
    )
