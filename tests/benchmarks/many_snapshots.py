"""A store with 100,000 snapshots: how long ``log`` (a page of 100) and ``show`` take at the 95th percentile, each in a
project opened anew as every command does; MLflow's ``search_runs`` (a page of 100) over as many runs beside it.

Both are filled in bulk and then asked through their public ways only.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Risk
from tests.benchmarks.measuring import Figure, peer, percentile, seconds
from tests.store.making import make_manifest

LIMIT_MS = 50
EXPERIMENTS = 20
RISKS = (Risk(id="drift", situation="Rates change", severity="low", likelihood="high"),)
ASKED = 200
MLFLOW = """
import json, sqlite3, statistics, sys, time, uuid, logging
logging.disable(logging.CRITICAL)
from mlflow import MlflowClient
count, asked = int(sys.argv[1]), int(sys.argv[2])
client = MlflowClient("sqlite:///mlflow.db")
names = [client.create_experiment(f"experiment-{place}") for place in range(20)]
model = client.create_run(names[0])
client.log_metric(model.info.run_id, "auc", 0.5)
base = sqlite3.connect("mlflow.db")
def copies(table, key, change):
    base.row_factory = sqlite3.Row
    row = dict(base.execute(f"select * from {table} where {key} = ?", (model.info.run_id,)).fetchone())
    marks = ", ".join("?" * len(row))
    statement = f"insert into {table} ({', '.join(row)}) values ({marks})"
    base.executemany(statement, (list((row | change(place)).values()) for place in range(count - 1)))
ids = [uuid.uuid4().hex for _ in range(count)]
copies("runs", "run_uuid", lambda place: {
    "run_uuid": ids[place], "name": f"run {place}", "experiment_id": int(names[place % 20]),
    "start_time": 1_700_000_000_000 + place, "artifact_uri": f"artifacts/{ids[place]}"})
copies("latest_metrics", "run_uuid", lambda place: {"run_uuid": ids[place], "value": place / count})
copies("metrics", "run_uuid", lambda place: {"run_uuid": ids[place], "value": place / count})
base.commit(); base.execute("analyze"); base.commit()
def ask(place):
    start = time.perf_counter()
    assert len(client.search_runs([names[place % 20]], max_results=100)) == 100
    return 1000 * (time.perf_counter() - start)
ask(0)
taken = sorted(ask(place) for place in range(asked))
print(json.dumps([statistics.median(taken), taken[int(0.95 * asked)]]))
"""


def fill(project: Project, count: int) -> list[str]:
    """Commits so many snapshots of twenty experiments; their ids."""
    store, start = project.store, time.monotonic()
    first = make_manifest(store)
    made: list[str] = []
    while len(made) < count:
        manifests = (
            msgspec.structs.replace(
                first,
                experiment=f"experiment-{place % EXPERIMENTS}",
                message=f"run {place}",
                metrics={"auc": place / count},
                risks=RISKS if place % 100 else (),
            )
            for place in range(len(made), min(count, len(made) + 10_000))
        )
        made += [entry.subject for entry in store.commit_all(manifests)]
        print(f"    {len(made)} snapshots, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return made


def measure(*, quick: bool) -> Figure:
    count, asked = (2000, 50) if quick else (100_000, ASKED)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # only for filling it quickly
    chance = random.Random(0)
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        root = Path(folder)
        project = Project.open(root, create=True)
        ids = fill(project, count)
        Project.open(root).log(limit=1)

        def log() -> None:
            name = f"experiment-{chance.randrange(EXPERIMENTS)}"
            assert len(Project.open(root).log(experiment=name, limit=100)) == 100

        def show() -> None:
            name = chance.choice(ids)
            assert Project.open(root).show(name[:12])["id"] == name

        found = {"log": [], "show": []}
        for _ in range(asked):
            for name, ask in (("log", log), ("show", show)):
                found[name].append(1000 * seconds(ask))
        whole = seconds(lambda: Project.open(root).log())
        theirs = peer(MLFLOW, count, asked, folder=root)
    worst = {name: percentile(taken, 0.95) for name, taken in found.items()}
    bars = [(f"mlgov {name}", taken) for name, taken in worst.items()]
    if theirs:
        bars.append(("MLflow search_runs", theirs[1]))
    return Figure(
        "100,000 snapshots in a store: `log` and `show`", f"{LIMIT_MS} ms at the 95th percentile",
        f"`log` {worst['log']:.0f} ms, `show` {worst['show']:.0f} ms", max(worst.values()) / LIMIT_MS,
        f"MLflow `search_runs` {theirs[1]:.0f} ms" if theirs else "", tuple(bars), "ms",
        note=f"a page of 100; the whole list takes {whole:.1f} s",
    )  # fmt: skip
