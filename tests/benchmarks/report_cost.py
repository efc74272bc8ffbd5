"""What a report costs beside nbconvert's HTML of the same notebook: ``make bench``.

A notebook of 200 code cells with 50 MB of outputs (texts, tables, images) is recorded once; then its report and
nbconvert's page are made in turns, each in a process of its own. Processor time and size are compared, so that a busy machine does
not count; nothing here is a test.
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
from pathlib import Path
from typing import Any

from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import CellRecord, Environment, Manifest, Notebook
from jupyter_mlgov.store import Store

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.cells, options.megabytes * 1_000_000)
        seconds: dict[str, list[float]] = {"report": [], "nbconvert": []}
        sizes: dict[str, int] = {}
        for _ in range(options.rounds):
            for way, code in (("report", REPORT), ("nbconvert", HTML)):
                out = folder / f"{way}.html"
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run(
                    [sys.executable, "-c", code, str(folder), str(out)], check=True, capture_output=True
                )
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                seconds[way].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
                sizes[way] = out.stat().st_size
    print(f"{options.cells} cells, {options.megabytes} MB of outputs, median of {options.rounds}:")
    for way, found in seconds.items():
        print(f"  {way:10} {statistics.median(found):6.2f} s of processor time  {sizes[way] / 1e6:6.1f} MB")


if __name__ == "__main__":
    main()
