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

from jupyter_mlgov.records.secret_forms import FORMS
from jupyter_mlgov.records.secrets import REDACTED, find_secrets, redact, redact_bytes, redact_tree
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


PADS = (
    " ",
    "\t",
    "\\",
    "a",
    "A",
    "1",
    "_",
    "=",
    ":",
    "'",
    '"',
    "\n",
    ".",
    "-",
    "/",
    "{",
    "$a",
    "a ",
    "a, ",
    "\\'",
    "-u ",
    "a=",
    "a.",
)
"""What may be repeated in a text: blanks that fill up a table, backslashes of JSON in JSON, a line of one character."""


@pytest.mark.parametrize("hint", sorted({form.hints[0] for form in FORMS} | {"api_key", "jwt"}))
def test_the_time_grows_with_the_text_and_not_faster(hint: str) -> None:
    """``re`` holds the interpreter's lock: a form that backtracks through blanks freezes the kernel."""

    def took(text: str) -> float:
        times = []
        for _ in range(3):
            started = time.thread_time()
            for _found in find_secrets(text):
                pass
            times.append(time.thread_time() - started)
            if times[-1] < 0.004:
                break
        return min(times)

    heads = (hint, f"?{hint}=", f"{hint}='", f'-{hint}": "', f" {hint}A.")
    texts = [(f"{head}{{}}", pad) for head in heads for pad in PADS]
    texts += [
        (f"{head}{{}}", f"{head}{pad}")
        for head in heads
        for pad in ("", " ", "a", "1", "-", "your-", "\\", " " * 50)
    ]
    slow = []
    for form, pad in texts:
        short, long = (form.format("") + pad * (size // len(pad)) + "\n" for size in (1_000, 8_000))
        # 8 times as long where it is in proportion, 64 times where it is squared
        if (whole := took(long)) > 0.02 and whole > 24 * took(short):
            slow.append((form, pad))
    assert not slow


def test_a_padded_table_is_searched_in_a_moment() -> None:
    started = time.thread_time()
    text = "token:" + " " * 50_000 + "| x\npassword" + " " * 50_000
    assert redact(text) == text
    assert time.thread_time() - started < 1
