"""Snapshots with a model and its rows, made by the very code that records a notebook's, without a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.capture.held_rows import RowsRecorder
from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.hashing.estimators import describe_model, save_model
from jupyter_mlgov.hashing.frames import describe_frame, is_frame
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.records.assessment import Assessment, TestResult
from jupyter_mlgov.records.manifest import Caution, Frame, Manifest, Model
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest

CODE = "model.fit(X_train, y_train)\naccuracy = model.score(X_test, y_test)"


def record(
    store: Store,
    namespace: dict[str, Any],
    *codes: str,
    test: Sequence[str] = (),
    columns: Sequence[str] = (),
    limit: int = 10_000_000,
    charter: Charter | None = None,
    kept_model: bool = True,
    secrets: Secrets | None = None,
    **fields: Any,
) -> tuple[Manifest, list[Caution]]:
    """The manifest of a run whose cells were ``codes`` and left ``namespace``, and what could not be recorded."""
    models = []
    for name, value in namespace.items():
        described = describe_model(value)
        if described is not None:
            data, reason = save_model(value) if kept_model else (None, "it was not kept")
            models.append(
                Model(
                    name=name,
                    class_=described.class_,
                    parameters=described.parameters,
                    digest=described.digest,
                    object=store.put(data) if data else None,
                    primary=name == "model",
                    reason=reason,
                )
            )
    frames = [
        Frame(name=name, type="", digest=found.digest)
        for name, value in namespace.items()
        if is_frame(type(value)) and (found := describe_frame(value)) is not None
    ]
    lost: list[Caution] = []
    kept = Kept(store, Secrets())
    rows, schema = RowsRecorder(secrets or Secrets()).record(
        test,
        charter.test_data if charter else None,
        codes or (CODE,),
        namespace,
        models=models,
        frames=frames,
        columns=columns,
        limit=limit,
        kept=kept,
        lost=lost,
    )
    kept.batch.write()
    manifest = make_manifest(
        store, models=tuple(models), rows=rows, inputs_schema=schema, charter=charter, **fields
    )
    return manifest, lost


def project(folder: Path, settings: str = "") -> Project:
    """An empty project with its ``mlgov.toml``."""
    folder.mkdir(exist_ok=True)
    store = Store.create(folder / ".mlgov")
    (folder / "mlgov.toml").write_text(settings, encoding="utf-8")
    return Project(folder, store)


def find(made: Assessment, name: str) -> TestResult:
    """The result of that name."""
    found = [one for one in made.results if one.id == name]
    assert found, f"no {name} among {[one.id for one in made.results]}"
    return found[0]


def with_suite(**fields: Any) -> Any:
    """A suite that is quick: few resamples and rows."""
    from jupyter_mlgov.assess.suite import Suite

    quick = {"resamples": 100, "explained_rows": 40, "background_rows": 20, "refits": 3}
    return msgspec.convert({**quick, **fields}, Suite)
