"""What a report costs beside nbconvert's HTML of the same notebook: ``make bench`` writes docs/reference/report-cost.md.

A notebook of 200 code cells with 50 MB of outputs (texts, tables, images) is recorded once; then its report and
nbconvert's page are made in turns, each in a process of its own. Processor time and size are compared, so that a busy
machine does not count. It fails where the report takes more time or more room.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import zlib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import CellRecord, Environment, Manifest, Notebook
from jupyter_mlgov.store import Store
from tests.benchmarks.__main__ import machine
from tests.benchmarks.measuring import ROOT, in_turns

PAGE = ROOT / "docs" / "reference" / "report-cost.md"
REPORT = "import sys; from jupyter_mlgov.project import Project; Project.open(sys.argv[1]).report('big', sys.argv[2])"
HTML = (
    "import sys, pathlib; from nbconvert import HTMLExporter; "
    "pathlib.Path(sys.argv[2]).write_text(HTMLExporter().from_filename(sys.argv[1] + '/big.ipynb')[0])"
)


def outputs(cell: int, size: int) -> list[dict[str, Any]]:
    """``size`` bytes of outputs of one cell: a third each of text, table and image."""
    part = size // 3
    line = f"cell {cell}: epoch 1 loss 0.123456 accuracy 0.654321\n"
    row = "<tr><th>1</th><td>0.123456</td><td>some text</td></tr>"
    table = f"<table border=1 class=dataframe><tbody>{row * (part // len(row))}</tbody></table>"
    return [
        {"output_type": "stream", "name": "stdout", "text": line * (part // len(line))},
        {
            "output_type": "display_data",
            "data": {"text/html": table, "text/plain": "a table"},
            "metadata": {},
        },
        {"output_type": "display_data", "data": {"image/png": picture(part * 3 // 4)}, "metadata": {}},
    ]


def picture(size: int) -> str:
    """A PNG of noise of about ``size`` bytes, in base64."""
    side = max(int((size / 3) ** 0.5), 1)
    rows = b"".join(b"\0" + os.urandom(side * 3) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )
    return base64.b64encode(data).decode()


def make(folder: Path, cells: int, size: int) -> None:
    """The notebook on disk, and its snapshot in a store."""
    store = Store.create(folder / ".mlgov")
    document: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    records = []
    for place in range(cells):
        source, shown = f"train(step={place})", outputs(place, size // cells)
        document["cells"].append(
            {"cell_type": "code", "id": f"c{place}", "metadata": {}, "source": source, "outputs": shown,
             "execution_count": place + 1}
        )  # fmt: skip
        text, kept = store.put_all([source.encode(), json.dumps(shown).encode()])
        records.append(
            CellRecord(
                index=place, id=f"c{place}", type="code", source=text, outputs=kept, status="ok", runs=1
            )
        )
    (folder / "big.ipynb").write_text(json.dumps(document))
    held = store.put(canonical(Environment(python="3.11", platform="", packages={})))
    notebook = Notebook(
        path="big.ipynb",
        order="linear",
        document=store.put(json.dumps(document).encode()),
        cells=tuple(records),
    )
    store.commit(
        Manifest(
            experiment="big",
            created_at="2026-11-26T10:00:00Z",
            environment=held,
            notebook=notebook,
            cell=cells - 1,
        )
    )


def measure(rounds: int, cells: int, megabytes: int) -> dict[str, tuple[float, int]]:
    """Seconds of processor time (the median) and bytes of each way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, cells, megabytes * 1_000_000)

        def timed(way: str, code: str) -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            out = folder / f"{way}.html"
            subprocess.run(
                [sys.executable, "-c", code, str(folder), str(out)], check=True, capture_output=True
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        ways = {"mlgov": REPORT, "nbconvert": HTML}
        found = in_turns({way: lambda way=way: timed(way, ways[way]) for way in ways}, rounds)  # type: ignore[misc]
        sizes = {way: (folder / f"{way}.html").stat().st_size for way in ways}
    return {way: (statistics.median(found[way]), sizes[way]) for way in ways}


def page(found: dict[str, tuple[float, int]], options: argparse.Namespace) -> str:
    """The table as Markdown."""
    lines = [
        "# What a report costs", "",
        f"Written by `make bench`. A notebook of {options.cells} cells with {options.megabytes} MB of outputs, a third each of text,",
        "tables and images: its governance report and the HTML that nbconvert makes of it, in turns, each in a process of its own.",
        f"Processor time is the median of {options.rounds}. The report shows outputs up to a budget of 12 MB whole, those past it in short",
        "(the first lines, thumbnails of images) up to 3 MB more, and then counts them; all of them are in the record, by digest.", "",
        f"{machine()}, {datetime.now(UTC):%Y-%m-%d}.", "",
        "| | processor time | size |", "|---|---|---|",
    ]  # fmt: skip
    names = {
        "mlgov": "`mlgov report`",
        "nbconvert": f"`jupyter nbconvert --to html` ({version('nbconvert')})",
    }
    lines += [
        f"| {names[way]} | {seconds:.1f} s | {size / 1e6:.1f} MB |" for way, (seconds, size) in found.items()
    ]
    (seconds, size), (other_seconds, other_size) = found["mlgov"], found["nbconvert"]
    lines += ["", f"Ratio: {seconds / other_seconds:.2f} of the time, {size / other_size:.2f} of the size. "
              "Target: at most 1 of both.", ""]  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.report_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="rewrite docs/reference/report-cost.md")
    options = parser.parse_args()
    found = measure(options.rounds, options.cells, options.megabytes)
    text = page(found, options)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    (seconds, size), (other_seconds, other_size) = found["mlgov"], found["nbconvert"]
    return 0 if seconds <= other_seconds and size <= other_size else 1


if __name__ == "__main__":
    sys.exit(main())
