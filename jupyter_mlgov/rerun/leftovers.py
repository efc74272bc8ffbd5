"""Files of a checkout that no record knows as an input and that make another result all the same."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.compare import Measured
from jupyter_mlgov.rerun.sandbox import located


def left_behind(measured: Measured, root: Path, suspected: list[Finding]) -> tuple[Finding, ...]:
    """What it is that only today's checkout holds, where a run without it gave the recorded result: files that the notebook
    writes itself and adds to, else the folder that it lists (one of the ``suspected``)."""
    own = [
        item
        for item in measured.after.manifest.inputs
        if item.digest is not None and (item.derived or item.rewritten)
    ]
    found = []
    for item in own:
        place = located(item.place(), root)
        if place is not None and place.exists():
            where = f" in {cell_name(item.cell)}" if item.cell is not None else ""
            found.append(
                Finding(
                    cause="data.values", subject=item.uri, cell=item.cell,
                    message=f"{item.uri}, which the notebook itself writes, was there from an earlier run, and what it "
                    f"reads of it{where} is not only its own.",
                    remedy=f"delete {item.uri} before the notebook runs, or write it anew instead of adding to it",
                    confirmed=True,
                )
            )  # fmt: skip
    listed = [one for one in suspected if one.cause == "data.rows"]
    return tuple(found) or tuple(msgspec.structs.replace(one, confirmed=True) for one in listed)
