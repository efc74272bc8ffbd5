"""Which snapshot of an experiment is the last, told without the index.

A process that only makes snapshots never loads the index: the last entries of the ledger say it, or what this process
wrote itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

from jupyter_mlgov.store.ledger import Ledger


class Last(NamedTuple):
    """The newest snapshot of an experiment: its number, 0 where there is none, and its id."""

    number: int
    snapshot: str | None


class Numbers:
    """What is known of some experiments as of one entry of the ledger. Safe to use from several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, Last] = {}
        self._at: str | None = None
        self._guard = threading.Lock()

    def near(self, experiment: str, head: str | None) -> Last | None:
        """The last snapshot as of ``head``, from what is known and the newest entries; None where they do not say it."""
        with self._guard:
            at, known = self._at, self._known
        found = self._ledger.newest_of(experiment, head, lambda name: name == at and experiment in known)
        if found is None:
            return None
        number, snapshot, met = found
        return known[experiment] if met is not None else Last(number, snapshot)

    def note(self, last: Mapping[str, Last], before: str | None, head: str) -> None:
        """Remembers what is last as of ``head``; what was known ``before`` still holds where nobody else wrote."""
        with self._guard:
            self._known = {**(self._known if self._at == before else {}), **last}
            self._at = head
