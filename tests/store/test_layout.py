"""A store folder is complete, of a known version, or refused with one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.errors import Damaged, NotFound, NotWritable, StoreError
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot


def test_a_new_store_has_the_documented_form(store: Store) -> None:
    assert json.loads((store.folder / "format").read_text()) == {"format": 3}
    assert (store.folder / ".gitignore").read_text() == "*\n"
    assert (store.folder / "ledger" / "HEAD").read_text() == "0" * 64 + "\n"
    assert store.log() == []
    assert store.fsck() == []


def test_creating_twice_opens_the_first(store: Store) -> None:
    snapshot = add_snapshot(store)
    assert Store.create(store.folder).newest("baseline") == snapshot
    assert Store.open(store.folder).newest("baseline") == snapshot


def test_there_has_to_be_a_store_to_open(tmp_path: Path) -> None:
    for folder in (tmp_path / ".mlgov", tmp_path):
        with pytest.raises(NotFound, match="run a cell with %%experiment"):
            Store.open(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_half_made_store_is_no_store_and_is_made_on_next_use(tmp_path: Path) -> None:
    whole = Store.create(tmp_path / "whole")
    parts = [path for path in sorted(whole.folder.rglob("*")) if path.name != "format"]
    for count in range(len(parts) + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        for part in parts[:count]:
            copy = folder / part.relative_to(whole.folder)
            copy.mkdir(parents=True) if part.is_dir() else shutil.copy(part, copy)
        with pytest.raises(NotFound):
            Store.open(folder)
        add_snapshot(Store.create(folder))
        assert Store.open(folder).fsck() == []


def test_a_newer_format_asks_for_an_upgrade(store: Store) -> None:
    add_snapshot(store)
    (store.folder / "format").write_text('{"format": 4, "more": 1}')
    for act in (
        lambda: Store.open(store.folder),
        lambda: Store.create(store.folder),
        lambda: store.put(b"x"),
    ):
        with pytest.raises(StoreError, match=r"has format 4 .* upgrade jupyter-mlgov"):
            act()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": "1"}', b'{"format": true}', b"\xff", b"{}", None]
)
def test_a_damaged_or_lost_format_is_told_with_its_cure(content: bytes | None, store: Store) -> None:
    add_snapshot(store)
    path = store.folder / "format"
    path.unlink() if content is None else path.write_bytes(content)
    for make in (Store.open, Store.create):
        with pytest.raises(Damaged, match=r'put it back with the content \{"format": 3\}') as caught:
            make(store.folder)
        assert "\n" not in str(caught.value)
    path.write_text('{"format": 1}')
    assert Store.open(store.folder).fsck() == []


def test_a_link_to_a_store_works_and_a_dangling_one_is_told(store: Store, tmp_path: Path) -> None:
    add_snapshot(store)
    link = tmp_path / "link"
    link.symlink_to(store.folder)
    assert len(Store.open(link).log()) == 1
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotFound):
        Store.open(dangling)
    with pytest.raises(NotWritable):
        Store.create(dangling)
