"""A training loop by hand: batches, epochs that print a loss and a time, bars, a checkpoint, a chart with data."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import logging\nimport os\nimport pickle\nimport sys\nimport time\nfrom pathlib import Path\nimport numpy as np\nfrom IPython.display import clear_output, display\nfrom tqdm.auto import tqdm, trange",
    "SEED, EPOCHS, LR = 3, 5, 0.05\nnp.random.seed(SEED)",
    "with np.load('data.npz') as data:\n    X, y = data['X'], data['y']\nX.shape, y.mean()",
    "def batches(size=16):\n    order = np.random.permutation(len(X))\n    for start in range(0, len(X), size):\n        yield order[start:start + size]\n\ndef loss(w):\n    return float(np.mean((X @ w - y) ** 2))",
    "w = np.random.normal(size=X.shape[1])\nhistory = []\nfor epoch in trange(EPOCHS, desc='training'):\n    began = time.time()\n    for batch in batches():\n        w -= LR * 2 * X[batch].T @ (X[batch] @ w - y[batch]) / len(batch)\n    history.append(loss(w))\n    print(f'Epoch {epoch + 1}/{EPOCHS} - loss: {history[-1]:.4f} - {time.time() - began:.2f}s')",
    "Path('checkpoints').mkdir(exist_ok=True)\nwith open('checkpoints/last.pkl', 'wb') as file:\n    pickle.dump({'w': w, 'epoch': EPOCHS}, file)\nrestored = pickle.loads(Path('checkpoints/last.pkl').read_bytes())\nrestored['epoch'], restored['w'].round(4)",
    "chart = {'mark': 'line', 'data': {'values': [{'epoch': i, 'loss': v} for i, v in enumerate(history)]}, 'encoding': {'x': {'field': 'epoch'}, 'y': {'field': 'loss'}}}\ndisplay({'application/vnd.vegalite.v5+json': chart, 'text/plain': '<a chart>'}, raw=True)",
    "%%experiment training\nfinal = loss(restored['w'])\nimprovement = history[0] / final\nprint(f'final loss {final:.6f}')",
)


def make(folder: Folder) -> None:
    _data(folder)


def _data(
    folder: Folder, *, rows: int = 120, shift: float = 0.0, noise: int = 5, dtype: str = "float64"
) -> None:
    import numpy as np

    rng = np.random.default_rng(noise)
    X = rng.normal(size=(rows, 4))
    y = X @ np.array([1.0, -2.0, 0.5, 3.0]) + rng.normal(scale=0.3, size=rows)
    y[7] += shift
    np.savez(folder.path / "data.npz", X=X.astype(dtype), y=y)


NOISE = "class Noise(float):\n    def __repr__(self):\n        return f'noise {float(self):.3f}'\n\n\ndef level(x):\n    return Noise(x.std())\n"
USED = "import noisekit\nprint(noisekit.level(y))\n"


def _with_package(first: str):  # type: ignore[no-untyped-def]
    def written(folder: Folder) -> None:
        folder.install("noisekit", "1.4.0", noisekit=first)
        folder.edit("final = loss", USED + "scale = float(noisekit.level(y))\nfinal = loss")

    return written


SUBJECT = Subject(
    name="training",
    what="a training loop",
    make=make,
    cells=CELLS,
    general=("notebook saved with outputs",),
    faults=(
        Fault("rows deleted in an array file", "data.rows", "data.npz", after=lambda f: _data(f, rows=90), cell=2, also=("data.values",)),
        Fault("chart edited", "code.cell", "analysis.ipynb", after=lambda f: f.edit("'mark': 'line'", "'mark': 'bar'"), cell=6),
        Fault("no seed", "randomness.unseeded", written=lambda f: f.edit("\nnp.random.seed(SEED)", ""), cell=4),
        Fault("seed after the first draw", "randomness.unseeded", written=lambda f: (f.edit("\nnp.random.seed(SEED)", "\nstart = np.random.rand(4)\nnp.random.seed(SEED)"), f.edit("w = np.random.normal(size=X.shape[1])", "w = start.copy()"))[0], cell=1),
        Fault("display updated", written=lambda f: f.edit("history = []", "history = []\nshown = display('starting', display_id=True)\nfor i in range(3):\n    shown.update(f'step {i}')\nfor i in range(3):\n    clear_output(wait=True)\n    print('step', i)")),
        Fault("log with times and processes", written=lambda f: f.edit("history = []", "history = []\nlogging.basicConfig(stream=sys.stdout, level='INFO', format='%(asctime)s [%(process)d] %(levelname)s %(message)s', force=True)\nlogging.info('training on %d rows', len(X))")),
        Fault("package that changes a value", "environment.package", "noisekit", written=_with_package(NOISE), after=lambda f: f.install("noisekit", "2.0.0", noisekit=NOISE.replace("x.std()", "x.std() * 1.1")), cell=7),
        Fault("package that only moves low bits", written=_with_package(NOISE), after=lambda f: f.install("noisekit", "1.4.1", noisekit=NOISE.replace("x.std()", "((x - x.mean()) ** 2).mean() ** 0.5"))),
        Fault("weights trained twice", "hidden-state.repeated-run", written=lambda f: f.write_cells([*f.cells()[:4], f.cells()[4].partition("\n")[0], f.cells()[4].partition("\n")[2], *f.cells()[5:]]), session=(0, 1, 2, 3, 4, 5, 5, 6, 7, 8), cell=5, verdicts=("diverged",)),
    ),
    pairs=(("package that changes a value", "no seed"),),
)  # fmt: skip
