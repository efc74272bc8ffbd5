"""What code says: its form, what it can have reached, and where chance comes in."""

from __future__ import annotations

import pytest

from jupyter_mlgov.rerun.code_form import form_of, python_of
from jupyter_mlgov.rerun.flow import changed_by, shown_by
from jupyter_mlgov.rerun.suspects import Reading, read_code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # one", "x = 1"),
        ("f(a,b)", "f(\n    a,\n    b,\n)"),
        ("x = 'a'", 'x = "a"'),
        ("def f():\n    'doc'\n    return 1", "def f():\n    return 1"),
        ("%%experiment base -m 'first'\nx = 1", "%%experiment base -m 'second' --kpi 'x >= 1'\nx = 1"),
        ("%load_ext foo\nx = 1", "%load_ext foo\n\nx = 1 # c"),
        ("%%time\nx = 1", "x = 1"),
        ("%%charter\ntitle: a", "%%charter\ntitle: b"),
        ("x = !ls\ny=2", "x = !ls\ny = 2"),
    ],
)
def test_code_that_does_the_same_has_the_same_form(one: str, other: str) -> None:
    assert form_of(one) == form_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x", "x;"),
        ("%%experiment base --seed 1\nx = 1", "%%experiment base --seed 2\nx = 1"),
        ("%load_ext foo", "%load_ext bar"),
        ("%%bash\necho 1", "%%bash\necho 2"),
        ("x = !ls a", "x = !ls b"),
        ("x = = 1", "x = = 2"),
    ],
)
def test_code_that_does_something_else_has_another_form(one: str, other: str) -> None:
    assert form_of(one) != form_of(other)


@pytest.mark.parametrize(
    "source", ["%%experiment a\nx = 1", "%matplotlib inline\nx", "!pip list\nx = 1", "?x\ny = 1", "x?\n"]
)
def test_magics_leave_the_lines_where_they_are(source: str) -> None:
    import ast

    assert len(python_of(source).split("\n")) == len(source.split("\n"))
    ast.parse(python_of(source))


def kinds(*cells: str) -> list[tuple[str, str, int]]:
    return [(one.kind, one.call, one.cell) for one in read_code(enumerate(cells)).suspects]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import numpy as np\nx = np.random.normal(size=3)", "random"),
        ("import numpy\nx = numpy.random.rand(3)", "random"),
        ("from numpy.random import rand\nx = rand(3)", "random"),
        ("import random\nx = random.random()", "random"),
        ("from random import shuffle\nshuffle(x)", "random"),
        ("import numpy as np\nrng = np.random.default_rng()", "random"),
        (
            "from sklearn.ensemble import RandomForestClassifier\nm = RandomForestClassifier(5).fit(X, y)",
            "random",
        ),
        ("from sklearn.model_selection import train_test_split\na, b = train_test_split(X)", "random"),
        ("s = df.sample(frac=0.5)", "random"),
        ("import torch\nw = torch.randn(3)", "random"),
        ("import uuid\nrun = uuid.uuid4()", "random"),
        ("import time\nx = time.time()", "clock"),
        ("from datetime import datetime\nx = datetime.now().year", "clock"),
        ("import datetime as dt\nx = dt.datetime.now()", "clock"),
        ("import pandas as pd\nx = pd.Timestamp.now()", "clock"),
        ("x = list(set(names))", "hash"),
        ("x = [n for n in {1, 2}]", "hash"),
        ("import os\nfiles = os.listdir('.')", "listing"),
        ("from glob import glob\nfiles = glob('*.csv')", "listing"),
        ("from pathlib import Path\nfiles = [p for p in Path('.').iterdir()]", "listing"),
        ("m = Forest(n_jobs=-1)", "threads"),
        ("x = pd.read_sql('select * from moves order by random() limit 4', db)", "random"),
        (
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    pool.submit(work, 1)",
            "threads",
        ),
        ("import threading\nt = threading.Thread(target=work)", "threads"),
        ("from multiprocessing import Pool\np = Pool(4)", "threads"),
        ("import time, random\ndelay = random.random()\ntime.sleep(delay)\nprint(delay)", "random"),
    ],
)
def test_a_suspect_is_seen(code: str, kind: str) -> None:
    assert kind in [one[0] for one in kinds(code)]


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nnp.random.seed(0)\nx = np.random.normal(size=3)",
        "import random\nrandom.seed(1)\nx = random.random()",
        "import numpy as np\nrng = np.random.default_rng(0)\nx = rng.normal()",
        "from sklearn.ensemble import RandomForestClassifier\nm = RandomForestClassifier(random_state=0)",
        "from sklearn.model_selection import train_test_split\na, b = train_test_split(X, shuffle=False)",
        "from sklearn.model_selection import KFold\nk = KFold(5)",
        "s = df.sample(frac=0.5, random_state=1)",
        "%%experiment base --seed 3\nimport numpy as np\nx = np.random.normal(size=3)",
        "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression().fit(X, y)",
        "x = sorted(set(names))",
        "x = len({1, 2})",
        "y = 3 in {1, 2}",
        "d = {'a': 1}",
        "m = Forest(n_jobs=1)",
        "from sklearn.pipeline import make_pipeline\np = make_pipeline(LogisticRegression())",
        "import time, random\ntime.sleep(random.random())",
        "import time, numpy as np\ndef work(i):\n    delay = np.random.rand() / 20\n    time.sleep(delay)\n    return i",
        "import multiprocessing\nn = multiprocessing.cpu_count()",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(1) as pool:\n    pool.submit(work)",
        "x = = 1",
    ],
)
def test_what_is_seeded_or_sorted_is_no_suspect(code: str) -> None:
    assert kinds(code) == []


