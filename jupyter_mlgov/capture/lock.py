"""A ``pylock.toml`` (PEP 751) of the recorded environment, made when it is first needed.

What is locked is what was installed, never a fresh resolution: the installers are only asked where exactly these
versions lie and what their files' hashes are. uv is asked where it is installed, else pip, each with the indexes that
the user has configured for it. That needs a network, so it is done when an environment is rebuilt or taken elsewhere,
not when a cell runs; the inventory that a snapshot names holds all that this needs to know.

What no installer finds (no network, a private package) cannot stand in a valid ``pylock.toml``, which wants a file
with a hash for each package. It is listed under ``[tool.jupyter-mlgov]`` as ``unlocked`` and told to the caller;
whether an installation is the recorded one can be told all the same, from the digests in the inventory
(:func:`differences`).
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from jupyter_mlgov.capture.indexes import Files, ask_installers
from jupyter_mlgov.capture.packages import PackageLister, canonical_name, local_folder
from jupyter_mlgov.capture.requirement_lines import is_requirement
from jupyter_mlgov.errors import Damaged, Missing, NotWritable
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.inventory import Distribution, Inventory, Origin

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

TOOL = "jupyter-mlgov"


class Lock(Struct, frozen=True):
    """The lock of one environment.

    ``text`` is the ``pylock.toml``. The rest is the same for installers that do not read that file, as lines of a
    requirements file, to be installed without dependencies: ``hashed`` (each with its hashes), ``direct`` (URLs,
    repositories at a commit, local folders) and ``unlocked`` (a name and a version is all that is known).
    """

    text: str
    hashed: tuple[str, ...] = ()
    direct: tuple[str, ...] = ()
    unlocked: tuple[str, ...] = ()


def make_lock(inventory: Inventory, *, ask_indexes: bool = True, timeout: float = 180) -> Lock:
    """The lock of ``inventory``. ``timeout`` is in seconds, for all questions to the indexes together.

    Without ``ask_indexes``, or where no index answers, everything that came from an index is ``unlocked``.
    """
    import tomli_w

    served = [one for one in inventory.distributions if one.origin is None]
    files = ask_installers(served, inventory.python, timeout=timeout) if ask_indexes and served else {}
    packages: list[dict[str, Any]] = []
    direct: list[str] = []
    unlocked: list[str] = []
    for one in sorted(inventory.distributions, key=lambda one: canonical_name(one.name)):
        if one.origin is not None:
            entry = _direct_entry(one, one.origin)
            direct.append(_direct_line(one, one.origin))
            if entry is None:
                continue  # an archive whose hash is not known: PEP 751 wants one
        else:
            found = files.get(canonical_name(one.name))
            entry = _served_entry(one, found) if found is not None else None
            if entry is None:
                unlocked.append(f"{one.name}=={one.version}")
                continue
        packages.append(entry)
    document = {
        "lock-version": "1.0",
        "created-by": TOOL,
        "requires-python": f"=={inventory.python}" if inventory.python[-1:].isdigit() else ">=3.11",
        "packages": packages,
        "tool": {
            TOOL: {
                "python": inventory.python,
                "implementation": inventory.implementation,
                "machine": inventory.machine,
                "system": inventory.system,
                "direct": direct,
                "unlocked": unlocked,
            }
        },
    }
    return read_lock(tomli_w.dumps(document))


def read_lock(text: str) -> Lock:
    """The lock that :func:`make_lock` wrote. Raises ``ValueError``, ``KeyError`` or ``TypeError`` for other text."""
    document = tomllib.loads(text)
    said = document["tool"][TOOL]
    hashed = tuple(
        _hashed_line(entry) for entry in document["packages"] if "wheels" in entry or "sdist" in entry
    )
    return Lock(text, hashed, tuple(said["direct"]), tuple(said["unlocked"]))


def recorded_inventory(store: Store, snapshot: str) -> Inventory:
    """What was installed when ``snapshot`` (an id) was made. Raises ``Missing``, ``Damaged``, ``NotFound``."""
    named = store.manifest(snapshot).inventory
    if named is None:
        raise Missing(
            f"snapshot {snapshot[:12]} has no inventory of its packages: it cannot be rebuilt as recorded"
        )
    try:
        return decoded(store.get(named), Inventory)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"object {named} is no inventory ({error}); run `mlgov fsck`") from error


def recorded_lock(store: Store, snapshot: str, *, ask_indexes: bool = True, timeout: float = 180) -> Lock:
    """The lock of the environment that ``snapshot`` (an id) ran in.

    A lock without gaps that was made before, for any snapshot of this environment, is used again; a new one is kept,
    as a ledger entry about ``snapshot``, where the store can be written. Raises as :func:`recorded_inventory`.
    """
    inventory = recorded_inventory(store, snapshot)
    named = store.manifest(snapshot).inventory
    for entry in reversed(store.entries(kind="lock")):
        if entry.body.get("inventory") != named or entry.body.get("unlocked"):
            continue
        if entry.subject != snapshot and not store.recorded_here(entry.subject):
            continue  # it came with a bundle, and is what its sender says
        with contextlib.suppress(Missing, Damaged, ValueError, KeyError, TypeError, AttributeError):
            known = read_lock(store.get(str(entry.body["lock"])).decode("utf-8"))
            if _is_of(known, inventory):
                return known
    lock = make_lock(inventory, ask_indexes=ask_indexes, timeout=timeout)
    if lock.hashed or not lock.unlocked:
        with contextlib.suppress(NotWritable):
            kept = store.put(lock.text.encode("utf-8"))
            store.append(
                "lock", snapshot, {"inventory": named, "lock": kept, "unlocked": list(lock.unlocked)}
            )
    return lock


def _is_of(lock: Lock, inventory: Inventory) -> bool:
    """Whether a lock without gaps names what ``inventory`` does and nothing else."""
    served = {
        f"{canonical_name(one.name)}=={one.version}" for one in inventory.distributions if one.origin is None
    }
    direct = sorted(
        _direct_line(one, one.origin) for one in inventory.distributions if one.origin is not None
    )
    return (
        all(map(is_requirement, lock.hashed))
        and {line.partition(" ")[0] for line in lock.hashed} == served
        and sorted(lock.direct) == direct
        and not lock.unlocked
    )


def _served_entry(one: Distribution, files: Files) -> dict[str, Any] | None:
    """The wheel that was installed; where none on the index has its tags, all that there is for this platform."""
    wheels = [wheel for wheel in files.wheels if wheel.tags() == frozenset(one.tags)] or files.wheels
    sdist = files.sdist
    if not wheels and sdist is None:
        return None
    entry: dict[str, Any] = {"name": canonical_name(one.name), "version": one.version}
    if sdist is not None:
        entry["sdist"] = sdist.entry()
    if wheels:
        entry["wheels"] = [wheel.entry() for wheel in wheels]
    if one.contents is not None:
        entry["tool"] = {TOOL: {"contents": one.contents}}
    return entry


def _hashed_line(entry: dict[str, Any]) -> str:
    files = [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else ())]
    hashes = [f"--hash={algorithm}:{value}" for file in files for algorithm, value in file["hashes"].items()]
    return " ".join([f"{entry['name']}=={entry['version']}", *hashes])


def _direct_entry(one: Distribution, origin: Origin) -> dict[str, Any] | None:
    entry: dict[str, Any] = {"name": canonical_name(one.name)}
    folder = local_folder(origin)
    place = {"subdirectory": origin.subdirectory} if origin.subdirectory else {}
    said: dict[str, Any] = {}
    if folder is not None:
        entry["directory"] = {"path": str(folder), "editable": origin.kind == "editable", **place}
        said = {"commit": origin.commit, "dirty": origin.dirty}
    elif origin.kind == "vcs" and origin.commit:
        revision = {"requested-revision": origin.requested} if origin.requested else {}
        entry["vcs"] = {
            "type": origin.vcs or "git", "url": origin.url, "commit-id": origin.commit, **revision, **place,
        }  # fmt: skip
    elif origin.kind == "archive" and origin.hashes:
        entry["version"] = one.version
        entry["archive"] = {"url": origin.url, "hashes": origin.hashes, **place}
    else:
        return None
    said["contents"] = one.contents if origin.kind != "editable" else None
    said = {name: value for name, value in said.items() if value is not None}
    if said:
        entry["tool"] = {TOOL: said}
    return entry


def _direct_line(one: Distribution, origin: Origin) -> str:
    folder = local_folder(origin)
    if folder is not None:
        inner = folder / origin.subdirectory if origin.subdirectory else folder
        return f"-e {inner}" if origin.kind == "editable" else f"{one.name} @ {inner.as_uri()}"
    marks = [f"subdirectory={origin.subdirectory}"] if origin.subdirectory else []
    if origin.kind == "vcs":
        at = f"@{origin.commit}" if origin.commit else ""
        url = f"{origin.vcs or 'git'}+{origin.url}{at}"
    else:
        url = origin.url
        marks += [f"{algorithm}={value}" for algorithm, value in list(origin.hashes.items())[:1]]
    return f"{one.name} @ {url}{'#' + '&'.join(marks) if marks else ''}"


class Difference(Struct, frozen=True):
    """One package that is not as it was recorded. Versions are None where it is not installed.

    ``contents`` is True where the version is the same and the installed files are not.
    """

    name: str
    recorded: str | None
    installed: str | None
    contents: bool = False


def differences(inventory: Inventory, path: Iterable[str | Path]) -> list[Difference]:
    """What is not installed on ``path`` (folders of ``sys.path``, say a ``site-packages``) as ``inventory`` has it."""
    found = {
        canonical_name(name): one.distribution
        for name, one in PackageLister().list([str(folder) for folder in path]).items()
    }
    recorded = {canonical_name(one.name): one for one in inventory.distributions}
    told: list[Difference] = []
    for name in sorted(recorded.keys() | found.keys()):
        old, new = recorded.get(name), found.get(name)
        if old is None or new is None or old.version != new.version:
            told.append(
                Difference(
                    (old or new).name,  # type: ignore[union-attr]
                    old.version if old is not None else None,
                    new.version if new is not None else None,
                )
            )
        elif (
            old.contents != new.contents
            and None not in (old.contents, new.contents)
            and not _editable(old, new)
        ):
            told.append(Difference(old.name, old.version, new.version, contents=True))
    return told


def _editable(*distributions: Distribution) -> bool:
    return any(one.origin is not None and one.origin.kind == "editable" for one in distributions)
