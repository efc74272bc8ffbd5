"""Secrets are found, and only secrets: corpus by corpus."""

from __future__ import annotations

import base64
import json
import random
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.records.secrets import REDACTED, redact, redact_bytes, redact_tree
from tests.capture.secret_corpus import NO_SECRETS, PEM, SECRETS


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_taken_out_and_nothing_else(text: str, secret: str) -> None:
    assert secret in text, "the corpus is wrong"
    clean = redact(text)
    assert secret not in clean
    assert REDACTED in clean
    assert redact(clean) == clean, "redacting twice changes nothing"
    head = text[: text.index(secret)]
    kept = clean.partition(REDACTED)[0]
    assert head.startswith(kept)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
@pytest.mark.parametrize("around", ["x = 1\n{}\ny = 2\n", "    {}\n", "# {}\n"])
def test_a_secret_is_found_wherever_it_stands(text: str, secret: str, around: str) -> None:
    if text.startswith("+") and around != "x = 1\n{}\ny = 2\n":
        pytest.skip("a line of a diff")
    if around.startswith("# ") and text.startswith(("export", "%env", "HOME", "database")):
        pytest.skip("a line of its own")
    clean = redact(around.format(text) if "{" not in text else around.replace("{}", text))
    assert secret not in clean
    before, _, after = around.partition("{}")
    assert clean.startswith(before)
    assert clean.endswith(after) or text == PEM.partition("-----END")[0]


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
    assert redact(f"x = 1\n{text}\ny = 2\n") == f"x = 1\n{text}\ny = 2\n"
    assert redact(json.dumps(text)) == json.dumps(text)


def test_the_standard_librarys_code_stays() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    told = []
    for file in sorted(folder.glob("*.py"))[:60]:
        text = file.read_text("utf-8", "replace")
        if redact(text) != text:
            told.append(file.name)
    assert set(told) <= {"cgitb.py", "netrc.py"}, told


def test_random_base64_and_hex_stay() -> None:
    source = random.Random(0)
    for size in (10, 1_000, 200_000):
        data = source.randbytes(size)
        for text in (base64.b64encode(data).decode(), data.hex()):
            assert redact(text) == text


@given(st.text())
def test_any_text_is_taken_and_redacting_twice_changes_nothing(text: str) -> None:
    clean = redact(text)
    assert redact(clean) == clean


def test_letters_that_grow_in_lower_case_do_not_move_the_mark() -> None:
    assert redact('İİİ password = "hunter2" İ') == f'İİİ password = "{REDACTED}" İ'


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_bytes_are_redacted_in_their_encoding(encoding: str) -> None:
    text = 'größe = 1\npassword = "hunter2"\n'
    assert redact_bytes(text.encode(encoding)) == text.replace("hunter2", REDACTED).encode(encoding)


def test_bytes_that_are_no_text_stay() -> None:
    data = bytes(range(256)) * 10
    assert redact_bytes(data) is data


def test_plain_data_is_redacted_by_its_names_too() -> None:
    assert redact_tree({"user": "ada", "password": "letmein", "n": [1, None, 'pwd="hunter2"']}) == {
        "user": "ada", "password": REDACTED, "n": [1, None, f'pwd="{REDACTED}"'],
    }  # fmt: skip
    picture = {"image/png": 'password = "hunter2"'}
    assert redact_tree(picture) == picture


def test_long_texts_are_searched_in_a_moment() -> None:
    for text in (
        "x" * 500_000,
        "token key password secret = " * 8_000,
        "a.b-c_d/" * 60_000,
        "://a:" * 40_000,
    ):
        start = time.process_time()
        redact(text)
        assert time.process_time() - start < 3, text[:20]
