"""What a file holds: its digest is never lost to its table, and its table is of the bytes that have the digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.capture.contents import Contents
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.hashing import tables
from jupyter_mlgov.hashing.files import hash_file

TABLE = "a,b\n" + "1,2\n" * 1000


def test_where_there_is_no_time_for_the_table_the_digest_is_kept_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    contents = Contents(Secrets())
    found = contents.of(str(path), deadline=0.0)
    assert found.digest == hash_file(path).digest
    assert (found.rows, found.columns, found.reason) == (None, None, None)
    assert found.unread == "the time budget was used up"
    # The next snapshot does not begin it again.
    assert contents.of(str(path)) is found


def test_a_table_that_was_given_up_in_the_middle_is_not_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    contents = Contents(Secrets())

    class GivenUp(BaseException):
        pass

    def given_up(*_: Any, **__: Any) -> None:
        raise GivenUp

    with monkeypatch.context() as patched:
        patched.setattr(tables, "describe_table", given_up)
        with pytest.raises(GivenUp):
            contents.of(str(path))
    found = contents.of(str(path))
    assert found.digest == hash_file(path).digest
    assert found.unread is not None


def test_a_file_that_changes_while_its_table_is_read_has_no_columns_and_is_unstable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    before = hash_file(path).digest
    describe = tables.describe_table

    def changed_first(*args: Any, **options: Any) -> Any:
        path.write_text("c\nx\n")
        return describe(*args, **options)

    contents = Contents(Secrets())
    with monkeypatch.context() as patched:
        patched.setattr(tables, "describe_table", changed_first)
        found = contents.of(str(path))
    assert (found.digest, found.stable, found.columns) == (before, False, None)
    now = contents.of(str(path))
    assert now.stable
    assert [column.name for column in now.columns or ()] == ["c"]
