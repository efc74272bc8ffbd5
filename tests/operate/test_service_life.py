"""A service over time: killed and started again, other releases, several workers, keys, models that are not trusted."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from jupyter_mlgov.operate import predictions
from jupyter_mlgov.project import Project
from tests.operate.making import add_model, make_project
from tests.operate.server import ROW, Server
from tests.operate.test_releases import mlgov


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    made.release("baseline", "credit", "production")
    return made


@pytest.fixture
def serve(project: Project) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*words: str, **variables: str) -> Server:
        started.append(Server(project.root, "credit:production", *words, **variables))
        return started[-1]

    yield start
    for one in started:
        one.stop(signal.SIGKILL)


class Clients:
    """Some clients that ask without a pause; what they were answered."""

    def __init__(self, url: str, count: int = 4) -> None:
        self.acknowledged: dict[str, int] = {}
        self.faults: list[object] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self, url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not self._ended.is_set():
                try:
                    answer = client.post("/predict", json={"rows": [ROW, ROW]})
                except httpx.HTTPError as error:
                    self.faults.append(error)
                    time.sleep(0.05)
                    continue
                if answer.status_code == 200:
                    found = answer.json()
                    self.acknowledged[found["request_id"]] = found["version"]
                else:
                    self.faults.append(answer.text)

    def until(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, f"{len(self.acknowledged)} answers, {self.faults[:2]}"
            time.sleep(0.02)

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def test_every_acknowledged_prediction_survives_a_killed_service_that_is_started_again(
    project: Project, serve: Callable[..., Server]
) -> None:
    server = serve()
    clients = Clients(server.url)
    clients.until(lambda: len(clients.acknowledged) > 100)
    server.stop(signal.SIGKILL)
    clients.stop()
    table = project.predictions("credit:production")
    assert set(clients.acknowledged) <= set(table["request_id"].to_pylist())
    again = serve()
    answer = again.predict().json()
    clients.until(lambda: bool(list(project.predictions_folder.rglob("*.parquet"))))
    after = project.predictions("credit:production")
    assert set(after["request_id"].to_pylist()) == {*table["request_id"].to_pylist(), answer["request_id"]}
    assert after.num_rows == table.num_rows + 1


def test_a_release_is_picked_up_by_every_worker_without_a_lost_request(
    project: Project, serve: Callable[..., Server]
) -> None:
    add_model(project.store, c=0.01)
    server = serve("--workers", "2")
    clients = Clients(server.url)
    clients.until(lambda: len(clients.acknowledged) > 30)
    for number, ref in ((2, "baseline@2"), (1, "credit:production@1")):
        assert project.release(ref, "credit", "production").release
        seen = len(clients.acknowledged)
        clients.until(lambda seen=seen, number=number: _settled(clients, seen, number))
    clients.stop()
    assert clients.faults == []
    table = project.predictions("credit:production").to_pandas().drop_duplicates("request_id")
    logged = dict(zip(table.request_id, table.version, strict=True))
    assert clients.acknowledged.items() <= logged.items()
    assert set(clients.acknowledged.values()) == {1, 2}
    assert server.stop() == 0


def _settled(clients: Clients, since: int, number: int) -> bool:
    """Whether the last 40 answers, all later than ``since``, are of one version."""
    latest = list(clients.acknowledged.values())[since:][-40:]
    return len(latest) == 40 and set(latest) == {number}


def test_a_killed_worker_is_replaced_and_none_outlives_the_service(serve: Callable[..., Server]) -> None:
    server = serve("--workers", "2")
    workers = [
        one
        for one in psutil.Process(server.process.pid).children()
        if "spawn_main" in " ".join(one.cmdline())
    ]
    assert len(workers) == 2
    clients = Clients(server.url, 2)
    clients.until(lambda: len(clients.acknowledged) > 20)
    workers[0].kill()
    seen = len(clients.acknowledged)
    clients.until(lambda: len(clients.acknowledged) > seen + 50)
    clients.until(lambda: len(_alive(server)) == 2)
    clients.stop()
    text = server.client.get("/metrics").text
    assert 'mlgov_requests_total{endpoint="predict",status="200"}' in text
    left = _alive(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    gone, alive = psutil.wait_procs(left, timeout=30)
    assert (len(gone), alive) == (2, [])


def _alive(server: Server) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(one.cmdline()):
                found.append(one)
    return found


def test_keys_are_asked_for_everywhere_but_for_health(project: Project, serve: Callable[..., Server]) -> None:
    key = "k" * 24
    (project.root / "keys.txt").write_text(f"# operator\n{key}\nother-key-other-key\n")
    server = serve("--keys", "keys.txt")
    assert server.predict().status_code == 401
    for path in ("/v2", "/v2/models/credit", "/metrics"):
        assert server.client.get(path).status_code == 401
    assert (
        server.client.post("/v2/models/credit/infer", headers={"X-API-Key": "wrong"}, json={}).status_code
        == 401
    )
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": "other-key-other-key"}):
        assert server.client.post("/predict", headers=headers, json={"rows": ROW}).status_code == 200
    (project.root / "short.txt").write_text("short\n")
    done = mlgov(project.root, "serve", "credit:production", "--keys", "short.txt")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "16 or more" in done.stderr


def test_only_what_the_operator_trusts_is_loaded(project: Project, serve: Callable[..., Server]) -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression

    from jupyter_mlgov.hashing.estimators import save_model
    from jupyter_mlgov.records.manifest import Model
    from tests.operate.making import loans

    table = loans()
    numbers = table[["income", "debt"]].to_numpy()
    model = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(numbers, table["paid"])
    data, _ = save_model(model)
    assert data is not None
    kept = project.store.put(data)
    held = Model(name="clf", class_="x", parameters={}, digest=kept, object=kept, primary=True)
    other = project.export("baseline", project.root / "b.mlgov")
    assert other.objects
    server = serve()
    add_model(project.store, models=(held,), rows=(), inputs_schema=None, frames=(), message="calibrated")
    monkey = project.release("baseline@2", "credit", "production").release
    assert monkey is not None
    deadline = time.monotonic() + 60
    while server.predict().status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # The project recorded it itself, so scikit-learn's own types are trusted: the new version answers, with its inputs.
    assert (
        server.client.post("/predict", json={"columns": {"x0": [50.0], "x1": [4.0]}}).json()["version"] == 2
    )


def test_a_release_that_cannot_be_loaded_leaves_the_one_before(
    project: Project, serve: Callable[..., Server]
) -> None:
    from jupyter_mlgov.records.manifest import Model

    server = serve()
    broken = project.store.put(b"no skops file")
    held = Model(name="clf", class_="x", parameters={}, digest=broken, object=broken, primary=True)
    add_model(project.store, models=(held,), message="broken")
    assert project.release("baseline@2", "credit", "production").release
    deadline = time.monotonic() + 60
    while "mlgov_release_failures_total 1.0" not in server.client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert server.predict().json()["version"] == 1
    done = mlgov(project.root, "serve", "credit:production")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no skops file" in done.stderr


def test_a_log_that_cannot_be_written_answers_nothing(project: Project, serve: Callable[..., Server]) -> None:
    folder = project.predictions_folder / predictions.BY_MODEL
    server = serve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    answer = server.predict()
    assert answer.status_code == 503
    assert "could not be logged" in answer.json()["error"]
    folder.unlink()
    assert server.predict().status_code == 200
