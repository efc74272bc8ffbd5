"""The user's cell is sacred: each cell runs in two kernels, plain and under ``%%experiment``, and whatever can be
noticed is compared: outputs, exceptions with their line numbers, variables, generators, hooks, threads, settings.

The one line more that the experiment has is a comment in the plain cell, so that line numbers are the same.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel, Ran


@dataclass(frozen=True)
class Case:
    """A cell with what runs before it, and expressions that are compared after it."""

    cell: str
    setup: str = ""
    look: tuple[str, ...] = ()
    restore: str = ""
    """Runs before the look, which would not work otherwise."""
    after: str = ""
    alone: bool = False
    """In kernels of its own: it ends them, or leaves them in a state that no other case should meet."""
    status: str = "ok"


HOSTILE = """
class Touched(Exception):
    count = 0
def touch(*args, **kwargs):
    Touched.count += 1
    raise Touched
class Meta(type):
    __eq__ = __hash__ = __instancecheck__ = __subclasscheck__ = __call__ = touch
class Hostile:
    __getattribute__ = __getattr__ = __repr__ = __str__ = __eq__ = __len__ = __bool__ = __iter__ = touch
    __array__ = __hash__ = __dir__ = __reduce_ex__ = __sizeof__ = __format__ = __index__ = __float__ = touch
    __class__ = property(touch)
class Stranger(metaclass=Meta):
    pass
Instance = object.__new__(Stranger)
class Number(float):
    __float__ = __repr__ = __str__ = __eq__ = __hash__ = __lt__ = touch
class Text(str):
    __len__ = __repr__ = __eq__ = __str__ = __hash__ = touch
