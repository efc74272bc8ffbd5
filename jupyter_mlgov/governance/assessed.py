"""What an assessment found, for the rules that rest on it: a risk's check and the gate.

``assess("fairness.equalized_odds") < 0.1`` in a check is the value of that test with its interval; of several results of
one test (one for each sensitive column) it is the worst, so that all of them satisfy the comparison.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import StoreError
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.governance.register import charter, kpis
from jupyter_mlgov.records.annotations import Kpi, SliceValue
from jupyter_mlgov.records.assessment import Assessment, TestResult
from jupyter_mlgov.records.canonical import canonical, digest, number, plain
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_UPWARDS = (">=", ">")


def newest_assessment(store: Store, snapshot: str) -> Assessment | None:
    """The newest assessment of exactly this snapshot, one that a bundle brought where there is none of this project; None
    where there is none that can be read."""
    found = newest_said(store, snapshot)
    return found[1] if found is not None else None


def newest_said(store: Store, snapshot: str) -> tuple[Entry, Assessment] | None:
    """:func:`newest_assessment` with its ledger entry."""
    for entry, _ in reversed(store.evidence(snapshot, "assessment")):
        try:
            return entry, decoded(store.get(str(entry.body.get("assessment"))), Assessment)
        except (StoreError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return None


def asked(store: Store, snapshot: str, targets: Iterable[Kpi] = ()) -> str:
    """A digest of what charter and policy (``targets``) ask of a snapshot's tests now: with another one, the same tests may
    judge otherwise."""
    written = charter(store, snapshot)
    data = written.test_data if written is not None else None
    return digest(
        canonical(
            plain(
                {
                    "kpis": msgspec.to_builtins(kpis(store, snapshot, targets)),
                    "threshold": msgspec.to_builtins(written.threshold) if written is not None else None,
                    "positive": data.positive if data is not None else None,
                }
            )
        )
    )


def matching(made: Assessment, name: str) -> list[TestResult]:
    """The results that ``name`` means: ``all``, a group, a test, or one result of it. Where its group raised, that is the
    result of each of its tests."""
    group = name.partition(".")[0]
    return [
        one
        for one in made.results
        if name in ("all", one.group, one.id)
        or one.id.startswith((f"{name}:", f"{name}."))
        or (one.verdict == "error" and one.group == group)
    ]


def value_of(made: Assessment | None, name: str) -> tuple[Estimate, SliceValue]:
    """The value of a test, and the same as it is written down. Raises ``LookupError`` with what to do."""
    if made is None:
        raise LookupError(
            "this snapshot was not assessed yet: run mlgov assess, and its checks are evaluated then"
        )
    found = [one for one in made.results if one.id == name or one.id.startswith(f"{name}:")]
    found = found or [one for one in matching(made, name) if one.verdict == "error"]
    if not found:
        raise LookupError(f"no test is called {name!r}{_near(name, (one.id for one in made.results))}")
    measured = [(number(one.value), one) for one in found]
    values = [(value, one) for value, one in measured if value is not None and not math.isnan(value)]
    if not values:
        raise LookupError(f"{found[0].id}: {found[0].verdict}: {found[0].reason}")
    upwards = values[0][1].op in _UPWARDS
    value, worst = (min if upwards else max)(values, key=lambda pair: pair[0])
    low, high = (number(end) for end in (worst.low, worst.high))
    estimate = Estimate(
        value,
        -math.inf if low is None or math.isnan(low) else low,
        math.inf if high is None or math.isnan(high) else high,
        worst.cases if worst.cases is not None else worst.rows,
        worst.needed or 0,
    )
    written = SliceValue(
        measure=f"assess {name}",
        where=worst.id.partition(":")[2] or "the test rows",
        value=value,
        low=estimate.low,
        high=estimate.high,
        rows=worst.rows,
        cases=estimate.cases,
        needed=estimate.needed,
        enough=estimate.enough,
        level=worst.level,
    )
    return estimate, written


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted({one.partition(":")[0] for one in known})
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f": did you mean {near[0]!r}?" if near else f": the assessment has {', '.join(names[:8])}, ..."
