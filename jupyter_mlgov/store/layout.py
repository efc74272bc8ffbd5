"""Where things lie in a ``.mlgov`` folder, and which versions of that form are understood.

The file ``format`` is written last, so a folder that has it is complete; one that was killed while it was being
made is simply made again.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_mlgov.errors import Damaged, NotFound, NotWritable, StoreError
from jupyter_mlgov.store import files

FORMAT = 3
"""Version of the folder's form. A store with a higher one is refused; one with a lower one is read as it is, and is of
this one as soon as something is written. 2: manifests lie in pieces (:mod:`.pieces`); a whole one is read as well.
3: their recipes may have a base."""

_STATED = msgspec.json.encode({"format": FORMAT}) + b"\n"

NO_ENTRY = "0" * 64
"""What ``ledger/HEAD`` holds before the first entry: an empty or absent file is damage, not an empty ledger."""


class Layout:
    """The paths of one store folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.format = folder / "format"
        self.objects = folder / "objects"
        self.manifests = folder / "manifests"
        self.ledger = folder / "ledger"
        self.entries = self.ledger / "entries"
        self.head = self.ledger / "HEAD"
        self.lock = self.ledger / "HEAD.lock"
        self.last = self.ledger / "LAST"
        self.index = folder / "index.sqlite"
        self.temporary = folder / "tmp"

    def check(self) -> int:
        """The version of the store's form. Raises unless it is complete and of one that is understood: ``NotFound``
        (there is none), ``NotWritable`` (a file in its place), ``Damaged``, ``StoreError`` (a newer version)."""
        if self.folder.exists() and not self.folder.is_dir():
            raise NotWritable(
                f"{self.folder} is a file, and the store has to be a folder of that name: move the file away"
            )
        try:
            data = files.read(self.format, limit=4096)
        except (FileNotFoundError, NotADirectoryError) as error:
            if self._has_entries():
                raise Damaged(
                    f"{self.format} is missing: put it back with the content "
                    f'{{"format": {FORMAT}}}, then run `mlgov fsck`'
                ) from error
            raise NotFound(
                f"there is no store at {self.folder}: run a cell with %%experiment to start one"
            ) from error
        try:
            version = msgspec.json.decode(data, type=dict[str, int])["format"]
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
            raise Damaged(
                f'{self.format} is damaged: put it back with the content {{"format": {FORMAT}}}, '
                "then run `mlgov fsck`"
            ) from error
        if version > FORMAT:
            raise StoreError(
                f"the store {self.folder} has format {version} and this version reads up to {FORMAT}: "
                "upgrade jupyter-mlgov (pip install -U jupyter-mlgov)"
            )
        return version

    def make(self) -> None:
        """Makes the store where it is absent or was left half-made. Raises ``NotWritable`` and as ``check``."""
        occupied = self.folder.exists() and not self.folder.is_dir()
        if occupied or self.format.exists() or self._has_entries():
            if self.check() < FORMAT:
                with files.writing(self.folder):
                    files.replace(files.stage(self.temporary, _STATED), self.format)
            return
        with files.writing(self.folder):
            for folder in (
                self.folder,
                self.temporary,
                self.objects,
                self.manifests,
                self.ledger,
                self.entries,
            ):
                files.make_folder(folder, durably=False)
            files.write_together(
                self.temporary,
                [
                    files.New(self.folder / ".gitignore", b"*\n"),
                    files.New(self.head, NO_ENTRY.encode() + b"\n"),
                ],
            )
            files.write_together(self.temporary, [files.New(self.format, _STATED)])

    def _has_entries(self) -> bool:
        try:
            return any(self.entries.iterdir())
        except OSError:
            return False
