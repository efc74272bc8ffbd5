"""A packaged release: what is in the folder, that it serves without the project, and that an edited one does not."""

from __future__ import annotations

import io
import json
import signal
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from jupyter_mlgov.errors import Blocked, Damaged, NotWritable, UsageError
from jupyter_mlgov.hashing.trusted_models import Untrusted
from jupyter_mlgov.operate.requirements import requirements
from jupyter_mlgov.operate.sources import FromFolder
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.canonical import canonical
from tests.operate.making import add_model, fitted, loans, make_project
from tests.operate.server import ROW, Server
from tests.store.making import ENVIRONMENT


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    made.release("baseline", "Credit_1", "production")
    return made


def test_a_packaged_release_serves_without_the_project(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (project.root / "mlgov.toml").write_text("[operate]\nmax_rows = 3\n")
    folder = project.package("Credit_1:production", tmp_path_factory.mktemp("away") / "folder")
    settings = (folder / "mlgov.toml").read_text()
    (folder / "mlgov.toml").write_text(settings.replace('"/predictions"', '"predictions"'))
    server = Server(folder, "--package", ".")
    try:
        answer = server.predict().json()
        expected = fitted().predict_proba(loans()[:1].assign(**ROW).drop(columns="paid"))[0, 1]
        assert answer["predictions"][0]["probabilities"]["1"] == pytest.approx(expected)
        assert (answer["model"], answer["version"]) == ("Credit_1", 1)
        assert server.predict([ROW] * 4).status_code == 422
        assert "explanation" in server.predict(explain=True).json()["predictions"][0]
        assert list((folder / "predictions").rglob("*.segment"))
    finally:
        server.stop(signal.SIGKILL)


def test_manifests_are_what_kubernetes_and_kserve_take(project: Project) -> None:
    folder = project.package("Credit_1:production", project.root / "p", image="registry.example.org/credit:1")
    service, workload = yaml.safe_load_all((folder / "kubernetes.yaml").read_text())
    assert (service["kind"], workload["kind"]) == ("Service", "StatefulSet")
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.org/credit:1"
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {"tmp", workload["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]}
    claim, inference = yaml.safe_load_all((folder / "kserve.yaml").read_text())
    assert inference["apiVersion"] == "serving.kserve.io/v1beta1"
    predictor = inference["spec"]["predictor"]
    assert predictor["containers"][0]["name"] == "kserve-container"
    volumes = {one["name"]: one for one in predictor["volumes"]}
    assert volumes["predictions"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    for document in (service, workload, claim, inference):
        name = document["metadata"]["name"]
        assert name == name.lower() and "_" not in name
        assert document["metadata"]["annotations"]["mlgov/snapshot"] == project.resolve("Credit_1:production")
    docker = (folder / "Dockerfile").read_text()
    assert "USER 10001" in docker
    assert "FROM python:3.11-slim" in docker
    needed = (folder / "requirements.txt").read_text().split()
    assert needed[0].startswith("jupyter-mlgov[serve]==")
    assert "numpy==2.4.6" in (folder / "constraints.txt").read_text()


@pytest.mark.parametrize("name", ["model.skops", "manifest.json", "rows.parquet", "gate.json"])
def test_an_edited_folder_is_not_served(project: Project, name: str) -> None:
    folder = project.package("Credit_1:production", project.root / "p")
    assert FromFolder(folder).load().release.number == 1
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(Damaged, match="not the file that was packaged"):
        FromFolder(folder).load()


def test_trust_is_the_folders_owners_not_the_models(project: Project) -> None:
    """What scikit-learn's own compiled types are in this project becomes an explicit list in the folder's settings."""
    from sklearn.tree import DecisionTreeClassifier

    from jupyter_mlgov.hashing.estimators import save_model
    from jupyter_mlgov.records.manifest import Model

    table = loans()
    tree = DecisionTreeClassifier(max_depth=2).fit(table[["income", "debt"]].to_numpy(), table["paid"])
    data, _ = save_model(tree)
    assert data is not None
    kept = project.store.put(data)
    held = Model(name="tree", class_="x", parameters={}, digest=kept, object=kept, primary=True)
    add_model(project.store, models=(held,), rows=(), inputs_schema=None, frames=(), message="tree")
    assert project.release("baseline@2", "tree", "staging").release
    folder = project.package("tree:staging", project.root / "p")
    text = (folder / "mlgov.toml").read_text()
    assert "sklearn.tree._tree.Tree" in text
    served = FromFolder(folder).load()
    assert served.predict({"x0": [50.0], "x1": [1.0]}).columns["prediction"] == [1]
    (folder / "mlgov.toml").write_text("")
    with pytest.raises(Untrusted, match=r"sklearn\.tree\._tree\.Tree"):
        FromFolder(folder).load()
    assert FromFolder(folder, ["sklearn.tree._tree.Tree"]).load()


def test_nothing_that_is_there_is_overwritten(project: Project) -> None:
    (project.root / "p").mkdir()
    (project.root / "p" / "mine").write_text("x")
    with pytest.raises(NotWritable, match="is there already"):
        project.package("Credit_1:production", project.root / "p")
    with pytest.raises(UsageError, match="no image's name"):
        project.package("Credit_1:production", project.root / "q", image="A B")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"python": "3.11\nRUN curl https://example.org | sh #.7"}, "which is no version"),
        (
            {"packages": {"numpy": "2.4.6\n--index-url https://example.org"}},
            "of version '2.4.6\\n--index-url",
        ),
        ({"packages": {"numpy @ https://example.org/x.whl #": "1"}}, "a package 'numpy @ https"),
    ],
)
def test_nothing_of_a_record_becomes_a_line_of_a_build_file_but_names_and_versions(
    project: Project, fields: dict[str, Any], says: str
) -> None:
    environment = msgspec.structs.replace(ENVIRONMENT, **fields)
    add_model(project.store, environment=project.store.put(canonical(environment)), message="odd")
    assert project.release("baseline@2", "odd", "staging").release
    with pytest.raises(UsageError) as raised:
        project.package("odd:staging", project.root / "p")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (project.root / "p").exists()


def schema(*modules: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        steps = [{"__module__": module, "__class__": "X"} for module in modules]
        archive.writestr("schema.json", json.dumps({"__module__": "builtins", "content": steps}))
    return made.getvalue()


def test_what_brings_the_models_classes_is_required_whatever_it_is_called() -> None:
    modules = ("sklearn.pipeline", "numpy", "yaml.nodes", "_yaml", "collections", "jupyter_mlgov.records")
    ours, *needed = requirements(schema(*modules)).decode().split()
    assert ours.startswith("jupyter-mlgov[serve]==")
    assert needed == ["numpy", "pyyaml", "scikit-learn"]
    with pytest.raises(Blocked, match=r"classes of 'my_steps', which no installed package brings"):
        requirements(schema("sklearn.pipeline", "my_steps.scaling"))


def test_a_packaged_models_requirements_are_those_of_its_classes(project: Project) -> None:
    folder = project.package("Credit_1:production", project.root / "p")
    assert {"scikit-learn", "numpy"} <= set((folder / "requirements.txt").read_text().split())
