"""Writing snapshots down, taking them elsewhere, and looking after the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov import written
from jupyter_mlgov.project.reading import Reading

if TYPE_CHECKING:
    from jupyter_mlgov.records.verdict import Problem
    from jupyter_mlgov.store.bundles import Exported, Imported
    from jupyter_mlgov.store.unnamed import Dropped

LOCK_S = 60.0
"""How long an export asks the indexes for the hashes of the recorded packages, in seconds."""


class Keeping(Reading):
    """Snapshots written down, bundled and checked."""

    def snapshot(
        self,
        notebook: str | Path,
        document: Mapping[str, Any] | None = None,
        *,
        experiment: str = "",
        message: str = "",
    ) -> str:
        """Records a notebook without its kernel and gives the snapshot's id: ``document`` is the ``.ipynb`` as a dict, as an
        editor holds it, saved or not; without it the file is read. Without ``experiment`` it is the one of the notebook's
        first experiment cell, else the file's stem.

        What only a kernel knows (data, metrics, environment) stays unknown and is said to be. Raises ``NotFound``,
        ``UsageError``, ``StoreError``.
        """
        from jupyter_mlgov.capture.at_rest import read_file, record_at_rest
        from jupyter_mlgov.capture.experiment_line import experiment_of
        from jupyter_mlgov.governance.kpis import judge
        from jupyter_mlgov.governance.markdown import cell_source, cells_of
        from jupyter_mlgov.governance.stated import read_stated

        path = Path(notebook)
        path = path if path.is_absolute() else self.root / path
        document = read_file(path) if document is None else document
        named = (
            experiment_of(cell_source(cell)) for cell in cells_of(document) if cell.get("cell_type") == "code"
        )
        name = experiment or next((one for one in named if one is not None), None) or path.stem
        return record_at_rest(
            self.root,
            self.store,
            path,
            document,
            experiment=name,
            message=message,
            annotations=read_stated(document, name),
            judge=lambda charter: judge(charter.kpis if charter is not None else (), {}),
        )

    def export(self, ref: str, output: str | Path) -> Exported:
        """Writes a bundle that another machine can rerun and check. Whole or not at all. Raises ``NotWritable``,
        ``UsageError`` (a candidate), ``StoreError``."""
        from jupyter_mlgov.capture.lock import recorded_lock
        from jupyter_mlgov.rerun.code_tree import keep_tree
        from jupyter_mlgov.rerun.portable import missing_elsewhere
        from jupyter_mlgov.store import bundles

        snapshot = self.resolve(ref)
        manifest = self.store.manifest(snapshot)
        tree = keep_tree(self.root, self.store, manifest)
        if manifest.inventory is not None:
            recorded_lock(self.store, snapshot, timeout=LOCK_S)  # on the ledger, and so in the bundle
        path = Path(output).absolute()
        with written.writing(path) as file:
            index = bundles.export(self.store, snapshot, file, tree=tree)
        left_out, missing = missing_elsewhere(self.store, manifest, tree)
        return bundles.Exported(
            id=snapshot,
            path=str(path),
            bytes=path.stat().st_size,
            objects=len(index.objects),
            left_out=left_out,
            missing=missing,
        )

    @classmethod
    def import_bundle(cls, file: str | Path, path: str | Path = ".") -> Imported:
        """Takes a bundle into the project that ``path`` lies in, made where there is none. Everything is checked
        before anything is written. Raises ``NotFound``, ``Damaged``, ``StoreError``."""
        from jupyter_mlgov.store import archive, bundles

        with archive.Reader(Path(file)) as reader:
            incoming = bundles.Incoming(reader)
            return bundles.take_in(cls.open(path, create=True).store, incoming)

    def fsck(self) -> list[Problem]:
        """Checks every object, manifest and ledger link."""
        return self.store.fsck()

    def gc(self, *, dry_run: bool = False) -> Dropped:
        """Drops what nothing names: objects and manifests that killed or given-up writers left, from a day on.

        Raises ``Damaged`` where ``fsck`` finds a problem (nothing is dropped then), ``NotWritable``.
        """
        return self.store.drop_unnamed(dry_run=dry_run)

    def reindex(self) -> int:
        """Rebuilds the index from objects and ledger; gives the number of snapshots."""
        return self.store.reindex()
