"""The routes that read: project, list, one snapshot, gate, report, difference. Each is one call of ``Project``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from tornado import web

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.rerun.standing import Standing
from jupyter_mlgov.server.answers import (
    LiveNotebook,
    Made,
    ModelList,
    OutputList,
    Page,
    ProjectAnswer,
    ReleasedModel,
    ReleaseList,
    RiskList,
    SnapshotRequest,
)
from jupyter_mlgov.server.handlers import NAME, MlgovHandler, guarded, open_project, ref_of, whole_number
from jupyter_mlgov.server.paths import served_path

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project

LONGEST_QUERY = 500
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class ProjectHandler(MlgovHandler):
    """Which project a notebook belongs to."""

    @guarded("read")
    async def get(self) -> None:
        """200 also where there is no project yet: ``exists`` is false then."""
        given = self.text("path")
        self.answer(await self.work(self._describe, given))

    def _describe(self, given: str) -> ProjectAnswer:
        from jupyter_mlgov import __version__

        served_path(self.root, given)
        try:
            project, notebook = open_project(self.root, given)
        except NotFound:
            return ProjectAnswer(exists=False, version=__version__)
        return ProjectAnswer(
            exists=True,
            name=project.root.name,
            notebook=notebook,
            experiments=tuple(project.store.experiments()),
            snapshots=project.store.listed(),
            version=__version__,
        )


class SnapshotsHandler(MlgovHandler):
    """The snapshots of a notebook or of its whole project, newest first."""

    @guarded("read")
    async def get(self) -> None:
        """One page."""
        scope = self.choice("scope", "notebook", "project")
        experiment = self.text("experiment") or None
        if experiment is not None and not NAME.fullmatch(experiment):
            raise UsageError(f"experiment {experiment[:100]!r}: that is no experiment's name")
        limit = self.number("limit", default=50, least=1, most=500)
        offset = self.number("offset", default=0, least=0, most=1_000_000)
        query = self.text("q")
        if len(query) > LONGEST_QUERY:
            raise UsageError(f"q has {len(query)} characters: {LONGEST_QUERY} are enough for a search")

        def read(project: Project, notebook: str | None) -> Page:
            # Absolute: a relative one could be taken for a file in the server's working directory.
            within = str(project.root / notebook) if notebook and scope == "notebook" else None
            shown, total = project.page(
                query, experiment=experiment, notebook=within, limit=limit, offset=offset
            )
            more = total > offset + limit
            return Page(snapshots=tuple(shown), offset=offset, limit=limit, more=more, total=total)

        self.answer(await self.in_project(read))

    @guarded("execute")
    async def post(self) -> None:
        """201 and the snapshot of the notebook that is sent, recorded without its kernel."""
        given = self.text("path")
        request = self.body(SnapshotRequest, 'send {"notebook": {"cells": [...]}}')

        def record() -> Made:
            from jupyter_mlgov.project import Project

            path = served_path(self.root, given)
            if path.is_dir():
                raise NotFound(f"path {given[:200]!r}: that is a folder, name a notebook")
            project = Project.open(path, create=True)
            made = project.snapshot(
                path,
                msgspec.to_builtins(request.notebook),
                experiment=request.experiment,
                message=request.message,
            )
            entry = project.store.manifest(made)
            return Made(id=made, experiment=entry.experiment, number=project.store.number(made))

        self.answer(await self.work(record), 201)


class SnapshotHandler(MlgovHandler):
    """One snapshot, whole."""

    @guarded("read")
    async def get(self, ref: str) -> None:
        """The document of ``mlgov show``."""
        name = ref_of(ref)
        self.answer(await self.in_project(lambda project, _: project.show(name)))


class GateHandler(MlgovHandler):
    """Whether a snapshot may be used."""

    @guarded("read")
    async def get(self, ref: str) -> None:
        """The document of ``mlgov gate``."""
        name = ref_of(ref)
        self.answer(await self.in_project(lambda project, _: project.gate(name)))


class DiffHandler(MlgovHandler):
    """What differs between two snapshots."""

    @guarded("read")
    async def get(self) -> None:
        """The document of ``mlgov diff``."""
        one, other = ref_of(self.text("a")), ref_of(self.text("b"))
        self.answer(await self.in_project(lambda project, _: project.diff(one, other)))


class CompareHandler(MlgovHandler):
    """Two snapshots side by side."""

    @guarded("read")
    async def get(self) -> None:
        """Parameters, metrics, inputs, cells and environment of both, and the findings of ``mlgov diff``."""
        one, other = ref_of(self.text("a")), ref_of(self.text("b"))
        self.answer(await self.in_project(lambda project, _: project.side_by_side(one, other)))


class OutputsHandler(MlgovHandler):
    """What one cell of a snapshot showed."""

    @guarded("read")
    async def get(self, ref: str, cell: str) -> None:
        """Its outputs."""
        name, index = ref_of(ref), whole_number("cell", cell, least=0, most=999_999)
        self.answer(
            await self.in_project(lambda project, _: OutputList(outputs=tuple(project.outputs(name, index))))
        )


class RisksHandler(MlgovHandler):
    """The risk register of the project."""

    @guarded("read")
    async def get(self) -> None:
        """The risks of each experiment's newest snapshot."""
        self.answer(await self.in_project(lambda project, _: RiskList(risks=tuple(project.risks()))))