hostile, number, text = Hostile(), Number(2.5), Text('t')
"""

CASES: dict[str, Case] = {
    "result": Case("x = 3\nx * 2", look=("_", "Out[max(Out)]")),
    "exception": Case("def f():\n    return 1 / 0\n\nf()", status="error"),
    "exception whose text is the user's code": Case(
        "raise Own", setup="class Own(Exception):\n    asked = 0\n    def __str__(self):\n        Own.asked += 1\n        return 'own'",
        look=("Own.asked",), status="error"),
    "exception whose text raises": Case(
        "raise Worse", setup="class Worse(Exception):\n    def __str__(self): raise RuntimeError('no text')", status="error"),
    "group of exceptions": Case("raise ExceptionGroup('two', [ValueError(1), KeyError(2)])", status="error"),
    "system exit": Case("raise SystemExit(3)", status="error"),
    "keyboard interrupt": Case("raise KeyboardInterrupt", status="error"),
    "custom handler": Case(
        "raise LookupError('mine')",
        setup="handled = []\ndef handler(self, kind, value, tb, tb_offset=None): handled.append(str(value))\n"
              "get_ipython().set_custom_exc((LookupError,), handler)",
        look=("handled",), after="get_ipython().set_custom_exc((), None)", status="error"),
    "input": Case("name = input('who? ')", status="error"),
    "fork": Case("import os\nchild = os.fork()\nif child == 0:\n    os._exit(7)\nos.waitstatus_to_exitcode(os.waitpid(child, 0)[1])",
                 after="del child"),
    # The child's text and the parent's result take different ways: what comes first is a matter of moments.
    "fork that prints": Case(
        "import os, time\nif os.fork() == 0:\n    print('in the child', flush=True)\n    os._exit(0)\n"
        "status = os.wait()[1]\ntime.sleep(0.5)\nstatus"),
    "pool of forked processes": Case(
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(abs, [-1, 2]))\ndel pool"),
    "hostile objects": Case("n = 1 + 1", setup=HOSTILE, look=("Touched.count",), after="del hostile, Instance, number, text"),
    "a result whose repr raises": Case("Bad()", setup="class Bad:\n    def __repr__(self): raise ValueError('bad')"),
    "circles, generators and locks": Case(
        "circle_sum = sum(generator)",
        setup="import threading\ncircle = []; circle.append(circle)\ncircle_d = {}; circle_d['d'] = circle_d\n"
              "generator = (i for i in range(3)); unused = (i for i in range(3))\nlock = threading.Lock(); lock.acquire()\n"
              "file = open('open.txt', 'w'); it = iter([1, 2])",
        look=("list(unused)", "lock.locked()", "file.closed", "next(it)"), after="file.close(); lock.release()"),
    "await": Case("import asyncio\nawait asyncio.sleep(0.01)\n'awaited'", look=("_",)),
    "await that fails": Case("import asyncio\nawait asyncio.sleep(0)\n1 / 0", status="error"),
    "tasks that go on": Case(
        "async def tick():\n    while True:\n        next(ticks)\n        await asyncio.sleep(0.01)\n"
        "task = asyncio.create_task(tick())\nawait asyncio.sleep(0.05)\nnext(ticks) > 1",
        setup="import asyncio, itertools\nticks = itertools.count()", look=("task.done()",), after="task.cancel()"),
    "threads that go on": Case(
        "import threading, time\nstop = threading.Event()\ndef work():\n    while not stop.wait(0.01): pass\n"
        "thread = threading.Thread(target=work, name='users', daemon=True)\nthread.start()",
        look=("thread.is_alive()",), after="stop.set(); thread.join()"),
    "time": Case("%%time\ny = 2\ny", look=("y",)),
    "capture": Case("%%capture caught\nprint('hidden')\nz = 0.25", look=("caught.stdout", "z")),
    "capture that fails": Case("%%capture\nprint('hidden')\n1 / 0", status="error"),
    "shell": Case("!echo out; echo err >&2; exit 3\nwords = !echo a b", look=("words", "_exit_code")),
    "timeit": Case("t = %timeit -n 2 -r 2 -q -o 1 + 1", look=("type(t).__name__",), after="del t"),
    "run": Case("%run script.py 3", setup="open('script.py', 'w').write('import sys\\nprint(sys.argv[1])\\nmade = 1 \\n');", look=("made",)),
    "bash": Case("%%bash\necho from bash"),
    "reset": Case("%reset -f\nleft = 1", alone=True),
    "line magics": Case("%pwd\n%precision 3\n%xmode Plain", after="%xmode Context\n%precision"),
    "displays": Case(
        "from IPython.display import HTML, clear_output, display\nhandle = display('first', display_id='fixed')\n"
        "handle.update('second')\ndisplay(HTML('<b>x</b>'))\nprint('then')\nclear_output(wait=True)\nprint('last')", after="del handle"),
    "figures": Case(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 3\nplt.figure(figsize=(1, 1))\n"
        "plt.plot([1, 2]);", look=("plt.get_fignums()",), after="plt.close('all')"),
    "figures that stay open": Case(
        "figure, axes = plt.subplots(figsize=(1, 1))\naxes.plot([2, 1])",
        setup="%matplotlib inline\nimport matplotlib.pyplot as plt\n%config InlineBackend.close_figures = False\nimport probe",
        look=("plt.gcf() is figure", "plt.get_fignums()"), after="plt.close('all'); del figure, axes", alone=True),
    "stdout replaced": Case(
        "import io, sys\nkernels, sys.stdout = sys.stdout, io.StringIO()\nprint('into the buffer')",
        restore="buffer, sys.stdout = sys.stdout.getvalue(), kernels\ndel kernels", look=("buffer",)),
    "stderr replaced": Case(
        "import io, sys\nkernels, sys.stderr = sys.stderr, io.StringIO()\nprint('e', file=sys.stderr)",
        restore="buffer, sys.stderr = sys.stderr.getvalue(), kernels\ndel kernels", look=("buffer",)),
    "redirected": Case(
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as f:\n    print('quiet')\nf.getvalue()", after="del f"),
    "write kept": Case("import sys\nprint('a')\nsaved_write('b\\n');", setup="import sys\nsaved_write = sys.stdout.write", after="del saved_write"),
    "file descriptor": Case("import os\nos.write(1, b'raw\\n');"),
    "tracer": Case(
        "import sys\nsys.settrace(tracer)\ndef traced():\n    return 1\ntraced()",
        setup="seen = []\ndef tracer(frame, event, arg):\n    if frame.f_code.co_name == 'traced': seen.append(event)\n    return tracer",
        restore="import sys; same = sys.gettrace() is tracer; sys.settrace(None)", look=("seen", "same")),
    "profiler": Case(
        "import sys\nsys.setprofile(profiler)\n[abs(-1) for _ in 'ab']",
        setup="seen, ours = [], []\ndef profiler(frame, event, arg):\n    if event == 'c_call' and arg is abs: seen.append(event)\n"
              "    if 'mlgov' in frame.f_code.co_filename: ours.append(frame.f_code.co_name)",
        restore="import sys; same = sys.getprofile() is profiler; sys.setprofile(None); recorded = any('record' in name for name in ours); ours = 0", look=("seen", "same", "recorded")),
    "cProfile": Case("import cProfile\np = cProfile.Profile()\np.enable()\nsorted('ba')", restore="p.disable(); del p"),
    "warnings as errors": Case(
        "import warnings\nwarnings.simplefilter('error')\nx = 1", restore="import warnings; warnings.resetwarnings()", alone=True),
    "a warning is shown once": Case("import warnings\nfor _ in 'ab': warnings.warn('told once')",
                                    setup="import warnings\nfor _ in 'ab': warnings.warn('told once')"),
    "signal handlers": Case(
        "import signal\nalarms = []\nsignal.signal(signal.SIGALRM, lambda *a: alarms.append('alarm'))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.02);",
        restore="import time; time.sleep(0.1); signal.signal(signal.SIGALRM, signal.SIG_DFL)", look=("alarms",)),
    "garbage collection": Case("import gc\ngc.disable()\ngc.freeze()\nx = 1", after="gc.unfreeze(); gc.enable()"),
    "locale": Case("import locale\nlocale.setlocale(locale.LC_ALL, 'C.UTF-8')\n1234.5"),
    "debug log": Case(
        "logging.debug('mine')", setup="import logging\nlogging.basicConfig(level=logging.DEBUG, format='%(name)s %(message)s')", alone=True),
    "low recursion limit": Case("import sys\nsys.setrecursionlimit(150)\nx = 1", restore="import sys; sys.setrecursionlimit(3000)"),
    "small stacks": Case("import threading\nold = threading.stack_size(65536)", look=("threading.stack_size()",), after="threading.stack_size(0)"),
    "numpy settings": Case("import numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=2)\na = np.array([1.23456])\na",
                           after="np.seterr(all='warn'); np.set_printoptions(precision=8)"),
    "generators of random numbers": Case(
        "a = random.random(), np.random.rand(), rng.random()\na",
        setup="import random, numpy as np\nrandom.seed(1); np.random.seed(2); rng = np.random.default_rng(3)",
        look=("random.random()", "np.random.rand()", "rng.random()"), after="del rng"),
    "references": Case(
        "model = LinearRegression().fit(frame[['a']], frame['b'])\nscore = model.score(frame[['a']], frame['b'])",
        setup="import sys\nimport numpy as np, pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
              "big = np.ones(100_000); frame = pd.DataFrame({'a': big.cumsum(), 'b': big.cumsum() * 2})\nview = big[::2]",
        look=("sys.getrefcount(big)", "sys.getrefcount(frame)", "sys.getrefcount(model)", "sys.getrefcount(view)"),
        after="del big, frame, model, view"),
    "finalizers": Case("class D:\n    def __del__(self): print('deleted')\nd = D()\ndel d"),
    "shadowed builtins": Case("print, len, open, list, type, isinstance = 1, 2, 3, 4, 5, 6",
                              restore="del print, len, open, list, type, isinstance"),
    "another folder": Case("import os\nos.makedirs('elsewhere', exist_ok=True)\nback = os.getcwd()\nos.chdir('elsewhere')\nos.listdir()",
                           look=("os.path.basename(os.getcwd())",), after="os.chdir(back); del back"),
    "a folder that is gone": Case("import os\nback = os.getcwd()\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')",
                                  restore="os.chdir(back); del back"),
    "a folder that is gone, and paths": Case(
        "import glob, os\nback = os.getcwd()\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n"
        "found = glob.glob('*.csv')\nopen('data/table.csv')",
        restore="os.chdir(back); del back", look=("found",), status="error"),
    "large output": Case("for i in range(60_000): print(i)"),
    "nested cell": Case("get_ipython().run_cell('inner = 5\\ninner');", look=("inner",)),
    "deleted history": Case("del In, Out\nx = 1", alone=True),
    "exit": Case("exit()", alone=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    shared = Pair(tmp_path_factory.mktemp("pair"))
    yield shared
    shared.stop()


class Pair:
    """Two kernels in equal folders: one plain, one with the extension."""

    def __init__(self, folder: Path) -> None:
        self.folders = {}
        self.kernels = {}
        for way in ("plain", "loaded"):
            place = folder / way
            place.mkdir()
            shutil.copy(Path(__file__).with_name("probe.py"), place / "probe.py")
            (place / "mlgov.toml").write_text("[capture]\noutputs_limit = 100000\n")
            self.folders[way] = place
            self.kernels[way] = Kernel(place)
        self.loaded = self.kernels["loaded"]
        self.must(
            "import probe, random\nrandom.seed(0)\nimport numpy\nnumpy.random.seed(0)\ndel random, numpy"
        )
        self.kernels["plain"].must("%load_ext autoreload")
        self.loaded.must("%load_ext jupyter_mlgov")
        # Once before anything is compared, so that both sides have shown and imported what they will.
        self.kernels["plain"].must("# %%experiment first\nx = 1")
        self.loaded.must("%%experiment first\nx = 1")

    def must(self, source: str) -> None:
        for kernel in self.kernels.values():
            kernel.must(source)

    def run(self, name: str, case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._run("plain", f"# %%experiment {name}\n", case), self._run(
            "loaded", f"%%experiment {name}\n", case
        )

    def _run(self, way: str, header: str, case: Case) -> dict[str, Any]:
        kernel = self.kernels[way]
        if case.setup:
            kernel.run(case.setup)
        if case.cell.startswith("%%") and way == "plain":
            header = ""
        ran = kernel.run(header + case.cell)
        seen: dict[str, Any] = {
            "status": ran.status,
            "said": said(ran),
            "outputs": comparable(ran),
            "reply": reply(ran),
        }
        if case.cell != "exit()":
            if case.restore:
                seen["restored"] = comparable(kernel.run(case.restore))
            probe = kernel.run(f"import probe, json\nprobe_said = json.dumps(probe.look(globals(), {list(case.look)!r}))\n"
                               "__import__('builtins').print(probe_said)\ndel probe_said")  # fmt: skip
            assert probe.status == "ok", probe.outputs
            seen["probe"] = json.loads(probe.stdout)
            if case.after:
                kernel.run(case.after)
        return seen

    def stop(self) -> None:
        for kernel in self.kernels.values():
            kernel.stop()


def said(ran: Ran) -> list[str]:
    """Lines of capture's own."""
    return [output["text"] for output in ran.outputs if own_line(output)]


