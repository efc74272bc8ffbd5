"""Plots: a JSON file of measurements, figures as PNG and SVG, a styled table, widgets."""

from __future__ import annotations

import json

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import json\nfrom pathlib import Path\nimport matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n%matplotlib inline",
    "data = json.loads(Path('measured.json').read_text())\nframe = pd.DataFrame(data['rows'])\nframe",
    "fig, ax = plt.subplots(figsize=(4, 3))\nax.scatter(frame['x'], frame['y'], c='steelblue')\nax.set_title('measured')",
    "plt.figure(figsize=(4, 3))\nplt.hist(frame['y'], bins=8)\nplt.xlabel('y')\nplt.show()",
    "slope, offset = np.polyfit(frame['x'], frame['y'], 1)\nprint('slope', slope, 'offset', offset)",
    "frame.style.format('{:.2f}').highlight_max()",
    "%%experiment figures\nresidual = frame['y'] - (slope * frame['x'] + offset)\nrmse = float(np.sqrt((residual ** 2).mean()))",
)


def make(folder: Folder) -> None:
    rows = drawn(3, 60, lambda _, n: round(10 * n[0], 3), lambda _, n: round(4 * n[0] + n[1], 3))
    made = [dict(zip(("x", "y"), map(float, row.split(",")), strict=True)) for row in rows]
    folder.write("measured.json", json.dumps({"unit": "mm", "rows": made}, indent=1))


def _value(folder: Folder) -> None:
    data = json.loads(folder.read("measured.json"))
    data["rows"][10]["y"] += 7.5
    folder.write("measured.json", json.dumps(data, indent=1))


def _reformatted(folder: Folder) -> None:
    folder.write("measured.json", json.dumps(json.loads(folder.read("measured.json"))))


PICTURE = (
    "import io, time\nfrom IPython.display import Image, display\nbuffer = io.BytesIO()\n"
    "fig.savefig(buffer, format='png', metadata={'Creation Time': str(time.time())})\ndisplay(Image(buffer.getvalue()))\n"
)
SUBJECT = Subject(
    name="figures",
    what="plots",
    make=make,
    cells=CELLS,
    faults=(
        Fault("value in a JSON file", "data.values", "measured.json", after=_value, cell=1, variable="frame"),
        Fault("JSON rewritten equal", after=_reformatted),
        Fault("file missing", "data.missing", "measured.json", after=lambda f: (f.path / "measured.json").unlink()),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("polyfit(frame['x'], frame['y'], 1)", "polyfit(frame['x'][:50], frame['y'][:50], 1)"), cell=4),
        Fault("figure pixels", "code.cell", "analysis.ipynb", after=lambda f: f.edit("steelblue", "firebrick"), cell=2),
        Fault("bins of a figure", "code.cell", "analysis.ipynb", after=lambda f: f.edit("bins=8", "bins=9"), cell=3),
        Fault("figure metadata", written=lambda f: f.edit("slope, offset", PICTURE + "slope, offset")),
        Fault("SVG figure", written=lambda f: f.edit("%matplotlib inline", "%matplotlib inline\n%config InlineBackend.figure_formats = ['svg']")),
        Fault("random points in a figure", "randomness.unseeded", written=lambda f: f.edit("frame['y'], c='steelblue'", "frame['y'] + np.random.normal(size=len(frame)), c='steelblue'"), cell=2),
        Fault("unseeded generator", "randomness.unseeded", "residual", written=lambda f: f.edit("residual = frame['y']", "residual = frame['y'] + np.random.normal(size=len(frame))"), also=(), cell=6),
        Fault("seeded generator", written=lambda f: f.edit("residual = frame['y']", "rng = np.random.default_rng(5)\nresidual = frame['y'] + rng.normal(size=len(frame))")),
        Fault("comment or format edit", after=lambda f: f.edit("plt.xlabel('y')", "plt.xlabel(\"y\")  # millimetres")),
        Fault("widget output", written=lambda f: f.edit("slope, offset", "import ipywidgets\nfrom IPython.display import display\nbar = ipywidgets.IntProgress(max=3)\ndisplay(bar)\nbar.value = 3\nslope, offset")),
        Fault("addresses and ids", written=lambda f: f.edit("plt.show()", "lines = plt.plot([0, 1], [0, 1])\nprint(lines, ax)\nplt.show()")),
        Fault("HTML ids", written=lambda f: f.edit("slope, offset", "import uuid\nfrom IPython.display import HTML, display\ndisplay(HTML(f'<div id=\"{uuid.uuid4()}\"><b>done</b></div>'))\nslope, offset")),
        Fault("cell added", "code.cell", "analysis.ipynb", after=lambda f: f.write_cells([*f.cells()[:4], "frame = frame[frame['x'] > 1]", *f.cells()[4:]])),
        Fault("cell moved", "code.cell", "analysis.ipynb", written=lambda f: f.edit("plt.figure(figsize", "frame['y'] = frame['y'] * 2\nplt.figure(figsize"), after=lambda f: f.write_cells([*f.cells()[:3], f.cells()[4], f.cells()[3], *f.cells()[5:]])),
        Fault("out-of-order execution", "hidden-state.order", "offset", written=lambda f: f.edit("frame.style.format('{:.2f}').highlight_max()", "offset = 0.0"), session=(0, 1, 2, 3, 5, 4, 6)),
        Fault("unchanged"),
        Fault("unchanged, in a session", session=tuple(range(7))),
    ),
    pairs=(
        ("value in a JSON file", "figure pixels"),
        ("cell edited after the run", "comment or format edit"),
        ("value in a JSON file", "unseeded generator"),
    ),
)  # fmt: skip
