"""Whether the cells of a table hold a secret, however its file packs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_mlgov.capture.row_tables import is_text

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 1_000_000
"""Characters of a table's text up to which it is searched, as for inputs: large tables are data."""


def secret_column(frame: pd.DataFrame, redact: Callable[[str], str]) -> str | None:
    """The first column whose texts ``redact`` finds a secret in; None where there is none, or past ``LIMIT``."""
    left = LIMIT
    for name in frame.columns:
        values = frame[name]
        if not is_text(values.dtype):
            continue
        texts = [value for value in values.unique().tolist() if isinstance(value, str)]
        left -= sum(map(len, texts))
        if left < 0:
            return None
        whole = "\n".join(texts)
        if redact(whole) != whole:
            return str(name)
    return None
