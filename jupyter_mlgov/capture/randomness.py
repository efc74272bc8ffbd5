"""Random generators: whether they were seeded, where they stood before the cell, and whether the cell drew from them.

States are read, never set and never drawn from (``--seed`` alone sets them). That a generator was seeded is found out
from the generator itself, so it does not matter who seeded it: NumPy and torch remember; Python's does not, but a
Mersenne Twister that was only drawn from can be wound forward from where it was seen first, and one that was seeded with
a number that stands in the code can be wound forward from there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from jupyter_mlgov.capture.after_import import after_import, forget
from jupyter_mlgov.capture.namespace import Variables
from jupyter_mlgov.records.canonical import digest
from jupyter_mlgov.records.manifest import Evidence, Generator

_WORDS = 624
"""Words of a Mersenne Twister's state; it makes as many numbers before it is turned over."""

_TURNS = 2_000
"""How often a state is turned over in search of another: 1.2 million numbers, some 10 ms."""

_CANDIDATES = 20
_NAMES = 50
_TORCH_DEFAULT_SEED = 67280421310721
"""Where torch's CPU generator starts when nobody seeds it: at the same number in each process."""

_SEEDED_BY = re.compile(r"seed\w*\s*(?:\(|=)\s*(\d{1,19})\b", re.IGNORECASE)


class _Seen(Struct):
    """One generator at one moment."""

    kind: str
    state: dict[str, Any]
    seed: str | None = None
    seeded: bool | None = None

    @property
    def digest(self) -> str:
        return digest(json.dumps(self.state, sort_keys=True).encode())