def comparable(ran: Ran) -> list[dict[str, Any]]:
    """Outputs without what differs between any two runs: addresses, timings, folders, counters."""
    outputs = [{k: v for k, v in output.items() if k != "execution_count"} for output in ran.outputs]
    outputs = [output for output in outputs if not own_line(output)]
    text = json.dumps(outputs)
    text = text.replace("%%experiment", "# %%experiment").replace("# # ", "# ")
    for pattern, instead in (
        (r"In\[\d+\]", "In[n]"), (r"\b\d+\.py", "n.py"), (r"0x[0-9a-f]+", "0x"), (r"/(plain|loaded)\b", "/folder"),
        (r"(CPU times|Wall time)[^\"]*?(?=\")", r"\1"), (r"ipykernel_\d+", "ipykernel"),
    ):  # fmt: skip
        text = re.sub(pattern, instead, text)
    return json.loads(text)


def differences(plain: Any, loaded: Any, where: str = "") -> dict[str, Any]:
    """What differs, by its place: plain first."""
    if isinstance(plain, dict) and isinstance(loaded, dict):
        found: dict[str, Any] = {}
        for key in sorted(plain.keys() | loaded.keys()):
            found |= differences(plain.get(key), loaded.get(key), f"{where}/{key}")
        return found
    return {} if plain == loaded else {where: (plain, loaded)}


