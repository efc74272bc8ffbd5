"""A package as a cause, shown by experiment: the recorded environment is rebuilt, and today's packages come back into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import papermill
import pytest

from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.inventory import Inventory
from jupyter_mlgov.rerun.engine import Recording
from jupyter_mlgov.rerun.progress import Progress
from jupyter_mlgov.rerun.rebuilt import Rebuilt
from jupyter_mlgov.rerun.side import Side
from tests.faults.reproducibility.fault import make_wheel
from tests.rerun.conftest import Work
from tests.rerun.making import Maker
from tests.rerun.small import install, small_python

CELLS = (
    "import house_rates, house_labels",
    "%%experiment base\nscore = 2.0 * house_rates.RATE\nprint(house_labels.NAME)",
)


@pytest.fixture
def upgraded(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A notebook that was recorded with two packages in version 1; both are version 2 now, and one gives another value."""
    wheels = tmp_path / "wheels"
    for version, rate in (("1.0", 1.5), ("2.0", 1.75)):
        make_wheel(wheels, "house-rates", version, {"house_rates": f"RATE = {rate}\n"})
        make_wheel(wheels, "house-labels", version, {"house_labels": "NAME = 'loans'\n"})
    python = small_python(tmp_path / "env", "house-rates==1.0", "house-labels==1.0", links=wheels)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("MLGOV_CACHE", str(tmp_path / "cache"))
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "language": "python",
    }
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(json.dumps({**spec, "display_name": "small"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    work.write(*CELLS)
    papermill.execute_notebook(
        str(work.notebook), str(tmp_path / "out.ipynb"), engine_name="mlgov", progress_bar=False,
        mlgov_recording=Recording(name="n", notebook=str(work.notebook), python=str(python)),
        mlgov_kernel={"cwd": str(work.folder)},
    )  # fmt: skip
    install(python, "house-rates==2.0", "house-labels==2.0", links=wheels)
    return work


@pytest.mark.timeout(300)
def test_the_package_that_did_it_is_confirmed_in_the_rebuilt_environment(
    upgraded: Work, tmp_path: Path
) -> None:
    steps: list[Progress] = []
    found = upgraded.rerun("base", progress=steps.append)
    (one,) = found.findings
    assert (one.cause, one.subject, one.confirmed) == ("environment.package", "house-rates", True)
    assert one.variable == "score"
    assert "1.0" in one.message and "2.0" in one.message
    plan = next(step.message for step in steps if step.stage == "plan")
    assert "the recorded environment (house-labels, house-rates)" in plan
    assert found.runs <= 4
    made = tmp_path / "cache" / "environments"
    assert not list(made.glob("mixed-*")), "mixtures are gone afterwards"
    assert len(list(made.glob("*/complete"))) == 1, "the recorded environment is kept"


def test_an_environment_that_cannot_be_had_is_no_answer_and_says_why(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    inventory = Inventory(
        python="2.7.18", implementation="CPython", machine="x86_64", system="Linux", distributions=()
    )
    snapshot = maker.baseline(["x = 1"], inventory=maker.store.put(canonical(inventory)))

    def asked(**options: Any) -> Rebuilt:
        made = Rebuilt(
            maker.store, snapshot, maker.store.manifest(snapshot), Side(maker.store, snapshot),
            kernel=None, say=lambda _: None, **options,
        )  # fmt: skip
        assert made.recorded() is None
        return made

    assert "no Python 2.7 is on this machine" in asked(seconds=60).why
    assert "controlled_environment is off" in asked(seconds=0).why
