"""A risk's ``check``: an expression that is evaluated where the user just worked, and leaves no trace there.

Whatever happens in it becomes part of the record and never an exception: a check that raises, takes too long or
gives no clear yes or no has ``passed`` None and an ``error`` that says why.

What a check cannot change: the session's names (it sees a copy, and what its calls rebind is put back), the
random state of ``random`` and NumPy and of generators in the session, the printed output. What it can still
do is what any Python call can: change an object in place, or write a file.

The time limit works in the main thread of a Unix process, between two steps of Python; elsewhere, and inside
one long call into compiled code, there is none.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jupyter_mlgov.governance.evaluation import TERMS_LIMIT, UNDECIDED, Evaluation
from jupyter_mlgov.governance.expressions import (
    ASSESS,
    asks_assessment,
    beyond_figures,
    is_measure,
    names_read,
    parse,
)
from jupyter_mlgov.governance.quiet import TimeOut, state_kept, time_limited
from jupyter_mlgov.governance.slices import MEASURES, Slices
from jupyter_mlgov.governance.values import one_line, truth
from jupyter_mlgov.records.annotations import Charter, Check, Risk
from jupyter_mlgov.records.assessment import Assessment

TIME_LIMIT = 30.0
"""Seconds that one check may take."""


def evaluate(
    risk: Risk,
    namespace: dict[str, Any],
    charter: Charter | None = None,
    assessment: Assessment | None = None,
    *,
    time_limit: float = TIME_LIMIT,
) -> Risk:
    """``risk`` with its check evaluated in ``namespace``. Unchanged where it has none. Never raises.

    Slices are cut from the risk's own ``test_data``, or else the charter's. ``assessment`` is the newest of the snapshot
    that the risk is about.
    """
    if risk.check is None:
        return risk
    slices = Slices(
        namespace,
        risk.test_data or (charter.test_data if charter else None),
        charter.threshold if charter else None,
        assessment,
    )
    limit = risk.time_limit or time_limit
    parts = [run(part.expression, namespace, slices=slices, time_limit=limit) for part in risk.check.each]
    return msgspec.structs.replace(risk, check=parts[0] if not risk.check.parts else together(parts))


def rests_on_assessment(risk: Risk) -> bool:
    """Whether its check calls ``assess``."""
    return risk.check is not None and any(asks_assessment(part.expression) for part in risk.check.each)


def after_assessment(
    risks: Sequence[Risk], charter: Charter | None, assessment: Assessment
) -> tuple[Risk, ...]:
    """Those of ``risks`` whose check rests on the assessment and on nothing of the session, evaluated with it.

    The record may be a stranger's: of a check that is more than figures of the assessment nothing is executed here.
    """
    found = [risk for risk in risks if rests_on_assessment(risk) and not reads(risk, {}, charter)]
    return tuple(_left_alone(risk) or evaluate(risk, {}, charter, assessment) for risk in found)


def _left_alone(risk: Risk) -> Risk | None:
    """``risk`` with the reason why its check is not evaluated outside a session; None where it may be."""
    assert risk.check is not None
    beyond = next((more for part in risk.check.each if (more := beyond_figures(part.expression))), None)
    if beyond is None:
        return None
    error = (
        f'not evaluated outside the notebook: {one_line(beyond, 80)} is more than a comparison of assess("...") with '
        "numbers; run the %%risk cell again after the assessment"
    )
    check = msgspec.structs.replace(risk.check, passed=None, terms=(), conditions=(), slices=(), error=error)
    return msgspec.structs.replace(risk, check=check)


def together(parts: Sequence[Check]) -> Check:
    """Several expressions as one check: it passes when all do, and fails when one does."""
    answers = [part.passed for part in parts]
    durations = [part.duration_s for part in parts if part.duration_s is not None]
    return Check(
        expression="; ".join(part.expression for part in parts),
        passed=False if False in answers else None if None in answers else True,
        terms=tuple({term.expression: term for part in parts for term in part.terms}.values())[:TERMS_LIMIT],
        conditions=tuple(condition for part in parts for condition in part.conditions),
        slices=tuple(one for part in parts for one in part.slices),
        error=next((part.error for part in parts if part.error), None),
        duration_s=round(sum(durations), 6) if durations else None,
        time_limit_s=next((part.time_limit_s for part in parts), None),
        parts=tuple(parts),
    )


def run(
    expression: str,
    namespace: dict[str, Any],
    *,
    slices: Slices | None = None,
    time_limit: float = TIME_LIMIT,
) -> Check:
    """``expression`` evaluated: its answer, the value of every operand, and how long it took. Never raises."""
    slices = slices or Slices(namespace, None, None)
    seen = len(slices.found)
    evaluation = Evaluation(namespace, slices)
    passed, error = None, None
    limited = False
    start = time.perf_counter()
    try:
        # The outermost ``try`` also meets an alarm that goes off while the guards are being taken down.
        with _undisturbed(namespace), time_limited(time_limit) as limited:
            evaluation.text, tree = parse(expression)
            answer = evaluation.value_of(tree)
            passed = None if answer is UNDECIDED else truth(answer)
            error = evaluation.undecided if answer is UNDECIDED else None
    except TimeOut:
        limited = True
        error = f"stopped after {time_limit:g} seconds: a check has to be quick; compute its values in a cell"
    except KeyboardInterrupt:
        error = "interrupted before it had an answer"
    except SyntaxError as problem:
        error = f"not one Python expression: {one_line(problem.msg or problem)}"
    except NameError as problem:
        error = f"NameError: {one_line(problem)}: run the cell that defines it, then this one again"
    except BaseException as problem:  # noqa: BLE001 - a check may raise anything, and none of it may get out
        error = f"{type(problem).__name__}: {one_line(problem)}"
    if error is not None:
        passed = None
    return Check(
        expression=expression,
        passed=passed,
        terms=tuple(evaluation.terms.values()),
        conditions=tuple(evaluation.conditions[:TERMS_LIMIT]),
        slices=tuple(slices.found[seen:][:TERMS_LIMIT]),
        error=error,
        duration_s=round(time.perf_counter() - start, 6),
        time_limit_s=time_limit if limited else None,
    )


def reads(risk: Risk, namespace: Mapping[str, Any], charter: Charter | None = None) -> set[str]:
    """The names of the session that a risk's check gets its *results* from: when one is older than the run, its
    answer is out of date. The test data's rows and truth are data, not results."""
    if risk.check is None:
        return set()
    found: set[str] = set()
    for part in risk.check.each:
        names = names_read(part.expression)
        helpers = {
            name
            for name in names
            if name in (*MEASURES, ASSESS) and is_measure(part.expression, name, namespace)
        }
        found |= names - helpers
        declared = risk.test_data or (charter.test_data if charter else None)
        if helpers and declared is not None:
            found |= {name for name in (declared.predicted, declared.score) if name and name in namespace}
    return found


@contextlib.contextmanager
def _undisturbed(namespace: dict[str, Any]) -> Any:
    """What a check prints, warns, draws from a random generator or rebinds is as if it had not been."""
    with (
        state_kept(namespace),
        contextlib.redirect_stdout(_Nowhere()),
        contextlib.redirect_stderr(_Nowhere()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


class _Nowhere(io.TextIOBase):
    """Accepts text and keeps none of it."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)
