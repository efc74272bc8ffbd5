"""Frames, arrays and fitted models in the kernel's namespace.

Objects of the user are looked at by type first, and by ``type(value)`` only: ``isinstance`` would ask the object
for its ``__class__``. Nothing is called on an object that is not known to be a table, an array or an estimator, so
a ``__repr__`` or ``__getattr__`` that raises or hangs is never reached. The methods of a table or an estimator may
be the user's own, where its class is: these have a time of their own.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_mlgov.capture.aside import Aside, GivenUp
from jupyter_mlgov.capture.mapped_arrays import MappedArrays
from jupyter_mlgov.records.manifest import Caution, Frame, Model

if TYPE_CHECKING:
    from jupyter_mlgov.hashing.frames import FrameDescription
    from jupyter_mlgov.store.batch import Batch

T = TypeVar("T")

_NEVER = frozenset(
    map(id, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, type(None), str, bytes, int,
             float, bool, complex, dict, list, tuple, set, frozenset, types.GeneratorType, types.MethodType))
)  # fmt: skip
"""Types, by identity: a class of the user's may have a metaclass whose ``__hash__`` or ``__eq__`` is theirs."""
_HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
_LIBRARIES = frozenset({"pandas", "numpy", "pyarrow", "polars", "scipy", "torch", "sklearn", "xgboost", "lightgbm",
                        "catboost", "dask", "statsmodels"})  # fmt: skip

DRAWINGS = 1000
"""Elements up to which an array of objects is asked whether it holds plots."""


class Variables:
    """The user's variables at one moment, by class: threads of the user's may still run.

    There may be a million: they are passed over without a loop in Python, and each class is asked about once.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.all = dict(namespace)
        self._kinds = list(map(id, map(type, self.all.values())))
        self._by_id = dict(zip(self._kinds, map(type, self.all.values()), strict=True))

    def of(self, wanted: Callable[[type], bool]) -> list[tuple[str, Any]]:
        """Those whose class is ``wanted`` and whose name does not start with an underscore."""
        found = {key for key, kind in self._by_id.items() if key not in _NEVER and _answer(wanted, kind)}
        return list(self._of_kinds(found))

    def of_exactly(self, *kinds: type) -> Iterator[tuple[str, Any]]:
        """Those of one of these classes, Python's own too."""
        return self._of_kinds(set(map(id, kinds)))

    def _of_kinds(self, found: set[int]) -> Iterator[tuple[str, Any]]:
        return (
            (name, value)
            for name, value in compress(self.all.items(), map(found.__contains__, self._kinds))
            if type(name) is str and not name.startswith("_") and name not in _HIDDEN
        )


def _answer(question: Callable[[type], bool], kind: type) -> bool:
    try:
        return question(kind)
    except Exception:  # noqa: BLE001 - a class whose metaclass raises is none that we know
        return False


def _package(value: Any) -> str:
    """The package of an object's class; empty for a class without a module, which is nobody's that we know."""
    try:
        module = type.__getattribute__(type(value), "__module__")
    except Exception:  # noqa: BLE001 - what a class of the user's may raise
        return ""
    return module.partition(".")[0] if type(module) is str else ""


def _library(value: Any) -> bool:
    """Whether an object's class is a library's, so that its methods are not the user's code."""
    return _package(value) in _LIBRARIES


def _holds_drawings(value: Any) -> bool:
    """Whether a value is what ``plt.subplots(2, 2)`` gives: an array of matplotlib's objects, which is no data."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray or value.dtype.kind != "O":
        return False
    return 0 < value.size <= DRAWINGS and all(_package(one) == "matplotlib" for one in value.flat)


def _look(aside: Aside, values: Sequence[Any], work: Callable[[Any], T], own_s: float) -> list[T | GivenUp]:
    """``work`` of each value, those of the user's own classes within ``own_s`` seconds each."""
    return aside.each(values, work, lambda value: float("inf") if _library(value) else own_s)


