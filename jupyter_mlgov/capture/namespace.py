"""Frames, arrays and fitted models in the kernel's namespace.

Objects of the user are looked at by type first: nothing is called on an object that is not known to be a
table, an array or an estimator, so a ``__repr__`` or ``__getattr__`` that raises or hangs is never reached.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.manifest import Caution, Frame, Model

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_NEVER = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, str, bytes, int, float, bool,
          dict, list, tuple, set)  # fmt: skip
_HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})


def visible(namespace: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What the user put there: no names with a leading underscore, nothing of IPython's own."""
    return [
        (name, value)
        for name, value in list(namespace.items())
        if isinstance(name, str)
        and not name.startswith("_")
        and name not in _HIDDEN
        and not isinstance(value, _NEVER)
        and value is not None
    ]


def find_frames(namespace: Mapping[str, Any]) -> tuple[Frame, ...]:
    """Tables and arrays by name, each with a digest of its content."""
    from jupyter_mlgov.hashing.frames import describe_frame

    found: list[Frame] = []
    seen: dict[int, Frame] = {}
    for name, value in visible(namespace):
        known = seen.get(id(value))
        if known is None:
            described = describe_frame(value)
            if described is None:
                continue
            known = seen[id(value)] = Frame(
                name=name,
                type=described.type,
                digest=described.digest,
                rows=described.rows,
                columns=tuple(described.columns) if described.columns is not None else None,
                shape=tuple(described.shape) if described.shape is not None else None,
                reason=described.reason,
            )
            found.append(known)
        else:
            found.append(Frame(name=name, type=known.type, digest=known.digest, rows=known.rows,
                               columns=known.columns, shape=known.shape, reason=known.reason))  # fmt: skip
    return tuple(sorted(found, key=lambda frame: frame.name))


def find_models(
    namespace: Mapping[str, Any],
    *,
    wanted: str | None,
    made_here: set[str],
    store: Store,
    known_objects: Mapping[str, str],
) -> tuple[tuple[Model, ...], list[Caution]]:
    """Fitted estimators by name. The primary one is kept in skops format, unless an equal fit is already kept.

    ``wanted`` is ``--model``; ``made_here`` are the names that the experiment's cell binds; ``known_objects``
    maps fingerprints to skops objects that the store already has.
    """
    from jupyter_mlgov.hashing.estimators import describe_model, save_model

    cautions: list[Caution] = []
    described: list[tuple[str, Any, Any]] = []
    for name, value in visible(namespace):
        description = describe_model(value)
        if description is not None:
            described.append((name, value, description))
    names = [name for name, _, _ in described]
    primary = _primary(wanted, names, made_here)
    if wanted is not None and wanted not in names:
        exists = "is not a fitted estimator" if wanted in namespace else "does not exist"
        cautions.append(
            Caution(code="model.missing", message=f"--model {wanted}: `{wanted}` {exists} after the cell")
        )
    models: list[Model] = []
    for name, value, description in sorted(described, key=lambda item: item[0]):
        kept, reason = None, description.reason
        if name == primary and description.digest is not None:
            kept = known_objects.get(description.digest)
            if kept is None:
                data, why = save_model(value)
                if data is None:
                    reason = why
                    cautions.append(
                        Caution(code="model.not-kept", message=f"model `{name}` was not kept: {why}")
                    )
                else:
                    kept = store.put(data)
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


def _primary(wanted: str | None, names: list[str], made_here: set[str]) -> str | None:
    if wanted is not None:
        return wanted if wanted in names else None
    here = [name for name in names if name in made_here]
    if len(here) == 1:
        return here[0]
    return names[0] if len(names) == 1 else None
