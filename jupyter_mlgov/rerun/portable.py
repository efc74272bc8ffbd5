"""What a rerun on another machine will not find in a bundle, said when the bundle is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.secret_forms import REDACTED
from jupyter_mlgov.records.tree import Tree
from jupyter_mlgov.rerun import sandbox

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def missing_elsewhere(
    store: Store, manifest: Manifest, tree: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files of the commit that are left out, and what else is missing; each a line for people."""
    missing: list[str] = []
    for item in manifest.inputs:
        if item.derived or item.uri.startswith("package:"):
            continue
        if item.digest is None:
            missing.append(f"{item.uri}: {item.reason or 'its content was not recorded'}")
        elif not sandbox.stored(item, store):
            missing.append(f"{item.uri}: its content is not in the store; send the file beside the bundle")
        elif not sandbox.finds_its_place(item, manifest, store):
            missing.append(f"{item.uri}: the notebook reads it by an absolute path")
    if manifest.code.commit is not None and tree is None:
        missing.append(
            f"the files of commit {manifest.code.commit[:12]}: the repository does not have it any more"
        )
    dropped = decoded(store.get(tree), Tree).left_out if tree is not None else ()
    secrets = sorted(
        name for name, value in store.environment(manifest).variables.items() if value == REDACTED
    )
    missing += [f"{name}: a secret; set it in the environment there" for name in secrets]
    return tuple(f"{file.path}: {file.why}" for file in dropped), tuple(missing)
