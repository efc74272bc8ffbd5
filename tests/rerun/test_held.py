"""What a controlled run holds still: each in a process of its own, because it stays held until that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel import ROOT


def run(code: str, held: str, folder: Path) -> str:
    program = f"from jupyter_mlgov.rerun.held import hold\nhold({held})\n{code}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=folder, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "TZ": "UTC"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "import random; print(random.random(), random.Random().random(), isinstance(random.Random(1), random.Random))",
        "import uuid; print(uuid.uuid4())",
        "import secrets, os, random; print(secrets.randbelow(10**9), secrets.token_hex(4), os.urandom(3), random.SystemRandom().random())",
        "import numpy as np; print(np.random.rand(), np.random.default_rng().normal(), np.random.RandomState().rand())",
        "import pandas as pd; print(pd.Series(range(99)).sample(3).tolist())",
        "import numpy as np; print(np.random.SeedSequence().entropy, np.random.SeedSequence(entropy=None).generate_state(1))",
        "import numpy as np\nclass R(np.random.RandomState):\n    def one(self):\n        return self.rand()\nprint(R().one(), R(None).one())",
        "from sklearn.utils import check_random_state as c; import numpy as np; print(c(None).rand(), c(np.random.RandomState(3)).rand())",
    ],
)
def test_a_held_seed_makes_unseeded_draws_the_same(tmp_path: Path, code: str) -> None:
    assert run(code, "seed=0", tmp_path) == run(code, "seed=0", tmp_path)
    assert run(code, "seed=0", tmp_path) != run(code, "seed=1", tmp_path)


def test_a_seed_that_the_notebook_sets_counts(tmp_path: Path) -> None:
    code = "import numpy as np; np.random.seed(5); print(np.random.rand(), np.random.default_rng(5).normal())"
    assert run(code, "seed=0", tmp_path) == run(code, "seed=1", tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np; print(np.random.SeedSequence(entropy=5).generate_state(2), np.random.SeedSequence(5, spawn_key=(1,)).state)",
        "import numpy as np; print(np.random.default_rng(seed=5).normal(), np.random.RandomState(seed=5).rand())",
        "import numpy as np; print([g.normal() for g in map(np.random.default_rng, np.random.SeedSequence(entropy=5).spawn(2))])",
        "import numpy as np\nclass R(np.random.RandomState):\n    def one(self):\n        return self.rand()\n"
        "r = R(seed=5)\nprint(r.one(), type(r).__name__, isinstance(r, np.random.RandomState), isinstance(np.random.RandomState(1), R))",
        "import random\nclass R(random.Random):\n    def one(self):\n        return self.random()\nprint(R(5).one())",
        "import numpy as np, pickle, copy\nr = np.random.RandomState(5)\nprint(copy.deepcopy(r).rand(), pickle.loads(pickle.dumps(r)).rand(), r)",
    ],
)
def test_with_seeds_held_seeded_generators_are_what_they_are(tmp_path: Path, code: str) -> None:
    plain = run(code, "", tmp_path)
    held = run(code, "seed=0", tmp_path)
    assert held.partition(" at 0x")[0] == plain.partition(" at 0x")[0]


def test_a_held_clock_reads_its_moment_everywhere(tmp_path: Path) -> None:
    code = (
        "import time, datetime\nfrom datetime import datetime as dt, date\n"
        "print(time.time(), time.strftime('%Y'), dt.now(), dt.utcnow().year if 0 else dt.now(datetime.UTC).year, date.today())\n"
        "print(isinstance(dt(2020, 1, 1), dt), isinstance(date(2020, 1, 1), date), dt(2020, 1, 1), dt.fromisoformat('2020-01-02'))"
    )
    assert run(code, "clock=1700000000.0", tmp_path).split("\n") == [
        "1700000000.0 2023 2023-11-14 22:13:20 2023 2023-11-14",
        "True True 2020-01-01 00:00:00 2020-01-02 00:00:00",
    ]


def test_a_class_of_the_notebooks_own_goes_by_the_held_clock(tmp_path: Path) -> None:
    code = (
        "import datetime\nfrom datetime import date\n"
        "class Stamp(datetime.datetime):\n    def short(self):\n        return self.strftime('%d.%m.%Y')\n"
        "class Day(date):\n    def short(self):\n        return self.strftime('%d.%m.')\n"
        "made = Stamp(2020, 1, 2, 3)\n"
        "print(made.short(), Stamp.now().short(), Stamp.fromisoformat('2020-01-02').short(), Day.today().short(), Day(2020, 1, 2).short())\n"
        "print((made + datetime.timedelta(1)).short(), isinstance(made, datetime.datetime), isinstance(datetime.datetime.now(), Stamp),"
        " type(made).__name__, Stamp.strptime('2020', '%Y').short(), issubclass(Stamp, datetime.datetime))"
    )
    assert run(code, "clock=1700000000.0", tmp_path).split("\n") == [
        "02.01.2020 14.11.2023 02.01.2020 14.11. 02.01.",
        "03.01.2020 True False Stamp 01.01.2020 True",
    ]


def test_libraries_are_imported_after_the_clock_was_held(tmp_path: Path) -> None:
    code = "import pandas as pd; from datetime import datetime; print(pd.Timestamp(datetime.now()))"
    assert run(code, "clock=1700000000.0", tmp_path) == "2023-11-14 22:13:20"


def test_the_clock_of_pandas_is_held_too(tmp_path: Path) -> None:
    code = (
        "import pandas as pd; print(pd.Timestamp.now(), pd.Timestamp.now('UTC'), pd.Timestamp.today().year)"
    )
    assert run(code, "clock=1700000000.0", tmp_path) == "2023-11-14 22:13:20 2023-11-14 22:13:20+00:00 2023"


def test_a_loop_that_waits_for_a_held_clock_ends(tmp_path: Path) -> None:
    assert (
        run(
            "import time\nt = time.time()\nwhile time.time() - t < 0.05: pass\nprint('on')",
            "clock=1.0",
            tmp_path,
        )
        == "on"
    )


def test_folders_list_in_the_order_that_is_held(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    code = (
        "import os, glob, pathlib\nprint(os.listdir(), [e.name for e in os.scandir()], glob.glob('*'),"
        " [p.name for p in pathlib.Path().iterdir()], next(os.walk('.'))[2])"
    )
    assert run(code, "listing='sorted'", tmp_path) == " ".join(["['a', 'b', 'c']"] * 5)
    assert run(code, "listing='reversed'", tmp_path) == " ".join(["['c', 'b', 'a']"] * 5)


def test_held_workers_finish_in_turn(tmp_path: Path) -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor, as_completed\nimport time\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    done = [pool.submit(lambda n=n: time.sleep(n / 50) or n) for n in (3, 1, 2)]\n"
        "    print([one.result() for one in as_completed(done)])"
    )
    assert run(code, "in_turn=True", tmp_path) == "[3, 1, 2]"


def test_held_threads_run_one_after_the_other(tmp_path: Path) -> None:
    code = (
        "import threading, time\ndone = []\ndef work(n):\n    time.sleep(n / 50)\n    done.append(n)\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in (3, 1, 2)]\n"
        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\nprint(done)"
    )
    assert run(code, "in_turn=True", tmp_path) == "[3, 1, 2]"


def test_a_held_thread_that_waits_for_a_later_one_is_let_go(tmp_path: Path) -> None:
    code = (
        "import threading\nready = threading.Event()\n"
        "one = threading.Thread(target=ready.wait)\nclass Two(threading.Thread):\n    def run(self):\n        ready.set()\n"
        "one.start(); Two().start(); one.join(); print('ended')"
    )
    assert run(code, "in_turn=True", tmp_path) == "ended"
