"""A manifest's bytes: what is written can be read back, and what is read is of a version that is understood."""

from __future__ import annotations

import msgspec

from jupyter_mlgov.errors import Damaged, StoreError, UsageError
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import SCHEMA, Manifest

LIMIT = 1 << 28
"""The largest manifest, in bytes before compression."""


class _Opening(msgspec.Struct):
    schema: int


def encode(manifest: Manifest) -> tuple[bytes, Manifest]:
    """The canonical JSON of ``manifest``, and the manifest as it will be read back.

    Raises ``UsageError`` when it could not be: a value has a type, or a form in canonical JSON, that its field
    does not take.
    """
    try:
        data = canonical(manifest)
        kept = decoded(data, Manifest)
    except (TypeError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise UsageError(
            f"the snapshot of {manifest.experiment!r} cannot be written down: {error}"
        ) from error
    if len(data) > LIMIT:
        raise UsageError(
            f"the snapshot of {manifest.experiment!r} has a record of {len(data)} bytes (at most {LIMIT}): "
            "read fewer files or columns in the notebook"
        )
    return data, kept


def decode(name: str, data: bytes) -> Manifest:
    """The manifest ``name`` from its bytes. Raises ``StoreError`` for a newer version, ``Damaged``."""
    try:
        schema = decoded(data, _Opening).schema
        if schema > SCHEMA:
            raise StoreError(
                f"snapshot {name[:12]} has schema {schema} and this version reads up to {SCHEMA}: "
                "upgrade jupyter-mlgov (pip install -U jupyter-mlgov)"
            )
        return decoded(data, Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"manifest {name} is no manifest ({error}); run `mlgov fsck`") from error
