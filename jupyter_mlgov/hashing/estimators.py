"""Fitted estimators: a fingerprint of hyper-parameters and fitted state that is equal for equal fits.

The state is walked as data: attributes, containers, arrays, and the states of the compiled parts of known
libraries. What says how long or how loudly something ran (times, ``verbose``, ``n_jobs``) is left out, and so
are generators of random numbers, which a fit uses up. Nothing is pickled or unpickled, and nothing is called
on an object that is not an estimator or a part of one.
"""

from __future__ import annotations

import re
import sys
import types
from dataclasses import dataclass
from typing import Any

from jupyter_mlgov.hashing.arrays import array_digest
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, named
from jupyter_mlgov.hashing.frames import describe_frame
from jupyter_mlgov.hashing.values import Encoder, class_name

_KNOWN = ("sklearn", "numpy", "scipy", "pandas", "xgboost", "lightgbm", "catboost", "imblearn", "skops", "functools",
          "collections", "builtins", "joblib")  # fmt: skip
"""Libraries whose objects may be asked for their state."""

_UNSAID = re.compile(r"(^|_)(time|times|n_jobs|verbose|verbosity|feature_names_out_cache)_?$")
_TEXT_LIMIT = 500


@dataclass(frozen=True)
class ModelDescription:
    """``parameters`` are JSON values; what is none is named by its type. Without ``digest`` there is a ``reason``."""

    class_: str
    parameters: dict[str, Any]
    digest: str | None
    reason: str | None = None


def describe_model(value: Any) -> ModelDescription | None:
    """What a fitted estimator is, or None for anything else. Never raises."""
    if not is_estimator(value) or not is_fitted(value):
        return None
    try:
        parameters = _parameters(value)
    except Exception:  # noqa: BLE001 - an estimator of the user's may fail at anything
        parameters = {}
    try:
        digest = named(combine("model", _Walk(Limits()).value(value)))
    except Unhashable as error:
        return ModelDescription(class_name(type(value)), parameters, None, str(error))
    except Exception as error:  # noqa: BLE001
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return ModelDescription(class_name(type(value)), parameters, None, reason)
    return ModelDescription(class_name(type(value)), parameters, digest)


def is_estimator(value: Any) -> bool:
    """True for objects whose class has ``fit`` and ``get_params``; only the class is asked."""
    kind = type(value)
    return (
        not isinstance(value, type)
        and callable(getattr(kind, "fit", None))
        and callable(getattr(kind, "get_params", None))
    )


def is_fitted(value: Any) -> bool:
    """True when it, or an estimator within it, has an attribute that only ``fit`` sets (``coef_``)."""
    state = getattr(value, "__dict__", None) if is_estimator(value) else None
    if not isinstance(state, dict):
        return False
    if any(name.endswith("_") and not name.startswith("_") for name in state) or "_Booster" in state:
        return True
    steps = state.get("steps")
    if isinstance(steps, list):
        return any(is_fitted(step[1]) for step in steps if isinstance(step, tuple) and len(step) == 2)
    return False


def save_model(value: Any) -> tuple[bytes | None, str | None]:
    """The estimator as a skops file: ``(bytes, None)``, or ``(None, reason)`` where it cannot be stored safely."""
    try:
        from skops.io import dumps

        return dumps(value), None
    except Exception as error:  # noqa: BLE001 - whatever cannot be stored is recorded as not kept
        return None, f"skops cannot store it ({type(error).__name__}: {' '.join(str(error).split())[:150]})"


def _parameters(value: Any) -> dict[str, Any]:
    found = value.get_params(deep=True)
    return {str(name): _plain(item) for name, item in sorted(found.items())}


def _plain(item: Any, depth: int = 0) -> Any:
    if item is None or isinstance(item, bool | int | float):
        return item
    if isinstance(item, str):
        return item[:_TEXT_LIMIT]
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(item, numpy.generic):
        return _plain(item.item(), depth)
    if isinstance(item, list | tuple) and len(item) <= 50 and depth < 4:
        return [_plain(part, depth + 1) for part in item]
    if isinstance(item, dict) and len(item) <= 50 and depth < 4:
        return {str(key)[:_TEXT_LIMIT]: _plain(part, depth + 1) for key, part in item.items()}
    if isinstance(item, types.FunctionType | types.BuiltinFunctionType | type):
        return f"{item.__module__}.{item.__qualname__}"
    return class_name(type(item))