class RandomStates(Struct):
    """The generators of one session: the shared ones, and those that the user has in variables."""

    asked_seed: int | None = None
    """``--seed`` of the running cell."""
    _first: tuple[int, ...] = field(default_factory=lambda: random.getstate()[1])
    _before: dict[str, _Seen] = field(default_factory=dict)

    def before_cell(self, namespace: Mapping[str, Any], seed: int | None = None) -> None:
        """Notes where the generators stand; with ``seed``, sets the shared ones first."""
        self.asked_seed = seed
        forget("torch")
        if seed is not None:
            seed_generators(seed)
        self._before = _look(namespace)

    def after_cell(
        self, namespace: Mapping[str, Any], sources: Iterable[str]
    ) -> tuple[tuple[Generator, ...], bytes]:
        """What there is to say about each generator, and the states before the cell as a JSON document.

        ``sources`` are the texts that ran: seeds of Python's generator are looked for in them.
        """
        forget("torch")
        found: list[Generator] = []
        states: dict[str, Any] = {}
        now = _look(namespace)
        seeds = list(dict.fromkeys(int(text) for source in sources for text in _SEEDED_BY.findall(source)))
        for name, after in now.items():
            before = self._before.get(name)
            if before is not None and before.kind == after.kind:
                states[name] = {"kind": before.kind, **before.state}
            seeded, seed, evidence = self._seeded(name, before, after, seeds)
            found.append(
                Generator(
                    name=name,
                    kind=after.kind,
                    seeded=seeded,
                    seed=seed,
                    evidence=evidence,
                    state=before.digest if before is not None else None,
                    used=None if before is None else before.state != after.state,
                )
            )
        return tuple(found), json.dumps(states, sort_keys=True).encode()

    def _seeded(
        self, name: str, before: _Seen | None, after: _Seen, seeds: list[int]
    ) -> tuple[bool | None, str | None, Evidence]:
        shared = name in ("random", "numpy.random", "torch") or name.startswith("torch.cuda")
        if self.asked_seed is not None and shared:
            return True, str(self.asked_seed), "declared"
        if name == "random":
            return self._python_seeded(after, seeds)
        seeded = after.seeded if before is None or before.seeded is None else (before.seeded or after.seeded)
        return seeded, after.seed, "proven" if seeded is not None else "inferred"

    def _python_seeded(self, after: _Seen, seeds: list[int]) -> tuple[bool | None, str | None, Evidence]:
        now = _key_of(after)
        for seed in seeds[-_CANDIDATES:]:
            if _reaches(random.Random(seed).getstate()[1], now, _TURNS // 10):  # noqa: S311
                return True, str(seed), "proven"
        if _reaches(self._first, now, _TURNS):
            return False, None, "proven"
        return True, None, "inferred"


def seed_generators(seed: int) -> None:
    """``--seed``: seeds Python's, NumPy's and torch's shared generators; torch's on import, where it is not loaded yet."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)
    after_import("torch", lambda torch: torch.manual_seed(seed))


def restore_states(document: bytes) -> list[str]:
    """Sets the shared generators to the states in a document of ``after_cell``; the names of those that were set."""
    done = []
    for name, state in json.loads(document).items():
        if name == "random":
            gauss = state["gauss"]
            random.setstate((state["version"], (*_unpacked(state["key"]), state["position"]), gauss))
        elif name == "numpy.random" and state["kind"] == "MT19937":
            import numpy as np

            key = np.array(_unpacked(state["key"]), dtype=np.uint32)
            np.random.set_state(("MT19937", key, state["position"], state["has_gauss"], state["gauss"]))
        elif name == "torch" and "torch" in sys.modules:
            torch = sys.modules["torch"]
            torch.set_rng_state(
                torch.frombuffer(bytearray(base64.b64decode(state["state"])), dtype=torch.uint8)
            )
        else:
            continue
        done.append(name)
    return done


# -- looking ---------------------------------------------------------------------------------------------------


def _look(namespace: Mapping[str, Any]) -> dict[str, _Seen]:
    """The generators as they stand; one that cannot be read is left out."""
    found: dict[str, _Seen] = {}
    for look in (_shared_python, _shared_numpy, _shared_torch, lambda: _of_the_user(namespace)):
        with contextlib.suppress(Exception):
            found.update(look())
    return found


def _shared_python() -> Iterator[tuple[str, _Seen]]:
    version, internal, gauss = random.getstate()
    yield "random", _Seen("MT19937", _twister(internal[:-1], internal[-1], gauss) | {"version": version})


def _shared_numpy() -> Iterator[tuple[str, _Seen]]:
    if "numpy" not in sys.modules:
        return
    from numpy import random as numpy  # NumPy itself loads it late

    if hasattr(numpy, "get_bit_generator"):
        yield "numpy.random", _legacy(numpy.get_state(legacy=False), numpy.get_bit_generator())


def _shared_torch() -> Iterator[tuple[str, _Seen]]:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "default_generator"):
        return
    yield "torch", _torch(torch.default_generator, default=_TORCH_DEFAULT_SEED)
    cuda = sys.modules.get("torch.cuda")
    if cuda is not None and cuda.is_initialized():
        for number, generator in enumerate(cuda.default_generators):
            yield f"torch.cuda:{number}", _torch(generator, default=None)


def _of_the_user(namespace: Mapping[str, Any]) -> Iterator[tuple[str, _Seen]]:
    numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
    kinds: dict[type, Any] = {random.Random: _own_python}
    if numpy is not None and hasattr(numpy, "Generator"):
        kinds[numpy.Generator] = _own_numpy
        kinds[numpy.RandomState] = lambda state: _legacy(state.get_state(legacy=False), state._bit_generator)
    if torch is not None and hasattr(torch, "Generator"):
        kinds[torch.Generator] = lambda generator: _torch(generator, default=None)
    known = {id(kind): look for kind, look in kinds.items()}
    for name, value in Variables(namespace).of(lambda kind: id(kind) in known)[:_NAMES]:
        yield name, known[id(type(value))](value)


def _own_python(generator: random.Random) -> _Seen:
    version, internal, gauss = generator.getstate()
    return _Seen("MT19937", _twister(internal[:-1], internal[-1], gauss) | {"version": version})


def _own_numpy(generator: Any) -> _Seen:
    bits = generator.bit_generator
    return _Seen(type(bits).__name__, {"state": _plain(bits.state)}, *_entropy(bits))


def _legacy(state: dict[str, Any], bits: Any) -> _Seen:
    inner = state["state"]
    if "key" not in inner:
        return _Seen(type(bits).__name__, {"state": _plain(state)}, *_entropy(bits))
    kept = _twister(inner["key"].tolist(), int(inner["pos"]), float(state["gauss"]))
    seed, seeded = _entropy(bits)
    return _Seen("MT19937", kept | {"has_gauss": int(state["has_gauss"])}, seed, seeded)


def _entropy(bits: Any) -> tuple[str | None, bool | None]:
    """The seed of a NumPy bit generator. 128 random bits mean that the system gave it; no sequence, that
    ``numpy.random.seed`` was called."""
    sequence = getattr(bits, "seed_seq", None)
    if sequence is None:
        return None, True
    entropy = getattr(sequence, "entropy", None)
    if isinstance(entropy, int):
        seeded = entropy.bit_length() < 96
        return (str(entropy) if seeded else None), seeded
    return (None if entropy is None else str(entropy)[:200]), entropy is not None


def _torch(generator: Any, *, default: int | None) -> _Seen:
    seed = int(generator.initial_seed())
    state = base64.b64encode(generator.get_state().numpy().tobytes()).decode()
    # A seed that torch takes from the system has 53 bits and more, one that a person writes has few.
    seeded = seed != default if default is not None else seed.bit_length() < 48
    return _Seen("torch", {"state": state}, str(seed), seeded)


def _twister(key: Iterable[int], position: int, gauss: float | None) -> dict[str, Any]:
    return {"key": base64.b64encode(array("I", key).tobytes()).decode(), "position": position, "gauss": gauss}


def _unpacked(key: str) -> tuple[int, ...]:
    return tuple(array("I", base64.b64decode(key)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# -- winding forward -------------------------------------------------------------------------------------------


def _key_of(seen: _Seen) -> tuple[int, ...]:
    return (*_unpacked(seen.state["key"]), seen.state["position"])


def _reaches(start: tuple[int, ...], target: tuple[int, ...], turns: int) -> bool:
    """Whether a Mersenne Twister at ``start`` comes to ``target`` by being drawn from, within so many turns."""
    walker = random.Random()  # noqa: S311
    bits = 32 * _WORDS

    def block(key: tuple[int, ...]) -> int:
        walker.setstate((3, (*key[:_WORDS], 0), None))
        return walker.getrandbits(bits)

    wanted = block(target)
    if block(start) == wanted:
        return start[_WORDS] <= target[_WORDS]
    walker.setstate((3, (*start[:_WORDS], _WORDS), None))
    return any(walker.getrandbits(bits) == wanted for _ in range(turns))
