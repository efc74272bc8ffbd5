"""The fitted state of an estimator as 32 bytes, found by walking it as data.

Every part has a digest of its own, made from its parts: attributes by name, containers, arrays, and the state
that compiled parts (trees, loss functions, neighbour indexes) would be rebuilt from. Order counts in lists, not
in sets and dicts. What a fit leaves behind without being part of its result is left out: wall-clock times, the number of
processors, counters of look-ups, cached properties, and generators of random numbers outside the parameters. A part whose
state cannot be read raises ``Unhashable``: a fingerprint never stands for less than the whole.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

from jupyter_mlgov.hashing.arrays import array_digest
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine
from jupyter_mlgov.hashing.frames import describe_frame
from jupyter_mlgov.hashing.statsmodels_results import is_result, result_digest
from jupyter_mlgov.hashing.torch_modules import is_torch_module, module_digest
from jupyter_mlgov.hashing.values import Encoder, class_name

DEPTH = 100
_CLOCK = re.compile(
    r"(^|_)((fit|refit|score|train|training|elapsed|wall|cpu|build)_?(time|times|duration|seconds)|timestamp)_?$"
)
"""Names of attributes that hold wall-clock times. The keys of a dict are data and count whatever they are called, but
for those of ``_RESULTS``."""
_RESULTS = "cv_results_"
"""Where a search keeps what it measured, by name, times among it."""
_ADDRESSES = frozenset({"_stop_words_id"})
"""Attributes that hold an address, which says nothing any more in a model that was loaded from a file."""
_MACHINE = frozenset({"_n_threads", "n_threads"})
"""Attributes that say how many processors there were: scikit-learn notes it in clusterings and histograms."""
_SCALARS = frozenset({type(None), bool, int, float, str, bytes, complex})
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
              types.WrapperDescriptorType, types.MethodWrapperType, type)  # fmt: skip


def defines(kind: type, name: str) -> bool:
    """Whether a class or one of its bases has an attribute, without running any code of theirs."""
    return any(name in type.__getattribute__(base, "__dict__") for base in type.mro(kind))


def is_estimator(kind: type) -> bool:
    """True for classes with ``fit`` and ``get_params``."""
    return defines(kind, "fit") and defines(kind, "get_params") and not issubclass(kind, type)


_PARTS = 10_000
"""Objects that are looked at to find a part."""


def is_part_of(part: object, whole: object) -> bool:
    """Whether ``whole`` holds ``part`` itself among its steps, its estimators or what its fit left. Only dicts, lists and
    tuples are looked into, and estimators' own attributes."""
    if part is whole:
        return False
    pending: list[Any] = [whole]
    seen: set[int] = set()
    while pending and len(seen) < _PARTS:
        one = pending.pop()
        if one is part:
            return True
        if id(one) in seen:
            continue
        seen.add(id(one))
        kind = type(one)
        if kind is dict:
            pending += dict.values(one)
        elif kind in (list, tuple):
            pending += one
        elif is_estimator(kind):
            pending += attributes(one).values()
    return False


