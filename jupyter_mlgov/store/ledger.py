"""The ledger: an append-only chain of entries, each naming the ones before it by digest.

An entry is a file of canonical JSON named by its own digest. Nothing lists them but ``HEAD``, which names the
newest; what ``HEAD`` does not lead to has not happened. ``HEAD`` moves by compare-and-swap under a file lock, so
writers from several processes make one chain, and a writer that is killed leaves at worst one entry that
nothing names. ``LAST`` says where HEAD was moved to: with it, an entry that nothing names because HEAD was moved back is
told from one whose writer was killed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
from blake3 import blake3

from jupyter_mlgov.errors import Damaged, Missing, MlgovError, StoreError, UsageError
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry, EntryKind
from jupyter_mlgov.store import files
from jupyter_mlgov.store.layout import NO_ENTRY, Layout
from jupyter_mlgov.store.lock import HeldByAnother, exclusive
from jupyter_mlgov.store.objects import is_identity

KINDS: tuple[str, ...] = get_args(EntryKind)
SCHEMA = 1
"""Version of an entry's form: a higher one is refused."""

LIMIT = 16 << 20
"""The largest entry in bytes; whatever is larger belongs into an object that the entry names."""

LOCK_S = 60.0
"""How long a writer waits for the others, in seconds."""


_NEAR = 100
"""Entries from the end that are looked at before the index is asked: it takes longer to load than they to read."""


class _Opening(msgspec.Struct):
    schema: int
    kind: str


def now() -> str:
    """The time as entries write it: UTC, to the microsecond, ``Z`` at the end."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode(data: bytes) -> Entry:
    """An entry from its JSON. Raises ``StoreError`` for one of a newer version, ``ValueError`` for no entry."""
    try:
        opening = decoded(data, _Opening)
        if opening.schema > SCHEMA or opening.kind not in KINDS:
            raise StoreError(
                f"the ledger holds an entry of kind {opening.kind!r} (schema {opening.schema}) that this version "
                "does not know: upgrade jupyter-mlgov (pip install -U jupyter-mlgov)"
            )
        entry = decoded(data, Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if not is_identity(entry.subject) or not all(is_identity(parent) for parent in entry.parents):
        raise ValueError("it names something that is no id")
    return entry


def _encode(entry: Entry) -> tuple[bytes, Entry]:
    """An entry's canonical JSON, and the entry as it will be read back. Raises ``UsageError``."""
    try:
        data = canonical(entry)
        written = decode(data)
    except (TypeError, ValueError) as error:
        raise UsageError(f"a ledger entry of kind {entry.kind!r} cannot be written: {error}") from error
    if len(data) > LIMIT:
        raise UsageError(
            f"a ledger entry of {len(data)} bytes is too long (at most {LIMIT}): shorten its texts"
        )
    return data, written


