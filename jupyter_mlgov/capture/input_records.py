"""What is recorded of an input: its digest, rows and columns, members, and the bytes where they are small enough.

A digest that may not be of what the notebook read (the file changed since, or while it was hashed) says ``unstable``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_mlgov.capture.addresses import is_remote, without_credentials
from jupyter_mlgov.capture.aside import Aside, GivenUp
from jupyter_mlgov.capture.contents import Content, Contents
from jupyter_mlgov.capture.found_inputs import FoundInput, Literal, find_inputs
from jupyter_mlgov.capture.inputs import as_text, uri_of
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.listening import Listening
from jupyter_mlgov.capture.reads import Earlier, Fetched, Opened
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.manifest import Caution, Column, Input, Member
from jupyter_mlgov.records.secrets import redact

UNSURE = "another program may have opened it: only the file system told of it"
FIND_S = 10.0
"""Seconds that it may take to find out which files are inputs."""


class _How(Struct, frozen=True):
    """How one input is recorded: as ``cell``'s; its bytes are kept up to ``keep``, and its rows and columns read until
    ``deadline``: where they were not, ``unread`` is to say why."""

    root: Path
    cell: int | None
    kept: Kept
    keep: int
    deadline: float
    earlier: Mapping[str, Earlier]
    unread: dict[str, str]


class InputRecorder:
    """Makes ``Input`` records; remembers contents between snapshots."""

    def __init__(self, secrets: Secrets) -> None:
        self._contents = Contents(secrets)

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
        kept: Kept,
        keep: int,
        lost: list[Caution],
        known: list[Caution],
    ) -> tuple[Input, ...]:
        """Every input of the session, by URI. ``place`` gives the cell of a position in the journal.

        What could not be recorded is added to ``lost``; what never can be on this machine to ``known``.
        """
        files = aside.run(lambda: self._find(listening, journal, declared, notebook, root), seconds=FIND_S)
        records: dict[str, Input] = {}
        skipped: set[str] = set()
        unread: dict[str, str] = {}

        def describe(found: FoundInput) -> Input | None:
            # Half of what is left, so that one table does not use up what the others need.
            now = time.monotonic()
            deadline = now + (aside.deadline - now) / 2
            how = _How(
                root, place.get(found.opened.cell_run), kept, keep, deadline, listening.reads.earlier, unread
            )
            return self._record(found, how)

        for found, made in zip(files, aside.each(files, describe), strict=True):
            if isinstance(made, GivenUp):
                made = Input(
                    uri=uri_of(found.path, root), digest=None, evidence=found.evidence, reason=made.reason,
                    cell=place.get(found.opened.cell_run), derived=found.derived,
                    seen_by=tuple(sorted(found.opened.seen_by)),
                )  # fmt: skip
                skipped.add(made.uri)
            if made is not None:
                records[made.uri] = made
        reads = listening.reads
        fetched = list(reads.fetched.values())
        for made in record_fetched(fetched, [place.get(one.cell_run) for one in fetched]):
            records[made.uri] = made
        for uri, position in declared:
            clean = without_credentials(uri)
            if is_remote(uri) and clean not in records:
                cell = place.get(position) if position is not None else None
                records[clean] = Input(
                    uri=clean, digest=None, evidence="declared", cell=cell, seen_by=("declared",),
                    reason="remote: its content was not read",
                )  # fmt: skip
        lost += _cautions(records, skipped)
        known += [
            Caution(code="input.columns", message=f"{uri}: its rows and columns were not read: {why}")
            for uri, why in unread.items()
        ]
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
            names=listening.watch.names,
        )

    def _record(self, found: FoundInput, how: _How) -> Input | None:
        """The record of one input. None when nothing is to be said."""
        if found.base is not None:
            return self._record_set(found, how)
        opened = found.opened
        earlier = how.earlier.get(str(found.path))
        content = self._contents.of(earlier.copy if earlier else str(found.path), deadline=how.deadline)
        if content.digest is None and (found.derived or set(opened.seen_by) <= {"literal"}):
            return None
        changed = content.digest is not None and not found.derived and _changed(content, opened, earlier)
        unstable = changed or not content.stable
        left = self._contents.of(str(found.path), deadline=how.deadline).digest if earlier else None
        # What a query gave is what was read of a database; any other file's table is the file's own, where it can be found.
        table = (
            opened.table
            if opened.queries or (content.rows is None and (earlier is None or earlier.read))
            else None
        )
        uri = uri_of(found.path, how.root)
        if content.unread is not None and table is None:
            how.unread[uri] = content.unread
        return Input(
            uri=uri,
            digest=content.digest,
            bytes=content.bytes,
            rows=content.rows if table is None else table.rows,
            columns=content.columns if table is None else table.columns,
            kept=self._contents.keep([content], how.kept, how.keep),
            evidence="observed" if unstable and found.evidence == "proven" else found.evidence,
            cell=how.cell,
            derived=found.derived,
            query=_joined(opened.queries),
            reason=UNSURE if found.unsure and content.digest is not None else content.reason,
            unstable=unstable,
            rewritten=left if left != content.digest else None,
            seen_by=tuple(sorted(opened.seen_by)),
        )

    def _record_set(self, found: FoundInput, how: _How) -> Input:
        from jupyter_mlgov.hashing.files import digest_of_members

        base = str(found.base).rstrip(os.sep) + os.sep
        members: list[Member] = []
        contents: list[Content] = []
        missing: list[str] = []
        unstable = False
        for opened in found.members:
            earlier = how.earlier.get(opened.path)
            content = self._contents.of(earlier.copy if earlier else opened.path, deadline=how.deadline)
            name = as_text(opened.path.removeprefix(base).replace(os.sep, "/"))
            if content.digest is None:
                missing.append(name)
                continue
            unstable |= not content.stable or (
                not opened.written_before and _changed(content, opened, earlier)
            )
            members.append(Member(path=name, digest=content.digest, bytes=content.bytes, rows=content.rows))
            contents.append(content)
        members_sorted = sorted(members, key=lambda member: member.path)
        tables = _tables(base, members, contents)
        rows = [content.rows for content in tables]
        given = found.opened.table
        uri = uri_of(found.path, how.root)
        why = next((content.unread for content in tables if content.unread is not None), None)
        if why is not None and given is None:
            how.unread[uri] = why
        made = Input(
            uri=uri,
            digest=digest_of_members(members_sorted) if members else None,
            bytes=sum(content.bytes or 0 for content in contents),
            rows=given.rows
            if given
            else sum(one or 0 for one in rows)
            if rows and None not in rows
            else None,
            columns=given.columns if given else _columns(tables),
            kept=self._contents.keep(contents, how.kept, how.keep),
            evidence="observed" if unstable and found.evidence == "proven" else found.evidence,
            cell=how.cell,
            derived=found.derived,
            members=tuple(members_sorted),
            query=_joined(found.opened.queries),
            reason=f"cannot be read: {', '.join(missing[:5])}"
            if missing
            else (None if members else "there is no file in it"),
            unstable=unstable,
            seen_by=tuple(sorted(found.opened.seen_by)),
        )
        folder = uri_of(found.base, how.root) if found.base is not None else None
        return made if folder in (None, made.place()) else replace(made, folder=folder)


def record_fetched(fetched: Sequence[Fetched], cells: Sequence[int | None]) -> list[Input]:
    """The records of what came from elsewhere. Several queries to one server, and several addresses that read alike without
    their credentials, are told apart by ``#2``, ``#3``; where the same came back from such addresses, they are one."""
    made: list[Input] = []
    counts: dict[str, int] = {}
    same: set[tuple[str, str | None, str]] = set()
    for one, cell in zip(fetched, cells, strict=True):
        one.settle()
        if one.digest is not None:
            if (key := (one.uri, one.query, one.digest)) in same:
                continue
            same.add(key)
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


