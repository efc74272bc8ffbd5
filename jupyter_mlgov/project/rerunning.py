"""Executing snapshots again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov import written
from jupyter_mlgov.errors import NotFound
from jupyter_mlgov.project.keeping import Keeping

if TYPE_CHECKING:
    from jupyter_mlgov.records.verdict import Comparison
    from jupyter_mlgov.rerun.fleet import Job, Orders
    from jupyter_mlgov.rerun.limits import Limits
    from jupyter_mlgov.rerun.progress import Progress


class Rerunning(Keeping):
    """Snapshots executed again, one or many."""

    def rerun(
        self,
        ref: str,
        *,
        parameters: dict[str, Any] | None = None,
        as_recorded: bool = False,
        output: str | Path | None = None,
        limits: Limits | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Comparison:
        """Executes the snapshot's notebook again and compares: the verdict and its findings."""
        from jupyter_mlgov.rerun.rerun import rerun

        return rerun(
            self.root,
            self.store,
            self.resolve(ref),
            parameters=parameters,
            as_recorded=as_recorded,
            output=Path(output).absolute() if output is not None else None,
            limits=limits,
            progress=progress,
        )

    def verify(
        self,
        refs: Sequence[str] = (),
        *,
        everything: bool = False,
        orders: Orders | None = None,
        junit: str | Path | None = None,
        summary: str | Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> list[tuple[Job, Comparison]]:
        """Reruns many: ``refs``, or with ``everything`` the newest snapshot of each experiment; each with what it is
        called. ``junit`` and ``summary`` name files: JUnit XML, and Markdown that is added to the file's end.

        Raises ``NotFound``, ``UsageError`` (a cluster that does not answer), ``NotWritable``.
        """
        from jupyter_mlgov.rerun import summaries
        from jupyter_mlgov.rerun.fleet import Fleet, Orders, jobs_of

        ids = [self.resolve(ref) for ref in refs]
        if everything:
            ids += self.newest_of_each().values()
        jobs = jobs_of(self.store, ids)
        if not jobs:
            raise NotFound(f"no snapshot in {self.root} to verify: run a cell with %%experiment first")
        comparisons = Fleet(self.root, self.store, jobs, orders or Orders(), progress).run()
        named = list(zip(jobs, comparisons, strict=True))
        if junit is not None:
            written.file(Path(junit).absolute(), summaries.junit(named))
        if summary is not None:
            written.more(Path(summary).absolute(), summaries.markdown(named))
        return named