def attributes(
    value: object,
    classes: dict[int, tuple[type, frozenset[str]]] | None = None,
    parameters: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The instance's own ``__dict__``: cached properties, times (but for ``parameters``), the number of processors and the
    addresses of other attributes are left out. A caller that asks for many gives ``classes``, which remembers the cached
    properties of each."""
    try:
        state = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    if type(state) is not dict:
        return {}
    kind = type(value)
    if classes is not None and id(kind) in classes:
        cached = classes[id(kind)][1]
    else:
        cached = frozenset(_cached_properties(kind))
        if classes is not None:
            classes[id(kind)] = kind, cached
    # scikit-learn's vectorizers note the ``id()`` of their stop words.
    addresses = {id(item) for item in state.values()}
    return {
        name: item
        for name, item in state.items()
        if isinstance(name, str)
        and not (type(item) is int and (item in addresses or name in _ADDRESSES))
        and name not in cached
        and name not in _MACHINE
        and (name in parameters or not _CLOCK.search(name))
    }


def _cached_properties(kind: type) -> Iterator[str]:
    for base in type.mro(kind):
        for name, item in type.__getattribute__(base, "__dict__").items():
            if isinstance(item, functools.cached_property):
                yield name


def public_class(kind: type) -> str:
    """``sklearn.linear_model.LogisticRegression``: the shortest name under which its package has it."""
    name = kind.__name__
    parts = str(type.__getattribute__(kind, "__module__")).split(".")
    for count in range(1, len(parts)):
        package = sys.modules.get(".".join(parts[:count]))
        if isinstance(package, types.ModuleType) and vars(package).get(name) is kind:
            return f"{'.'.join(parts[:count])}.{name}"
    return class_name(kind)


_BOOSTERS = {
    ("xgboost", "Booster"),
    ("lightgbm", "Booster"),
    ("_catboost", "_CatBoost"),
    ("catboost", "CatBoost"),
}


def booster_library(kind: type) -> str | None:
    """``xgboost``, ``lightgbm`` or ``catboost`` for the classes that hold a model in memory of their own."""
    for base in type.mro(kind):
        library = str(base.__module__).partition(".")[0]
        if (library, base.__name__) in _BOOSTERS:
            return library.lstrip("_")
    return None


def raw_booster(library: str, booster: Any) -> bytes | None:
    """The model as its library writes it down, without dates; None when it is not fitted."""
    if library == "xgboost":
        return bytes(booster.save_raw(raw_format="ubj"))
    if library == "lightgbm":
        return str(booster.model_to_string(num_iteration=-1)).encode()
    if not booster.is_fitted():
        return None
    copy = booster.copy()
    notes = copy.get_metadata()
    for name in ("model_guid", "train_finish_time"):
        if name in notes:
            notes[name] = ""
    return bytes(copy._serialize_model())


def booster_parameters(library: str, booster: Any) -> dict[str, Any]:
    """What a booster of XGBoost or LightGBM was trained with, as its library says it."""
    if library == "lightgbm":
        return dict(attributes(booster).get("params") or {})
    if library != "xgboost":
        return {}
    learner = json.loads(booster.save_config())["learner"]
    parts = [learner.get("learner_train_param"), learner.get("gradient_booster", {}).get("tree_train_param")]
    return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}


class Fingerprint:
    """Walks one estimator; keeps what it has seen, so that shared parts are walked once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._encoder = Encoder(limits)
        # A generator inside a parameter has another digest than elsewhere, so those parts are kept apart.
        self._seen: dict[tuple[int, bool], tuple[object, bytes]] = {}
        self._open: dict[int, int] = {}
        self._circles = 0
        self._in_parameters = 0
        self._classes: dict[int, tuple[type, frozenset[str]]] = {}
        self._parameters: dict[int, frozenset[str]] = {}
        """Of scikit-learn's own ``get_params``, which asks the class: a forest has hundreds of trees."""

    def value(self, value: Any) -> bytes:
        """32 bytes for ``value`` and everything that hangs on it. Raises ``Unhashable``."""
        self.limits.spend(1)
        if type(value) in _SCALARS:
            return self._encoder.one(value)
        place = id(value), self._in_parameters > 0
        known = self._seen.get(place)
        if known is not None:
            return known[1]
        if id(value) in self._open:  # a circle is written as a number of steps back
            self._circles += 1
            return combine("circle", len(self._open) - self._open[id(value)])
        if len(self._open) > DEPTH:
            raise Unhashable(f"its state is nested more than {DEPTH} deep")
        circles = self._circles
        self._open[id(value)] = len(self._open)
        try:
            digest = self._part(value, type(value))
        finally:
            del self._open[id(value)]
        if circles == self._circles:
            self._seen[place] = (value, digest)
        return digest

    def _part(self, value: Any, kind: type) -> bytes:
        if issubclass(kind, list | tuple):
            tag = "list" if issubclass(kind, list) else "tuple"
            return combine(tag, *(self.value(item) for item in kind.__iter__(value)))
        if issubclass(kind, dict):
            return self._pairs("dict", dict(dict.items(value)))
        if issubclass(kind, set | frozenset):
            return combine("set", *sorted(self.value(item) for item in value))
        if issubclass(kind, _FUNCTIONS):
            return self._function(value)
        if issubclass(kind, types.CodeType):
            return combine("code", value.co_code, self.value(value.co_names), self.value(value.co_consts))
        if issubclass(kind, types.ModuleType):
            return combine("module", value.__name__)
        numpy = sys.modules.get("numpy")
        if numpy is not None and (found := self._numpy(numpy, value, kind)) is not None:
            return found
        frame = describe_frame(value, limits=self.limits)
        if frame is not None:
            if frame.digest is None:
                raise Unhashable(f"holds a {frame.type} without a digest ({frame.reason})")
            return combine("frame", frame.digest)
        return self._object(value, kind)

    def _pairs(self, tag: str, pairs: dict[Any, Any], parameters: frozenset[str] = frozenset()) -> bytes:
        kept = []
        for key, item in pairs.items():
            self._in_parameters += key in parameters if parameters else 0
            try:
                if key == _RESULTS and type(item) is dict:
                    item = _timeless(item)
                kept.append(combine("pair", self.value(key), self.value(item)))
            finally:
                self._in_parameters -= key in parameters if parameters else 0
        return combine(tag, *sorted(kept))

    def _function(self, value: Any) -> bytes:
        """A function of a library is its name; one of the notebook's own, or a lambda, is its code too."""
        if isinstance(value, types.MethodType):
            return combine("method", value.__func__.__qualname__, self.value(value.__self__))
        module = getattr(value, "__module__", None) or ""
        name = f"{module}.{value.__qualname__}"
        if not isinstance(value, types.FunctionType):
            return combine("name", name)
        if module != "__main__" and "<" not in value.__qualname__:
            return combine("name", name)
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
        rest = (value.__defaults__, value.__kwdefaults__, cells)
        return combine("function", name, self.value(value.__code__), self.value(rest))

    def _numpy(self, numpy: Any, value: Any, kind: type) -> bytes | None:
        if issubclass(kind, numpy.ndarray) and not issubclass(kind, numpy.ma.MaskedArray):
            if value.dtype.kind == "O":
                shape = ",".join(map(str, value.shape))
                return combine("objects", shape, *(self.value(item) for item in value.ravel().tolist()))
            return array_digest(value.view(numpy.ndarray), self.limits)
        if issubclass(kind, numpy.generic):
            return self._encoder.one(value)
        if issubclass(kind, numpy.dtype | numpy.ufunc):
            return combine("numpy", str(value))
        if issubclass(kind, numpy.random.RandomState | numpy.random.Generator | numpy.random.BitGenerator):
            return self._generator(numpy, value)
        return None

    def _generator(self, numpy: Any, value: Any) -> bytes:
        """A generator counts by its state where the user gave it as a parameter; elsewhere a fit used it up."""
        name = class_name(type(value))
        if not self._in_parameters or value is numpy.random.mtrand._rand:
            return combine("generator", name)
        if isinstance(value, numpy.random.RandomState):
            return combine("generator", name, self.value(value.get_state(legacy=False)))
        bits = value if isinstance(value, numpy.random.BitGenerator) else value.bit_generator
        return combine("generator", name, self.value(bits.state))

    def _object(self, value: Any, kind: type) -> bytes:
        name = public_class(kind)
        library = booster_library(kind)
        booster = raw_booster(library, value) if library else None
        if booster is not None:
            parameters = self.value(value.get_params()) if is_estimator(kind) else b""
            return combine("booster", name, booster, parameters)
        if is_torch_module(kind):
            return module_digest(value, name, self.value)
        if is_result(kind):
            return result_digest(value, public_class, self.value)
        if is_estimator(kind):
            asked = self._parameter_names(value, kind)
            return self._pairs(f"estimator {name}", attributes(value, self._classes, asked), asked)
        if name in ("joblib.memory.Memory", "joblib.Memory"):
            return combine("object", name, self.value(str(value.location)))
        try:
            return combine("value", self._encoder.one(value))
        except Unhashable:
            pass
        if name in ("sklearn.tree.Tree", "sklearn.tree._tree.Tree"):
            return combine("tree", *(self.value(part) for part in _tree(value)))
        return self._rebuilt(name, value)

    def _parameter_names(self, value: Any, kind: type) -> frozenset[str]:
        if getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None) is None or not _asks_the_class(
            kind
        ):
            return _parameter_names(value)
        if id(kind) not in self._parameters:
            self._parameters[id(kind)] = _parameter_names(value)
        return self._parameters[id(kind)]

    def _rebuilt(self, name: str, value: Any) -> bytes:
        """Everything else: what it would be rebuilt from, were it copied. Nothing is rebuilt."""
        try:
            reduced = value.__reduce_ex__(2)
        except (TypeError, AttributeError) as error:
            raise Unhashable(f"holds a {name}, whose state cannot be read") from error
        if isinstance(reduced, str):
            return combine("global", name, reduced)
        build, arguments, *rest = reduced
        state: Any = rest[0] if rest else None
        if name.endswith(("KDTree", "KDTree64", "KDTree32", "BallTree", "BallTree64", "BallTree32")):
            state = (*state[:7], *state[11:])  # without the counters of look-ups
        items = [list(part) for part in rest[1:3] if part is not None]
        state = self._state(state)
        return combine("object", name, self.value(build), self.value(arguments), state, self.value(items))

    def _state(self, state: Any) -> bytes:
        if isinstance(state, dict):
            return self._pairs(
                "state", {key: item for key, item in _timeless(state).items() if key != "_sklearn_version"}
            )
        return self.value(state)


def _timeless(named: dict[Any, Any]) -> dict[Any, Any]:
    return {name: item for name, item in named.items() if not (isinstance(name, str) and _CLOCK.search(name))}


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _asks_the_class(kind: type) -> bool:
    """Whether ``get_params`` is the one of scikit-learn's base class, which reads the signature of ``__init__``."""
    for base in type.mro(kind):
        if "get_params" in type.__getattribute__(base, "__dict__"):
            return base is sys.modules["sklearn.base"].BaseEstimator
    return False


def _parameter_names(value: Any) -> frozenset[str]:
    try:
        return frozenset(map(str, value.get_params(deep=False)))
    except Exception:  # noqa: BLE001 - then none of its attributes is taken for a parameter
        return frozenset()


def _tree(tree: Any) -> list[Any]:
    """scikit-learn's tree: in a leaf, the way of missing values is whatever was in memory."""
    _, sizes, state = tree.__reduce__()
    nodes = state["nodes"]
    if "missing_go_to_left" in (nodes.dtype.names or ()):
        nodes = nodes.copy()
        nodes["missing_go_to_left"][nodes["left_child"] == -1] = 0
    return [list(sizes), nodes, state["values"], state["max_depth"]]
