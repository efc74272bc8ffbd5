"""What is recorded of an input: its digest, rows and columns, members, and the bytes where they are small enough.

What was hashed once is not hashed again while the file's time, size and identity stay the same. A digest that may not
be of what the notebook read (the file changed since, or while it was hashed) says ``unstable``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.capture.addresses import is_remote, without_credentials
from jupyter_mlgov.capture.aside import Aside, GivenUp
from jupyter_mlgov.capture.found_inputs import FoundInput, Literal, find_inputs
from jupyter_mlgov.capture.inputs import as_text, uri_of
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.listening import Listening
from jupyter_mlgov.capture.reads import Fetched, Opened
from jupyter_mlgov.capture.secrets import Secrets, is_secret_file
from jupyter_mlgov.records.manifest import Caution, Column, Input, Member
from jupyter_mlgov.records.secrets import redact

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

FIND_S = 10.0
"""Seconds that it may take to find out which files are inputs."""
SECRETS_LIMIT = 1_000_000
"""Bytes up to which an input is searched for secrets: configurations are small, data is large."""


@dataclass(frozen=True)
class _Content:
    """One file's content, as it was hashed."""

    digest: str | None
    bytes: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    kept: bool = False
    stable: bool = True
    reason: str | None = None


class InputRecorder:
    """Makes ``Input`` records; remembers contents between snapshots."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: dict[str, tuple[tuple[int, ...], _Content]] = {}

    def record(
        self,
        listening: Listening,
        journal: Sequence[Execution],
        aside: Aside,
        *,
        declared: Sequence[tuple[str, int | None]],
        notebook: Path | None,
        place: Mapping[int, int],
        root: Path,
        store: Store,
        keep: int,
        lost: list[Caution],
        known: list[Caution],
    ) -> tuple[Input, ...]:
        """Every input of the session, by URI. ``place`` gives the cell of a position in the journal.

        What could not be recorded is added to ``lost``; what never can be on this machine to ``known``.
        """
        files = aside.run(lambda: self._find(listening, journal, declared, notebook, root), seconds=FIND_S)
        records: dict[str, Input] = {}

        def describe(found: FoundInput) -> Input | None:
            return self._record(
                found, root=root, cell=place.get(found.opened.cell_run), store=store, keep=keep
            )

        for found, made in zip(files, aside.each(files, describe), strict=True):
            if isinstance(made, GivenUp):
                made = Input(
                    uri=uri_of(found.path, root), digest=None, evidence=found.evidence, reason=made.reason,
                    cell=place.get(found.opened.cell_run), derived=found.derived,
                    seen_by=tuple(sorted(found.opened.seen_by)),
                )  # fmt: skip
            if made is not None:
                records[made.uri] = made
        reads = listening.reads
        for made in record_fetched(reads.fetched, [place.get(one.cell_run) for one in reads.fetched]):
            records[made.uri] = made
        for uri, position in declared:
            clean = without_credentials(uri)
            if is_remote(uri) and clean not in records:
                cell = place.get(position) if position is not None else None
                records[clean] = Input(
                    uri=clean, digest=None, evidence="declared", cell=cell, seen_by=("declared",),
                    reason="remote: its content was not read",
                )  # fmt: skip
        lost += _cautions(records)
        lost += [_incomplete(why) for why in reads.lost.values()]
        known += [_incomplete(why) for why in reads.quiet.values()]
        return tuple(records[uri] for uri in sorted(records))

    def _find(
        self,
        listening: Listening,
        journal: Sequence[Execution],
        declared: Sequence[tuple[str, int | None]],
        notebook: Path | None,
        root: Path,
    ) -> list[FoundInput]:
        listening.recording()
        return find_inputs(
            listening.reads,
            root,
            skip=[notebook] if notebook is not None else [],
            literals=[
                Literal(text, at, one.seen) for at, one in enumerate(journal) for text in one.names.texts
            ],
            declared=[(path, position) for path, position in declared if not is_remote(path)],
            covers=listening.watch.covers,
        )

    def _record(
        self, found: FoundInput, *, root: Path, cell: int | None, store: Store, keep: int
    ) -> Input | None:
        """The record of one input; its bytes are kept in ``store`` up to ``keep``. None when nothing is to be said."""
        if found.base is not None:
            return self._record_set(found, root, cell, store, keep)
        content = self._content(found.path, store, keep)
        opened = found.opened
        if content.digest is None and (found.derived or set(opened.seen_by) <= {"literal"}):
            return None
        changed = content.digest is not None and not found.derived and _changed(found.path, opened)
        unstable = changed or not content.stable
        table = opened.table
        return Input(
            uri=uri_of(found.path, root),
            digest=content.digest,
            bytes=content.bytes,
            rows=content.rows if table is None else table.rows,
            columns=content.columns if table is None else table.columns,
            kept=content.kept,
            evidence="observed" if unstable and found.evidence == "proven" else found.evidence,
            cell=cell,
            derived=found.derived,
            query=_joined(opened.queries),
            reason=content.reason,
            unstable=unstable,
            seen_by=tuple(sorted(opened.seen_by)),
        )

    def _record_set(self, found: FoundInput, root: Path, cell: int | None, store: Store, keep: int) -> Input:
        from jupyter_mlgov.hashing.files import digest_of_members

        base = str(found.base)
        left = keep
        members: list[Member] = []
        contents: list[_Content] = []
        missing: list[str] = []
        unstable = False
        for opened in found.members:
            content = self._content(Path(opened.path), store, left)
            name = as_text(os.path.relpath(opened.path, base).replace(os.sep, "/"))
            if content.digest is None:
                missing.append(name)
                continue
            left -= content.bytes or 0
            unstable |= not content.stable or (
                not opened.written_before and _changed(Path(opened.path), opened)
            )
            members.append(Member(path=name, digest=content.digest, bytes=content.bytes, rows=content.rows))
            contents.append(content)
        members_sorted = sorted(members, key=lambda member: member.path)
        rows = [content.rows for content in contents]
        return Input(
            uri=uri_of(found.path, root),
            digest=digest_of_members(members_sorted) if members else None,
            bytes=sum(content.bytes or 0 for content in contents),
            rows=sum(one for one in rows if one is not None) if rows and None not in rows else None,
            columns=_columns(contents),
            kept=bool(contents) and all(content.kept for content in contents),
            evidence="observed" if unstable and found.evidence == "proven" else found.evidence,
            cell=cell,
            derived=found.derived,
            members=tuple(members_sorted),
            query=_joined(found.opened.queries),
            reason=f"cannot be read: {', '.join(missing[:5])}"
            if missing
            else (None if members else "there is no file in it"),
            unstable=unstable,
            seen_by=tuple(sorted(found.opened.seen_by)),
        )

    def _content(self, path: Path, store: Store, keep: int) -> _Content:
        from jupyter_mlgov.hashing.files import hash_file
        from jupyter_mlgov.hashing.tables import describe_table

        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                return _Content(None, reason=f"it is {_kind(state.st_mode)}: it has no content that stays")
            key = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_ctime_ns)
            known = self._known.get(str(path))
            if (
                known is not None
                and known[0] == key
                and (not known[1].kept or store.has(known[1].digest or ""))
            ):
                return known[1]
            hashed = hash_file(path)
            if not hashed.stable:
                hashed = hash_file(path)
            table = describe_table(path)
            kept = hashed.bytes <= keep and self._keep(path, hashed.digest, hashed.bytes, store)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            return _Content(
                None, reason="it is not there any more" if gone else f"cannot be read: {error.strerror}"
            )
        content = _Content(
            hashed.digest,
            hashed.bytes,
            table.rows if table is not None else None,
            tuple(table.columns) if table is not None else None,
            kept,
            hashed.stable,
        )
        if hashed.stable:
            self._known[str(path)] = (key, content)
        return content

    def _keep(self, path: Path, digest: str, size: int, store: Store) -> bool:
        """Puts the bytes into the store. Not those of a small text that holds a secret: it is identified only."""
        if is_secret_file(path):
            return False
        if store.has(digest):
            return True
        data = path.read_bytes()
        if size <= SECRETS_LIMIT and self._secrets.redact_bytes(data) is not data:
            return False
        return store.put(data) == digest


def record_fetched(fetched: Sequence[Fetched], cells: Sequence[int | None]) -> list[Input]:
    """The records of what came from elsewhere. Several queries to one server are told apart by ``#2``, ``#3``."""
    made: list[Input] = []
    counts: dict[str, int] = {}
    for one, cell in zip(fetched, cells, strict=True):
        counts[one.uri] = count = counts.get(one.uri, 0) + 1
        table = one.table
        made.append(
            Input(
                uri=one.uri if count == 1 else f"{one.uri}#{count}",
                digest=one.digest,
                bytes=one.bytes,
                rows=table.rows if table is not None else None,
                columns=table.columns if table is not None else None,
                evidence="proven" if one.digest is not None else "observed",
                cell=cell,
                query=redact(one.query) if one.query is not None else None,
                reason=one.reason if one.digest is None else None,
                seen_by=("transport",) if one.query is None else ("reader",),
            )
        )
    return made


