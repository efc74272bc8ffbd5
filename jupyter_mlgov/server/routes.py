"""The table of routes, and their description as OpenAPI made from the same table: neither can forget the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jupyter_mlgov.records.verdict import Comparison, GateDecision
from jupyter_mlgov.rerun.side_by_side import SideBySide
from jupyter_mlgov.rerun.standing import Standing
from jupyter_mlgov.server.answers import (
    DecisionRequest,
    Failure,
    JobAnswer,
    JobList,
    LiveNotebook,
    Made,
    ModelList,
    MonitorList,
    OutputList,
    Page,
    ProjectAnswer,
    ReleaseList,
    RerunRequest,
    RetrainingList,
    RetrainRequest,
    RiskList,
    SignedDecision,
    Signer,
    Snapshot,
    SnapshotRequest,
)
from jupyter_mlgov.server.decisions import DecisionsHandler, SignerHandler
from jupyter_mlgov.server.handlers import JOB, NAME, REF, MlgovHandler, guarded
from jupyter_mlgov.server.life import MonitorsHandler, RetrainingsHandler
from jupyter_mlgov.server.paths import LONGEST, PATTERN
from jupyter_mlgov.server.reruns import EventsHandler, JobHandler, JobsHandler, RerunHandler
from jupyter_mlgov.server.snapshots import (
    LONGEST_QUERY,
    CompareHandler,
    DiffHandler,
    GateHandler,
    ModelsHandler,
    OutputsHandler,
    ProjectHandler,
    ReleasesHandler,
    ReportHandler,
    RisksHandler,
    SnapshotHandler,
    SnapshotsHandler,
    StandingHandler,
    UnknownHandler,
)

PREFIX = "/mlgov/api"

PATH = (
    "path",
    "A notebook or folder, relative to the server's folder, with '/'.",
    {"type": "string", "default": "", "maxLength": LONGEST, "pattern": PATTERN},
)


@dataclass(frozen=True)
class Operation:
    """One method of a route. ``answer`` is a record's type, or a media type."""

    summary: str
    answer: Any
    query: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    required: frozenset[str] = frozenset()
    body: Any = None
    status: int = 200
    errors: tuple[int, ...] = (400, 404, 409)


@dataclass(frozen=True)
class Route:
    """A path under ``/mlgov/api`` and who answers there."""

    path: str
    handler: type[MlgovHandler]
    operations: dict[str, Operation] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        """The regular expression that Tornado matches; the handler checks what stands for a parameter."""
        return PREFIX + re.sub(r"\{\w+\}", "([^/]+)", self.path)


class OpenApiHandler(MlgovHandler):
    """The description of all this."""

    @guarded("read")
    async def get(self) -> None:
        """An OpenAPI 3.1 document."""
        self.answer(describe(self.base_url))


