"""Checking a store: every edit, loss or reorder of what was recorded is found and named.

Nothing is changed and nothing is trusted: entries, manifests and objects are read and their digests computed, and
links are followed from ``HEAD``. What nothing names is no problem as long as it is undamaged.

Kinds of problems: ``ledger.head``, ``ledger.rewound``, ``ledger.number``, ``ledger.twice``, ``entry.missing``,
``entry.damaged``, ``entry.body``, ``manifest.missing``, ``manifest.damaged``, ``object.missing``,
``object.damaged``, ``index.differs``.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import Damaged, Missing, MlgovError, StoreError
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Environment
from jupyter_mlgov.records.tree import Tree
from jupyter_mlgov.records.verdict import Problem
from jupyter_mlgov.store import manifests
from jupyter_mlgov.store.chain import Chain
from jupyter_mlgov.store.ledger import Ledger
from jupyter_mlgov.store.objects import Objects
from jupyter_mlgov.store.pieces import Manifests

if TYPE_CHECKING:
    from jupyter_mlgov.store.index import Index
    from jupyter_mlgov.store.tables import Dump

_SHOWN = 3
"""Snapshots that a message names before it counts the rest."""

_NAMED_OBJECTS = {
    "rerun": ("comparison",),
    "release": ("gate",),
    "drift": ("monitoring",),
    "retrain": ("retraining",),
    "lock": ("lock",),
    "import": ("chain", "tree"),
    "assessment": ("assessment", "attributions", "objects"),
}
"""Fields of an entry's body that name objects, by kind."""

_RESTORE = "put it back from a copy of the project"
_UNUSED = "no snapshot needs it: delete the file"