class _Walk:
    """Turns a fitted object into 32 bytes, part by part."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.encoder = Encoder(limits)
        self.open: dict[int, int] = {}
        """Objects on the way from the root to here: a circle is written as a step back."""

    def value(self, value: Any) -> bytes:
        self.limits.spend(1)
        if value is None or isinstance(value, bool | int | float | str | bytes | complex):
            return self.encoder.one(value)
        if id(value) in self.open:
            return combine("circle", len(self.open) - self.open[id(value)])
        if len(self.open) > 200:
            raise Unhashable("nested more than 200 deep")
        self.open[id(value)] = len(self.open)
        try:
            return self._inner(value)
        finally:
            del self.open[id(value)]

    def _inner(self, value: Any) -> bytes:
        if isinstance(value, list | tuple):
            return combine("sequence", *(self.value(item) for item in value))
        if isinstance(value, dict):
            return self._pairs("dict", value)
        if isinstance(value, set | frozenset):
            return combine("set", *sorted(self.value(item) for item in value))
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
            return combine("name", f"{value.__module__}.{value.__qualname__}", self._code(value))
        if isinstance(value, types.MethodType):
            return combine("method", value.__func__.__qualname__, self.value(value.__self__))
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            if isinstance(value, numpy.ma.MaskedArray):
                return combine(
                    "masked", self.value(numpy.asarray(value.data)), self.value(numpy.ma.getmaskarray(value))
                )
            if isinstance(value, numpy.ndarray):
                if value.dtype.kind == "O":
                    parts = [self.value(item) for item in value.ravel()]
                    return combine("objects", ",".join(map(str, value.shape)), *parts)
                return array_digest(value, self.limits)
            if isinstance(value, numpy.generic):
                return self.encoder.one(value)
            if isinstance(
                value, numpy.random.RandomState | numpy.random.Generator | numpy.random.BitGenerator
            ):
                return combine("generator", class_name(type(value)))
            if isinstance(value, numpy.ufunc | numpy.dtype):
                return combine("numpy", str(value))
        frame = describe_frame(value, limits=self.limits)
        if frame is not None:
            if frame.digest is None:
                raise Unhashable(f"holds a {frame.type} that cannot be hashed ({frame.reason})")
            return combine("frame", frame.digest)
        return self._object(value)

    def _code(self, value: Any) -> bytes:
        """A function of the notebook's own is its code; one from a library is its name."""
        code = getattr(value, "__code__", None)
        if code is None or value.__module__ != "__main__":
            return b""
        constants = [
            item for item in code.co_consts if item is None or isinstance(item, bool | int | float | str)
        ]
        return combine("code", code.co_code, self.value(list(code.co_names)), self.value(constants))

    def _pairs(self, tag: str, pairs: dict[Any, Any]) -> bytes:
        kept = [
            combine("pair", self.value(key), self.value(item))
            for key, item in pairs.items()
            if not (isinstance(key, str) and _UNSAID.search(key))
        ]
        return combine(tag, *sorted(kept))

    def _object(self, value: Any) -> bytes:
        kind = type(value)
        name = class_name(kind)
        package = kind.__module__.partition(".")[0]
        if name.endswith("xgboost.core.Booster") or (package == "xgboost" and kind.__name__ == "Booster"):
            return combine(name, bytes(value.save_raw(raw_format="ubj")))
        if package == "lightgbm" and kind.__name__ == "Booster":
            return combine(name, value.model_to_string())
        if is_estimator(value):
            state = vars(value)
            return self._pairs(
                f"estimator {name}", {key: state[key] for key in state if not key.startswith("__")}
            )
        if package not in _KNOWN:
            raise Unhashable(f"holds a {name}, whose state is not known")
        if isinstance(getattr(value, "__dict__", None), dict) and type(value).__reduce__ is object.__reduce__:  # type: ignore[comparison-overlap]
            return self._pairs(f"object {name}", vars(value))
        return self._reduced(name, value)

    def _reduced(self, name: str, value: Any) -> bytes:
        """Compiled parts (trees, loss functions, lookup tables): what they would be rebuilt from."""
        try:
            reduced = value.__reduce_ex__(2)
        except TypeError as error:
            raise Unhashable(f"holds a {name}, which has no state that can be read") from error
        if isinstance(reduced, str):
            return combine("global", name, reduced)
        _, arguments, *rest = reduced
        state = rest[0] if rest else None
        items = [list(part) for part in rest[1:3] if part is not None]
        return combine(f"reduced {name}", self.value(arguments), self.value(state), self.value(items))
