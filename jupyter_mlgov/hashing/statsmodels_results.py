"""Results of statsmodels as models: what was estimated, how well it is known, and the data that predictions start from.

statsmodels hands out a wrapper around its results, which hold the model that was fitted. What it reckons only when it
is asked (residuals, a log-likelihood) is no part of the fingerprint, so that asking changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlgov.hashing.digest import Unhashable, combine

_ESTIMATED = ("params", "_params", "params_object", "normalized_cov_params", "cov_params_default", "cov_re", "vcomp",
              "scale", "sigma_u", "coefs", "coefs_exog", "_params_formatted", "cov_type", "fixed_params")  # fmt: skip
"""Attributes of results that the fit sets."""
_DATA = ("endog", "exog", "groups", "status")
_NAMED = ("orig_endog", "orig_exog")
"""What was given as a table: its columns have names."""
_LEARNS = ("cov_struct",)
"""Keywords whose objects change while results are asked: what they say is in the covariance of the parameters."""
_ASKED_FOR = ("cov_type", "method", "q", "k_ar")
_MADE_WITH = ("formula", "order", "seasonal_order", "trend", "damped_trend", "seasonal", "seasonal_periods", "_lags",
              "_trend", "_seasonal", "_period", "ties", "M", "q", "reml", "use_sqrt", "hold_back")  # fmt: skip
"""Attributes of models that say what they were made with, where their keywords do not."""
_NO_PARAMETERS = frozenset({"missing_idx", "model_spec", "design_info"})


def is_result(kind: type) -> bool:
    """Whether ``kind`` is a class of statsmodels' results, or of its wrappers around them."""
    return any(
        base.__module__ in ("statsmodels.base.wrapper", "statsmodels.base.model")
        and base.__name__ in ("ResultsWrapper", "Results")
        for base in type.mro(kind)
    )


def model_of(result: object) -> object:
    """The model that was fitted: ``OLS`` of an ``OLSResults``."""
    state = _state(result)
    return state.get("model", state.get("_model"))


def result_parameters(
    result: object, label: Callable[[type], str], plain: Callable[[Any], Any]
) -> dict[str, Any]:
    """What the model was made and fitted with, but for data."""
    numpy = sys.modules["numpy"]
    found = {key: value for key, value in _made_with(model_of(result)).items() if key not in _NO_PARAMETERS}
    found |= {key: value for key, value in _state(result).items() if key in _ASKED_FOR and key not in found}
    family = found.get("family")
    if family is not None and (link := vars(family).get("link", getattr(family, "_link", None))) is not None:
        found["link"] = link
    return {
        key.lstrip("_"): plain(value)
        for key, value in sorted(found.items())
        if value is not None and not isinstance(value, numpy.ndarray) and not hasattr(value, "iloc")
    }


def result_digest(result: object, label: Callable[[type], str], value: Callable[[Any], bytes]) -> bytes:
    """32 bytes for what was fitted; ``value`` gives those of each part. Raises ``Unhashable``."""
    state, model = _state(result), model_of(result)
    estimated = {key: state[key] for key in _ESTIMATED if state.get(key) is not None}
    if model is None or not estimated:
        raise Unhashable("it does not say what was estimated")
    held = vars(model)
    data = {key: held[key] for key in _DATA if held.get(key) is not None}
    names = {key: _names(vars(held["data"]).get(key)) for key in _NAMED if "data" in held}
    asked = {
        key: label(type(item)) if key in _LEARNS else item
        for key, item in _made_with(model).items()
        if key not in (*_NO_PARAMETERS, *_DATA)
    }
    parts = [_pairs(tag, pairs, value) for tag, pairs in
             (("estimated", estimated), ("data", data), ("names", names), ("asked", asked))]  # fmt: skip
    return combine("mlgov.result.1", label(type(_inner(result))), label(type(model)), *parts)


def _pairs(tag: str, pairs: Mapping[str, Any], value: Callable[[Any], bytes]) -> bytes:
    return combine(tag, *(combine("pair", name, value(item)) for name, item in sorted(pairs.items())))


def _names(given: Any) -> list[str]:
    if type(given).__module__.partition(".")[0] != "pandas":
        return []
    return [str(name) for name in (given.columns if hasattr(given, "columns") else [given.name])]


def _made_with(model: Any) -> dict[str, Any]:
    """The keywords that the model was made with, as statsmodels remembers them."""
    held = vars(model)
    found = {key: held[key] for key in _MADE_WITH if key in held}
    try:
        found |= dict(model._get_init_kwds())
    except Exception:  # noqa: BLE001 - a model that does not say has its attributes
        return found
    return found


def _inner(result: object) -> object:
    """The results without their wrapper, whose attributes are those of what it holds."""
    inner = object.__getattribute__(result, "__dict__").get("_results", result)
    return inner if inner is result or not is_result(type(inner)) else _inner(inner)


def _state(result: object) -> dict[str, Any]:
    found: dict[str, Any] = object.__getattribute__(_inner(result), "__dict__")
    return found
