"""Fitted estimators: what they are, their hyper-parameters, and a fingerprint that is equal for equal fits.

An estimator is recognised by its class: it has ``fit`` and ``get_params``, or it is a booster of XGBoost,
LightGBM or CatBoost, a module of torch, or a result of statsmodels. It is fitted when it holds what only ``fit`` sets
(``coef_``), or weights. Nothing is pickled and nothing is unpickled.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, named
from jupyter_mlgov.hashing.fitted import (
    Fingerprint,
    attributes,
    booster_library,
    booster_parameters,
    is_estimator,
    public_class,
)
from jupyter_mlgov.hashing.statsmodels_results import is_result, model_of, result_parameters
from jupyter_mlgov.hashing.torch_modules import has_weights, is_torch_module, layer_parameters, uncompiled

TEXT_LIMIT = 500
ITEM_LIMIT = 100


class ModelDescription(Struct, frozen=True):
    """``parameters`` are JSON values: what is none is named by its class. ``digest`` is None when there is a ``reason``."""

    class_: str
    parameters: dict[str, Any]
    digest: str | None
    reason: str | None = None


def is_model(kind: type) -> bool:
    """Whether objects of the class ``kind`` are estimators, fitted or not. Never raises."""
    try:
        return (
            booster_library(kind) is not None
            or is_estimator(kind)
            or is_torch_module(kind)
            or is_result(kind)
        )
    except Exception:  # noqa: BLE001 - what cannot even be looked at is no estimator that we know
        return False


def describe_model(value: object, *, limits: Limits | None = None) -> ModelDescription | None:
    """What a fitted estimator is, or None for anything else. Never raises."""
    kind = type(value)
    limits = limits or Limits()
    try:
        if not is_model(kind) or not is_fitted(value):
            return None
    except Exception:  # noqa: BLE001 - what cannot even be looked at is no estimator that we know
        return None
    label = _label(value)
    parameters: dict[str, Any] = {}
    try:
        if is_estimator(kind):
            parameters = _parameters(value)
        elif (library := booster_library(kind)) is not None:
            parameters = plain_parameter(booster_parameters(library, value))
        elif is_torch_module(kind):
            parameters = layer_parameters(value, public_class, plain_parameter)
        elif is_result(kind):
            parameters = result_parameters(value, public_class, plain_parameter)
        digest = combine("mlgov.model.1", Fingerprint(limits).value(value))
        return ModelDescription(label, parameters, named(digest))
    except Unhashable as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - an estimator of the user's may fail at anything; its text is not asked for
        reason = f"{type(error).__name__} while its fitted state was read"
    return ModelDescription(label, parameters, None, reason)


def _label(value: object) -> str:
    """The class by which people call a model: a result of statsmodels is one of ``OLS``, say."""
    if is_torch_module(type(value)):
        return public_class(type(uncompiled(value)))
    model = model_of(value) if is_result(type(value)) else None
    return public_class(type(value if model is None else model))


def is_fitted(value: object, depth: int = 0) -> bool:
    """True when an estimator, or the last step of a pipeline, has an attribute that only ``fit`` sets."""
    if is_result(type(value)):
        return True
    if is_torch_module(type(value)) and not is_estimator(type(value)):
        return has_weights(value)
    library = booster_library(type(value))
    if library is not None:
        return library != "catboost" or bool(value.is_fitted())  # type: ignore[attr-defined]
    state = attributes(value)
    if any(
        name.endswith("_") and not name.startswith("_") and item is not None for name, item in state.items()
    ):
        return True
    if state.get("_Booster") is not None:
        return True
    for parts in ("steps", "transformer_list"):
        steps = state.get(parts)
        if isinstance(steps, list) and depth < 10:
            fitted = [
                is_fitted(step[1], depth + 1)
                for step in steps
                if isinstance(step, tuple) and len(step) == 2 and is_estimator(type(step[1]))
            ]
            return any(fitted)
    return False


def save_model(
    value: object, is_secret: Callable[[list[dict[str, str]]], bool] = lambda _: False
) -> tuple[bytes | None, str | None]:
    """The estimator as a skops file: ``(bytes, None)``, or ``(None, reason)`` where skops cannot hold it, or ``is_secret``
    says of the strings in it, each under its name, that there is a secret among them.

    Equal estimators give equal bytes: skops' own differ at every call.
    """
    from jupyter_mlgov.hashing.saved_models import Nameless

    for library, known in (("torch", is_torch_module), ("statsmodels", is_result)):
        if known(type(value)):
            return (
                None,
                f"skops has no form for what {library} fits; its class, parameters and fingerprint are recorded",
            )
    try:
        from jupyter_mlgov.hashing.skops_writer import parts_of

        parts = parts_of(value)
    except Exception as error:  # noqa: BLE001 - whatever cannot be stored is recorded as not kept
        return None, f"skops cannot store it ({type(error).__name__})"
    try:
        data = parts.settled()
        texts = [{name: text} for name, text in sorted(parts.texts)]
    except Nameless as error:
        return None, f"skops could not load it again: {error} cannot be found under that name"
    except Exception:  # noqa: BLE001 - a form of skops that is not known here: as it is
        parts = parts_of(value)
        data, texts = parts.as_they_are(), [{"": json.dumps(parts.schema)}]
    return (None, "it holds a secret") if is_secret(texts) else (data, None)


def _parameters(value: Any) -> dict[str, Any]:
    found = value.get_params(deep=True)
    return {str(name): plain_parameter(item) for name, item in sorted(found.items())}


def plain_parameter(item: Any, depth: int = 0) -> Any:
    """A hyper-parameter as JSON: scalars and short containers as they are, functions and objects by name."""
    kind = type(item)
    if item is None or kind in (bool, int, float):
        return item
    if issubclass(kind, str):
        return str.__str__(item)[:TEXT_LIMIT]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if issubclass(kind, numpy.generic):
            scalar = item.item()
            return plain_parameter(scalar, depth) if not isinstance(scalar, numpy.generic) else str(scalar)
        if issubclass(kind, numpy.ndarray):
            if item.size <= ITEM_LIMIT and item.dtype.kind in "biufU":
                return plain_parameter(item.tolist(), depth)
            return f"array of {item.dtype.name} {list(item.shape)}"
    if issubclass(kind, list | tuple | set | frozenset | range) and len(item) <= ITEM_LIMIT and depth < 5:
        parts = [plain_parameter(part, depth + 1) for part in item]
        return sorted(parts, key=str) if issubclass(kind, set | frozenset) else parts
    if issubclass(kind, dict) and len(item) <= ITEM_LIMIT and depth < 5:
        return {
            str(plain_parameter(key, 5))[:TEXT_LIMIT]: plain_parameter(part, depth + 1)
            for key, part in dict.items(item)
        }
    if issubclass(kind, type):
        return public_class(item)
    if issubclass(kind, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return f"{item.__module__}.{item.__qualname__}"
    return public_class(kind)
