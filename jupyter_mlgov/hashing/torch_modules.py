"""torch modules as models: weights and buffers by name, the layers that hold them, and what each layer was made with.

A module is a model when it, or a layer of it, holds weights. It is looked at as data: none of its methods is called, and
torch is never imported. Whether it is set to train or to evaluate, on which device it lies, and what hooks it has is no
part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_mlgov.hashing.digest import Unhashable, combine

LAYERS = 10_000
SHOWN = 300
"""Parameters of layers that are written down; the fingerprint covers all."""
LONGEST = 10
"""Items of a list up to which it says how a layer was made: longer ones are what training left behind."""
_SCALARS = (bool, int, float, str, tuple, list, type(None))


def is_torch_module(kind: type) -> bool:
    """Whether ``kind`` is a class of torch's modules."""
    return any(
        base.__module__ == "torch.nn.modules.module" and base.__name__ == "Module" for base in type.mro(kind)
    )


def is_script(kind: type) -> bool:
    """Whether ``kind`` is a class of modules that torch holds outside Python (``torch.jit``)."""
    return any(str(base.__module__).startswith("torch.jit.") for base in type.mro(kind))


def has_weights(module: Any) -> bool:
    """Whether the module, or a layer of it, holds a weight."""
    if is_script(type(module)):
        return bool(module.state_dict())
    return any(
        weight is not None for _, layer in layers(module) for weight in _parts(layer, "_parameters").values()
    )


def layers(module: object) -> Iterator[tuple[str, object]]:
    """The module, named ``""``, and the layers below it, each once, under torch's names for them. Raises ``Unhashable``."""
    pending: list[tuple[str, object]] = [("", uncompiled(module))]
    seen = set()
    for name, layer in pending:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if len(seen) > LAYERS:
            raise Unhashable(f"it has more than {LAYERS} layers")
        yield name, layer
        pending += [
            (f"{name}.{below}" if name else below, part)
            for below, part in _parts(layer, "_modules").items()
            if part is not None
        ]


def layer_parameters(
    module: object, label: Callable[[type], str], plain: Callable[[Any], Any]
) -> dict[str, Any]:
    """``{"fc": "torch.nn.Linear", "fc.in_features": 4, ...}``: each layer's class, and the scalars that it was made with."""
    found: dict[str, Any] = {}
    if is_script(type(module)):
        return found
    count = 0
    for name, layer in layers(module):
        mine = {name: label(type(layer))} if name else {}
        for key, value in plain_attributes(layer).items():
            if type(value) in _SCALARS and (not isinstance(value, list | tuple) or len(value) <= LONGEST):
                mine[f"{name}.{key}" if name else key] = plain(value)
        count += len(mine)
        if count <= SHOWN:
            found |= mine
    if count > SHOWN:
        found["..."] = f"{count - len(found):,} more"
    return found


def plain_attributes(layer: object) -> dict[str, Any]:
    """What a layer's own code has set: without torch's own records, and names that start with an underscore."""
    state = object.__getattribute__(layer, "__dict__")
    return {
        key: value
        for key, value in state.items()
        if isinstance(key, str) and not key.startswith("_") and key != "training"
    }


def uncompiled(module: object) -> object:
    """The module that ``torch.compile`` was given, for what it gave; any other as it is."""
    if type(module).__name__ != "OptimizedModule":
        return module
    return _parts(module, "_modules").get("_orig_mod", module)


def module_digest(module: Any, label: str, value: Callable[[Any], bytes]) -> bytes:
    """32 bytes for one module; ``value`` gives those of each part. Raises ``Unhashable``."""
    if is_script(type(module)):
        return combine(
            "mlgov.script.1", str(module.original_name), str(module.code), value(dict(module.state_dict()))
        )
    if uncompiled(module) is not module:
        return value(uncompiled(module))
    passing = object.__getattribute__(module, "__dict__").get("_non_persistent_buffers_set") or ()
    buffers = {name: one for name, one in _parts(module, "_buffers").items() if name not in passing}
    parts = [
        _pairs("weights", _parts(module, "_parameters"), value),
        _pairs("buffers", buffers, value),
        _pairs("attributes", plain_attributes(module), value),
    ]
    # The order of layers counts: a sequence calls them in it.
    below = [combine("layer", name, value(part)) for name, part in _parts(module, "_modules").items()]
    return combine("mlgov.module.1", label, *parts, *below)


def _pairs(tag: str, pairs: Mapping[str, Any], value: Callable[[Any], bytes]) -> bytes:
    return combine(tag, *(combine("pair", name, value(item)) for name, item in sorted(pairs.items())))


def _parts(layer: object, kind: str) -> dict[str, Any]:
    """The layer's own weights, buffers or layers. Raises ``Unhashable`` where they are not kept as torch's modules do."""
    found = object.__getattribute__(layer, "__dict__").get(kind)
    if not isinstance(found, dict):
        raise Unhashable(f"its {kind[1:]} are not kept as torch keeps them")
    return dict(dict.items(found))