def find_frames(
    variables: Variables, aside: Aside, own_s: float, lost: list[Caution], mapped: MappedArrays
) -> tuple[Frame, ...]:
    """Tables and arrays by name, each with a digest of its content; what was given up is told in ``lost``."""
    from jupyter_mlgov.hashing.digest import Limits
    from jupyter_mlgov.hashing.frames import describe_frame, is_frame, public_name

    names: dict[int, list[str]] = {}
    values: list[Any] = []
    for name, value in variables.of(is_frame):
        if _holds_drawings(value):
            continue
        if id(value) not in names:
            values.append(value)
        names.setdefault(id(value), []).append(name)
    found: list[Frame] = []

    def describe(value: Any) -> FrameDescription | None:
        return describe_frame(value, limits=Limits(deadline=aside.deadline))

    described = _look(aside, values, lambda value: mapped.describe(value, describe), own_s)
    for value, one in zip(values, described, strict=True):
        if one is None:
            continue
        for name in names[id(value)]:
            if isinstance(one, GivenUp):
                found.append(Frame(name=name, type=public_name(type(value)), digest=None, reason=one.reason))
                lost.append(Caution(code="frame.skipped", message=f"frame `{name}`: {one.reason}"))
                continue
            found.append(
                Frame(
                    name=name,
                    type=one.type,
                    digest=one.digest,
                    rows=one.rows,
                    columns=tuple(one.columns) if one.columns is not None else None,
                    shape=tuple(one.shape) if one.shape is not None else None,
                    reason=one.reason,
                )
            )
    return tuple(sorted(found, key=lambda frame: frame.name))


def find_models(
    variables: Variables,
    aside: Aside,
    own_s: float,
    *,
    wanted: str | None,
    made_here: set[str],
    store: Batch,
    known_object: Callable[[str], str | None],
    is_secret: Callable[[Any], bool],
) -> tuple[tuple[Model, ...], list[Caution]]:
    """Fitted estimators by name. The primary one is kept in skops format, unless an equal fit is already kept.

    ``wanted`` is ``--model``; ``made_here`` are the names that the experiment's cell binds; ``known_object``
    gives the skops object that the store already has for a fingerprint. A model with a string in it of which ``is_secret``
    is true is not kept.
    """
    from jupyter_mlgov.hashing.digest import Limits
    from jupyter_mlgov.hashing.estimators import ModelDescription, describe_model, is_model, save_model
    from jupyter_mlgov.hashing.fitted import public_class

    cautions: list[Caution] = []
    candidates = variables.of(is_model)
    looked = _look(
        aside,
        [value for _, value in candidates],
        lambda value: describe_model(value, limits=Limits(deadline=aside.deadline)),
        own_s,
    )
    described: list[tuple[str, Any, ModelDescription]] = []
    for (name, value), one in zip(candidates, looked, strict=True):
        if isinstance(one, GivenUp):
            cautions.append(Caution(code="model.skipped", message=f"model `{name}`: {one.reason}"))
            one = ModelDescription(public_class(type(value)), {}, None, one.reason)
        if one is not None:
            described.append((name, value, one))
    names = [name for name, _, _ in described]
    primary = _primary(wanted, {name: value for name, value, _ in described}, made_here)
    if wanted is not None and wanted not in names:
        exists = "is not a fitted estimator" if wanted in variables.all else "does not exist"
        cautions.append(
            Caution(code="model.missing", message=f"--model {wanted}: `{wanted}` {exists} after the cell")
        )
    models: list[Model] = []
    for name, value, description in sorted(described, key=lambda item: item[0]):
        kept, reason = None, description.reason
        if name == primary and description.digest is not None:
            kept = known_object(description.digest)
            if kept is None:
                (saved,) = _look(aside, [value], partial(save_model, is_secret=is_secret), own_s)
                data, why = (None, saved.reason) if isinstance(saved, GivenUp) else saved
                if data is None:
                    reason = why
                    cautions.append(
                        Caution(code="model.not-kept", message=f"model `{name}` was not kept: {why}")
                    )
                else:
                    kept = aside.run(partial(store.put, data))
        models.append(
            Model(
                name=name,
                class_=description.class_,
                parameters=description.parameters,
                digest=description.digest,
                object=kept,
                primary=name == primary,
                reason=reason,
            )
        )
    return tuple(models), cautions


def _primary(wanted: str | None, models: dict[str, Any], made_here: set[str]) -> str | None:
    """The model that the cell is about: the one that it made. Of several the one that can predict, and that is no part of
    another of them, as a pipeline's preprocessing is or a search's best estimator; None where that is not one."""
    if wanted is not None:
        return wanted if wanted in models else None
    left = [name for name in models if name in made_here] or list(models)
    if len(left) > 1:
        from jupyter_mlgov.hashing.fitted import defines, is_part_of

        left = [name for name in left if defines(type(models[name]), "predict")] or left
        left = [
            name
            for name in left
            if not any(is_part_of(models[name], models[other]) for other in left if other != name)
        ]
        if len({id(models[name]) for name in left}) == 1:
            return left[0]
    return left[0] if len(left) == 1 else None