class ModelsHandler(MlgovHandler):
    """The model inventory."""

    @guarded("read")
    async def get(self) -> None:
        """What each model is for, and how it stands by gate, KPIs, risks, rerun and approvals."""

        def read(project: Project, _: str | None) -> ModelList:
            found = project.models()
            return ModelList(models=found.rows, as_of=found.as_of)

        self.answer(await self.in_project(read))


class ReleasesHandler(MlgovHandler):
    """Which model is on which stage, and was before."""

    @guarded("read")
    async def get(self) -> None:
        """Every release of the project."""

        def read(project: Project, _: str | None) -> ReleaseList:
            found = project.releases()
            return ReleaseList(
                releases=tuple(
                    ReleasedModel(
                        release=one,
                        experiment=project.store.manifest(one.snapshot).experiment,
                        number=project.store.number(one.snapshot),
                        gate=project.decided(one),
                    )
                    for one in found
                )
            )

        self.answer(await self.in_project(read))


class StandingHandler(MlgovHandler):
    """How the notebook in an editor stands to its snapshots. A POST, because the cells are sent; it changes nothing."""

    @guarded("read")
    async def post(self) -> None:
        """Each experiment cell: current, changed or never recorded."""
        live = self.body(LiveNotebook, 'send {"cells": [{"id": "...", "type": "code", "source": "..."}]}')

        def read(project: Project, notebook: str | None) -> Standing:
            # A folder has no cells that were recorded.
            return project.standing(str(project.root / notebook), live.cells) if notebook else Standing()

        self.answer(await self.in_project(read))


class ReportHandler(MlgovHandler):
    """The governance report as a page that can run nothing and ask for nothing."""

    @property
    def content_security_policy(self) -> str:
        """Tighter than the report's own: an opaque origin, no scripts, no requests."""
        return REPORT_POLICY

    @guarded("read")
    async def get(self, ref: str) -> None:
        """The page; ``download=1`` makes the browser save it."""
        name = ref_of(ref)
        download = self.choice("download", "0", "1") == "1"

        def read(project: Project, _: str | None) -> tuple[str, str]:
            snapshot = project.show(name)
            return (
                f"{snapshot['experiment']}-{snapshot['number'] or snapshot['id'][:12]}.html",
                project.report_html(name),
            )

        title, page = await self.in_project(read)
        self.set_header("Content-Security-Policy", REPORT_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        if download:
            self.set_attachment_header(title)
        self.finish(page.encode("utf-8", "backslashreplace"), set_content_type="text/html; charset=utf-8")


class UnknownHandler(MlgovHandler):
    """Everything else under ``/mlgov/api/``."""

    @guarded("read")
    async def get(self, path: str) -> None:
        """404, as JSON."""
        raise web.HTTPError(
            404, "%s", f"/mlgov/api/{path[:100]}: there is no such route; see /mlgov/api/openapi.json"
        )

    head = post = put = patch = delete = get
