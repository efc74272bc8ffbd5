"""The whole loop on a running service: what it meets changes, the monitor finds that, a retraining brings a new version
through the gate, and the service takes it up without dropping a request."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import pandas as pd

from tests.monitor.making import applications
from tests.monitor.retraining import trained_project
from tests.operate.server import Server
from tests.operate.test_releases import mlgov
from tests.operate.test_service_life import Clients

BATCH = 50


def score(server: Server, rows: pd.DataFrame, outcomes: Path) -> set[int]:
    """Asks the service about all rows, some at a time, and writes what really happened; the versions that answered."""
    versions = set()
    with outcomes.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["request_id", "row", "outcome"])
        for start in range(0, len(rows), BATCH):
            part = rows.iloc[start : start + BATCH]
            answer = server.predict(part.drop(columns="paid").to_dict("records"))
            assert answer.status_code == 200, answer.text
            found = answer.json()
            versions.add(found["version"])
            for place, paid in enumerate(part["paid"].tolist()):
                write.writerow([found["request_id"], place, paid])
    return versions


def test_drift_appears_is_found_and_a_retrained_version_answers_without_a_lost_request(
    tmp_path: Path,
) -> None:
    project = trained_project(tmp_path / "credit")
    (project.root / "mlgov.toml").write_text(
        '[retrain]\nrelease = "when open"\n[assess]\ntests = ["performance"]\n'
    )
    server = Server(project.root, "credit:production")
    clients = None
    try:
        assert score(server, applications(20, 400), tmp_path / "before.csv") == {1}
        project.add_outcomes(tmp_path / "before.csv")
        assert project.monitor("credit:production").decision == "nothing"

        changed = applications(21, 800, rule="turned")
        assert score(server, changed, tmp_path / "after.csv") == {1}
        project.add_outcomes(tmp_path / "after.csv")
        alarm = mlgov(project.root, "monitor", "credit:production", "--json")
        found = json.loads(alarm.stdout)
        assert (alarm.returncode, found["decision"]) == (1, "retrain")
        (loss,) = [one for one in found["concept"] if one["series"] == "loss"]
        assert abs(max(loss["changes"], key=lambda one: abs(one["effect"]))["row"] - 400) < 150

        clients = Clients(server.url, 2)
        done = mlgov(project.root, "retrain", "credit:production", "--json")
        made = json.loads(done.stdout)
        assert (done.returncode, made["outcome"]) == (0, "released"), (made["reasons"], done.stderr)
        assert made["contest"]["verdict"] == "better"
        asked = clients
        seen = len(asked.acknowledged)
        asked.until(lambda: list(asked.acknowledged.values())[seen:][-20:] == [2] * 20)
        clients.stop()
        assert clients.faults == []
        assert set(clients.acknowledged.values()) == {1, 2}

        assert score(server, applications(22, 400, rule="turned"), tmp_path / "later.csv") == {2}
        project.add_outcomes(tmp_path / "later.csv")
        after = project.monitor("credit:production")
        assert after.release == 2
        assert [(kpi.metric, kpi.met) for kpi in after.kpis] == [("accuracy", True)]
        assert not [one for one in after.concept if one.tell == "drift"]
        assert project.fsck() == []
    finally:
        if clients is not None:
            clients.stop()
        server.stop(signal.SIGKILL)
