"""The routes of reruns: start one, list them, look at one, follow it, cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from tornado.iostream import StreamClosedError

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.server.answers import JobList, RerunRequest
from jupyter_mlgov.server.handlers import JOB, MlgovHandler, guarded, ref_of
from jupyter_mlgov.server.jobs import Job

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.project import Project


class RerunHandler(MlgovHandler):
    """Starts reruns."""

    @guarded("execute")
    async def post(self, ref: str) -> None:
        """202 and the job; 409 where the snapshot is being rerun already."""
        name = ref_of(ref)
        request = self.body(RerunRequest, 'send {} or {"as_recorded": true}')

        def find(project: Project, _: str | None) -> tuple[Path, str, str, int | None]:
            snapshot = project.resolve(name)
            manifest = project.store.manifest(snapshot)
            return project.root, snapshot, manifest.experiment, project.store.number(snapshot)

        root, snapshot, experiment, number = await self.in_project(find)
        job = self.extension.jobs.start(
            root, snapshot, experiment=experiment, number=number, as_recorded=request.as_recorded
        )
        self.set_header("Location", f"{self.base_url}mlgov/api/jobs/{job.id}")
        self.answer(job.answer(), 202)


class JobsHandler(MlgovHandler):
    """The reruns and retrainings that this server knows."""

    @guarded("read")
    async def get(self) -> None:
        """Those of one kind, newest first."""
        kind = self.choice("kind", "rerun", "retrain", "all")
        jobs = [job for job in self.extension.jobs.all() if kind in (job.kind, "all")]
        self.answer(JobList(jobs=tuple(job.answer() for job in jobs)))


class JobHandler(MlgovHandler):
    """One rerun."""

    @guarded("read")
    async def get(self, job: str) -> None:
        """Its state, and its verdict once it has one."""
        self.answer(_find(self, job).answer())

    @guarded("execute")
    async def delete(self, job: str) -> None:
        """Cancels it; 409 where it has ended already."""
        found = _find(self, job)
        await self.extension.jobs.cancel(found)
        self.answer(found.answer())


class EventsHandler(MlgovHandler):
    """One rerun as it happens."""

    @guarded("read")
    async def get(self, job: str) -> None:
        """Server-sent events: ``progress`` with the job whenever it changed, at last ``end``."""
        found = _find(self, job)
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        try:
            async for answer in self.extension.jobs.follow(found):
                if answer is None:
                    self.write(b": still here\n\n")
                else:
                    name = b"end" if answer.state in ("done", "failed", "cancelled") else b"progress"
                    data = msgspec.json.encode(plain(msgspec.to_builtins(answer, str_keys=True)))
                    self.write(b"event: " + name + b"\ndata: " + data + b"\n\n")
                await self.flush()
            self.finish(set_content_type="text/event-stream; charset=utf-8")
        except StreamClosedError:
            return


def _find(handler: MlgovHandler, name: str) -> Job:
    if not JOB.fullmatch(name):
        raise UsageError(f"job {name[:100]!r}: a job's id has 32 hex digits")
    return handler.extension.jobs.get(name)