def own_line(output: dict[str, Any]) -> bool:
    return output.get("name") == "stderr" and output["text"].startswith("mlgov: ")


def reply(ran: Ran) -> dict[str, Any]:
    return {key: ran.reply.get(key) for key in ("status", "ename", "evalue", "payload")}


@pytest.mark.parametrize("name", CASES)
def test_nothing_that_can_be_noticed_differs(name: str, pair: Pair, tmp_path: Path) -> None:
    case = CASES[name]
    kernels = Pair(tmp_path) if case.alone else pair
    experiment = re.sub(r"\W+", "-", name)
    try:
        plain, loaded = kernels.run(experiment, case)
        assert differences(plain, loaded) == {}
        document = Project.open(kernels.folders["loaded"]).show(experiment)
    finally:
        if case.alone:
            kernels.stop()
    assert document["status"] == case.status
    assert [w["message"] for w in document["warnings"] if not w["code"].startswith("hidden-state")] == []


def test_a_captured_failure_is_recorded_as_one(pair: Pair) -> None:
    assert pair.loaded.run("%%experiment swallowed\n%%capture\n1 / 0").status == "ok"
    document = Project.open(pair.folders["loaded"]).show("swallowed")
    assert (document["status"], document["error"]) == ("error", "ZeroDivisionError: division by zero")


