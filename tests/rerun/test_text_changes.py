"""What is said of a text file that changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rerun.text_changes import cut_around, text_change

CONFIG = {"model": {"alpha": 0.5, "layers": [3, 4]}, "seed": 1}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"model": {"alpha": 0.7, "layers": [3, 4]}, "seed": 1}, "model.alpha was 0.5 and is 0.7 now"),
        ({"model": {"alpha": 0.5, "layers": [3, 5]}, "seed": 1}, "model.layers[1] was 4 and is 5 now"),
        ({"model": {"alpha": 0.5, "layers": [3, 4]}}, "seed (1) is gone"),
        ({**CONFIG, "name": "b"}, 'name is new ("b")'),
        ({"seed": 1, "model": CONFIG["model"]}, "its keys stand in another order"),
    ],
)
def test_of_a_json_document_the_key_is_named(after: object, said: str) -> None:
    assert text_change(json.dumps(CONFIG).encode(), json.dumps(after, indent=2).encode()) == said


def test_a_json_document_that_was_written_anew_says_the_same() -> None:
    assert text_change(json.dumps(CONFIG).encode(), json.dumps(CONFIG, indent=4).encode()) == ""


def test_of_other_texts_the_first_line_that_differs_is_shown() -> None:
    assert text_change(b"a: 1\nb: 2\n", b"a: 1\nb: 3\n") == "line 2 was `b: 2` and is `b: 3` now"
    assert text_change(b"a\nb\nc\n", b"x\nb\ny\n") == "line 1 was `a` and is `x` now, and 1 more line"
    assert text_change(b"a\n", b"a\nb\nc\n") == "line 2, `b`, was added, and 1 more line"
    assert text_change(b"a\nb\n", b"a\r\nb\r\n") == "only the ends of its lines"
    assert "2 lines and has 3 now" in str(text_change(b"a\nb\n", b"x\na\nb\n"))


def test_what_is_no_text_or_too_large_has_nothing_said_of_it() -> None:
    assert text_change(b"\xff\xfe\x00", b"\xff\xfe\x01") is None
    assert text_change(b"a" * (2 << 20), b"b" * (2 << 20)) is None


def test_of_long_lines_the_place_where_they_differ_is_shown() -> None:
    head, tail = (
        "model = make_pipeline(pre, XGBClassifier(n_estimators=80, max_depth=3, ",
        ", random_state=7))",
    )
    before, after = f"{head}learning_rate=0.1{tail}", f"{head}learning_rate=0.2{tail}"
    one, other = cut_around(before, after, 70)
    assert "learning_rate=0.1" in one
    assert "learning_rate=0.2" in other
    assert one.startswith("...")


@given(st.text("ab ", max_size=90), st.text("ab ", max_size=90), st.integers(30, 70))
def test_two_lines_that_differ_are_never_shown_alike(before: str, after: str, width: int) -> None:
    one, other = cut_around(before, after, width)
    assert max(len(one), len(other)) <= width
    assert (one == other) == (" ".join(before.split()) == " ".join(after.split()))
