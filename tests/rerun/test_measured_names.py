"""Measured time in tables, labels and keys, told by names to which the code gives nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from jupyter_mlgov.rerun.compare import compare
from jupyter_mlgov.rerun.measured_names import MASK, mask_measured
from jupyter_mlgov.rerun.suspects import read_code
from jupyter_mlgov.rerun.texts import Context, compare_texts
from tests.rerun.making import Maker, frame, printed, shown

NAMES = frozenset({"secs", "fit_time"})
IN = Context(timed_columns=NAMES)


def table(secs: float, score: float = 0.83) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": ["lr", "nb"], "score": [score, 0.81], "secs": [secs, 12 * secs], "n": [3, 4]}
    )


def wide(secs: float, score: float = 0.83) -> str:
    made = pd.DataFrame({f"column_{n}": [n * 1.5, score] for n in range(16)}).assign(secs=[secs, secs / 3])
    with pd.option_context("display.max_columns", None, "display.width", 80):
        return str(made)


FORMS = {
    "printed": lambda *v: str(table(*v)),
    "without an index": lambda *v: table(*v).to_string(index=False),
    "left": lambda *v: table(*v).to_string(justify="left"),
    "turned": lambda *v: table(*v).set_index("model").T.to_string(),
    "described": lambda *v: str(table(*v).describe()),
    "wrapped": wide,
    "polars": lambda *v: str(pl.from_pandas(table(*v))),
    "markdown": lambda s, a=0.83: f"| model | score | secs |\n|:---|---:|---:|\n| lr | {a} | {s} |\n| nb | 0.8 | {s * 30:.3g} |",
    "a series": lambda s, a=0.83: f"score    {a}\nsecs     {s}\ndtype: float64",
    "a dictionary": lambda s, a=0.83: f"{{'lr': {{'score': {a}, 'secs': {s}}}, 'nb': {{'secs': np.float64({s})}}}}",
    "a record": lambda s, a=0.83: f"Result(name='lr', score={a}, secs={s})",
    "JSON": lambda s, a=0.83: f'{{\n  "score": {a},\n  "secs": {s}\n}}',
    "by column": lambda s, a=0.83: f"{{'score': {{0: {a}}}, 'secs': {{0: {s},\n 1: {s * 2}}}}}",
    "arrays": lambda s, a=0.83: f"fit_time [{s} {s}\n {s * 2}]\ntest_score [{a} 0.8]",
    "means": lambda s, a=0.83: f"fit_time: {s} +/- {s / 3:.4f}\ntest_score: {a} +/- 0.1",
    "beside others": lambda s, a=0.83: f"score: {a}, secs: {s}",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_stands_by_a_name_of_measured_time_is_noise_and_the_rest_is_not(form: str) -> None:
    made = FORMS[form]
    assert compare_texts(made(0.0123), made(1.5), IN).closeness == "noise"
    assert compare_texts(made(0.0123), made(1.5, 0.84), IN).closeness == "different"
    assert compare_texts(made(0.0123), made(1.5), Context()).closeness == "different" or form in (
        "arrays",
        "means",
    )


@pytest.mark.parametrize(
    "text",
    [
        "it took 12 secs",
        "secs per lap 12.5",
        "mean secs 104",
        "a secs\n12 34",
        "warm up  secs of it\n 1.5      12.5",
        "model  secs\n\n       12.5",
    ],
)
def test_in_running_text_the_name_is_a_word(text: str) -> None:
    assert MASK not in mask_measured(text, NAMES)


def test_a_name_of_one_letter_is_no_label() -> None:
    assert mask_measured("t 5.25\nt: 5.25", {"t"}) == "t 5.25\nt: 5.25"
    assert MASK in mask_measured("{'t': 5.25}", {"t"})


def test_it_takes_time_in_proportion_to_the_text() -> None:
    started = time.perf_counter()
    for text in (
        "secs " * 40_000,
        "secs" + " " * 200_000,
        "'secs': {" * 20_000,
        "secs: [" * 20_000,
        "  secs  \n" * 20_000,
    ):
        mask_measured(text, NAMES)
    assert time.perf_counter() - started < 5


CLOCK = "import time\nimport pandas as pd\ns = time.time()\n"


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("rows = []\nfor m in ms:\n    rows.append([m, f(m), time.time() - s])\npd.DataFrame(rows, columns=['m', 'auc', 'secs'])", {"secs"}),
        ("rows = [(m, time.time() - s)]\nrows.append(('x', 3))\npd.DataFrame(rows, columns=['m', 'secs'])", set()),
        ("rows = [('a', time.time() - s)]\nrows.append(('b', time.time() - s))\npd.DataFrame(data=rows, columns=['m', 'secs'])", {"secs"}),
        ("pd.DataFrame([[m, time.time() - s] for m in ms], columns=['m', 'secs'])", {"secs"}),
        ("a, t = [], []\nt.append(time.time() - s)\npd.DataFrame(list(zip(a, t)), columns=['a', 'secs'])", {"secs"}),
        ("rows = []\nrows.append((1, time.time() - s))\ndf = pd.DataFrame(rows)\ndf.columns = ['a', 'secs']", {"secs"}),
        ("df = pd.DataFrame(columns=['a', 'secs'])\nfor i in r:\n    df.loc[i] = [f(i), time.time() - s]", {"secs"}),
        ("df = pd.DataFrame(columns=['a', 'secs'])\ndf.loc[0] = [1, 2]\ndf.loc[1] = [1, time.time() - s]", set()),
        ("t = []\nt.append(time.time() - s)\npd.Series(t, name='secs')", {"secs"}),
        ("rows = []\nrows.append((1, time.time() - s))\nrows = load()\npd.DataFrame(rows, columns=['a', 'secs'])", set()),
        ("from sklearn.model_selection import cross_validate\nc = cross_validate(m, X, y)\nr = {'auc': c['test_score'].mean(), 'secs': c['fit_time'].mean()}", {"secs"}),
        ("c = pd.read_csv('x.csv')\nr = {'secs': c['fit_time'].mean()}", set()),
        ("r = {'secs': search.refit_time_}", {"secs"}),
        ("@dataclass\nclass R:\n    a: float\n    secs: float\nR(1, time.time() - s)", {"secs"}),
        ("from collections import namedtuple\nR = namedtuple('R', 'a secs')\nR(a=1, secs=time.time() - s)", {"secs"}),
        ("def ev(m):\n    secs = time.time() - s\n    return score(m), secs\nrows = [ev(m) for m in ms]\npd.DataFrame(rows, columns=['a', 'secs'])", {"secs"}),
        ("def ev(m):\n    return score(m), 3\nrows = [ev(m) for m in ms]\npd.DataFrame(rows, columns=['a', 'secs'])", set()),
    ],
)  # fmt: skip
def test_columns_are_followed_through_rows(code: str, columns: set[str]) -> None:
    assert read_code([(0, CLOCK + code)]).timed_columns - {"a", "m", "auc"} == columns


@pytest.mark.parametrize(
    ("code", "timings"),
    [
        ("for name, t in zip(names, times):\n    x = t", {"t", "x"}),
        ("for i, (name, t) in enumerate(zip(names, times)):\n    x = t", {"t", "x"}),
        ("for i, t in enumerate(times):\n    x = i", {"t"}),
        ("by = dict(zip(names, times))\nfor name, t in by.items():\n    x = name", {"by", "t"}),
        ("scores, more = [], []\nmore.append(time.time() - s)\nscores.append(3)", {"more"}),
        ("def ev(m):\n    return score(m), time.time() - s\nsc, t = ev(m)", {"t"}),
        (
            "def ev(m):\n    return score(m), time.time() - s\nfound = [ev(m) for m in ms]\nfor sc, t in found:\n    x = sc",
            {"t"},
        ),
        ("def ev(m):\n    return time.time() - s\nt = ev(m)", {"t"}),
        ("def ev(m):\n    if m:\n        return 3\n    return time.time() - s\nt = ev(m)", set()),
        (
            "class T:\n    def stop(self):\n        self.took = time.time() - self.t0\nt = T()\nx = t.took",
            set(),
        ),
        (
            "class T:\n    def go(self):\n        self.t0 = time.time()\n    def stop(self):\n        self.took = time.time() - self.t0\nt = T()\nx = t.took",
            {"x"},
        ),
        (
            "class T:\n    def __enter__(self):\n        self.t0 = time.time()\n        return self\n    def __exit__(self, *a):\n        self.took = time.time() - self.t0\nwith T() as t:\n    pass\nx = t.took\ny = df.took.mean()",
            {"x"},
        ),
        ("t = %timeit -o f(x)\nbest = t.best", {"t", "best"}),
        ("t = %time f(x)", set()),
    ],
)
def test_durations_are_followed_through_loops(code: str, timings: set[str]) -> None:
    given = CLOCK + "times = []\ntimes.append(time.time() - s)\n" + code
    assert read_code([(0, given)]).timings - {"s", "times"} == timings


@pytest.mark.parametrize(
    ("data", "timings"),
    [(frozenset({"film"}), {"t", "u"}), (frozenset({"film", "secs"}), set()), (None, set())],
)
def test_a_key_of_measured_time_is_known_wherever_no_data_can_have_it(
    data: frozenset[str] | None, timings: set[str]
) -> None:
    code = "r = {}\nfor m in ms:\n    r[m] = {'secs': time.time() - s}\nfor m, one in r.items():\n    t = one['secs']\n    u = row.secs"
    assert read_code([(0, CLOCK + code)], data=data).timings - {"s"} == timings


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def test_a_cells_result_that_is_nothing_but_time_is_noise(make: Maker) -> None:
    code = CLOCK + "times = []\ntimes.append(time.time() - s)\npd.Series(times, index=['lr'])"
    one, other, renamed = (
        make.run([(code, [shown(text_plain=text)])])
        for text in ("lr    0.0123\ndtype: float64", "lr    1.5\ndtype: float64", "nb    1.5\ndtype: float64")
    )
    assert compare(make.store, one, other).verdict == "reproduced"
    assert compare(make.store, one, renamed).verdict == "diverged"


def test_an_array_of_durations_is_no_result(make: Maker) -> None:
    code = CLOCK + "import numpy as np\ntimes = np.array([time.time() - s])"
    one, other = (make.run([code], frames=(frame("times", digest),)) for digest in "ab")
    assert compare(make.store, one, other).verdict == "reproduced"


def test_the_row_of_a_turned_table_is_known_by_its_label(make: Maker) -> None:
    def page(secs: float, auc: float) -> list[dict[str, object]]:
        return [
            shown(
                text_html=f"<table><tr><th></th><th>lr</th></tr><tr><th>auc</th><td>{auc}</td></tr><tr><th>secs</th><td>{secs}</td></tr></table>"
            )
        ]

    code = CLOCK + "pd.DataFrame({'lr': {'auc': f(), 'secs': time.time() - s}})"
    one = make.run([(code, page(0.1, 0.83))])
    assert compare(make.store, one, make.run([(code, page(0.2, 0.83))])).verdict == "reproduced"
    assert compare(make.store, one, make.run([(code, page(0.2, 0.84))])).verdict == "diverged"


def test_a_column_that_an_input_has_is_data_in_a_printed_table_too(make: Maker) -> None:
    code = CLOCK + "films = pd.read_csv('films.csv')\nr = {'secs': time.time() - s}\nprint(films)"
    text = "  film  secs\n0    a  {}"
    inputs = (make.table("films.csv", "film,secs\na,1.5\n"),)
    one, other = (make.run([(code, [printed(text.format(v))])], inputs=inputs) for v in (104.5, 97.5))
    assert compare(make.store, one, other).verdict == "diverged"


def test_a_unit_that_is_masked_with_its_number_hides_no_other_time(make: Maker) -> None:
    code = CLOCK + "print(f'{auc:.2f} [{time.time() - s:.3f}s elapsed, ETA {(time.time() - s) * 2:.3f}s]')"

    def run(auc: float, secs: float) -> str:
        return make.run([(code, [printed(f"{auc:.2f} [{secs:.3f}s elapsed, ETA {2 * secs:.3f}s]")])])

    assert compare(make.store, run(0.83, 0.1), run(0.83, 2.5)).verdict == "reproduced"
    assert compare(make.store, run(0.83, 0.1), run(0.84, 2.5)).verdict == "diverged"