def test_parameters_and_metrics_are_found_below_other_magics(pair: Pair) -> None:
    pair.loaded.must("%%experiment below\n%%time\nC = 0.5\nscore = C * 2\n!true")
    document = Project.open(pair.folders["loaded"]).show("below")
    assert (document["parameters"], document["metrics"]) == ({"C": 0.5}, {"score": 1.0})
    pair.loaded.must("%%experiment below\n%%capture caught\nC = 0.25\nscore = C * 2")
    assert Project.open(pair.folders["loaded"]).show("below")["metrics"] == {"score": 0.5}


def outputs_of(pair: Pair, name: str) -> list[dict[str, Any]]:
    project = Project.open(pair.folders["loaded"])
    document = project.show(name)
    digest = document["notebook"]["cells"][document["cell"]]["outputs"]
    return json.loads(project.store.get(digest)) if digest else []


def test_outputs_are_those_of_the_cell_with_its_children_and_threads(pair: Pair) -> None:
    pair.loaded.must(
        "%%experiment shown\nimport os, sys, threading\nfrom IPython.display import HTML, display\n"
        "if os.fork() == 0:\n    sys.stdout.write('child\\n'); os._exit(0)\nos.wait()\nprint('parent')\n"
        "thread = threading.Thread(target=lambda: (print('thread'), display(HTML('<i>t</i>'))))\nthread.start(); thread.join()\n"
        "import time; time.sleep(0.3)\nsys.stderr.write('err\\n')\n7 * 6"
    )
    outputs = outputs_of(pair, "shown")
    text = "".join(output["text"] for output in outputs if output.get("name") == "stdout")
    assert sorted(text.split()) == ["child", "parent", "thread"]
    assert {"output_type": "stream", "name": "stderr", "text": "err\n"} in outputs
    assert outputs[-1]["data"] == {"text/plain": "42"}
    assert any(output.get("data", {}).get("text/html") == "<i>t</i>" for output in outputs)


def test_past_the_limit_there_are_head_count_digest_and_tail(pair: Pair) -> None:
    from blake3 import blake3

    pair.loaded.must("%%experiment long\nfor i in range(60_000): print(i)\nimport sys; sys.stdout.flush()")
    whole = "".join(f"{i}\n" for i in range(60_000))
    (stream,) = outputs_of(pair, "long")
    head, _, rest = stream["text"].partition("\n[mlgov: ")
    said, _, tail = rest.partition("]\n")
    assert head == whole[:100_000]
    assert whole.endswith(tail) and 60_000 < len(tail) <= 65_536
    assert said.startswith(f"{len(whole) - 100_000} characters more")
    expected = blake3(b"\0stdout\0" + whole[100_000:].encode()).hexdigest()
    assert f"blake3:{expected}" in said


BLOCKING = """
import time, pandas as pd
from sklearn.base import BaseEstimator
class Frame(pd.DataFrame):
    def items(self):
        while True: time.sleep(0.01)
class Model(BaseEstimator):
    def fit(self, X): self.coef_ = 1; return self
    def get_params(self, deep=True):
        time.sleep(3600)
class Busy(BaseEstimator):
    def fit(self, X): self.coef_ = 1; return self
    def get_params(self, deep=True):
        while True:
            try:
                while True: pass
            except Exception: pass
frame, model, busy = Frame({'a': [1]}), Model().fit(None), Busy().fit(None)
good = pd.DataFrame({'a': [1, 2]})
"""


def test_objects_that_block_forever_cost_their_own_time_and_the_rest_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text("[capture]\nobject_budget_s = 0.3\n")
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must(BLOCKING)
        started = time.monotonic()
        ran = kernel.must("%%experiment blocked\nn = len(good)\nn")
        assert time.monotonic() - started < 20
        assert ran.result == "2"
        (line,) = said(ran)
        assert len(line.splitlines()) == 1
        assert all(
            part in line for part in ("frame `frame`", "model `busy`", "model `model`", "longer than 0.3 s")
        )
        document = Project.open(tmp_path).show("blocked")
        reasons = {frame["name"]: frame["reason"] for frame in document["frames"]}
        assert reasons == {"frame": "it took longer than 0.3 s", "good": None}
        assert document["metrics"] == {"n": 2}
        # What was busy has been ended: the kernel's threads are those it had.
        assert kernel.must("import threading, time; time.sleep(0.2)\n"
                           "sum(thread.name == 'mlgov-capture' for thread in threading.enumerate()) <= 1").result == "True"  # fmt: skip
    finally:
        kernel.stop()


