"""Writing skops files without what reading them needs.

``import skops.io`` takes a second: it imports all of scikit-learn (and what that finds beside it: pytest, dask) to list
the types that a file may name when it is *loaded*. Writing uses none of that list. So the modules of skops that write
are loaded here a second time, under names of our own and with an empty list; the user's ``skops`` is not touched, and
the kernel's modules stay those that the user imported.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import sys
import types
from collections.abc import Container
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.hashing.saved_models import Parts

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NAME = "jupyter_mlgov.hashing._skops_io"
_ONLY_FOR_CLASSES = {
    "sklearn.cluster": ("Birch",),
    "sklearn.covariance._graph_lasso": ("_DictWithDeprecatedKeys",),
    "sklearn.tree._tree": ("Tree",),
}
_WRITERS = ("_general", "_numpy", "_scipy", "_sklearn", "_quantile_forest")


def parts_of(value: object) -> Parts:
    """What ``skops.io.dumps(value)`` writes. Raises what that raises."""
    if "skops.io._persist" not in sys.modules:
        writer = _writer(tuple(name in sys.modules for name in _ONLY_FOR_CLASSES))
        if writer is not None:
            return _parts(value, *writer)
    from skops.io import dumps

    return Parts.read(dumps(value))


class _Members:
    """In place of the archive that skops writes to: its members, which are numbered anew before they are written."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def namelist(self) -> Container[str]:
        return self.held.keys()

    def writestr(self, name: str, data: Buffer | str) -> None:
        self.held[name] = data.encode() if isinstance(data, str) else bytes(data)


def _parts(value: object, context_of: Any, state_of: Any, version: str) -> Parts:
    """As ``skops.io._persist._save``."""
    members = _Members()
    context = context_of(zip_file=members)
    state = state_of(value, context)
    context.clear_memo()
    state |= {"protocol": context.protocol, "_skops_version": version}
    return Parts(json.loads(json.dumps(state)), members.held)


@lru_cache(maxsize=1)
def _writer(loaded: tuple[bool, ...]) -> tuple[Any, Any, str] | None:
    """``SaveContext``, ``get_state`` and the version of skops; None for a skops that is built otherwise.

    ``loaded``: which of ``_ONLY_FOR_CLASSES`` are.
    """
    _forget()
    import skops

    found = importlib.util.find_spec("skops.io")
    if found is None or not found.submodule_search_locations:
        raise ImportError("skops.io")
    package = types.ModuleType(_NAME)
    package.__path__ = list(found.submodule_search_locations)
    trusted = types.ModuleType(f"{_NAME}._trusted_types")
    trusted.__getattr__ = _no_types  # type: ignore[method-assign]
    sys.modules |= {package.__name__: package, trusted.__name__: trusted}
    try:
        shared = importlib.import_module(f"{_NAME}._utils")
        for name in _WRITERS:
            module = _load(f"{_NAME}.{name}")
            for kind, method in getattr(module, "GET_STATE_DISPATCH_FUNCTIONS", []):
                shared._get_state.register(kind)(method)
        return shared.SaveContext, shared.get_state, str(skops.__version__)
    except Exception:  # noqa: BLE001 - then its own way is taken, which takes longer
        _forget()
        return None


def _forget() -> None:
    for name in [name for name in sys.modules if name == _NAME or name.startswith(_NAME + ".")]:
        del sys.modules[name]


def _load(name: str) -> types.ModuleType:
    """A module of skops, whose imports go through ``_sparing_import``."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _sparing_import}
    spec.loader.exec_module(module)
    return module


def _sparing_import(name: str, *words: Any, **more: Any) -> Any:
    """``__import__``, but for what has classes that skops treats in its own way: nothing is of a class that nobody has
    loaded."""
    if name in _ONLY_FOR_CLASSES and name not in sys.modules:
        classes = _ONLY_FOR_CLASSES[name]
        return types.SimpleNamespace(**{one: type(one, (), {}) for one in classes})
    return __import__(name, *words, **more)


def _no_types(name: str) -> list[str]:
    if name.startswith("__"):
        raise AttributeError(name)
    return []
