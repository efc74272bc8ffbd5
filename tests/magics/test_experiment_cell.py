"""A cell under ``%%experiment`` behaves exactly as without it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kernel import Kernel, Ran

Start = Callable[..., Kernel]

CELLS = {
    "result": "x = 3\nx * 2",
    "streams": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
    "display": "from IPython.display import display, HTML\ndisplay(HTML('<b>hi</b>'))\n{'a': 1}",
    "no result": "y = 1;",
    "exception": "def f():\n    return 1 / 0\n\nf()",
    "syntax error": "a = 1\nb = = 2",
    "name error": "print('before')\nundefined_name",
    "await": "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "line magic": "%config InlineBackend.figure_format\n%pwd\n!echo shell",
    "indented": "if True:\n\n    'nothing'\n\nfor i in range(2):\n    print(i)",
    "clear output": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
}


def comparable(ran: Ran) -> list[dict[str, Any]]:
    """Outputs without the numbers that count cells, and with the header line as the user wrote it."""
    text = json.dumps([{k: v for k, v in output.items() if k != "execution_count"} for output in ran.outputs])
    text = re.sub(r"In\[\d+\]", "In[n]", text)
    text = re.sub(r"\d+\.py", "n.py", text)
    return json.loads(text)


@pytest.mark.parametrize("name", CELLS)
def test_it_shows_what_the_plain_cell_shows(name: str, kernel: Start, tmp_path: Path) -> None:
    plain, recorded = kernel(), kernel()
    recorded.must("%load_ext jupyter_mlgov")
    plain.must("pass")
    # The first line of the plain cell is a comment, so that line numbers are the same.
    expected = plain.run("# %%experiment trial\n" + CELLS[name])
    got = recorded.run("%%experiment trial\n" + CELLS[name])
    assert got.status == expected.status
    assert comparable(got) == comparable(expected)
    assert got.reply.get("ename") == expected.reply.get("ename")


def test_loading_and_a_successful_experiment_print_nothing(kernel: Start) -> None:
    one = kernel()
    assert one.must("%load_ext jupyter_mlgov").outputs == []
    assert one.must("%%experiment quiet\nx = 1").outputs == []
    assert one.must("%load_ext jupyter_mlgov").stderr == ""


def test_variables_and_random_state_are_those_of_the_plain_cell(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("import random, numpy as np\nrandom.seed(1); np.random.seed(1)")
    one.must("%%experiment r\na = random.random(); b = np.random.rand()")
    ran = one.must(
        "import json\nprint(json.dumps([a, b, random.random(), np.random.rand(), sorted(n for n in dir() if n[0] != '_')]))"
    )
    a, b, c, d, names = json.loads(ran.stdout)
    import random

    import numpy as np

    generator, numpy_generator = random.Random(1), np.random.RandomState(1)
    assert [a, c] == [generator.random(), generator.random()]
    assert [b, d] == [numpy_generator.rand(), numpy_generator.rand()]
    assert names == ["In", "Out", "a", "b", "exit", "get_ipython", "json", "np", "open", "quit", "random"]


def test_a_seed_makes_the_cell_repeatable(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport random, numpy as np")
    first = one.must("%%experiment s --seed 7\n(random.random(), np.random.rand())").result
    assert one.must("%%experiment s --seed 7\n(random.random(), np.random.rand())").result == first


def test_other_cell_magics_work_inside_and_outside(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    assert (
        "hello"
        in one.must("%%experiment inner\n%%capture caught\nprint('hello')\n").stdout
        + one.must("caught.stdout").result
    )
    assert "Wall time" in one.must("%%time\n%%experiment outer\nz = 5").stdout
    assert one.must("z").result == "5"
    names = {entry["experiment"] for entry in json.loads(one.must("%mlgov log --json").stdout)}
    assert names == {"inner", "outer"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "required: name"),
        ("a/b", "experiment name 'a/b'"),
        ("x.ipynb", "experiment name 'x.ipynb'"),
        ("ok --sed 3", "unrecognized arguments: --sed"),
        ("ok --seed three", "invalid int value: 'three'"),
        ("ok --seed -1", "--seed -1"),
        ("ok --model 'a b'", "--model 'a b' is not the name of a variable"),
        ("ok --kpi 'auc =>'", "KPI"),
        ("ok --tolerance auc", "--tolerance 'auc' does not parse"),
        ("ok -m 'open", "close the quotes"),
    ],
)
def test_a_wrong_line_is_one_line_and_nothing_runs(line: str, said: str, kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    ran = one.run(f"%%experiment {line}\nran = True")
    assert ran.status == "error"
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert one.must("'ran' in dir()").result == "False"


def test_an_empty_cell_is_refused(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    ran = one.run("%%experiment x\n\n")
    assert ran.status == "error"
    assert len(ran.stderr.strip().splitlines()) == 1


def test_help_names_every_option_with_an_example(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    ran = one.must("%%experiment?")
    text = ran.reply["payload"][0]["data"]["text/plain"]
    for option in ("--message", "--model", "--input", "--seed", "--kpi", "--tolerance", "--show"):
        assert option in text
    for magic, field in (("risk", "severity"), ("charter", "business_case")):
        assert field in one.must(f"%%{magic}?").reply["payload"][0]["data"]["text/plain"]


def test_a_store_that_cannot_be_made_is_one_warning_and_the_result_stands(
    kernel: Start, tmp_path: Path
) -> None:
    (tmp_path / ".mlgov").write_text("in the way")
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    ran = one.must("%%experiment x\n41 + 1")
    assert ran.result == "42"
    assert "no snapshot was made" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert (tmp_path / ".mlgov").read_text() == "in the way"


def test_an_interrupted_cell_is_interrupted_and_recorded_as_failed(kernel: Start) -> None:
    import threading

    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    threading.Timer(1.0, one.interrupt).start()
    ran = one.run("%%experiment slow\nimport time\ntime.sleep(30)")
    assert ran.reply["ename"] == "KeyboardInterrupt"
    (entry,) = json.loads(one.must("%mlgov log --json").stdout)
    assert entry["status"] == "error"


HOSTILE = """
class Hostile:
    def __getattr__(self, name): raise RuntimeError("touched " + name)
    def __repr__(self): raise RuntimeError("repr")
    def __eq__(self, other): raise RuntimeError("eq")
    def __len__(self): raise RuntimeError("len")
    __hash__ = None
class Slow:
    def __repr__(self):
        import time; time.sleep(600)
import threading
hostile, slow, lock = Hostile(), Slow(), threading.Lock()
generator = (i for i in range(3))
circle = []; circle.append(circle)
"""


def test_hostile_objects_in_the_namespace_are_not_touched(kernel: Start) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must(HOSTILE)
    ran = one.must("%%experiment h\nn = sum(generator)")
    assert ran.stderr == ""
    assert one.must("n").result == "3"
    assert json.loads(one.must("%mlgov show h --json").stdout)["metrics"] == {"n": 3}


def test_the_name_is_found_among_all_options_that_the_magic_has() -> None:
    from jupyter_mlgov.capture.experiment_line import WITHOUT_VALUE, experiment_of
    from jupyter_mlgov.magics.arguments import experiment_arguments

    actions = [
        one for one in experiment_arguments.parser._actions if one.option_strings and one.dest != "help"
    ]
    assert {name for one in actions if one.nargs == 0 for name in one.option_strings} == WITHOUT_VALUE
    for one in actions:
        for name in one.option_strings:
            words = name if one.nargs == 0 else f"{name} value"
            assert experiment_of(f"%%experiment {words} base\nx = 1") == "base", name
