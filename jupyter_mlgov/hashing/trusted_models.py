"""Loading a kept model: only from types that somebody who answers for this machine trusts.

A skops file names the types that it is made of. Those of scikit-learn, NumPy and SciPy that skops itself knows are
loaded always; others only where its name is on a list that comes from ``[models] trusted`` in ``mlgov.toml`` or from
whoever calls. What stands in the file never widens the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from jupyter_mlgov.configuration import section
from jupyter_mlgov.errors import Blocked, Damaged

OWN = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRanker",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "numpy.mean",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRFClassifier",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRanker",
    "xgboost.sklearn.XGBRegressor",
)
"""Types of scikit-learn, what it stands on, and the boosting libraries that skops does not load unasked: compiled ones,
whose bytes and arrays are not checked when they are loaded, and private ones. Trusted in a model that this project's own
kernel recorded, not in one that came in a bundle."""


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section ``[models]`` of ``mlgov.toml``."""

    trusted: tuple[str, ...] = ()
    """Types (``module.Class``) that may be loaded from a kept model, beside those that skops itself trusts."""


def trusted_types(root: Path, given: Iterable[str] = (), *, recorded_here: bool) -> tuple[str, ...]:
    """The types that a kept model may hold: those that the operator gives (``--trust``, ``[models] trusted``), and ``OWN``
    where the project ``root`` recorded it (``Store.recorded_here``). Whoever loads a kept model asks here."""
    said = section(root, "models", ModelSettings).trusted
    return (*given, *said, *(OWN if recorded_here else ()))


class Untrusted(Blocked):
    """A model holds types that nobody said to trust: ``types`` names them."""

    def __init__(self, types: Iterable[str]) -> None:
        self.types = tuple(types)
        quoted = ", ".join(f'"{name}"' for name in self.types)
        super().__init__(
            f"the model is made of types that are not trusted ({', '.join(self.types)}): where you trust who made it, "
            f"write [models] trusted = [{quoted}] in mlgov.toml"
        )


def load_model(data: bytes, *, trusted: Iterable[str] = ()) -> Any:
    """The model in a skops file's bytes. Raises ``Untrusted``, ``Blocked`` (a package that it needs is not there), and
    ``Damaged`` where the bytes are no such file."""
    from skops.io import get_untrusted_types, loads

    allowed = set(trusted)
    try:
        asked = [str(name) for name in get_untrusted_types(data=data)]
    except Exception as error:
        raise Damaged(f"the model cannot be read: it is no skops file ({type(error).__name__})") from error
    refused = [name for name in asked if name not in allowed]
    if refused:
        raise Untrusted(refused)
    try:
        return loads(data, trusted=asked)
    except ImportError as error:
        raise Blocked(
            f"the model cannot be loaded: {error}; install what its environment names (mlgov show)"
        ) from error
    except Exception as error:
        raise Blocked(
            f"the model cannot be loaded ({type(error).__name__}: {error}): it was made with other versions, see mlgov show"
        ) from error
