"""The ledger as it lies on disk, read without trusting it: which entries ``HEAD`` leads to and where it breaks.

Entries that ``HEAD`` does not lead to are no fault as such: a writer that was killed leaves one. But an entry is
named as parent only after ``HEAD`` was there, so an unreached entry *with* an unreached parent was part of the
ledger once.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlgov.errors import MlgovError, StoreError
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.store.ledger import Ledger


class Chain:
    """Every entry file of a ledger, and what links them.

    ``entries`` and ``unreadable`` are by name. ``head`` is None before the first entry and where ``fault``, the
    error of reading it, is set. ``reached`` holds what ``head`` leads to, parents first; ``broken`` the names at
    which a line ends because they cannot be read.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.entries: dict[str, Entry] = {}
        self.unreadable: dict[str, MlgovError] = {}
        self.head: str | None = None
        self.fault: StoreError | None = None
        # The names before HEAD: what another process appends meanwhile must not look like something lost.
        names = list(ledger.names())
        try:
            self.head = ledger.head()
        except StoreError as error:
            self.fault = error
        for name in names:
            self._load(name)
        self.reached, self.broken = self.walk([self.head] if self.head else [])
        inside = set(self.reached)
        self.beyond = {name: entry for name, entry in self.entries.items() if name not in inside}

    @property
    def whole(self) -> bool:
        """Whether ``HEAD`` and every link from it hold."""
        return self.fault is None and not self.broken

    def walk(self, roots: Iterable[str]) -> tuple[list[str], set[str]]:
        """Readable entries that ``roots`` lead to, parents first (the first parent's line before the others),
        and the unreadable names."""
        order: list[str] = []
        broken: set[str] = set()
        seen: set[str] = set()
        pending = [(name, False) for name in roots]
        while pending:
            name, opened = pending.pop()
            if opened:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                entry = self._load(name)
                if entry is None:
                    broken.add(name)
                    continue
                pending.append((name, True))
                pending.extend((parent, False) for parent in reversed(entry.parents))
        return order, broken

    def tips(self) -> list[str]:
        """Entries that no other names, the one with the longest line behind it first."""
        named = {parent for entry in self.entries.values() for parent in entry.parents}
        tips = sorted(name for name in self.entries if name not in named)
        return sorted(tips, key=lambda name: -len(self.walk([name])[0])) if len(tips) > 1 else tips

    def left(self, *seen: str | None) -> list[str]:
        """The newest entries of lines that ``HEAD`` led to once and no longer does; empty when it was never
        moved back. ``seen`` are ids that are known to have been HEAD."""
        known = {name for name in seen if name and (name in self.beyond or name not in self.entries)}
        tips = [
            tip
            for tip in self.tips()
            if tip in self.beyond
            and (tip in known or any(parent in self.beyond for parent in self.entries[tip].parents))
        ]
        reachable = set(self.walk(tips)[0])
        return tips + sorted(known - reachable)

    def readable(self) -> list[str]:
        """``reached``; where the chain is not whole, everything else that can be read too, parents first."""
        if self.whole:
            return self.reached
        return list(dict.fromkeys((*self.reached, *self.walk(self.tips())[0])))

    def _load(self, name: str) -> Entry | None:
        if name not in self.entries and name not in self.unreadable:
            try:
                self.entries[name] = self._ledger.read(name)
            except MlgovError as error:
                self.unreadable[name] = error
        return self.entries.get(name)
