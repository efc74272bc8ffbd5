"""Something to do when a module is imported: at once where it is loaded already."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any


def after_import(name: str, act: Callable[[Any], object]) -> None:
    """Calls ``act`` with the module ``name`` now, or once it is imported. A later call for that name replaces it."""
    module = sys.modules.get(name)
    if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
        _finder.waiting.pop(name, None)
        act(module)
        return
    _finder.waiting[name] = act
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(name: str) -> None:
    """Nothing is done any more when ``name`` is imported."""
    _finder.waiting.pop(name, None)
    if not _finder.waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder(importlib.abc.MetaPathFinder):
    """Notices the import; finds nothing by itself."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[Any], object]] = {}
        self._asking: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self.waiting or name in self._asking:
            return None
        self._asking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self._asking.discard(name)
        run = getattr(spec.loader, "exec_module", None) if spec is not None else None
        if spec is None or run is None:
            return spec

        @functools.wraps(run)
        def exec_module(module: Any) -> None:
            run(module)
            act = self.waiting.get(name)
            forget(name)
            if act is not None:
                act(module)

        spec.loader.exec_module = exec_module  # type: ignore[union-attr, method-assign]
        return spec


_finder = _Finder()
