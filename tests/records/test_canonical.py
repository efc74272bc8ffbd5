"""Canonical JSON is RFC 8785, byte for byte, with a form for what RFC 8785 lacks."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.records.canonical import canonical, plain

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.floats(-1e17, 1e17).map(round).map(float)
    | st.text(max_size=6)
    | st.text(st.characters(categories=["Cc", "Cs", "So"]), max_size=3)
)
KEYS = st.text('abcABC_ "\\\n', max_size=3) | st.text(max_size=2)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)  # fmt: skip


@given(VALUES)
@example(
    [0.0, -0.0, 1e16, 9007199254740992.0, 9007199254740993, 1e-7, 1e-4, 123456.789e3, 5e-324, 1e21, 1e22]
)
@example({"a": 1, "B": 2, "": 3, "\x7f": "\x7f\x00\x1f\u2028/"})
@example({"\ue000": 1, "\U00010000": 2})
@settings(max_examples=300, deadline=None)
def test_it_is_what_rfc_8785_says(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(plain(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), b'"NaN"'), (float("-inf"), b'"-Infinity"'), (2**53, b'"9007199254740992"'),
        ("\udc80", b'"\\\\udc80"'), ((1, 2.0), b"[1,2]"), ({1: "x"}, b'{"1":"x"}'),
    ],
)  # fmt: skip
def test_what_json_lacks_has_a_form(value: Any, expected: bytes) -> None:
    assert canonical(value) == expected


def test_what_has_no_form_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        canonical({"a": object()})
