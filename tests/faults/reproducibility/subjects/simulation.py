"""A simulation: parameters in a tagged cell, generators of several kinds, numba, threads, a table of scenarios."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import math\nimport random\nimport threading\nimport time\nfrom concurrent.futures import ThreadPoolExecutor, as_completed\nfrom dataclasses import dataclass\nimport numpy as np\nimport pandas as pd",
    "arrivals = 0.8\nservers = 2\nhorizon = 200",
    "@dataclass\nclass Queue:\n    servers: int\n    waiting: list\n\n    def longest(self):\n        return max(self.waiting, default=0.0)\n\n"
    "def simulate(rate, servers, horizon, rng):\n    free = [0.0] * servers\n    clock, waits = 0.0, []\n    while clock < horizon:\n        clock += rng.exponential(1 / rate)\n"
    "        k = min(range(servers), key=free.__getitem__)\n        start = max(clock, free[k])\n        waits.append(start - clock)\n        free[k] = start + rng.exponential(1.5)\n    return Queue(servers, waits)",
    "rng = np.random.default_rng(2024)\nbase = simulate(arrivals, servers, horizon, rng)\nprint('customers', len(base.waiting), 'longest', base.longest())",
    "scenarios = pd.read_csv('scenarios.csv')\nscenarios['mean_wait'] = [float(np.mean(simulate(row.rate, int(row.servers), horizon, np.random.default_rng(i)).waiting)) for i, row in enumerate(scenarios.itertuples())]\nscenarios",
    "random.seed(11)\ntour = list(range(8))\nrandom.shuffle(tour)\ntour",
    "%%experiment queue\nmean_wait = float(np.mean(base.waiting))\nbest = scenarios.loc[scenarios['mean_wait'].idxmin(), 'name']\nprint(f'mean wait {mean_wait:.4f} min; best: {best}')",
)


def make(folder: Folder) -> None:
    folder.write("scenarios.csv", "name,rate,servers\ncalm,0.5,2\nbusy,0.9,2\nextra,0.9,3\n")


WORK = "def work(i):\n    time.sleep(random.SystemRandom().random() / 25)\n    print('scenario', i, 'done')\n"
PRINTING = (
    WORK + "with ThreadPoolExecutor(4) as pool:\n    for i in range(8):\n        pool.submit(work, i)\n"
)
THREADS = "def work(i):\n    time.sleep(random.random() / 25)\n    finished.append(i)\nfinished = []\nthreads = [threading.Thread(target=work, args=(i,)) for i in range(8)]\nfor thread in threads:\n    thread.start()\nfor thread in threads:\n    thread.join()\nprint(finished)\n"
IN_ORDER = "def work(i):\n    time.sleep(random.SystemRandom().random() / 50)\n    return i ** 2\nwith ThreadPoolExecutor(4) as pool:\n    squares = list(pool.map(work, range(8)))\nprint(squares)\n"
NUMBA = "from numba import njit\n\n@njit\ndef area(n):\n    inside = 0\n    for _ in range(n):\n        if np.random.random() ** 2 + np.random.random() ** 2 < 1:\n            inside += 1\n    return 4 * inside / n\n\nprint(area(10_000))\n"
SCENARIOS = "scenarios.csv"
SUBJECT = Subject(
    name="simulation",
    what="a simulation",
    make=make,
    cells=CELLS,
    general=("unrelated package, variable and files",),
    faults=(
        Fault("value in a CSV", "data.values", SCENARIOS, after=lambda f: f.replace(SCENARIOS, "busy,0.9,2", "busy,0.3,2"), columns=("rate",), cell=4, variable="scenarios"),
        Fault("shuffle without a seed", "randomness.unseeded", "tour", written=lambda f: f.edit("random.seed(11)\n", ""), cell=5, variable="tour"),
        Fault("numba's own generator", "randomness.unseeded", written=lambda f: f.edit("random.seed(11)", NUMBA + "random.seed(11)"), cell=5),
        Fault("threads that print", "randomness.threads", written=lambda f: f.edit("tour = list", PRINTING + "tour = list"), cell=5),
        Fault("threads that append", "randomness.threads", written=lambda f: f.edit("random.seed(11)", THREADS + "random.seed(11)"), cell=5),
        Fault("threads in order", written=lambda f: f.edit("random.seed(11)", IN_ORDER + "random.seed(11)")),
        Fault("process ids printed", written=lambda f: f.edit("random.seed(11)", "import os\n!echo shell $$\nprint(os.getpid(), 'started', len(scenarios))\nme = os.getpid()\nprint({'pid': me, 'servers': servers})\nrandom.seed(11)")),
        Fault("progress bar and timings", written=lambda f: f.edit("random.seed(11)", "from tqdm.notebook import tqdm\nfor _ in tqdm(range(4)):\n    time.sleep(0.01)\nt = time.time()\nsimulate(1, 1, 10, np.random.default_rng(0))\nprint(f'simulated in {time.time() - t:.3f} s')\n%timeit -n1 -r1 sum(range(10))\nrandom.seed(11)")),
        Fault("cell that draws run twice", "hidden-state.repeated-run", "rng", written=lambda f: f.write_cells([*f.cells()[:3], "rng = np.random.default_rng(2024)", f.cells()[3].replace("rng = np.random.default_rng(2024)\n", ""), *f.cells()[4:]]), session=(0, 1, 2, 3, 4, 4, 5, 6, 7), cell=4),
        Fault("parameter set in a deleted cell", "hidden-state.deleted-cell", "servers", session=(0, 1, "servers = 3", 2, 3, 4, 5, 6)),
    ),
    pairs=(("value in a CSV", "threads that print"), ("shuffle without a seed", "threads that print"),),
)  # fmt: skip
