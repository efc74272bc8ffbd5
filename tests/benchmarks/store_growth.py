"""A hundred snapshots of a notebook that changes slowly: how the store grows, against what was new in each.

*Unique compressed bytes* are the contents themselves, each once and compressed by the same zstd: sources, outputs,
the notebook's text, kept inputs, models, environments. What the store holds beyond them (manifests, the ledger, the
index, file names) is its overhead. ``diffed`` is a stricter bound, drawn beside it: the same contents in one
compressed stream, where a text that changed in one line costs that line only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
import zstandard

from jupyter_mlgov.store import Store
from tests.benchmarks.measuring import Figure, kernel, tree_bytes

LIMIT = 1.2
CELLS = [
    "import numpy as np, pandas as pd\nfrom sklearn.linear_model import LogisticRegression",
    "loans = pd.read_csv('loans.csv')\nloans.describe()",
    "loans.head(50)",
    "X, y = loans.drop(columns='good'), loans['good']",
    "for name in X:\n    print(name, X[name].mean(), X[name].std())",
    "",
]
EXPERIMENT = (
    "%%experiment baseline\nC = {C}\nmodel = LogisticRegression(C=C, max_iter=500).fit(X, y)\n"
    "accuracy = model.score(X, y)\nprint('accuracy', accuracy)"
)


def data(rows: int) -> str:
    """A table of so many rows, always the same ones first."""
    import numpy as np

    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 8)).round(4)
    lines = [",".join([f"x{place}" for place in range(8)] + ["good"])]
    lines += [
        ",".join(map(str, (*row, int(total > 0))))
        for row, total in zip(values.tolist(), values.sum(axis=1), strict=True)
    ]
    return "\n".join(lines) + "\n"


def write(notebook: Path, cells: list[str]) -> None:
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    for place, cell in enumerate(document.cells):
        cell["id"] = f"cell-{place}"
    nbformat.write(document, notebook)


def measure(*, quick: bool) -> Figure:
    snapshots = 20 if quick else 100
    growth: list[tuple[int, int, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with kernel(root, notebook=root / "loans.ipynb") as session:
            (root / "loans.csv").write_text(data(2000))
            cells = list(CELLS)
            write(root / "loans.ipynb", cells)
            session.must("%load_ext jupyter_mlgov")
            for place, source in enumerate(cells[:-1]):
                session.must(source, cell_id=f"cell-{place}")
            seen: dict[str, bytes] = {}
            for turn in range(snapshots):
                if turn % 20 == 10:  # now and then new data
                    (root / "loans.csv").write_text(data(2000 + turn))
                    session.must(cells[1], cell_id="cell-1")
                    session.must(cells[3], cell_id="cell-3")
                elif turn % 5 == 2:  # or an edit elsewhere
                    cells[4] = f"for name in X:\n    print(name, X[name].mean().round({turn}), X[name].std())"
                    session.must(cells[4], cell_id="cell-4")
                cells[-1] = EXPERIMENT.format(C=1 + turn / 100)
                write(root / "loans.ipynb", cells)
                session.must(cells[-1], cell_id=f"cell-{len(cells) - 1}")
                if turn in (0, snapshots - 1):
                    Store.open(root / ".mlgov").log()  # the index is made by who first asks it
                growth.append((tree_bytes(root / ".mlgov"), *unique(root / ".mlgov", seen)))
        assert len(Store.open(root / ".mlgov").log()) == snapshots
    first, last = growth[0], growth[-1]
    ratio = (last[0] - first[0]) / (last[1] - first[1])
    bars = (("store", last[0] / 1e6), ("unique compressed bytes", last[1] / 1e6), ("diffed", last[2] / 1e6))
    return Figure(
        "100 snapshots of a slowly changing notebook", "store within 1.2 of the unique compressed bytes",
        f"grew by {ratio:.2f} of them ({(last[0] - first[0]) / 1e3 / (snapshots - 1):.1f} kB a snapshot; "
        f"{last[0] / 1e6:.1f} MB in all)",
        ratio / LIMIT, bars=bars, unit="MB",
        note="the whole folder: objects, manifests, ledger, index",
    )  # fmt: skip


def unique(folder: Path, seen: dict[str, bytes]) -> tuple[int, int]:
    """Bytes of every content once, compressed one by one and in one stream."""
    for path in sorted((folder / "objects").glob("*/*"), key=lambda path: path.stat().st_mtime_ns):
        name = path.parent.name + path.name
        if name not in seen:
            with zstandard.ZstdDecompressor().stream_reader(path.read_bytes()) as reader:
                seen[name] = reader.read()
    each = sum(len(zstandard.ZstdCompressor(level=3).compress(content)) for content in seen.values())
    together = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    )
    return each, len(together.compress(b"".join(seen.values())))
