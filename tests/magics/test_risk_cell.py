from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]

CHARTER = """%%charter
title: Second reading
value_of_right: 40 minutes
cost_of_wrong: {wrong approval: 400 USD}
threshold: p >= 0.5
test_data: {frame: loans, truth: denied, score: p}
"""
DATA = """import numpy as np, pandas as pd
place = np.arange(400)
loans = pd.DataFrame({"amount": place % 100})
denied = (place % 4 == 0).astype(int)"""
RISK = """%%risk large-loans
situation: A large loan
severity: high
likelihood: low
tags: [data]
check:
  - recall(slice="amount < 90") >= 0.9
  - recall(slice="amount >= 98") >= 0.5
"""


def test_a_check_over_slices_is_evaluated_on_what_the_session_holds_now(
    kernel: Start, tmp_path: Path
) -> None:
    session = kernel()
    for cell in (
        "%load_ext jupyter_mlgov",
        CHARTER,
        DATA,
        "%%experiment base\np = np.where(denied == 1, 0.9, 0.1)",
    ):
        session.must(cell)
    card = session.must(RISK)
    assert "too small to tell: recall over amount" in str(card.outputs)
    session.must("%%experiment base\np = np.where(denied == 1, 0.1, 0.9)")
    first, second = (Project.open(tmp_path).show(ref) for ref in ("base@1", "base@2"))
    assert first["charter"]["cost_of_wrong"] == [{"value": 400.0, "unit": "USD", "when": "wrong approval"}]
    checks = [document["risks"][0]["check"] for document in (first, second)]
    assert [[part["passed"] for part in check["parts"]] for check in checks] == [[True, None], [False, None]]
    assert checks[0]["slices"][0] == checks[0]["parts"][0]["slices"][0]
    assert checks[0]["slices"][0]["rows"] == 360
    assert checks[0]["time_limit_s"] == 30
    assert [event["what"] for event in second["risks"][0]["history"]] == [
        "opened",
        "check gave no answer",
        "check failed",
    ]


def test_help_shows_every_field_with_an_example(kernel: Start) -> None:
    session = kernel()
    session.must("%load_ext jupyter_mlgov")
    for magic, words in (
        ("%%risk?", ("time_limit", "third party", "recall(slice=", "%%risk thin-data")),
        ("%%charter?", ("cost_of_wrong", "threshold", "test_data", "title: Mortgage pre-check")),
    ):
        text = session.must(magic).reply["payload"][0]["data"]["text/plain"]
        assert [word for word in words if word not in text] == []
