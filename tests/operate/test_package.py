"""A packaged release: what is in the folder, that it serves without the project, and that an edited one does not."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml

from jupyter_mlgov.errors import Damaged, NotWritable, UsageError
from jupyter_mlgov.hashing.trusted_models import Untrusted
from jupyter_mlgov.operate.sources import FromFolder
from jupyter_mlgov.project import Project
from tests.operate.making import fitted, loans, make_project
from tests.operate.server import ROW, Server


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
    from tests.operate.making import add_model

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
