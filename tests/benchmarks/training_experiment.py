"""``%%experiment`` on a LogisticRegression over a 100k x 20 frame; MLflow's autologging of the same fit beside it.

Each is compared with the same fit without it in the same process, because the peers' libraries are other versions.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Figure, in_turns, kernel, medians, peer, seconds

LIMIT = 1.05
DATA = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
rng = np.random.default_rng(0)
df = pd.DataFrame(rng.normal(size=(100_000, 20)), columns=[f"x{i}" for i in range(20)])
y = (df.sum(axis=1) + rng.normal(size=len(df)) > 0).astype(int)
"""
FIT = "C = {C}\nmodel = LogisticRegression(C=C, max_iter=200).fit(df, y)\naccuracy = model.score(df, y)"
AUTOLOG = (
    DATA
    + """
import json, logging, statistics, time, mlflow, mlflow.sklearn
logging.getLogger("mlflow").setLevel(logging.CRITICAL)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("bench")
def fit(log, C):
    mlflow.sklearn.autolog(disable=not log, silent=True)
    start = time.perf_counter()
    if log:
        with mlflow.start_run():
            LogisticRegression(C=C, max_iter=200).fit(df, y).score(df, y)
    else:
        LogisticRegression(C=C, max_iter=200).fit(df, y).score(df, y)
    return time.perf_counter() - start
fit(True, 1.0), fit(False, 1.0)
pairs = [(fit(False, 1 + turn / 100), fit(True, 1 + turn / 100)) for turn in range(5)]
print(json.dumps([statistics.median(values) for values in zip(*pairs)]))
"""
)


def measure(*, quick: bool) -> Figure:
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        with kernel(Path(folder)) as session:

            def run(first: str) -> float:
                source = first + FIT.format(C=1 + next(numbers) / 100)
                return 1000 * seconds(lambda: session.must(source))

            session.must("%load_ext jupyter_mlgov")
            session.must(DATA)
            run("%%experiment bench\n"), run("")
            ways = {"the fit alone": lambda: run(""), "%%experiment": lambda: run("%%experiment bench\n")}
            found = medians(in_turns(ways, 5 if quick else 21))
        theirs = peer(AUTOLOG, folder=Path(folder))
    ratio = found["%%experiment"] / found["the fit alone"]
    beside, bars = "", [("%%experiment", ratio)]
    if theirs:
        beside = f"MLflow autologging {100 * (theirs[1] / theirs[0] - 1):.0f} % more"
        bars.append(("MLflow autologging", theirs[1] / theirs[0]))
    return Figure(
        "`%%experiment` on LogisticRegression over a 100k x 20 frame", "5 % more",
        f"{100 * (ratio - 1):.0f} % more ({found['%%experiment'] - found['the fit alone']:.0f} ms on "
        f"{found['the fit alone']:.0f} ms)",
        (ratio - 1) / (LIMIT - 1), beside, (("the fit alone", 1.0), *bars), "times the fit",
    )  # fmt: skip
