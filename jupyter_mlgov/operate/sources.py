"""Where a service has its model from: a stage of a project, which may change, or a packaged folder, which does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from jupyter_mlgov.errors import Damaged, MlgovError, NotFound
from jupyter_mlgov.hashing.trusted_models import load_model, trusted_types
from jupyter_mlgov.operate.accepted import accepted
from jupyter_mlgov.operate.releases import released_model, releases
from jupyter_mlgov.operate.served import Served
from jupyter_mlgov.operate.settings import Settings, read_settings
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.records.canonical import digest
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.release import Release, named
from jupyter_mlgov.store import Store, files, manifests

BACKGROUND = 64
"""Rows that explanations are relative to."""


class Source(Protocol):
    """``state`` changes when ``load`` may give something else; it is cheap to ask."""

    settings: Settings

    def state(self) -> str: ...

    def current(self) -> Release: ...

    def load(self) -> Served: ...


class FromProject:
    """What ``MODEL:STAGE`` means in a project, now and after every later release."""

    def __init__(self, root: Path, store: Store, ref: str, trust: Sequence[str] = ()) -> None:
        self.settings = read_settings(root)
        self._root = root
        self._store = store
        self._ref = ref
        self._trust = trust

    def state(self) -> str:
        return (self._store.folder / "ledger" / "HEAD").read_text("ascii")

    def current(self) -> Release:
        return named(releases(self._store), self._ref)

    def trusted(self) -> tuple[str, ...]:
        """The types that the current release's model may hold."""
        here = self._store.recorded_here(self.current().snapshot)
        return trusted_types(self._root, self._trust, recorded_here=here)

    def load(self) -> Served:
        """Raises ``NotFound``, ``Untrusted``, ``Blocked``, ``StoreError``."""
        release = self.current()
        manifest = self._store.manifest(release.snapshot)
        record = released_model(manifest, release.name)
        trust = self.trusted()
        data = self._store.get(record.object or "")
        held = rows_of(manifest)
        rows = None
        if held is not None and held.object is not None and self._store.has(held.object):
            rows = self._store.get(held.object)
        return _served(release, manifest, data, trust, self.settings, held, rows)


class FromFolder:
    """A folder that ``mlgov package`` wrote. Every file is checked against what the release and its snapshot say."""

    def __init__(self, folder: Path, trust: Sequence[str] = ()) -> None:
        self.settings = read_settings(folder)
        self._folder = folder
        self._trust = trust
        try:
            self._release = decoded(files.read(folder / "release.json", limit=1 << 24), Release)
        except FileNotFoundError as error:
            raise NotFound(
                f"{folder} is no packaged model: it has no release.json; run mlgov package"
            ) from error
        except msgspec.MsgspecError as error:
            raise Damaged(f"{folder / 'release.json'} is not what mlgov package wrote ({error})") from error

    def state(self) -> str:
        return ""

    def current(self) -> Release:
        return self._release

    def load(self) -> Served:
        """Raises ``Damaged``, ``Untrusted``, ``Blocked``."""
        release = self._release
        self._read("gate.json", release.gate)
        record = self._read("manifest.json", f"blake3:{release.snapshot}")
        manifest = manifests.decode(release.snapshot, record)
        data = self._read("model.skops", released_model(manifest, release.name).object or "")
        trust = trusted_types(self._folder, self._trust, recorded_here=False)
        held = rows_of(manifest)
        rows = None
        if held is not None and held.object is not None and (self._folder / "rows.parquet").exists():
            rows = self._read("rows.parquet", held.object)
        return _served(release, manifest, data, trust, self.settings, held, rows)

    def _read(self, name: str, wanted: str) -> bytes:
        path = self._folder / name
        try:
            data = files.read(path, limit=1 << 34)
        except FileNotFoundError as error:
            raise Damaged(f"{path} is missing: package the release again") from error
        if digest(data) != wanted:
            raise Damaged(f"{path} is not the file that was packaged: package the release again")
        return data


def rows_of(manifest: Manifest) -> HeldRows | None:
    """The rows that predictions are explained against: test rows, else those that the model was fitted on."""
    kept = {held.role: held for held in manifest.rows if held.object is not None}
    return kept.get("test") or kept.get("train")


def _served(
    release: Release,
    manifest: Manifest,
    data: bytes,
    trust: Sequence[str],
    settings: Settings,
    held: HeldRows | None,
    rows: bytes | None,
) -> Served:
    model = load_model(data, trusted=trust)
    takes = accepted(manifest, model, settings)
    background = _background(held, rows) if held is not None and rows is not None else None
    return Served(release, model, takes, background)


def _background(held: HeldRows, data: bytes) -> Any:
    """Some of the held rows, evenly spread, as the model takes them."""
    import io

    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(data), columns=list(held.features))
    except Exception as error:
        raise MlgovError(
            f"the rows that the snapshot keeps cannot be read ({error}): run mlgov fsck"
        ) from error
    step = max(1, len(table) // BACKGROUND)
    table = table.iloc[::step][:BACKGROUND].reset_index(drop=True)
    if held.layout == "array":
        return table.to_numpy()
    return table[held.features[0]] if held.layout == "series" else table