def _number(least: int, most: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


def _choice(*choices: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(choices), "default": choices[0]}


_CELL = {"type": "integer", "minimum": 0, "maximum": 999_999}
_REF = {"type": "string", "pattern": f"^{REF.pattern}$"}

ROUTES: tuple[Route, ...] = (
    Route(
        "/project",
        ProjectHandler,
        {"get": Operation("The project that a notebook or folder belongs to.", ProjectAnswer, (PATH,))},
    ),
    Route(
        "/snapshots",
        SnapshotsHandler,
        {
            "get": Operation(
                "Snapshots of a notebook or of its whole project, newest first.",
                Page,
                (
                    PATH,
                    ("scope", "Only the notebook's, or the project's.", _choice("notebook", "project")),
                    (
                        "experiment",
                        "Only this experiment's.",
                        {"type": "string", "pattern": f"^({NAME.pattern})?$"},
                    ),
                    (
                        "q",
                        "Only those that a search selects, as in 'auc>=0.8 author:anna churn'.",
                        {"type": "string", "maxLength": LONGEST_QUERY, "default": ""},
                    ),
                    ("limit", "At most so many.", _number(1, 500, 50)),
                    ("offset", "Leave out so many of the newest.", _number(0, 1_000_000, 0)),
                ),
            ),
            "post": Operation(
                "Records a notebook as an editor holds it, without its kernel: in a project of its own where there is none.",
                Made,
                (PATH,),
                body=SnapshotRequest,
                status=201,
            ),
        },
    ),
    Route("/snapshots/{ref}", SnapshotHandler, {"get": Operation("One snapshot, whole.", Snapshot, (PATH,))}),
    Route(
        "/snapshots/{ref}/gate",
        GateHandler,
        {
            "get": Operation(
                "Whether the snapshot may be used, with a reason for each rule.", GateDecision, (PATH,)
            )
        },
    ),
    Route(
        "/snapshots/{ref}/report",
        ReportHandler,
        {
            "get": Operation(
                "The governance report: one HTML page without scripts.",
                "text/html",
                (PATH, ("download", "1: the browser saves it.", _choice("0", "1"))),
            )
        },
    ),
    Route(
        "/snapshots/{ref}/rerun",
        RerunHandler,
        {
            "post": Operation(
                "Starts a rerun in a process of its own.", JobAnswer, (PATH,), body=RerunRequest, status=202
            )
        },
    ),
    Route(
        "/snapshots/{ref}/decisions",
        DecisionsHandler,
        {
            "post": Operation(
                "Signs a decision about the snapshot and puts it on the ledger.",
                SignedDecision,
                (PATH,),
                body=DecisionRequest,
                status=201,
            )
        },
    ),
    Route(
        "/signer",
        SignerHandler,
        {"get": Operation("Who would sign a decision here, and with which keys.", Signer, (PATH,))},
    ),
    Route(
        "/diff",
        DiffHandler,
        {
            "get": Operation(
                "What differs between two snapshots, as findings. Nothing is executed.",
                Comparison,
                (PATH, ("a", "One snapshot.", _REF), ("b", "The other.", _REF)),
                frozenset({"a", "b"}),
            )
        },
    ),
    Route(
        "/compare",
        CompareHandler,
        {
            "get": Operation(
                "Two snapshots side by side, what differs first, with the findings of `/diff`.",
                SideBySide,
                (PATH, ("a", "One snapshot.", _REF), ("b", "The other.", _REF)),
                frozenset({"a", "b"}),
            )
        },
    ),
    Route(
        "/snapshots/{ref}/cells/{cell}/outputs",
        OutputsHandler,
        {"get": Operation("What a cell showed, as untrusted nbformat outputs.", OutputList, (PATH,))},
    ),
    Route(
        "/risks",
        RisksHandler,
        {"get": Operation("The risks of each experiment's newest snapshot.", RiskList, (PATH,))},
    ),
    Route(
        "/models",
        ModelsHandler,
        {
            "get": Operation(
                "The model inventory: the newest snapshot of each experiment, and how it stands.",
                ModelList,
                (PATH,),
            )
        },
    ),
    Route(
        "/releases",
        ReleasesHandler,
        {"get": Operation("Which models are on which stages, and were before.", ReleaseList, (PATH,))},
    ),
    Route(
        "/standing",
        StandingHandler,
        {
            "post": Operation(
                "How the cells that an editor holds stand to the newest snapshots. Changes nothing.",
                Standing,
                (PATH,),
                body=LiveNotebook,
            )
        },
    ),
    Route(
        "/monitors",
        MonitorsHandler,
        {
            "get": Operation(
                "What the newest monitor run of each model and stage found.", MonitorList, (PATH,)
            )
        },
    ),
    Route(
        "/retrainings",
        RetrainingsHandler,
        {
            "get": Operation(
                "What was retrained, and what came of it, newest first.", RetrainingList, (PATH,)
            ),
            "post": Operation(
                "Starts a retraining of a release: a job, as a rerun is.",
                JobAnswer,
                (PATH,),
                body=RetrainRequest,
                status=202,
            ),
        },
    ),
    Route(
        "/jobs",
        JobsHandler,
        {
            "get": Operation(
                "The reruns, or the retrainings, that this server knows.",
                JobList,
                (("kind", "Which of them.", _choice("rerun", "retrain", "all")),),
                errors=(400,),
            )
        },
    ),
    Route(
        "/jobs/{job}",
        JobHandler,
        {
            "get": Operation(
                "One rerun or retraining: its progress, at last what came of it.",
                JobAnswer,
                errors=(400, 404),
            ),
            "delete": Operation("Cancels it.", JobAnswer),
        },
    ),
    Route(
        "/jobs/{job}/events",
        EventsHandler,
        {
            "get": Operation(
                "A job as it happens: `progress` events with the job, at last `end`.",
                "text/event-stream",
                errors=(400, 404),
            )
        },
    ),
    Route(
        "/openapi.json",
        OpenApiHandler,
        {"get": Operation("This document.", "application/json", errors=())},
    ),
)

CATCH_ALL = (PREFIX + "/(.*)", UnknownHandler)

_PARAMETERS = {
    "ref": (
        "NAME (its newest snapshot), NAME@N, MODEL:STAGE (what is released there), or an id's first 6 or more hex digits.",
        _REF,
    ),
    "cell": ("The cell's place in the notebook: all cells count, from 0.", _CELL),
    "job": ("A job's id.", {"type": "string", "pattern": f"^{JOB.pattern}$"}),
}
_CAUSES = {
    400: "The request is wrong.",
    403: "Nobody known, not allowed, or without XSRF token.",
    404: "Nothing goes by that name.",
    409: "The state of the project or of the job does not allow it.",
}


def describe(base_url: str) -> dict[str, Any]:
    """The OpenAPI document of a server at ``base_url``."""
    from jupyter_mlgov import __version__

    records: list[Any] = [Failure]
    for route in ROUTES:
        for operation in route.operations.values():
            records += [part for part in (operation.answer, operation.body) if isinstance(part, type)]
    records = [record for record in dict.fromkeys(records) if record is not str]
    _, schemas = msgspec.json.schema_components(records, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter-mlgov",
            "version": __version__,
            "description": "Snapshots, verdicts, gates and reports of the notebooks that this Jupyter Server serves.",
        },
        "servers": [{"url": base_url.rstrip("/") + PREFIX}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": {
            route.path: {
                method: _operation(route, operation) for method, operation in route.operations.items()
            }
            for route in ROUTES
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "token <TOKEN>",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "_xsrf",
                    "description": "A logged-in browser: the session's cookie; with POST and DELETE X-XSRFToken too.",
                },
            },
        },
    }


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "description": text, "schema": schema}
        for name, (text, schema) in _PARAMETERS.items()
        if f"{{{name}}}" in route.path
    ]
    parameters += [
        {
            "name": name,
            "in": "query",
            "required": name in operation.required,
            "description": text,
            "schema": schema,
        }
        for name, text, schema in operation.query
    ]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": operation.summary, "content": _content(operation.answer)},
            **{
                str(status): {"description": _CAUSES[status], "content": _content(Failure)}
                for status in sorted({*operation.errors, 403})
            },
        },
    }
    if operation.body is not None:
        needed = any(field.required for field in msgspec.structs.fields(operation.body))
        described["requestBody"] = {"required": needed, "content": _content(operation.body)}
    return described


def _content(answer: Any) -> dict[str, Any]:
    if isinstance(answer, str):
        schema = {"type": "object"} if answer == "application/json" else {"type": "string"}
        return {answer: {"schema": schema}}
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}}