def test_what_is_shuffled_in_place_is_what_the_draw_sets() -> None:
    (one,) = read_code([(0, "import random\nrandom.shuffle(tour)")]).suspects
    assert one.names == ("tour",)


def test_a_generator_that_is_handed_on_is_drawn_from() -> None:
    code = "import numpy as np\nrng = np.random.default_rng(1)", "base = simulate(3, rng)"
    assert read_code(enumerate(code)).draws == {1: {"name:rng"}}


def test_a_sorted_listing_depends_on_what_is_there_and_not_on_its_order() -> None:
    (one,) = read_code([(0, "from pathlib import Path\nfiles = sorted(Path('a/b').glob('*.csv'))")]).suspects
    assert (one.kind, one.generator) == ("listed", "a/b")
    (one,) = read_code([(0, "print(sorted(p.name for p in Path('a/b').glob('*.csv')))")]).suspects
    assert (one.kind, one.generator) == ("listed", "a/b")
    (one,) = read_code([(0, "import glob\nfiles = sorted(glob.glob('a/b/*.csv'))")]).suspects
    assert (one.kind, one.generator) == ("listed", "a/b")


def test_a_seed_holds_for_the_cells_below_it() -> None:
    assert kinds("import numpy as np\nnp.random.seed(0)", "x = np.random.rand(3)") == []
    assert kinds("import numpy as np\nx = np.random.rand(3)", "np.random.seed(0)") == [
        ("random", "np.random.rand()", 0)
    ]


def timings(code: str) -> set[str]:
    reading: Reading = read_code([(0, code)])
    return reading.timings


def test_measured_durations_are_told_from_results_that_use_the_clock() -> None:
    code = (
        "import time\nstart = time.time()\nwork()\nelapsed = time.time() - start\nrounded = round(elapsed, 2)"
    )
    assert timings(code) == {"start", "elapsed", "rounded"}
    assert "age" not in timings("from datetime import datetime\nage = datetime.now().year - birth")
    assert "x" not in timings("import time\nx = time.time()\nx = 3")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("df.drop(columns='a', inplace=True)", {"df"}),
        ("model.fit(X, y)", {"model", "X", "y"}),
        ("m = model.fit(X)", {"model"}),
        ("import random\nrandom.shuffle(items)", {"items"}),
        ("print(df)", set()),
        ("df['a'].fillna(0)\nx = 1", {"df"}),
    ],
)
def test_what_a_cell_may_change_in_place_is_seen(code: str, names: set[str]) -> None:
    assert names <= changed_by(code)
    assert changed_by("print(df)") <= {"print"}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("df.describe()", {"df"}),
        ("pd.crosstab(a, b)", {"pd"}),
        ("df['a'].value_counts().head()", {"df"}),
        ("items.append(3)", set()),
        ("model.fit(X, y)", set()),
        ("df.drop(columns='a', inplace=True)", set()),
        ("items.sort()", set()),
        ("x = 1", set()),
        ("df.apply(print)\ndf.head()", set()),
    ],
)
def test_what_a_cell_only_shows_is_not_changed_by_it(code: str, names: set[str]) -> None:
    assert shown_by(code) == names


CLOCK = "import time\nt0 = time.time()\n"


@pytest.mark.parametrize(
    ("code", "timed"),
    [
        ("results = {}\nresults['fit_time'] = time.time() - t0\nauc = results['auc']\nsecs = results['fit_time']", {"secs"}),
        ("df['secs'] = time.time() - t0\nauc = df['y'].mean()\nn = df.shape[0]", set()),
        ("res.seconds = time.time() - t0\nauc = res.auc\nsecs = round(res.seconds, 2)", {"secs"}),
        ("times = []\ntimes.append(time.time() - t0)\nn_iter = len(times)\nmost = max(times)", {"times", "most"}),
        ("elapsed = time.time() - t0\nbest = max(score, elapsed)\nlong = max(elapsed, 1)", {"elapsed", "long"}),
        ("times = [time.time() - t0]\nn = times.count(1)\nmean = sum(times) / len(times)", {"times", "mean"}),
        ("d = {'auc': 0.8}\nd['s'] = time.time() - t0\nd[name] = 3\nx = d['s']", set()),
        ("secs = time.time() - t0\nfor secs in rows:\n    last = secs", set()),
    ],
)  # fmt: skip
def test_a_container_that_holds_a_duration_holds_results_too(code: str, timed: set[str]) -> None:
    assert timings(CLOCK + code) - {"t0"} == timed


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("rows.append({'model': m, 'auc': auc, 'secs': time.time() - t0})", {"secs"}),
        ("log['wall_time'].append(time.time() - t0)\nlog['auc'].append(auc)", {"wall_time"}),
        ("df = df.assign(elapsed=time.time() - t0, auc=1)", {"elapsed"}),
        ("df['duration_s'] = df.end - df.begin", set()),
        ("df['runtime'] = time.time() - t0\ndf['runtime'] = df.a", set()),
    ],
)
def test_columns_to_which_the_code_gives_measured_time(code: str, columns: set[str]) -> None:
    assert read_code([(0, CLOCK + code)]).timed_columns == columns
