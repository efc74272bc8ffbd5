"""The routes of a model at work: what monitors found, what was retrained, and a retraining as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.server.answers import MonitorList, RetrainingList, RetrainRequest
from jupyter_mlgov.server.handlers import MlgovHandler, guarded
from jupyter_mlgov.server.paths import served_path

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.project import Project


class MonitorsHandler(MlgovHandler):
    """What monitors found."""

    @guarded("read")
    async def get(self) -> None:
        """The newest run of each model and stage, whole, with those before it in short."""

        def read(project: Project, _: str | None) -> MonitorList:
            return MonitorList(monitors=tuple(project.monitored()))

        self.answer(await self.in_project(read))


class RetrainingsHandler(MlgovHandler):
    """What was retrained, and what is to be."""

    @guarded("read")
    async def get(self) -> None:
        """Every retraining of the project, newest first."""

        def read(project: Project, _: str | None) -> RetrainingList:
            return RetrainingList(retrainings=tuple(project.retrainings()))

        self.answer(await self.in_project(read))

    @guarded("execute")
    async def post(self) -> None:
        """202 and the job; 409 where the release is being retrained already."""
        request = self.body(RetrainRequest, 'send {"release": "MODEL:STAGE"}')
        if request.data is not None and request.since is not None:
            raise UsageError("since selects logged predictions: leave it out where data is given")
        file = await self.work(self._file, request.data) if request.data is not None else None

        def find(project: Project, _: str | None) -> tuple[Path, str, str, int | None]:
            snapshot = project.released(request.release).snapshot
            manifest = project.store.manifest(snapshot)
            return project.root, snapshot, manifest.experiment, project.store.number(snapshot)

        root, snapshot, experiment, number = await self.in_project(find)
        job = self.extension.jobs.start_retraining(
            root, snapshot, request.release, _options(request, file), experiment=experiment, number=number
        )
        self.set_header("Location", f"{self.base_url}mlgov/api/jobs/{job.id}")
        self.answer(job.answer(), 202)

    def _file(self, given: str) -> Path:
        path = served_path(self.root, given)
        if not path.is_file():
            raise UsageError(f"data {given[:200]!r} is no file: name one below the server's folder")
        return path.absolute()


def _options(request: RetrainRequest, file: Path | None) -> list[str]:
    """The request as words of the command line."""
    words = [f"--data={file}"] if file is not None else []
    if request.since is not None:
        words.append(f"--since={request.since}")
    if request.replace is not None:
        words.append("--replace" if request.replace else "--add")
    if not request.may_release:
        words.append("--no-release")
    return words
