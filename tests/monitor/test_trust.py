"""The types that a kept model may hold are the same wherever it is loaded: more where this project recorded it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.hashing.estimators import save_model
from jupyter_mlgov.monitor import contest, watch
from jupyter_mlgov.operate.sources import FromProject
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.manifest import Model
from tests.operate.making import add_model, loans


@pytest.fixture
def own(tmp_path: Path) -> tuple[Project, str]:
    """A project with a tree on a stage, which holds a compiled type of scikit-learn; its snapshot."""
    project = _made(tmp_path / "own")
    table = loans()
    tree = DecisionTreeClassifier(max_depth=2).fit(table[["income", "debt"]].to_numpy(), table["paid"])
    data, _ = save_model(tree)
    assert data is not None
    kept = project.store.put(data)
    held = Model(name="tree", class_="x", parameters={}, digest=kept, object=kept, primary=True)
    made = add_model(project.store, models=(held,), rows=(), inputs_schema=None, frames=())
    return project, made


def _made(folder: Path) -> Project:
    folder.mkdir()
    return Project.open(folder, create=True)


def released(project: Project) -> Project:
    assert project.release("baseline", "tree", "staging").release is not None
    return project


def loaded_by(project: Project, snapshot: str) -> dict[str, bool]:
    """Which of those that load a kept model do."""
    notes: list[str] = []
    found = {"watch": watch._model(project.root, project.store, snapshot, notes) is not None}
    assert found["watch"] or "not trusted" in notes[0]
    try:
        contest._champion(project.root, project.store, snapshot, None, Suite(), ())  # type: ignore[arg-type]
    except Blocked as error:
        assert "not trusted" in str(error)
        found["contest"] = False
    except AttributeError:  # the rows, which are looked at after the model was loaded
        found["contest"] = True
    found["serve"] = (
        "sklearn.tree._tree.Tree" in FromProject(project.root, project.store, "tree:staging").trusted()
    )
    return found


def test_what_came_with_a_bundle_is_loaded_from_types_that_somebody_here_trusts(
    own: tuple[Project, str], tmp_path: Path
) -> None:
    project, snapshot = own
    assert loaded_by(released(project), snapshot) == {"watch": True, "contest": True, "serve": True}
    project.export(snapshot, tmp_path / "x.mlgov")
    other = _made(tmp_path / "other")
    Project.import_bundle(tmp_path / "x.mlgov", other.root)
    assert not other.store.recorded_here(snapshot)
    (other.root / "mlgov.toml").write_text("[gate]\nrerun = false\n")
    assert loaded_by(released(other), snapshot) == {"watch": False, "contest": False, "serve": False}
    (other.root / "mlgov.toml").write_text(
        '[gate]\nrerun = false\n[models]\ntrusted = ["sklearn.tree._tree.Tree"]\n'
    )
    assert loaded_by(other, snapshot) == {"watch": True, "contest": True, "serve": True}
