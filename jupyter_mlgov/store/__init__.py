"""The store: a folder in which a snapshot is whole or absent.

Objects and the ledger are the truth; the index is a cache of them. SQLAlchemy is imported when it is
first needed, not with this package.
"""

from __future__ import annotations

from jupyter_mlgov.store.folder import Evidence, Store
from jupyter_mlgov.store.listing import LogEntry

__all__ = ["Evidence", "LogEntry", "Store"]
