"""A service that meets what nobody foresaw: no request waits for ever, and later releases are still taken up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_mlgov.operate.batches import Batches, Failed, NotLogged, Pending
from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.protocol import Asked
from jupyter_mlgov.operate.service import Orders, Service
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.project import FOLDER, Project
from tests.operate.making import add_model, make_project
from tests.operate.server import ROW


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    made.release("baseline", "credit", "production")
    return made


@pytest.fixture
def service(project: Project) -> Service:
    return Service(
        Orders(root=str(project.root), store=str(project.root / FOLDER), ref="credit:production", look_s=0.02)
    )


def running(service: Service, work: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Runs ``work`` while the service runs, in less than a minute."""

    async def all_of_it() -> None:
        async with asyncio.timeout(60), service._life(service.app):
            transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                await work(client)

    asyncio.run(all_of_it())


async def version(client: httpx.AsyncClient) -> int:
    found: int = (await client.post("/predict", json={"rows": ROW})).json()["version"]
    return found


async def until(client: httpx.AsyncClient, wanted: int) -> None:
    end = time.monotonic() + 30
    while await version(client) != wanted:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def test_a_ledger_that_cannot_be_read_for_a_while_hides_no_release(
    project: Project, service: Service
) -> None:
    head = project.root / FOLDER / "ledger" / "HEAD"
    add_model(project.store, c=0.01)

    async def work(client: httpx.AsyncClient) -> None:
        away = head.with_name("away")
        head.rename(away)
        await asyncio.sleep(0.3)
        assert "mlgov_release_failures_total 1.0" in (await client.get("/metrics")).text
        assert await version(client) == 1
        away.rename(head)
        assert project.release("baseline@2", "credit", "production").release
        await until(client, 2)

    running(service, work)


@pytest.mark.parametrize("fault", [OSError(5, "Input/output error"), ValueError("odd"), MemoryError()])
def test_a_release_that_could_not_be_loaded_once_is_tried_again(
    project: Project, service: Service, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    add_model(project.store, c=0.01)
    load = service._source.load
    faults = [fault, fault]

    def sometimes() -> Any:
        if faults:
            raise faults.pop()
        return load()

    async def work(client: httpx.AsyncClient) -> None:
        monkeypatch.setattr(service._source, "load", sometimes)
        assert project.release("baseline@2", "credit", "production").release
        await until(client, 2)
        assert not faults
        assert "mlgov_release_failures_total 1.0" in (await client.get("/metrics")).text

    running(service, work)


class Odd(PredictionLog):
    """A log that cannot take what it is given the first time."""

    faults: list[BaseException]

    def write(self, header: Any, answered: Any) -> None:
        if self.faults:
            raise self.faults.pop()
        super().write(header, answered)


def test_a_log_that_fails_in_any_way_refuses_the_request_and_goes_on(
    project: Project, service: Service
) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        assert service._batches is not None
        log = Odd(project.predictions_folder, Settings())
        log.faults = [TypeError("unserialisable")]
        service._batches._log = log
        answer = await client.post("/predict", json={"rows": ROW})
        assert answer.status_code == 503
        assert "TypeError: unserialisable" in answer.json()["error"]
        assert (await client.post("/predict", json={"rows": ROW})).status_code == 200
        assert (await client.get("/v2/health/ready")).json() == {"ready": True}

    running(service, work)


def test_a_service_that_cannot_answer_any_more_says_so_and_ends(project: Project, service: Service) -> None:
    class Ended(BaseException):
        pass

    async def work(client: httpx.AsyncClient) -> None:
        assert service._batches is not None
        log = Odd(project.predictions_folder, Settings())
        log.faults = [Ended()]
        service._batches._log = log
        answer = await client.post("/predict", json={"rows": ROW})
        assert answer.status_code == 503
        ready = await client.get("/v2/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"ready": False})
        assert (await client.get("/v2/models/credit/ready")).status_code == 503
        assert (await client.post("/predict", json={"rows": ROW})).status_code == 503
        assert (await client.get("/v2/health/live")).status_code == 200

    running(service, work)


def test_what_goes_wrong_around_a_prediction_fails_its_requests_only(
    project: Project, tmp_path: Path
) -> None:
    from jupyter_mlgov.operate.sources import FromProject

    served = FromProject(project.root, project.store, "credit:production").load()
    columns = {name: [value] for name, value in ROW.items()}

    async def work() -> None:
        batches = Batches(PredictionLog(tmp_path / "log", Settings()))
        batches.start()
        odd = Pending(served, Asked(columns, 1), columns, 0.0)
        odd.began = None  # type: ignore[assignment]
        with pytest.raises(Failed, match="the prediction failed: TypeError"):
            await asyncio.wait_for(batches.answer(odd), 20)
        good = Pending(served, Asked(columns, 1), columns, 0.0)
        await asyncio.wait_for(batches.answer(good), 20)
        assert good.outputs["prediction"]
        await batches.stop()
        assert not batches.alive
        with pytest.raises(NotLogged, match="ending"):
            await batches.answer(Pending(served, Asked(columns, 1), columns, 0.0))

    asyncio.run(work())