class Check:
    """One run over a store."""

    def __init__(self, ledger: Ledger, manifests: Manifests, objects: Objects, index: Index) -> None:
        self._index = index
        self._kept = index.on_disk()  # before the ledger is read: it must never be ahead of it
        self._remembered = ledger.remembered()
        self._chain = Chain(ledger)
        self._manifests = manifests.afresh()
        self._objects = objects
        self._lines = [self._chain.entries[name] for name in self._chain.readable()]
        self._problems: list[Problem] = []
        self._users: defaultdict[str, list[str]] = defaultdict(list)
        self._environments: set[str] = set()
        self._spoilt: set[str] = set()
        self._labels: dict[str, str] = {}
        for entry in (*self._lines, *self._chain.beyond.values()):
            if _makes_snapshot(entry):
                number = entry.body.get("number")
                label = (
                    f"{entry.body.get('experiment')}@{number}"
                    if number
                    else f"candidate {entry.subject[:12]}"
                )
                self._labels.setdefault(entry.subject, label)

    def run(self) -> list[Problem]:
        """Everything that is wrong, the ledger first."""
        self._check_head()
        self._check_links()
        self._check_bodies()
        self._check_manifests()
        self._check_objects()
        if self._chain.whole and self._kept and self._kept.head == self._chain.head:
            self._check_index(self._kept)
        return self._problems

    def _check_head(self) -> None:
        chain = self._chain
        if chain.fault:
            tips = chain.tips()
            remedy = f"the newest entry is {tips[0]}: write that id into ledger/HEAD" if tips else _RESTORE
            self._add("ledger.head", "ledger/HEAD", chain.fault, self._made(chain.entries), remedy)
        elif chain.whole:
            indexed = (self._kept.head, self._kept.lost) if self._kept else ()
            left = chain.left(*self._remembered, *indexed)
            if left:
                gone = [name for name in chain.walk(left)[0] if name in chain.beyond]
                self._add(
                    "ledger.rewound",
                    "ledger/HEAD",
                    f"HEAD was moved back: it does not lead to entry {left[0]}, which was the newest",
                    self._made(gone),
                    "write that id into ledger/HEAD, or accept the loss with `mlgov reindex`",
                )

    def _check_links(self) -> None:
        chain = self._chain
        recorded = {name: subject for name, _, subject in self._kept.entries} if self._kept else {}
        for name, error in sorted(chain.unreadable.items()):
            kind = "entry.missing" if isinstance(error, Missing) else "entry.damaged"
            if name not in chain.broken:
                loose = "HEAD does not lead to it: delete the file" if chain.whole else _RESTORE
                self._add(kind, name, error, (), loose)
                continue
            own = [recorded[name]] if name in recorded else self._unnamed()
            touched = dict.fromkeys((*self._made(chain.beyond), *own))
            self._add(kind, name, f"{_reason(error)}; what was before it is cut off", touched, _RESTORE)

    def _unnamed(self) -> list[str]:
        """Manifests that no entry names which can be read: an entry that is damaged may."""
        return sorted(
            set(self._manifests.names()) - {entry.subject for entry in self._chain.entries.values()}
        )

    def _check_bodies(self) -> None:
        last: defaultdict[str, int] = defaultdict(int)
        made: set[str] = set()
        for entry in self._lines:
            subject, experiment, number = (
                entry.subject,
                entry.body.get("experiment"),
                entry.body.get("number"),
            )
            if not _makes_snapshot(entry):
                if subject not in made and self._chain.whole:
                    fault = f"a {entry.kind} entry is about {subject}, which is no snapshot before it"
                    self._add("entry.body", subject, fault, (), _RESTORE)
                continue
            if subject in made:
                self._add("ledger.twice", subject, f"{subject} is on the ledger twice", [subject], _RESTORE)
            made.add(subject)
            if not isinstance(experiment, str):
                fault = f"the ledger's entry of {subject} has no experiment"
                self._add("entry.body", subject, fault, [subject], _RESTORE)
            elif entry.kind == "snapshot":
                later = (
                    entry.body.get("imported") is True and type(number) is int and number > last[experiment]
                )
                if number != last[experiment] + 1 and not later and self._chain.whole:
                    fault = f"{experiment!r} has number {number!r} after {last[experiment]}"
                    self._add("ledger.number", f"{experiment}@{number}", fault, [subject], _RESTORE)
                last[experiment] = number if type(number) is int else last[experiment] + 1

    def _check_manifests(self) -> None:
        listed: dict[str, Entry] = {}
        for entry in self._lines:
            if _makes_snapshot(entry):
                listed.setdefault(entry.subject, entry)
        broken: dict[str, StoreError] = {}
        for name in dict.fromkeys((*listed, *sorted(self._manifests.names()))):
            listing = listed.get(name)
            touched = [name] if listing else []
            for digest in self._manifests.pieces(name):
                self._users[digest] += touched
            try:
                manifest = manifests.decode(name, self._manifests.get(name))
            except StoreError as error:
                self._spoilt.update(touched)
                broken[name] = error
                continue
            if listing is None:
                continue
            if (manifest.experiment, manifest.kind) != (listing.body.get("experiment"), listing.kind):
                fault = (
                    f"the ledger calls {name} a {listing.kind} of {listing.body.get('experiment')!r}, "
                    f"its manifest a {manifest.kind} of {manifest.experiment!r}"
                )
                self._add("entry.body", name, fault, touched, _RESTORE)
            self._environments.add(manifest.environment)
            for digest in manifest.objects():
                self._users[digest].append(name)
        resting: defaultdict[str, list[str]] = defaultdict(list)
        for name in broken:
            under = [base for base in self._manifests.bases(name) if base in broken]
            resting[under[-1] if under else name].append(name)
        for name, names in resting.items():  # a broken manifest, and those that rest on it
            kind = "manifest.missing" if isinstance(broken[name], Missing) else "manifest.damaged"
            touched = [one for one in (name, *names) if one in listed]
            self._add(kind, name, broken[name], touched, _RESTORE if touched else _UNUSED)
        for entry in self._lines:
            for field in _NAMED_OBJECTS.get(entry.kind, ()):
                named: Any = entry.body.get(field)
                for digest in named if isinstance(named, list) else [named]:
                    if not isinstance(digest, str):
                        continue
                    self._users[digest].append(entry.subject)
                    if field == "tree":
                        self._users_of_tree(digest, entry.subject)

    def _users_of_tree(self, tree: str, snapshot: str) -> None:
        with contextlib.suppress(StoreError, msgspec.MsgspecError):
            for file in decoded(self._objects.get(tree), Tree).files:
                self._users[file.digest].append(snapshot)

    def _check_objects(self) -> None:
        for digest in dict.fromkeys((*sorted(self._users), *sorted(self._objects.digests()))):
            touched = self._users.get(digest, [])
            try:
                data = self._objects.get(digest)
                if digest in self._environments:
                    decoded(data, Environment)
            except (Missing, Damaged) as error:
                kind = "object.missing" if isinstance(error, Missing) else "object.damaged"
                self._add(kind, digest, error, touched, _RESTORE if touched else _UNUSED)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                fault = f"object {digest} is no environment ({error})"
                self._add("object.damaged", digest, fault, touched, _RESTORE)

    def _check_index(self, kept: Dump) -> None:
        right = self._index.from_ledger()
        if right.head != kept.head:
            return  # somebody wrote meanwhile
        touched = [
            name
            for name in dict.fromkeys((*right.snapshots, *kept.snapshots))
            if name not in self._spoilt and right.snapshots.get(name) != kept.snapshots.get(name)
        ]
        if touched or right.entries != kept.entries:
            fault = "index.sqlite does not say what the ledger says"
            self._add("index.differs", "index.sqlite", fault, touched, "run `mlgov reindex`")

    def _made(self, names: Iterable[str]) -> list[str]:
        entries = (self._chain.entries[name] for name in names if name in self._chain.entries)
        return [entry.subject for entry in entries if _makes_snapshot(entry)]

    def _add(
        self, kind: str, subject: str, fault: MlgovError | str, touched: Iterable[str], remedy: str
    ) -> None:
        snapshots = tuple(dict.fromkeys(touched))
        names = ", ".join(self._labels.get(name, name[:12]) for name in snapshots[:_SHOWN])
        more = f" and {len(snapshots) - _SHOWN} more" if len(snapshots) > _SHOWN else ""
        touches = f"; touches {names}{more}" if snapshots else ""
        message = f"{_reason(fault)}{touches}; {remedy}"
        self._problems.append(
            Problem(kind=kind, subject=subject, message=" ".join(message.split()), snapshots=snapshots)
        )


def _reason(fault: MlgovError | str) -> str:
    """What failed, without the error's own advice to run fsck."""
    return str(fault).split("; run `mlgov fsck`")[0].split(": run `mlgov fsck`")[0]


def _makes_snapshot(entry: Entry) -> bool:
    return entry.kind in ("snapshot", "candidate")