class Ledger:
    """The entries and the head of one store."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def head(self) -> str | None:
        """The id of the newest entry, or None before the first. Raises ``Damaged``."""
        path = self._layout.head
        try:
            text = files.read(path, limit=4096).decode("ascii", "replace").rstrip("\n")
        except FileNotFoundError as error:
            raise Damaged(
                f"{path} is missing: run `mlgov fsck`, it says which entry is the newest"
            ) from error
        if not is_identity(text):
            raise Damaged(
                f"{path} holds {text[:20]!r}, which is no entry's id: run `mlgov fsck`, it says which is the newest"
            )
        return None if text == NO_ENTRY else text

    def read(self, name: str) -> Entry:
        """The entry named by 64 hex digits, verified. Raises ``Missing``, ``Damaged``, ``StoreError``."""
        return self._decode(name, self.raw(name))

    def raw(self, name: str) -> bytes:
        """An entry's canonical JSON, verified. Raises ``Missing`` or ``Damaged``."""
        try:
            data = files.read(self._path(name), limit=LIMIT)
        except FileNotFoundError as error:
            raise Missing(f"ledger entry {name} is not in the store; run `mlgov fsck`") from error
        if blake3(data).hexdigest() != name:
            raise Damaged(f"ledger entry {name} is damaged (its bytes have another digest); run `mlgov fsck`")
        return data

    def names(self) -> Iterator[str]:
        """The name of every entry file, reachable or not, in no order."""
        if self._layout.entries.is_dir():
            yield from (path.name for path in self._layout.entries.iterdir() if is_identity(path.name))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds off every other writer of this store. Not reentrant. Raises ``NotWritable``, ``StoreError``."""
        with contextlib.ExitStack() as held:
            try:
                with files.writing(self._layout.folder):
                    held.enter_context(exclusive(self._layout.lock, seconds=LOCK_S))
            except HeldByAnother as error:
                raise StoreError(
                    f"the store {self._layout.folder} is being written by another process for more than "
                    f"{LOCK_S:.0f} s: wait for it, or end it, and run it again"
                ) from error
            yield

    def append(self, entry: Entry, *, expected: str | None) -> tuple[str, Entry]:
        """As :meth:`append_all`, for one."""
        return self.append_all([entry], expected=expected)[0]

    def append_all(
        self,
        entries: Iterable[Entry],
        *,
        expected: str | None,
        along: Sequence[files.New] = (),
        flushed: Iterable[Path] = (),
    ) -> list[tuple[str, Entry]]:
        """Writes entries, the first with ``expected`` as its parent and each with the one before it, then moves HEAD
        from ``expected`` to the last: all have happened, or none.

        What the entries name may be written in the same round of flushes: the files ``along``; the folders
        ``flushed`` are flushed too. All of it is there to stay before HEAD moves.

        The caller holds the lock. Returns ids and entries as they will be read back. Raises ``NotWritable``
        (HEAD stays), ``UsageError`` for a body that is not JSON or is too long, ``StoreError`` when HEAD is no
        longer at ``expected``.
        """
        made: list[tuple[str, Entry]] = []
        datas: list[bytes] = []
        before = expected
        for entry in entries:
            data, written = _encode(msgspec.structs.replace(entry, parents=(before,) if before else ()))
            before = blake3(data).hexdigest()
            made.append((before, written))
            datas.append(data)
        with files.writing(self._layout.folder):
            head_file = files.write_together(
                self._layout.temporary,
                [
                    *along,
                    *(files.New(self._path(name), data) for (name, _), data in zip(made, datas, strict=True)),
                ],
                also=flushed,
                last=files.New(self._layout.head, made[-1][0].encode() + b"\n"),
            )
            assert head_file is not None
            try:
                if self.head() != expected:
                    raise StoreError(f"HEAD of {self._layout.folder} moved meanwhile: run it again")
                files.replace(head_file, self._layout.head)
            finally:
                files.drop(head_file)
        self._remember(made[-1][0], expected)
        return made

    def remembered(self) -> list[str]:
        """Ids of entries that HEAD was moved to and has to lead to: the newest, and before it any that HEAD did not
        lead to when it was moved next."""
        try:
            lines = files.read(self._layout.last, limit=1 << 20).decode("ascii", "replace").split()
        except (FileNotFoundError, Damaged):
            return []
        return [line for line in lines if is_identity(line)]

    def accept(self, head: str | None) -> None:
        """Takes HEAD as it is now: what it does not lead to is given up. The caller holds the lock."""
        self._write_remembered([head] if head else [])

    def _remember(self, head: str, before: str | None) -> None:
        """Notes where HEAD was moved to, so that it is seen when it is moved back. No flush: what a power failure takes
        of it is missed by nobody."""
        kept = [name for name in self.remembered() if name != before]
        if kept:
            with contextlib.suppress(MlgovError):
                recent = itertools.islice(self._first_parents(before), _NEAR)
                kept = sorted(set(kept).difference(recent), key=kept.index)
        self._write_remembered([*kept, head])

    def _write_remembered(self, names: list[str]) -> None:
        temporary = self._layout.temporary / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            temporary.write_text("".join(f"{name}\n" for name in names), encoding="ascii")
            temporary.replace(self._layout.last)
        except OSError:
            files.drop(temporary)

    def _first_parents(self, name: str | None) -> Iterator[str]:
        while name is not None:
            yield name
            parents = self.read(name).parents
            name = parents[0] if parents else None

    def newest_of(
        self, experiment: str, head: str | None, known: Callable[[str], bool]
    ) -> tuple[int, str | None, str | None] | None:
        """Number and id of the newest snapshot of ``experiment``, as the last entries before ``head`` tell it.

        Looks no further than an entry that is ``known``, which is the third value then; ``(0, None, None)`` where
        there is no snapshot. None where the last entries do not tell: they are too many, or two lines meet. Raises
        ``Missing`` and ``Damaged`` where one of them cannot be read.
        """
        name = head
        for _ in range(_NEAR):
            if name is None:
                return 0, None, None
            if known(name):
                return 0, None, name
            entry = self.read(name)
            number = entry.body.get("number")
            if (
                entry.kind == "snapshot"
                and entry.body.get("experiment") == experiment
                and type(number) is int
            ):
                return number, entry.subject, None
            if len(entry.parents) > 1:
                return None
            name = entry.parents[0] if entry.parents else None
        return None

    def since(self, head: str | None, known: Callable[[str], bool]) -> Iterator[tuple[str, Entry]]:
        """Entries that ``head`` leads to and that are not ``known``, each after all of its parents.

        The order depends on the links only: depth first, the first parent first. Raises ``Missing``,
        ``Damaged``, ``StoreError`` where the chain breaks.
        """
        done: set[str] = set()
        opened: dict[str, Entry] = {}
        pending = [head] if head else []
        while pending:
            name = pending[-1]
            if name in done or known(name):
                pending.pop()
                continue
            if name in opened:
                pending.pop()
                done.add(name)
                yield name, opened.pop(name)
                continue
            entry = opened[name] = self.read(name)
            pending.extend(parent for parent in reversed(entry.parents) if parent not in done)

    def _decode(self, name: str, data: bytes) -> Entry:
        try:
            return decode(data)
        except ValueError as error:
            raise Damaged(f"ledger entry {name} is no ledger entry ({error}); run `mlgov fsck`") from error

    def _path(self, name: str) -> Path:
        return self._layout.entries / name
