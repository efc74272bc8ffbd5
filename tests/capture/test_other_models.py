"""Models that are no estimators, in a real kernel: recorded with class, parameters and fingerprint, and said not to be kept."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]

STATSMODELS = """import statsmodels.api as sm
result = sm.Logit(y, X).fit(disp=0)
auc = 0.5"""
TORCH = """import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
torch.manual_seed(0)
result, loss = Net(), torch.nn.MSELoss()"""


@pytest.mark.parametrize(
    ("library", "code", "class_", "parameter"),
    [
        ("statsmodels", STATSMODELS, "statsmodels.discrete.discrete_model.Logit", ("method", "MLE")),
        ("torch", TORCH, "__main__.Net", ("layer.in_features", 2)),
    ],
)
def test_a_model_of_another_library_is_a_model_of_the_record(
    kernel: Start, tmp_path: Path, library: str, code: str, class_: str, parameter: tuple[str, Any]
) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport numpy as np")
    one.must("X = np.random.default_rng(0).normal(size=(100, 2)); y = (X[:, 0] + X[::-1, 1] > 0).astype(int)")
    ran = one.run(f"%%experiment fit\n{code}", timeout=200)
    assert ran.status == "ok", ran.outputs
    assert ran.stderr.startswith(
        f"mlgov: not recorded: model `result` was not kept: skops has no form for what {library} fits"
    )
    one.must(f"%%experiment fit --model result\n{code}")
    first, second = (Project.open(tmp_path).show(f"fit@{number}")["models"] for number in (1, 2))
    (model,) = first
    assert (model["name"], model["class"], model["primary"], model["object"]) == (
        "result",
        class_,
        True,
        None,
    )
    assert model["parameters"][parameter[0]] == parameter[1]
    assert model["digest"].startswith("blake3:")
    assert second[0]["digest"] == model["digest"]
