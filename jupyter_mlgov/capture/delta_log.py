"""A Delta table is a folder of Parquet files and a log of which of them are in it.

Files that an overwrite or a deletion took out of the table stay in the folder until it is vacuumed, and the log's own
files are no rows: what a table holds is said by its log alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

LOG = "_delta_log/"


def files_in_table(base: str, members: Iterable[str]) -> frozenset[str] | None:
    """Which ``members`` of the folder ``base`` its newest version holds. None where it is no Delta table, and where its
    log cannot be read from the first version on, or takes single rows out of files."""
    commits = sorted(name for name in members if name.startswith(LOG) and name.endswith(".json"))
    if [name[len(LOG) : -len(".json")] for name in commits] != [f"{n:020d}" for n in range(len(commits))]:
        return None
    held: set[str] = set()
    try:
        for name in commits:
            for line in (Path(base) / name).read_text(encoding="utf-8").splitlines():
                action = json.loads(line)
                if "add" in action:
                    if action["add"].get("deletionVector"):
                        return None
                    held.add(unquote(action["add"]["path"]))
                elif "remove" in action:
                    held.discard(unquote(action["remove"]["path"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return frozenset(held) if commits else None


def is_delta(members: Iterable[str]) -> bool:
    """True for a folder with a log in it."""
    return any(name.startswith(LOG) for name in members)