def test_past_the_budget_the_rest_is_skipped_and_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text("[capture]\ntime_budget_s = 0\n")
    (tmp_path / "data.csv").write_text("a\n1\n")
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov\nimport numpy as np\nx = np.ones(3)\nopen('data.csv').read();")
        ran = kernel.must("%%experiment hurry\nn = len('ab')")
        (line,) = said(ran)
        assert "the time budget of 0 s was used up" in line and len(line.splitlines()) == 1
        document = Project.open(tmp_path).show("hurry")
        assert document["metrics"] == {"n": 2}
        assert [(item["uri"], item["digest"]) for item in document["inputs"]] == [("data.csv", None)]
        assert [(frame["name"], frame["digest"]) for frame in document["frames"]] == [("x", None)]
        assert {warning["code"] for warning in document["warnings"]} >= {
            "code.skipped", "environment.skipped", "input.skipped", "frame.skipped",
        }  # fmt: skip
    finally:
        kernel.stop()


def test_ten_gigabytes_and_a_million_variables_cost_neither_memory_nor_patience(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text("[capture]\ntime_budget_s = 2\n")
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must("import numpy as np, resource\nbig = np.broadcast_to(np.float64(1.5), (1_250_000_000,))\n"
                    "class Thing: pass\nglobals().update({f'v{i}': i for i in range(500_000)})\n"
                    "globals().update({f'o{i}': Thing() for i in range(500_000)})\n"
                    "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss")  # fmt: skip
        started = time.monotonic()
        ran = kernel.must("%%experiment big\nn = len('seven..')")
        assert time.monotonic() - started < 50
        assert len("".join(said(ran)).splitlines()) <= 1
        grown = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before"
        assert int(kernel.must(grown).result or 0) < 400_000, "kilobytes"
        document = Project.open(tmp_path).show("big")
        assert document["metrics"] == {"n": 7}
        (frame,) = (frame for frame in document["frames"] if frame["name"] == "big")
        assert frame["type"] == "numpy.ndarray"
        assert frame["digest"] or "time budget" in frame["reason"]
    finally:
        kernel.stop()


def test_an_interrupt_while_it_records_is_told_and_the_kernel_goes_on(tmp_path: Path) -> None:
    import threading

    (tmp_path / "mlgov.toml").write_text("[capture]\nobject_budget_s = 25\n")
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must("%%experiment interrupted\nn = 0")
        kernel.must(BLOCKING + "del frame, busy")
        threading.Timer(4.0, kernel.interrupt).start()
        started = time.monotonic()
        ran = kernel.run("%%experiment interrupted\nn = 1\nn")
        assert time.monotonic() - started < 20
        assert (ran.status, ran.result) == ("ok", "1")
        assert [ran.stderr] == ["mlgov: recording was interrupted: this run has no snapshot\n"]
        kernel.must("del model")
        assert kernel.must("%%experiment interrupted\nn = 2").stderr == ""
        assert Project.open(tmp_path).show("interrupted")["number"] == 2
    finally:
        kernel.stop()


def test_a_kernel_that_ends_itself_leaves_a_whole_store(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must("%%experiment before\nn = 1")
        message = kernel.client.execute("%%experiment never\nimport os\nn = 1\nos._exit(3)")
        assert message
        deadline = time.monotonic() + 30
        while kernel.manager.is_alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not kernel.manager.is_alive()
        project = Project.open(tmp_path)
        assert project.store.fsck() == []
        assert [entry.experiment for entry in project.log()] == ["before"]
    finally:
        kernel.stop()


def test_no_project_is_made_above_a_folder_that_was_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    kernel = Kernel(folder, env={"IPYTHONDIR": str(tmp_path / "ipython")})
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must("%%experiment before\nn = 1")
        kernel.must("import shutil, os\nshutil.rmtree(os.getcwd())")
        ran = kernel.run("%%experiment after\nn = 2\nn")
        assert (ran.status, ran.result) == ("ok", "2")
        assert "not there any more" in ran.stderr
        assert ran.stderr.count("\n") == 1
        assert not (tmp_path / ".mlgov").exists()
    finally:
        kernel.stop()
