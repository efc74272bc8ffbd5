"""torch modules and statsmodels results as models: class, parameters, and fingerprints that are equal for equal fits."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.hashing.estimators import ModelDescription, describe_model, is_model, save_model

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
needs_statsmodels = pytest.mark.skipif(
    importlib.util.find_spec("statsmodels") is None, reason="statsmodels is not installed"
)


def described(value: Any) -> ModelDescription:
    found = describe_model(value)
    assert found is not None
    assert found.reason is None, found
    return found


# -- torch -----------------------------------------------------------------------------------------------------------


def network(seed: int = 0, steps: int = 3, width: int = 8, scale: float = 2.0) -> Any:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = scale
            self.act = nn.functional.relu
            self.device = torch.device("cpu")
            self.body = nn.Sequential(nn.Linear(4, width), nn.Dropout(0.2), nn.BatchNorm1d(width))
            self.recur = nn.LSTM(width, 3, batch_first=True)
            self.head = nn.Linear(3, 1)
            self.register_buffer("cache", torch.zeros(2), persistent=False)

        def forward(self, x: Any) -> Any:
            return self.head(self.recur(self.act(self.body(x)) * self.scale)[0])

    torch.manual_seed(seed)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    x, y = torch.randn(32, 4), torch.randn(32, 1)
    for _ in range(steps):
        optimizer.zero_grad()
        ((net(x) - y) ** 2).mean().backward()
        optimizer.step()
    return net


@needs_torch
def test_a_module_has_its_layers_and_what_they_were_made_with() -> None:
    from torch import nn

    found = described(network())
    assert found.class_.endswith("Net")
    assert found.parameters["scale"] == 2.0
    assert found.parameters["body.0"] == "torch.nn.Linear"
    assert (found.parameters["body.0.in_features"], found.parameters["body.1.p"]) == (4, 0.2)
    assert "training" not in str(found.parameters)
    assert described(nn.Linear(2, 2)).class_ == "torch.nn.Linear"
    many = described(nn.Sequential(*(nn.Linear(1, 1) for _ in range(200))))
    assert len(many.parameters) <= 301
    assert many.parameters["..."].endswith("more")


@needs_torch
def test_modules_that_were_trained_alike_have_one_fingerprint() -> None:
    one = network()
    digest = described(one).digest
    assert digest == described(network()).digest
    assert digest == described(copy.deepcopy(one).eval()).digest
    other = network(seed=5)
    assert described(other).digest != digest
    other.load_state_dict(one.state_dict())
    assert described(other).digest == digest
    one.cache += 1
    one.head.register_forward_hook(lambda *_: None)
    for weight in one.parameters():
        weight.requires_grad_(False)
    assert described(one).digest == digest


@needs_torch
@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"steps": 4},
        {"width": 9},
        {"scale": 3.0},
    ],
)
def test_modules_that_differ_have_different_fingerprints(change: dict[str, Any]) -> None:
    assert described(network(**change)).digest != described(network()).digest


@needs_torch
def test_one_weight_a_running_mean_and_the_order_of_layers_count() -> None:
    import torch
    from torch import nn

    one, other = network(), network()
    with torch.no_grad():
        other.head.weight[0, 1] += 1e-6
    assert described(one).digest != described(other).digest
    other = network()
    other.body[2].running_mean[0] += 1
    assert described(one).digest != described(other).digest
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    assert described(nn.Sequential(first, second)).digest != described(nn.Sequential(second, first)).digest


@needs_torch
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_a_loss_and_an_activation_are_no_models_and_a_compiled_module_is_one() -> None:
    import torch
    from torch import nn

    assert describe_model(nn.MSELoss()) is None
    assert describe_model(nn.ReLU()) is None
    script = torch.jit.script(nn.Linear(2, 2))
    assert (
        described(script).digest
        == described(script).digest
        != described(torch.jit.script(nn.Linear(2, 2))).digest
    )
    lazy = describe_model(nn.LazyLinear(3))
    assert lazy is not None
    assert lazy.digest is None
    assert lazy.reason is not None
    data, reason = save_model(network())
    assert data is None
    assert reason is not None
    assert reason.startswith("skops has no form for what torch fits")


# -- statsmodels -----------------------------------------------------------------------------------------------------


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(80, 2)), columns=["a", "b"])
    frame["y"] = 1 + 2 * frame.a + random.normal(size=80)
    return frame.assign(yes=(frame.y > 1).astype(int), group=np.repeat(range(8), 10))


def fits() -> dict[str, Callable[[pd.DataFrame], Any]]:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf
    from statsmodels.tsa.api import VAR, AutoReg, ExponentialSmoothing
    from statsmodels.tsa.arima.model import ARIMA

    return {
        "OLS": lambda t: sm.OLS(t.y, sm.add_constant(t[["a", "b"]])).fit(),
        "OLS by formula": lambda t: smf.ols("y ~ a + C(group)", t).fit(cov_type="HC3"),
        "Logit": lambda t: smf.logit("yes ~ a", t).fit(disp=0),
        "GLM": lambda t: smf.glm("yes ~ a", t, family=sm.families.Binomial()).fit(),
        "MixedLM": lambda t: smf.mixedlm("y ~ a", t, groups="group").fit(),
        "GEE": lambda t: smf.gee("y ~ a", "group", t).fit(),
        "QuantReg": lambda t: smf.quantreg("y ~ a", t).fit(0.5),
        "PHReg": lambda t: sm.PHReg(np.exp(t.y), t[["a", "b"]]).fit(),
        "RLM": lambda t: sm.RLM(t.y, t[["a", "b"]]).fit(),
        "ARIMA": lambda t: ARIMA(t.y, order=(1, 0, 0)).fit(),
        "AutoReg": lambda t: AutoReg(t.y, 2).fit(),
        "ExponentialSmoothing": lambda t: ExponentialSmoothing(t.y, trend="add").fit(),
        "VAR": lambda t: VAR(t[["y", "a"]]).fit(1),
        "regularized": lambda t: sm.OLS(t.y, t[["a", "b"]]).fit_regularized(),
    }


NAMES = ("OLS", "OLS by formula", "Logit", "GLM", "MixedLM", "GEE", "QuantReg", "PHReg", "RLM", "ARIMA", "AutoReg",
         "ExponentialSmoothing", "VAR", "regularized")  # fmt: skip


@needs_statsmodels
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_a_result_has_one_fingerprint_for_one_fit_however_it_was_asked(name: str) -> None:
    fit = fits()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, same, other = (
            fit(table()),
            fit(table()),
            fit(table().assign(y=lambda t: t.y * 1.5, yes=lambda t: 1 - t.yes)),
        )
        found = described(one)
        for ask in ("summary", "predict", "cov_params", "conf_int", "resid", "llf"):
            with contextlib.suppress(NotImplementedError, AttributeError, TypeError, ValueError):
                found_out = getattr(one, ask)
                _ = found_out() if callable(found_out) else None
    assert found == described(same) == described(one)
    assert found.digest != described(other).digest
    assert found.class_.startswith("statsmodels.")
    assert found.class_.rpartition(".")[2] == {"OLS by formula": "OLS", "regularized": "OLS"}.get(name, name)


@needs_statsmodels
@pytest.mark.filterwarnings("ignore")
def test_a_results_parameters_are_what_it_was_made_with_and_no_data() -> None:
    made = {
        name: described(fit(table())).parameters
        for name, fit in fits().items()
        if name in ("OLS by formula", "GLM", "ARIMA")
    }
    assert made["OLS by formula"] == {"cov_type": "HC3", "formula": "y ~ a + C(group)"}
    assert made["GLM"]["family"].endswith("Binomial")
    assert made["GLM"]["link"].endswith("Logit")
    assert made["ARIMA"]["order"] == [1, 0, 0]


@needs_statsmodels
@pytest.mark.filterwarnings("ignore")
def test_a_renamed_column_another_covariance_and_more_data_are_other_results() -> None:
    import statsmodels.api as sm

    frame = table()
    one = described(sm.OLS(frame.y, frame[["a", "b"]]).fit())
    assert described(sm.OLS(frame.y, frame[["a", "b"]].rename(columns={"b": "c"})).fit()).digest != one.digest
    assert described(sm.OLS(frame.y, frame[["a", "b"]]).fit(cov_type="HC1")).digest != one.digest
    arima = fits()["ARIMA"](frame)
    assert described(arima).digest != described(arima.append([1.0])).digest


@needs_statsmodels
def test_a_model_that_was_not_fitted_and_a_result_that_skops_cannot_hold() -> None:
    import statsmodels.api as sm

    frame = table()
    assert describe_model(sm.OLS(frame.y, frame[["a"]])) is None
    data, reason = save_model(sm.OLS(frame.y, frame[["a"]]).fit())
    assert (data, str(reason).startswith("skops has no form for what statsmodels fits")) == (None, True)


def test_nothing_is_imported_to_find_out_what_is_no_model() -> None:
    assert not is_model(int)
    code = (
        "import sys\nfrom jupyter_mlgov.hashing.estimators import is_model\n"
        "class Module: pass\nassert not is_model(Module) and not is_model(dict)\n"
        "assert not {'torch', 'statsmodels', 'numpy', 'sklearn'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
