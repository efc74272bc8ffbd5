"""The scoring service beside ``mlflow models serve``, one worker each, the same scikit-learn model: ``make bench-serving``.

Both check their inputs (MLflow by the model's signature); only ours logs every prediction, flushed to the disk, and answers
with probabilities too. They are loaded in turns, over loopback, by the same clients. Afterwards the log has to hold
every answer. Target: at least twice the throughput with the log on, with several clients; a single one, that waits
for each answer, measures latency, most of which is the model itself.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import machine
from tests.benchmarks.measuring import PEERS, ROOT
from tests.operate.making import loans, make_project
from tests.operate.server import Server

PAGE = ROOT / "docs" / "reference" / "serving-cost.md"
ROWS = (1, 100)
CLIENTS = (1, 16)
TARGET = 2.0

SAVE = """
import sys, mlflow.sklearn, pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
table = pd.read_csv(sys.argv[1])
prepare = make_column_transformer((StandardScaler(), ["income", "debt", "children"]), (OneHotEncoder(), ["region"]))
X = table.drop(columns="paid")
model = make_pipeline(prepare, LogisticRegression(C=1.0)).fit(X, table["paid"])
mlflow.sklearn.save_model(model, sys.argv[2], signature=infer_signature(X, model.predict(X)))
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_mlflow(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """``mlflow models serve`` with the model of ``making.fitted``; it answers."""
    loans().to_csv(folder / "loans.csv", index=False)
    environment = {
        **os.environ,
        "PATH": f"{PEERS}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m.db",
    }
    environment.pop("PYTHONPATH", None)
    save = [str(PEERS / "python"), "-c", SAVE, str(folder / "loans.csv"), str(folder / "model")]
    subprocess.run(save, env=environment, cwd=folder, check=True, capture_output=True)
    port = free_port()
    words = [
        "models",
        "serve",
        "-m",
        str(folder / "model"),
        "--env-manager",
        "local",
        "-p",
        str(port),
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        [str(PEERS / "mlflow"), *words], env=environment, cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5):
                return process, port
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end or process.poll() is not None:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            time.sleep(0.3)


def load(port: int, path: str, body: Any, folder: Path, clients: int, seconds: float) -> dict[str, float]:
    file = folder / "body.json"
    file.write_text(json.dumps(body))
    words = [
        sys.executable,
        "-m",
        "tests.benchmarks.load",
        str(port),
        path,
        str(file),
        str(clients),
        str(seconds),
    ]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    assert found["bad"] == 0, found
    return found


def measure(seconds: float, rounds: int) -> list[dict[str, Any]]:
    """A row for each number of rows and clients: medians over ``rounds`` of both servers, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = make_project(folder)
        assert project.release("baseline", "credit", "production").release
        ours = Server(folder, "credit:production")
        theirs, their_port = start_mlflow(folder)
        our_port = int(ours.url.rsplit(":", 1)[1])
        try:
            rows = []
            answered = 0
            for count in ROWS:
                table = loans()[:count].drop(columns="paid")
                plain = {"rows": table.to_dict("records")}
                split = {
                    "dataframe_split": {"columns": list(table.columns), "data": table.to_numpy().tolist()}
                }
                for clients in CLIENTS:
                    found: dict[str, list[dict[str, float]]] = {"mlgov": [], "mlflow": []}
                    for turn in range(rounds + 1):
                        mine = load(our_port, "/predict", plain, folder, clients, seconds if turn else 1)
                        other = load(
                            their_port, "/invocations", split, folder, clients, seconds if turn else 1
                        )
                        answered += int(mine["requests"]) * count
                        if turn:  # the first warms both up
                            found["mlgov"].append(mine)
                            found["mlflow"].append(other)
                    rows.append(
                        {
                            "rows": count,
                            "clients": clients,
                            **{who: _medians(all_) for who, all_ in found.items()},
                        }
                    )
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            logged = project.predictions("credit:production").num_rows
            assert logged == answered, (logged, answered)
        finally:
            ours.stop(signal.SIGKILL)
            os.killpg(theirs.pid, signal.SIGKILL)
            theirs.wait()
    return rows


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in ("per_second", "p50_ms", "p99_ms")}


def page(rows: list[dict[str, Any]]) -> str:
    version = subprocess.run(
        [str(PEERS / "python"), "-c", "import importlib.metadata as m; print(m.version('mlflow'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    lines = [
        "# What serving costs", "",
        "Written by `make bench-serving`. One worker each, the same scikit-learn pipeline, loopback, in turns in one run;",
        "medians. `mlgov serve` logs every prediction, flushed to the disk, before it answers, and answers with probabilities;",
        f"`mlflow models serve` (MLflow {version}) does neither. Both check their inputs. Target: twice the throughput with several",
        "clients; a single one, which waits for each answer, shows the latency, most of which is scikit-learn's.", "",
        f"{machine()}, {datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.0f} at the end.", "",
        "| rows of a request | clients | requests/s | beside MLflow | ratio | p50 | beside | p99 | beside |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        mine, other = row["mlgov"], row["mlflow"]
        lines.append(
            f"| {row['rows']} | {row['clients']} | {mine['per_second']:.0f} | {other['per_second']:.0f} "
            f"| {mine['per_second'] / other['per_second']:.1f} | {mine['p50_ms']:.1f} ms | {other['p50_ms']:.1f} ms "
            f"| {mine['p99_ms']:.1f} ms | {other['p99_ms']:.1f} ms |"
        )
    lines += ["", "After each run the prediction log held exactly the rows that clients were answered.", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving_cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="rewrite docs/reference/serving-cost.md")
    options = parser.parse_args()
    rows = measure(options.seconds, options.rounds)
    text = page(rows)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    worst = min(
        row["mlgov"]["per_second"] / row["mlflow"]["per_second"] for row in rows if row["clients"] > 1
    )
    return 0 if worst >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
