"""A store in ``tmp_path``."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")
