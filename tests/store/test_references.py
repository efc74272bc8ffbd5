"""REF names exactly one snapshot, or one line says what would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import MlgovError, NotFound, UsageError
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot, fresh


def refused(store: Store, ref: str) -> str:
    with pytest.raises(MlgovError) as caught:
        store.resolve(ref)
    assert isinstance(caught.value, NotFound | UsageError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_name_is_its_newest_snapshot_and_a_number_the_nth(store: Store) -> None:
    ids = [add_snapshot(store, message=str(turn)) for turn in range(3)]
    add_snapshot(store, experiment="other")
    assert store.resolve("baseline") == ids[2]
    assert [store.resolve(f"baseline@{number}") for number in (1, 2, 3)] == ids
    assert store.resolve(" baseline ") == ids[2]
    assert refused(store, "baseline@4") == "experiment 'baseline' has no snapshot 4: it has 1 to 3"
    assert "has no snapshot 0" in refused(store, "baseline@0")


def test_an_id_needs_six_digits_in_either_case(store: Store) -> None:
    snapshot = add_snapshot(store)
    for length in (6, 7, 12, 64):
        assert store.resolve(snapshot[:length]) == snapshot
    assert store.resolve(snapshot[:12].upper()) == snapshot
    refused(store, snapshot[:5])
    refused(store, snapshot + "0")


def ids_with_common_prefix(store: Store) -> tuple[str, str]:
    """Two ids that share their first digits are rare: the question is asked with a prefix of one digit."""
    seen: dict[str, str] = {}
    for turn in range(40):
        snapshot = add_snapshot(store, message=str(turn))
        if snapshot[0] in seen:
            return seen[snapshot[0]], snapshot
        seen[snapshot[0]] = snapshot
    raise AssertionError


def test_an_ambiguous_prefix_names_the_choices(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.store import references

    one, other = ids_with_common_prefix(store)
    monkeypatch.setattr(references, "SHORTEST", 1)
    message = refused(store, one[0])
    assert message.startswith(f"id {one[0]!r} is ambiguous: ")
    assert one[:5] in message and other[:5] in message
    assert message.endswith("give more digits")


def test_a_candidate_is_found_by_its_id_only(store: Store) -> None:
    first = add_snapshot(store, path="a.ipynb")
    candidate = add_snapshot(store, kind="candidate", baseline=first, path="b.ipynb")
    only = add_snapshot(store, kind="candidate", experiment="reran")
    assert store.resolve(candidate[:10]) == candidate
    assert store.resolve(only) == only
    assert store.resolve("baseline") == first
    refused(store, "b.ipynb")
    refused(store, "reran")
    refused(store, "reran@1")


def test_an_experiment_that_looks_like_an_id_or_a_number_is_still_a_name(store: Store) -> None:
    for name in ("abcdef", "a@1", "x.ipynb", "deep/name", "123456"):
        snapshot = add_snapshot(store, experiment=name)
        assert store.resolve(name) == snapshot
        assert store.resolve(f"{name}@1") == snapshot


def test_a_notebook_is_its_newest_snapshot_from_the_root_and_from_here(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store.folder.parent
    deep = root / "work" / "deep"
    deep.mkdir(parents=True)
    add_snapshot(store, path="work/deep/a.ipynb", message="1")
    newest = add_snapshot(store, path="work/deep/a.ipynb", message="2")
    at_root = add_snapshot(store, path="a.ipynb")
    for here, ref, expected in (
        (root, "work/deep/a.ipynb", newest),
        (root, "./work/../work/deep/a.ipynb", newest),
        (deep, "a.ipynb", newest),
        (deep, "../deep/a.ipynb", newest),
        (deep, "work/deep/a.ipynb", newest),
        (deep, "../../a.ipynb", at_root),
        (root, "a.ipynb", at_root),
        (Path("/"), str(deep / "a.ipynb"), newest),
    ):
        monkeypatch.chdir(here)
        assert store.resolve(ref) == expected, (here, ref)


def test_a_linked_project_folder_resolves_to_the_same_notebook(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = add_snapshot(store, path="a.ipynb")
    link = tmp_path.parent / (tmp_path.name + "-link")
    link.symlink_to(tmp_path)
    monkeypatch.chdir(link)
    assert store.resolve("a.ipynb") == snapshot
    assert Store.open(link / ".mlgov").resolve(str(tmp_path / "a.ipynb")) == snapshot


def test_a_notebook_outside_the_project_is_named_by_its_full_path(store: Store, tmp_path: Path) -> None:
    snapshot = add_snapshot(store, path="/elsewhere/a.ipynb")
    assert store.resolve("/elsewhere/a.ipynb") == snapshot


def test_what_is_no_notebook_is_said_so(
    store: Store, write_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_snapshot(store, path="other.ipynb")
    root = store.folder.parent
    monkeypatch.chdir(root)
    write_notebook("fresh.ipynb", ["a = 1"])
    (root / "empty.ipynb").touch()
    (root / "cut.ipynb").write_text('{"cells": [')
    (root / "list.ipynb").write_text("[]")
    (root / "data.csv").write_text("a,b\n")
    (root / "latin.ipynb").write_bytes(b"\xff\xfe")
    (root / "folder").mkdir()
    assert "has no snapshot yet: run a cell with %%experiment NAME" in refused(store, "fresh.ipynb")
    assert "is not a notebook (it is empty)" in refused(store, "empty.ipynb")
    assert "is not a notebook (its content is not a notebook's JSON)" in refused(store, "cut.ipynb")
    assert "is not a notebook (it has no cells)" in refused(store, "list.ipynb")
    assert "is not a notebook" in refused(store, "data.csv")
    assert "is not a notebook" in refused(store, "latin.ipynb")
    assert "is not a notebook (it is a folder)" in refused(store, "folder")
    assert "there is no notebook 'absent.ipynb'" in refused(store, "absent.ipynb")
    (root / "other.ipynb").write_text(json.dumps({"cells": []}))
    assert store.resolve("other.ipynb")


def test_an_unknown_name_suggests_the_nearest(store: Store) -> None:
    assert "there are no snapshots yet" in refused(store, "baseline")
    assert "there are no snapshots yet" in refused(store, "baseline@2")
    for name in ("baseline", "forest", "Challenger"):
        add_snapshot(store, experiment=name)
    assert refused(store, "basline") == "nothing is called 'basline': did you mean 'baseline'?"
    assert "did you mean 'forest'?" in refused(store, "Forest")
    assert "did you mean 'baseline'?" in refused(store, "baselin@1")
    assert "did you mean 'Challenger'?" in refused(store, "challenger")
    assert "the experiments are 'Challenger', 'baseline', 'forest'" in refused(store, "zzz")
    assert "needs 6 digits or more" in refused(store, "12ab")
    assert "nothing is called" in refused(store, "facade")
    assert "empty REF" in refused(store, " ")


def test_names_that_are_no_text_are_found_as_they_were_given(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.folder.parent)
    first = add_snapshot(store, experiment="\udc80", path="\udc80.ipynb", message="1")
    newest = add_snapshot(store, experiment="\udc80", path="\udc80.ipynb", message="2")
    assert store.resolve("\udc80") == store.resolve("\udc80.ipynb") == store.newest("\udc80") == newest
    assert store.resolve("\udc80@1") == first
    assert [line.number for line in store.log(experiment="\udc80", notebook="\udc80.ipynb")] == [2, 1]
    assert store.log(notebook="\0") == []


def test_a_deleted_working_directory_does_not_matter(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = add_snapshot(store, path="a.ipynb")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert store.resolve("a.ipynb") == snapshot
    assert len(store.log(notebook="a.ipynb")) == 1


@pytest.fixture(scope="module")
def one() -> Iterator[Store]:
    with fresh() as store:
        add_snapshot(store)
        yield store


@settings(max_examples=300, deadline=None)
@given(ref=st.text(max_size=60) | st.from_regex(r"[a-f0-9/@.~-]{0,12}", fullmatch=True))
@example(ref="~no-such-user/x.ipynb")
@example(ref="a" * 5000 + "/b.ipynb")
@example(ref="\0.ipynb")
@example(ref="\0/x")
@example(ref="\udc80/x.ipynb")
@example(ref="baseline@" + "9" * 40)
def test_no_ref_ends_in_a_traceback(ref: str, one: Store) -> None:
    try:
        one.resolve(ref)
    except (NotFound, UsageError) as error:
        assert "\n" not in str(error)
