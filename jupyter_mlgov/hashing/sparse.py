"""SciPy's sparse matrices: shape, dtype and the entries that are not zero, whatever the format.

Format, the order of stored entries and stored zeros are layout; duplicates count as their sum. A matrix in
canonical CSR form is read where it lies; any other is converted first.
"""

from __future__ import annotations

from typing import Any

from jupyter_mlgov.hashing.arrays import content_digest, dtype_label
from jupyter_mlgov.hashing.digest import Limits, combine


def sparse_digest(matrix: Any, limits: Limits) -> bytes:
    """32 bytes for a ``scipy.sparse`` matrix or array of one or two dimensions. Raises ``Unhashable``."""
    import numpy as np

    shape = ",".join(map(str, matrix.shape))
    rows = matrix.tocsr() if matrix.ndim == 2 else matrix.tocoo().reshape(1, -1).tocsr()
    # A shell of our own around the same arrays: SciPy notes in it what it finds out about them.
    rows = type(rows)((rows.data, rows.indices, rows.indptr), shape=rows.shape, copy=False)
    if not rows.has_canonical_format or not np.all(rows.data):
        rows = rows.copy()
        rows.sum_duplicates()
        rows.eliminate_zeros()
    stored = int(rows.indptr[-1])
    return combine(
        "mlgov.sparse.1",
        shape,
        dtype_label(rows.data.dtype),
        content_digest(rows.indptr.astype("<i8", copy=False), limits),
        content_digest(rows.indices[:stored].astype("<i8", copy=False), limits),
        content_digest(rows.data[:stored], limits),
    )
