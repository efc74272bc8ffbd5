"""Exports as other projects' own tools see them: ``make test-peers`` installs these tools in ``.venv-bench``.

They have many dependencies and never enter the product's environment, so their part runs as a process of its own there.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from tests.benchmarks.measuring import PEERS
from tests.report.sample import Sample
from tests.report.test_shapes import written

PYTHON = PEERS / "python"
READ = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
found = []
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id]):
        steps = {name: [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, name)]
                 for name in run.data.metrics}
        found.append({"experiment": experiment.name, "status": run.info.status, "name": run.info.run_name,
                      "metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags, "steps": steps,
                      "artifacts": sorted(one.path for one in client.list_artifacts(run.info.run_id)),
                      "snapshot": open(mlflow.artifacts.download_artifacts(
                          run_id=run.info.run_id, artifact_path="snapshot.json")).read()})
print(json.dumps(found))
"""


def peer(module: str, *words: str, **environment: str) -> Any:
    """What a process of the peers' environment prints, as JSON. Skips where the peer is not installed."""
    if not PYTHON.exists() or subprocess.run([str(PYTHON), "-c", f"import {module}"]).returncode:  # fmt: skip
        pytest.skip(f"{module} is not in .venv-bench: make test-peers installs it")
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(PYTHON), *words], env=inherited | environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_run_is_read_by_mlflow_itself(rich: Sample, tmp_path: Path) -> None:
    project = Project(rich.store.folder.parent, rich.store)
    place = project.export_as(rich.id, "mlflow", tmp_path / "runs")
    (run,) = peer("mlflow", "-c", READ, place.as_uri(), MLFLOW_ALLOW_FILE_STORE="true")
    manifest = rich.store.manifest(rich.id)
    assert (run["experiment"], run["status"]) == (manifest.experiment, "FINISHED")
    assert run["name"] == project.reference(rich.id)
    assert run["metrics"] == manifest.metrics | {
        name: points[-1][1] for name, points in manifest.series.items() if name not in manifest.metrics
    }
    assert run["params"] == {name: str(value) for name, value in manifest.parameters.items()}
    assert run["tags"]["mlgov.snapshot"] == rich.id
    assert run["tags"]["mlgov.gate"] == "closed"
    assert {"snapshot.json", "notebook.ipynb"} <= set(run["artifacts"])
    assert run["snapshot"].encode() == rich.store.manifest_bytes(rich.id)


@pytest.mark.parametrize("name", ["bare", "strange"])
def test_mlflow_reads_a_run_of_any_record(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    one: Sample = request.getfixturevalue(name)
    project = Project(one.store.folder.parent, one.store)
    place = project.export_as(one.id, "mlflow", tmp_path / "runs")
    (run,) = peer("mlflow", "-c", READ, place.as_uri(), MLFLOW_ALLOW_FILE_STORE="true")
    assert run["tags"]["mlgov.snapshot"] == one.id


def test_a_crate_holds_to_its_profile_by_the_profiles_own_validator(
    rich: Sample,
    good: Sample,
    bare: Sample,
    strange: Sample,
    tmp_path: Path,
) -> None:
    samples = {"rich": rich, "good": good, "bare": bare, "strange": strange}
    folders = [str(written(one, "ro-crate", tmp_path / name)) for name, one in samples.items()]
    found = peer("rocrate_validator", str(Path(__file__).with_name("crate_checked.py")), *folders)
    assert [one for one in found if one[1] == "REQUIRED"] == []
    advice = {check for _, _, check, _ in found}
    # What is only recommended and a record has nothing for: a README, the address and id of the notebook, a publisher, an
    # affiliation, a result where the run had none.
    assert advice <= {
        "process-run-crate-0.5_3.2",
        "process-run-crate-0.5_5.1",
        "process-run-crate-0.5_11.1",
        "workflow-ro-crate-1.0_6.1",
        "workflow-ro-crate-1.0_6.2",
        "ro-crate-1.1_22.3",
        "ro-crate-1.1_30.2",
        "ro-crate-1.1_30.3",
    }, found
