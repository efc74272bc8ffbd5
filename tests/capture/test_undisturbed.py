"""What the user has set up in the interpreter is as it was, during capture and after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from jupyter_mlgov.capture.undisturbed import quiet


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()


def test_no_garbage_of_the_users_is_collected_while_capture_works() -> None:
    with quiet({}):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_collected_again_after_capture_failed() -> None:
    with pytest.raises(ValueError, match="capture"), quiet({}):
        raise ValueError("capture")
    assert gc.isenabled()


def test_a_collector_that_the_user_turned_off_stays_off() -> None:
    gc.disable()
    with quiet({}):
        pass
    assert not gc.isenabled()
