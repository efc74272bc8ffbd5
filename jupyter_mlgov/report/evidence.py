"""How a thing is known, and the smallest things that are said with it.

A ``State`` is never left out:

- *measured*: computed or hashed by the software while the cells ran, or by executing them again
- *asserted*: typed by a person; nothing here checked it
- *missing*: not recorded, or recorded and no longer readable
- *stale*: measured or said about something that is not so any more
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["measured", "asserted", "missing", "stale"]
Tone = Literal["good", "bad", "warn", "quiet"]


@dataclass(frozen=True)
class Digest:
    """A name made from content: ``short`` to read, ``full`` to check."""

    short: str
    full: str


@dataclass(frozen=True)
class Fact:
    """One labelled value. ``exact`` is the value with nothing rounded or shortened, where that differs."""

    label: str
    value: str
    state: State
    note: str = ""
    exact: str = ""
    code: bool = False
