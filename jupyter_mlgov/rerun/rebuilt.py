"""The environment as a factor: the recorded one rebuilt, and mixtures of it with packages as they are today.

The recorded environment is kept in the cache (see ``environments``); mixtures are made for one search and are gone
afterwards. What cannot be built is no answer: the search goes on without it.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.configuration import cache_folder
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.rerun import environments
from jupyter_mlgov.rerun.side import Side

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


class Rebuilt:
    """The environments of one search. ``kernel`` is the program of today's kernel, ``seconds`` bound all building.

    ``say`` tells the user what is being built."""

    def __init__(
        self,
        store: Store,
        snapshot: str,
        manifest: Manifest,
        today: Side,
        *,
        kernel: str | None,
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        self._snapshot = snapshot
        self._manifest = manifest
        self._today = today
        self._kernel = kernel
        self._left = seconds
        self._say = say
        self._recorded: Path | None = None
        self._asked = False
        self._mixed: dict[frozenset[str], Path | None] = {}
        self._folder: Path | None = None
        self.why = ""
        """Why the recorded environment is not to be had."""

    def recorded(self) -> Path | None:
        """The interpreter of the recorded environment; None where it cannot be built."""
        if not self._asked:
            self._asked = True
            if self._left <= 0:
                self.why = "controlled_environment is off in mlgov.toml"
                return None
            self._say("rebuilding the recorded environment, to see what a package changes")
            try:
                self._recorded = self._timed(
                    lambda left: environments.interpreter(
                        self._store, self._snapshot, self._manifest, self._kernel, seconds=left, explain=False
                    )
                )
                self.why = "" if self._recorded is not None else "nothing tells it from the one here"
            except (environments.CannotBeBuilt, MlgovError) as error:
                self.why = str(error).rstrip(".")
        return self._recorded

    def mixed(self, packages: frozenset[str]) -> Path | None:
        """The interpreter of the recorded environment with some packages as today; None where it cannot be built."""
        if not packages:
            return self.recorded()
        if packages not in self._mixed:
            if self._folder is None:
                above = cache_folder() / "environments"
                above.mkdir(parents=True, exist_ok=True)
                self._folder = Path(tempfile.mkdtemp(prefix="mixed-", dir=above))
            place = self._folder / str(len(self._mixed))
            now = {name: self._today.environment.packages.get(name) for name in packages}
            self._say(f"building the recorded environment with today's {', '.join(sorted(packages))}")
            try:
                self._mixed[packages] = self._timed(
                    lambda left: environments.mixed(
                        self._store, self._snapshot, self._manifest, now, place, seconds=left
                    )
                )
            except (environments.CannotBeBuilt, MlgovError):
                self._mixed[packages] = None
        return self._mixed[packages]

    def close(self) -> None:
        """Removes the mixtures."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _timed(self, build: Callable[[float], Path | None]) -> Path | None:
        started = time.monotonic()
        try:
            return build(max(self._left, 1.0))
        finally:
            self._left -= time.monotonic() - started


def minor(version: str) -> str:
    """``3.11`` of ``3.11.4``."""
    return ".".join(version.split(".")[:2])
