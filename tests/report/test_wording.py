"""Values in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.report import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7841573, "0.7842"), (0.62, "0.62"), (0.0923018, "0.0923"), (1234.5678, "1,235"), (12.0, "12"), (-0.5, "−0.5"),
        (123456, "123,456"), (1989, "1989"), (1e-9, "1e−09"), (math.nan, "NaN"), (-math.inf, "−∞"), (True, "true"),
        (None, "none"), ("l2", "l2"), (0.0, "0"), (1.23456e300, "1.235e+300"),
    ],
)  # fmt: skip
def test_amounts(value: object, text: str) -> None:
    assert wording.amount(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (8211, "8.21 kB"), (212_442, "212 kB"), (5_000_000, "5 MB"),
     (999_999, "1000 kB")],
)  # fmt: skip
def test_sizes(count: int | None, text: str) -> None:
    assert wording.size(count) == text


def test_one_time_after_another_is_said_in_words() -> None:
    assert (
        wording.after("2026-11-23T12:10:00Z", "2026-11-23T10:04:00Z", "the snapshot")
        == "2 hours after the snapshot"
    )
    assert (
        wording.after("2026-11-23T10:04:20Z", "2026-11-23T10:04:00Z", "it") == "less than a minute after it"
    )
    assert wording.after("2026-11-01T00:00:00+02:00", "2026-11-23T10:04:00Z", "it") == "22 days before it"
    assert wording.after("yesterday", "2026-11-23T10:04:00Z", "it") == ""


def test_a_time_is_written_as_people_write_it_and_no_time_as_it_stands() -> None:
    assert wording.date("2026-11-03T09:05:59.123456Z") == "3 November 2026, 09:05 UTC"
    assert wording.date("<b>now</b>") == "<b>now</b>"
    assert wording.dated("reproduced at 2026-11-03T09:05:59Z.") == "reproduced at 3 November 2026, 09:05 UTC."


def test_invisible_and_reordering_characters_are_shown() -> None:
    assert wording.tidy("a\u202eb\u0000c\ufeff") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+FEFF⟩"


def test_digests_are_shortened_and_other_names_kept() -> None:
    assert wording.short("blake3:" + "ab" * 32) == "abababababab"
    assert wording.short("not a digest") == "not a digest"


@given(st.text())
def test_tidy_text_can_be_encoded_and_holds_no_control_character(text: str) -> None:
    tidied = wording.tidy(text)
    tidied.encode()
    assert all(letter in "\n\t" or letter.isprintable() or ord(letter) >= 160 for letter in tidied)


@given(st.text(alphabet="\x1b[]0;1mPX^_\\\x07ab\x9b"))
def test_no_escape_sequence_survives(text: str) -> None:
    assert "\x1b" not in wording.tidy(text)


def test_rounding_makes_no_whole_number_and_hides_no_difference() -> None:
    assert [wording.amount(one) for one in (0.99996, 99.999, 0.3000000000000001, 12.000000001)] == [
        "0.99996",
        "99.999",
        "0.3",
        "12",
    ]
    assert wording.apart(0.10004, 0.1) == ("0.10004", "0.1")
    assert wording.apart(0.78, 0.8) == ("0.78", "0.8")
    assert wording.apart(123456789.0, 123456789.05) == ("123,456,789", "123,456,789.05")
    assert wording.apart(2.5e-7, 2.5001e-7) == ("2.5e−07", "2.5001e−07")
    assert wording.apart(-0.5, math.inf) == ("−0.5", "∞")
    assert wording.apart(1.0, 1.0) == ("1", "1")
