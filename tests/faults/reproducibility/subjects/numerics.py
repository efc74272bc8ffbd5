"""Numerics: linear algebra, an integration, threads that add up, warnings, arrays in files."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import math\nfrom concurrent.futures import ThreadPoolExecutor, as_completed\nimport numpy as np\nfrom scipy import integrate, optimize",
    "K = np.load('stiffness.npy')\nload = np.loadtxt('load.txt')\nprint(K.shape, np.linalg.cond(K))",
    "u = np.linalg.solve(K, load)\nu[:4]",
    "def spring(t, y, damping=0.3):\n    return [y[1], -y[0] - damping * y[1]]\n\nsolution = integrate.solve_ivp(spring, (0, 10), [1.0, 0.0], rtol=1e-8)\nsolution.y[:, -1]",
    "root = optimize.brentq(lambda x: math.cos(x) - x, 0, 1)\nprint(f'root {root:.12f}')",
    "parts = [float(np.sum(u[i::4])) for i in range(4)]\nparts",
    "%%experiment numerics\nenergy = float(0.5 * u @ K @ u)\nwork = float(load @ u)\nbalance = energy / work\nprint(energy, work, balance)",
)


def make(folder: Folder) -> None:
    import numpy as np

    size = 40
    K = 2.1 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    np.save(folder.path / "stiffness.npy", K)
    folder.write("load.txt", "\n".join(f"{0.1 * (i % 7) + 0.05:.3f}" for i in range(size)) + "\n")


def _array(folder: Folder) -> None:
    import numpy as np

    K = np.load(folder.path / "stiffness.npy")
    K[5, 5] += 0.2
    np.save(folder.path / "stiffness.npy", K)


FINISHED = (
    "import random, time\n\ndef part(i):\n    time.sleep(random.SystemRandom().random() / 20)\n    return i\n\n"
    "with ThreadPoolExecutor(8) as pool:\n    done = [f.result() for f in as_completed([pool.submit(part, i) for i in range(12)])]\n"
)
SUMMED = FINISHED.replace("return i\n", "return (-1) ** i * 10.0 ** (i % 9 - 4) / 3\n")
FAST = "import math\n\n\ndef total(values):\n    return math.fsum(values)\n"
LOOSE = "def total(values):\n    return sum(reversed(list(values)))\n"
WRONG = "def total(values):\n    return sum(values) * 1.01\n"
REPR = "class Total(float):\n    def __repr__(self):\n        return f'Total<{float(self):.6f}>'\n\n\ndef total(values):\n    return Total(sum(values))\n"
REPR2 = REPR.replace("Total<", "Sum<")
USE = "import fastsum\nwhole = fastsum.total(parts)\nprint(repr(whole))\n"


def _with_package(first: str) -> object:
    def written(folder: Folder) -> None:
        folder.install("fastsum", "1.0", fastsum=first)
        folder.edit("energy = float", USE + "energy = float")

    return written


SUBJECT = Subject(
    name="numerics",
    what="numerics",
    make=make,
    cells=CELLS,
    faults=(
        Fault("value in an array file", "data.values", "stiffness.npy", after=_array, cell=1),
        Fault("value in a text file", "data.values", "load.txt", after=lambda f: f.replace("load.txt", "0.350", "0.450"), cell=1),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("0.5 * u @ K @ u", "0.5 * u @ (K @ u) + 0.01"), cell=6),
        Fault("tolerance edited", "code.cell", "analysis.ipynb", after=lambda f: f.edit("rtol=1e-8", "rtol=1e-3"), cell=3),
        Fault("edit without effect", after=lambda f: f.edit("0.5 * u @ K @ u", "0.5 * (u @ K @ u)")),
        Fault("package that changes a value", "environment.package", "fastsum", written=_with_package(FAST), after=lambda f: f.install("fastsum", "2.0", fastsum=WRONG), cell=6),  # type: ignore[arg-type]
        Fault("package that changes only a repr", "environment.cosmetic", "fastsum", written=_with_package(REPR), after=lambda f: f.install("fastsum", "2.0", fastsum=REPR2), cell=6, verdicts=("diverged", "equivalent")),  # type: ignore[arg-type]
        Fault("package removed", "environment.package", "fastsum", written=_with_package(FAST), after=lambda f: f.uninstall("fastsum"), cell=6),  # type: ignore[arg-type]
        Fault("package of another version, same result", written=_with_package(FAST), after=lambda f: f.install("fastsum", "2.0", fastsum=FAST)),  # type: ignore[arg-type]
        Fault("low bits", written=_with_package(FAST), after=lambda f: f.install("fastsum", "1.1", fastsum=LOOSE)),  # type: ignore[arg-type]
        Fault("thread completion order", "randomness.threads", written=lambda f: f.edit("energy = float", FINISHED + "print(done)\nfirst = float(sum(i * value for i, value in enumerate(done)))\nenergy = float"), cell=6),
        Fault("thread reduction order", written=lambda f: f.edit("energy = float", SUMMED + "reduced = sum(done)\nprint(reduced)\nenergy = float")),
        Fault("unseeded generator", "randomness.unseeded", written=lambda f: f.edit("u = np.linalg.solve(K, load)", "load = load + np.random.rand(len(load)) / 10\nu = np.linalg.solve(K, load)"), cell=2),
        Fault("seeded generator", written=lambda f: f.edit("u = np.linalg.solve(K, load)", "load = load + np.random.RandomState(3).rand(len(load)) / 10\nu = np.linalg.solve(K, load)")),
        Fault("timing text", written=lambda f: f.edit("energy = float", "import time\nt0 = time.perf_counter()\nfor _ in range(10):\n    np.linalg.solve(K, load)\nt1 = time.perf_counter()\nprint(f'{(t1 - t0) / 10 * 1e3:.3f} ms per solve, {len(load)} unknowns')\nelapsed = t1 - t0\nenergy = float")),
        Fault("temporary paths", written=lambda f: f.edit("root = ", "import tempfile, os\nscratch = tempfile.mkdtemp()\nprint('writing to', os.path.join(scratch, 'u.npy'))\nnp.save(os.path.join(scratch, 'u.npy'), u)\nroot = ")),
        Fault("intended error", written=lambda f: f.edit("root = optimize", "print('next fails')\nnp.linalg.inv(np.zeros((2, 2)))\nroot = optimize"), session=tuple(range(7))),
        Fault("cell run twice", "hidden-state.repeated-run", "u", written=lambda f: f.edit("parts = [", "u += 0.001\nparts = ["), session=(0, 1, 2, 3, 4, 5, 5, 5, 6), cell=5),
        Fault("cell run twice without effect", session=(0, 1, 2, 2, 3, 4, 5, 5, 6)),
        Fault("out-of-order execution", "hidden-state.order", "load", written=lambda f: f.edit("root = ", "load = load * 3\nroot = "), session=(0, 1, 4, 2, 3, 5, 6)),
        Fault("out of order without effect", session=(0, 1, 4, 3, 2, 5, 6)),
        Fault("deleted cell that defined a name", "hidden-state.deleted-cell", "u", session=(0, 1, 2, 3, 4, "u = u * 1.5", 5, 6)),
        Fault("unchanged"),
    ),
    pairs=(
        ("value in an array file", "cell edited after the run"),
        ("value in a text file", "thread completion order"),
        ("package that changes a value", "value in a text file"),
        ("package that changes a value", "cell edited after the run"),
    ),
)  # fmt: skip
