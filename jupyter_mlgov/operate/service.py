"""The scoring service: FastAPI in front of one released model. Made in each worker process by :func:`make_app`.

A release is noticed by looking at the ledger's head; the new version is loaded and tried beside the old one, which
answers until then and finishes what it began. A version that cannot be loaded leaves the old one where it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
from fastapi import FastAPI, Request, Response
from msgspec import Struct

from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.operate import protocol
from jupyter_mlgov.operate.accepted import Accepted, Problem, Refused
from jupyter_mlgov.operate.access import read_keys
from jupyter_mlgov.operate.batches import Batches, Failed, NotLogged, Pending
from jupyter_mlgov.operate.log import PredictionLog, tidy
from jupyter_mlgov.operate.metrics import Metrics
from jupyter_mlgov.operate.predictions import folder_of, place_of
from jupyter_mlgov.operate.protocol import Asked, encode
from jupyter_mlgov.operate.served import Served
from jupyter_mlgov.operate.sources import FromFolder, FromProject, Source
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.store import Store

ORDERS = "MLGOV_SERVE"
"""Environment variable with the ``Orders`` of the workers, as JSON."""
AGAIN_S = 60.0
"""Seconds at most until a release is tried again that something other than the release itself kept from being loaded."""
SWITCH_S = 0.0005
"""Seconds after which the thread that wrote the log gets the interpreter back from the one that reads requests."""
_JSON = "application/json"
_told = logging.getLogger("jupyter_mlgov.operate")


class Orders(Struct, frozen=True, kw_only=True):
    """What a worker is to serve. ``ref`` is a ``MODEL:STAGE`` of the project at ``root``; None: ``root`` is a packaged
    folder."""

    root: str
    store: str
    ref: str | None
    trust: tuple[str, ...] = ()
    keys: str | None = None
    parent: int | None = None
    """The process that started the workers: they end with it."""
    look_s: float = 1.0
    """Seconds between two looks for a new release."""

    def source(self) -> Source:
        """Raises ``MlgovError``."""
        if self.ref is None:
            return FromFolder(Path(self.root), self.trust)
        return FromProject(Path(self.root), Store.open(Path(self.store)), self.ref, self.trust)


def make_app() -> FastAPI:
    """The application of one worker, as the environment orders it."""
    orders = decoded(os.environ[ORDERS], Orders)
    sys.setswitchinterval(SWITCH_S)
    return Service(orders).app


class Service:
    """One worker."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._source = orders.source()
        self._settings = self._source.settings
        self._keys = read_keys(Path(orders.keys) if orders.keys else None)
        self._metrics = Metrics()
        self._served: Served | None = None
        self._state = ""
        self._log_folder = folder_of(Path(orders.root), Path(orders.store), self._settings)
        self._batches: Batches | None = None
        self.app = FastAPI(title="mlgov scoring service", version="2", lifespan=self._life)
        self._routes()

    # -- life --------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _life(self, app: FastAPI) -> AsyncIterator[None]:
        self._batches = Batches(PredictionLog(self._log_folder, self._settings))
        self._state = self._source.state()
        self._take(self._source.load())
        self._batches.start()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            await self._batches.stop()
            if self._served is not None:
                release = self._served.release
                tidy(place_of(self._log_folder, release.model, release.stage), self._settings)

    def _take(self, served: Served) -> None:
        release = served.release
        self._served = served
        self._metrics.version.labels(release.model, release.stage).set(release.number)

    async def _watch(self) -> None:
        """Loads what is released later. Nothing that goes wrong ends it: a release that cannot be served is told and left,
        and after any other fault (a disk, memory) it is looked again, less and less often."""
        failures, again = 0, 0.0
        while True:
            await asyncio.sleep(self._orders.look_s)
            if self._orders.parent not in (None, os.getppid()):
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if time.monotonic() < again:
                continue
            try:
                await self._look()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever a file system or a model raises
                failures += 1
                pause = min(self._orders.look_s * 2 ** min(failures, 10), AGAIN_S)
                again = time.monotonic() + pause
                if failures == 1:
                    self._metrics.not_loaded.inc()
                    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                    _told.error("no new release can be taken up, it is tried again: %s", said)

    async def _look(self) -> None:
        """Takes up the release that is on the stage now. What the release itself is to blame for is told; raises anything
        else, and then the release counts as not looked at."""
        state = await asyncio.to_thread(self._source.state)
        if state == self._state:
            return
        try:
            release = await asyncio.to_thread(self._source.current)
            if self._served is None or release != self._served.release:
                served = await asyncio.to_thread(self._source.load)
                self._take(served)
                _told.warning("%s is served now", served.release.name)
        except MlgovError as error:
            self._metrics.not_loaded.inc()
            _told.error("the new release cannot be served, the version before goes on: %s", error)
        self._state = state

    # -- routes ------------------------------------------------------------------------------------------

    def _routes(self) -> None:
        app = self.app
        app.get("/v2/health/live", summary="Whether the process answers.")(self._live)
        app.get("/v2/health/ready", summary="Whether a model is loaded.")(self._ready)
        app.get("/v2", summary="What this server is.")(self._server)
        for middle in ("", "/versions/{version}"):
            at = "/v2/models/{model}" + middle
            app.get(at, summary="The model's inputs and outputs.")(self._metadata)
            app.get(f"{at}/ready", summary="Whether this model is loaded.")(self._model_ready)
            app.post(f"{at}/infer", summary="Predict, Open Inference Protocol v2.", openapi_extra=_BODY)(
                self._infer
            )
        app.post("/predict", summary="Predict, plain JSON.", openapi_extra=_BODY)(self._predict)
        app.get("/metrics", summary="Measures for Prometheus.")(self._measures)

    async def _live(self) -> Response:
        return _answer({"live": True})

    async def _ready(self) -> Response:
        ready = self._served is not None and self._batches is not None and self._batches.alive
        return _answer({"ready": ready}, 200 if ready else 503)

    async def _server(self, request: Request) -> Response:
        return self._refusal(request) or _answer({"name": "mlgov", "version": "2", "extensions": []})

    async def _metadata(self, request: Request, model: str, version: str | None = None) -> Response:
        refused = self._refusal(request) or self._unknown(model, version)
        return refused or _answer(protocol.metadata(self._now()))

    async def _model_ready(self, request: Request, model: str, version: str | None = None) -> Response:
        refused = self._refusal(request) or self._unknown(model, version)
        if refused is not None:
            return refused
        ready = self._batches is not None and self._batches.alive
        return _answer({"name": model, "ready": ready}, 200 if ready else 503)

    async def _measures(self, request: Request) -> Response:
        refused = self._refusal(request)
        return refused or Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def _infer(self, request: Request, model: str, version: str | None = None) -> Response:
        refused = self._refusal(request) or self._unknown(model, version)
        if refused is not None:
            return self._counted(refused, "infer", time.perf_counter())
        return await self._ask(
            request, "infer", protocol.read_infer,
            lambda one: protocol.answer_infer(one.served, one.request, one.asked, one.outputs, one.explanation),
        )  # fmt: skip

    async def _predict(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return self._counted(refused, "predict", time.perf_counter())
        return await self._ask(
            request, "predict", protocol.read_plain,
            lambda one: protocol.answer_plain(one.served, one.request, one.outputs, one.explanation),
        )  # fmt: skip

    # -- asking ------------------------------------------------------------------------------------------

    def _now(self) -> Served:
        assert self._served is not None
        return self._served

    def _refusal(self, request: Request) -> Response | None:
        if self._keys.allow(request.headers):
            return None
        said = "an API key is needed: send Authorization: Bearer KEY"
        return _answer({"error": said}, 401, {"WWW-Authenticate": "Bearer"})

    def _unknown(self, model: str, version: str | None) -> Response | None:
        release = self._now().release
        if model != release.model:
            return _answer({"error": f"there is no model {model[:80]!r} here: it is {release.model}"}, 404)
        if version is not None and version != str(release.number):
            return _answer({"error": f"version {version[:20]} is not served: {release.number} is"}, 404)
        return None

    async def _ask(
        self,
        request: Request,
        endpoint: str,
        read: Callable[[bytes, Accepted], Asked],
        write: Callable[[Pending], bytes],
    ) -> Response:
        began = time.perf_counter()
        served = self._now()
        try:
            body = await self._body(request)
            if body is None:
                said = f"the body has more than {self._settings.max_bytes} bytes: send fewer rows at once"
                return self._counted(_answer({"error": said}, 413), endpoint, began)
            asked = read(body, served.accepted)
            if not 0 < asked.rows <= self._settings.max_rows:
                said = f"{asked.rows} rows: send 1 to {self._settings.max_rows}"
                raise Refused([Problem(column="(body)", row=None, problem=said)])
            pending = Pending(served, asked, served.accepted.check(asked.columns, asked.rows), began)
            assert self._batches is not None
            await self._batches.answer(pending)
        except Refused as error:
            for name in {one.column for one in error.problems} & set(served.accepted.names):
                self._metrics.refused.labels(served.release.model, name).inc()
            problems = msgspec.to_builtins(error.problems)
            said_all = {"error": str(error), "problems": problems, "count": error.count}
            return self._counted(_answer(said_all, 422), endpoint, began)
        except UsageError as error:
            return self._counted(_answer({"error": str(error)}, 422), endpoint, began)
        except NotLogged as error:
            self._metrics.not_logged.inc()
            return self._counted(_answer({"error": str(error)}, 503), endpoint, began)
        except Failed as error:
            return self._counted(_answer({"error": str(error)}, 500), endpoint, began)
        release = served.release
        self._metrics.rows.labels(release.model, release.stage, str(release.number)).inc(asked.rows)
        headers = {"X-Request-ID": pending.request}
        return self._counted(Response(write(pending), 200, headers, _JSON), endpoint, began)

    async def _body(self, request: Request) -> bytes | None:
        """The body, or None where it is too long; no more than that is ever held."""
        limit = self._settings.max_bytes
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                return None
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _counted(self, response: Response, endpoint: str, began: float) -> Response:
        self._metrics.requests.labels(endpoint, str(response.status_code)).inc()
        self._metrics.seconds.labels(endpoint).observe(time.perf_counter() - began)
        return response


_BODY = {"requestBody": {"required": True, "content": {_JSON: {"schema": {"type": "object"}}}}}


def _answer(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(document), status, headers, _JSON)
