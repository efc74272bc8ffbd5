"""A table of numbers is looked through once, and what is hidden in it is found all the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.records import secrets
from jupyter_mlgov.records.secret_forms import BY_HINT

NUMBERS = "".join(f"{row},{row * 0.37:.3f},-1.5e-07;nan\t\r\n" for row in range(300))
SECRETS = [
    "password = 'hunter2-and-more'", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "postgres://ada:s3cretpw@db/x",
    "sk-Abcdefghij1234567890XYZ", "machine db login ada password s3cr3tpw",
]  # fmt: skip


@given(
    st.lists(
        st.one_of(st.text("0123456789.,;-eE\n", max_size=40), st.sampled_from([*BY_HINT, *SECRETS, "\"", ":\""]), st.text(max_size=8)),
        max_size=12,
    ),
    st.integers(0, len(NUMBERS)),
)  # fmt: skip
def test_no_form_is_passed_over(pieces: list[str], at: int) -> None:
    text = NUMBERS[:at] + "".join(pieces) + NUMBERS[at:]
    possible = set(secrets._possible(text))
    lowered = text.lower()
    assert {hint for hint in BY_HINT if hint in lowered} <= possible


def test_a_secret_among_numbers_is_taken_out() -> None:
    for secret in SECRETS:
        text = f"{NUMBERS}\n{secret}\n{NUMBERS}"
        assert len(list(secrets.find_secrets(text))) >= 1, secret


def test_numbers_alone_leave_little_to_look_for() -> None:
    assert len(list(secrets._possible(NUMBERS))) == 0
