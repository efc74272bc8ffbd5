"""How a cell's text was edited, in one clause: the line that is another, or what else is, where the lines are the same."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.rerun.alignment import align
from jupyter_mlgov.rerun.side import Side
from jupyter_mlgov.rerun.text_changes import cut_around

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_MESSAGE = re.compile(r"""\s(?:-m|--message)[ =]("[^"]*"|'[^']*'|\S+)""")


def one_line(text: str, width: int = 70) -> str:
    """The first line of code, or several in one where ``width`` leaves room."""
    lines = [
        line.strip()
        for line in text.splitlines()
        if line.strip() and not line.startswith(("# Parameters", "%%"))
    ]
    line = "; ".join(lines) if width > 70 else (lines[0] if lines else "")
    return f"`{line[: width - 3]}...`" if len(line) > width else f"`{line}`"


def edit(old: str, new: str) -> str:
    """What of a cell's code is another, before and now."""
    # The header of a cell is no code: what it says of the run (a message, say) explains no difference.
    before, after = _code(old), _code(new)
    was, now = [line.strip() for line in before], [line.strip() for line in after]
    gone = [line for line in was if line not in now]
    come = [line for line in now if line not in was]
    if not gone and not come:
        return _written_otherwise(old, new)
    if not gone:
        return f"{one_line(come[0])} was added"
    if not come:
        return f"{one_line(gone[0])} was taken out"
    one, other = cut_around(gone[0], come[0], width=70)
    return f"`{one}` is `{other}` now"


def _code(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("%%")]


def _headers(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("%%")]


def _written_otherwise(old: str, new: str) -> str:
    """What differs between cells whose lines of code say the same."""
    before, after = _code(old), _code(new)
    pairs = list(zip(before, after, strict=False))
    if [line.strip() for line in before] == [line.strip() for line in after]:
        indented = next(((one, other) for one, other in pairs if one != other), None)
        if indented is not None:
            return f"the indentation of `{indented[0].strip()[:60]}` is another"
        for one, other in zip_longest(_headers(old), _headers(new), fillvalue=""):
            if one != other:
                one, other = cut_around(one, other, width=70)
                return f"`{one}` is `{other}` now"
    if sorted(line.strip() for line in before) == sorted(line.strip() for line in after):
        return "its lines stand in another order"
    return "a line stands there more often, or less"


def header_changes(store: Store, one: str, other: str) -> str:
    """A sentence for each magic line of two snapshots' cells that is another, and for each charter and risk: they change
    what is recorded and judged, and no result. Messages of a run are no change."""
    before, after = Side(store, one), Side(store, other)
    said = []
    for pair in align(before, after).pairs:
        old, new = pair.before, pair.after
        if old is None or new is None or old.type != "code":
            continue
        texts = [_MESSAGE.sub("", side.source(cell).strip()) for side, cell in ((before, old), (after, new))]
        heads = [_headers(text) for text in texts]
        where = cell_name(old.index)
        if heads[0] != heads[1]:
            was, now = cut_around(" ".join(heads[0]), " ".join(heads[1]))
            change = (
                f"`{was}` is `{now}` now" if was and now else f"`{now}` is new" if now else f"`{was}` is gone"
            )
            said.append(f"On top of {where}, {change}.")
        if (
            heads[0][:1]
            and heads[0][0].startswith(("%%charter", "%%risk"))
            and _code(texts[0]) != _code(texts[1])
        ):
            said.append(f"In {where}, {heads[0][0].split()[0]}: {edit(*texts)}.")
    return " ".join(said)