def _cautions(records: Mapping[str, Input]) -> Iterator[Caution]:
    for uri, item in records.items():
        if item.unstable:
            yield Caution(
                code="input.unstable", message=f"{uri} changed after the notebook read it", cell=item.cell
            )
        if (item.reason and item.evidence != "declared") or (item.reason and not is_remote(uri)):
            yield Caution(code="input.unreadable", message=f"{uri}: {item.reason}", cell=item.cell)


def _incomplete(why: str) -> Caution:
    return Caution(code="inputs.incomplete", message=f"inputs may be incomplete: {why}")


def _joined(queries: dict[str, None]) -> str | None:
    return ";\n".join(redact(query.strip().rstrip(";")) for query in queries) or None


def _changed(path: Path, opened: Opened) -> bool:
    if opened.state is None:
        return False
    try:
        now = path.stat()
    except OSError:
        return True
    return opened.state != (now.st_mtime_ns, now.st_size)


def _columns(contents: list[_Content]) -> tuple[Column, ...] | None:
    """Columns of a table in several files: each digest stands for the file's digests of it, in order."""
    from jupyter_mlgov.hashing.digest import combine, named

    first = contents[0].columns if contents else None
    if not first:
        return None
    shape = [(column.name, column.dtype) for column in first]
    if any([(column.name, column.dtype) for column in one.columns or ()] != shape for one in contents):
        return None
    parts = zip(*(one.columns or () for one in contents), strict=True)
    return tuple(
        Column(
            name=column.name,
            dtype=column.dtype,
            digest=named(combine("mlgov.columns.1", *(part.digest for part in same))),
        )
        for column, same in zip(first, parts, strict=True)
    )


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
    return next((name for test, name in kinds if test(mode)), "a device")
