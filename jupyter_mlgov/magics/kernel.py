"""Attaching to a kernel: what ``%load_ext jupyter_mlgov`` and the papermill engine call."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from jupyter_mlgov.capture.logged import current_session, set_session
from jupyter_mlgov.capture.options import Rules, Settings
from jupyter_mlgov.capture.session import Session
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.magics.arguments import options_of
from jupyter_mlgov.magics.cells import MlgovMagics
from jupyter_mlgov.magics.transformer import strip_header
from jupyter_mlgov.records.annotations import Charter, Risk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mlgov.records.annotations import Kpi, KpiResult
    from jupyter_mlgov.records.canonical import Scalar
    from jupyter_mlgov.store import Store


_opened: dict[Path, Store] = {}


def _open_store(path: Path) -> tuple[Path, Store]:
    """Root and store of the project of ``path``. A store stays open: the second snapshot finds it warm."""
    from jupyter_mlgov.errors import NotWritable
    from jupyter_mlgov.project import FOLDER, Project, find_root

    root = find_root(path)
    if root is not None and root in _opened and (root / FOLDER).is_dir():
        return root, _opened[root]
    if not path.exists():
        # A project in what is left above it would take in every other folder there.
        raise NotWritable(f"{path} is not there any more: a project cannot be made there")
    project = Project.open(path, create=True)
    _opened[project.root] = project.store
    return project.root, project.store


def _settings(path: Path) -> Settings:
    from jupyter_mlgov.configuration import section
    from jupyter_mlgov.project import default_root, find_root

    return section(find_root(path) or default_root(path), "capture", Settings)


def _evaluate(risk: Risk, namespace: dict[str, Any], charter: Charter | None) -> Risk:
    from jupyter_mlgov.governance.checks import evaluate

    return evaluate(risk, namespace, charter)


def _evaluate_about(
    risk: Risk, namespace: dict[str, Any], charter: Charter | None, store: Store, snapshot: str
) -> Risk:
    from jupyter_mlgov.governance.assessed import newest_assessment
    from jupyter_mlgov.governance.checks import evaluate, rests_on_assessment

    made = newest_assessment(store, snapshot) if rests_on_assessment(risk) else None
    return evaluate(risk, namespace, charter, made)


def _check_reads(risk: Risk, namespace: dict[str, Any], charter: Charter | None) -> set[str]:
    from jupyter_mlgov.governance.checks import reads

    return reads(risk, namespace, charter)


def _judge(kpis: tuple[Kpi, ...], metrics: Mapping[str, Scalar]) -> tuple[KpiResult, ...]:
    from jupyter_mlgov.governance.kpis import judge

    return judge(kpis, metrics)


def _from_markdown(document: dict[str, Any]) -> tuple[Charter | None, tuple[Risk, ...], tuple[str, ...]]:
    from jupyter_mlgov.governance.markdown import read_annotations

    return read_annotations(document)


def _test_columns(root: Path) -> tuple[str, ...]:
    from jupyter_mlgov.assess.suite import read_suite

    return read_suite(root).columns


def _after_experiment(root: Path, store: Store, snapshot: str) -> str | None:
    from jupyter_mlgov.configuration import table

    # Where nobody asks for it, nothing is imported.
    with contextlib.suppress(MlgovError):
        if table(root, "assess").get("with_experiment", "no") == "no":
            return None
    from jupyter_mlgov.assess.beside import after_experiment

    return after_experiment(root, store, snapshot)


def _rules() -> Rules:
    """The rules of the rooms above capture; their modules are imported when a rule is first asked for."""
    return Rules(
        open_store=_open_store,
        settings=_settings,
        judge=_judge,
        evaluate=_evaluate,
        evaluate_about=_evaluate_about,
        check_reads=_check_reads,
        from_markdown=_from_markdown,
        test_columns=_test_columns,
        after_experiment=_after_experiment,
        options_of=options_of,
    )


def load(shell: Any, *, in_cell: bool = True) -> Session:
    """Attaches a session and the magics to ``shell``; a second call changes nothing."""
    session = current_session()
    if session is not None and session.shell is shell:
        return session
    session = Session(shell, _rules())
    magics = MlgovMagics(shell, session)
    session.on_show = magics.show_card  # type: ignore[method-assign]
    shell.register_magics(magics)
    if strip_header not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(strip_header)
    session.attach(in_cell=in_cell)
    set_session(session)
    return session


def unload(shell: Any) -> None:
    """Takes the hooks away again. The magics' names stay until the kernel ends."""
    session = current_session()
    if session is not None and session.shell is shell:
        session.detach()
        if strip_header in shell.input_transformers_cleanup:
            shell.input_transformers_cleanup.remove(strip_header)
        set_session(None)


def attach(
    notebook: str | None = None,
    baseline: str | None = None,
    experiment: str | None = None,
    root: str | None = None,
    store: str | None = None,
    sandbox: dict[str, Any] | None = None,
) -> None:
    """Called silently by the papermill engine before the first cell.

    ``notebook`` is the path of the notebook that is executed; with ``baseline`` the run is a rerun of that
    snapshot of ``experiment`` and what it records is a candidate. ``root``, ``store`` and ``sandbox`` (the fields of
    ``rerun.inside.Seen``) are given for a rerun: paths count from ``root``, and ``store`` takes the candidate.
    """
    from IPython.core.getipython import get_ipython

    session = load(get_ipython(), in_cell=False)
    session.notebook = Path(notebook) if notebook else None
    session.baseline = baseline
    session.rerun_of = experiment
    if root and store and sandbox:
        from jupyter_mlgov.rerun.inside import Guard, SandboxStore, Seen

        seen = Seen(**sandbox)
        seen.enter()
        place = Path(root), SandboxStore.seen_from(Path(store), seen)
        session.use_rules(replace(session.rules, open_store=lambda _path: place))
        Guard(seen.prefix).install()


def finish(name: str) -> str:
    """Called silently after the last cell: a JSON list of ``{"experiment", "id", "kind"}``."""
    session = current_session()
    made = session.finish(name) if session is not None else []
    return json.dumps([{"experiment": experiment, "id": id_, "kind": kind} for experiment, id_, kind in made])


class Told:
    """A JSON document, as the answer to a front end's expression."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"application/json": self.document}


def snapshot(experiment: str, message: str = "") -> Told:
    """*Snapshot now*, asked for silently by the front end: ``{"id", "lost": [...]}``, or ``{"error": "one line"}``.

    The notebook as it stands is in the request's metadata, as with a cell that is recorded. In a kernel that has not
    loaded the extension this does it.
    """
    from IPython.core.getipython import get_ipython

    try:
        session = load(get_ipython(), in_cell=False)
        made, lost = session.snapshot(experiment, message)
    except MlgovError as error:
        return Told({"error": str(error)})
    return Told({"id": made, "lost": [caution.message for caution in lost]})
