"""``mlgov.toml``: what it says counts, what it misspells is told in one line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.configuration import section
from jupyter_mlgov.errors import UsageError


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seconds: float = 3.0
    names: tuple[str, ...] = ()


def test_without_file_or_section_the_defaults_hold(tmp_path: Path) -> None:
    assert section(tmp_path, "room", Room) == Room()
    (tmp_path / "mlgov.toml").write_text("[other]\nx = 1\n")
    assert section(tmp_path, "room", Room) == Room()


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text("[room]\nseconds = 1\n")
    assert section(tmp_path, "room", Room).seconds == 1.0
    (tmp_path / "mlgov.toml").write_text('[room]\nseconds = 2.5\nnames = ["a"]\n')
    assert section(tmp_path, "room", Room) == Room(2.5, ("a",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[room]\nsecond = 1\n", ["[room]", "`second`", "seconds, names"]),
        ("[room]\nseconds = 'x'\n", ["[room]", "`seconds`"]),
        ("room = 3\n", ["[room]", "object"]),
        ("[room\n", ["no TOML", "line 1"]),
        ("\x00", ["no TOML"]),
        ("x = " + "[" * 100_000, ["no TOML"]),
    ],
)
def test_a_mistake_is_one_line_that_names_it(text: str, said: list[str], tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text(text)
    with pytest.raises(UsageError) as error:
        section(tmp_path, "room", Room)
    assert all(part in str(error.value) for part in [*said, "mlgov.toml"])
    assert "\n" not in str(error.value)


def test_what_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        section(tmp_path, "room", Room)
    (tmp_path / "mlgov.toml").rmdir()
    (tmp_path / "mlgov.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no TOML"):
        section(tmp_path, "room", Room)