def _cautions(records: Mapping[str, Input], skipped: set[str]) -> Iterator[Caution]:
    for uri, item in records.items():
        if item.unstable:
            yield Caution(
                code="input.unstable", message=f"{uri} changed after the notebook read it", cell=item.cell
            )
        if item.reason == UNSURE:
            continue
        if (item.reason and item.evidence != "declared") or (item.reason and not is_remote(uri)):
            code = "input.skipped" if uri in skipped else "input.unreadable"
            yield Caution(code=code, message=f"{uri}: {item.reason}", cell=item.cell)


def _incomplete(why: str) -> Caution:
    return Caution(code="inputs.incomplete", message=f"inputs may be incomplete: {why}")


def _joined(queries: dict[str, None]) -> str | None:
    return ";\n".join(redact(query.strip().rstrip(";")) for query in queries) or None


def _changed(content: Content, opened: Opened, earlier: Earlier | None) -> bool:
    if earlier is not None or opened.rewritten:
        return opened.rewritten or (earlier is not None and earlier.changed)
    return None not in (opened.state, content.state) and opened.state != content.state


def _tables(base: str, members: list[Member], contents: list[Content]) -> list[Content]:
    """Those of several files that a table's rows are in: all, but for a Delta table what its log says."""
    from jupyter_mlgov.capture.delta_log import files_in_table, is_delta

    names = [member.path for member in members]
    if not is_delta(names):
        return contents
    held = files_in_table(base, names) or ()
    return [content for name, content in zip(names, contents, strict=True) if name in held]


def _columns(contents: list[Content]) -> tuple[Column, ...] | None:
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
