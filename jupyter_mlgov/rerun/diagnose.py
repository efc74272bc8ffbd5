"""From what differs to why: the causes, the main one first.

Nothing is called confirmed here but what an experiment showed: the disagreement of two runs is one.
"""

from __future__ import annotations

from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.chance import kinds_of
from jupyter_mlgov.rerun.compare import Measured
from jupyter_mlgov.rerun.factors import Factor
from jupyter_mlgov.rerun.search import Differences, Search


def diagnose(measured: Measured, itself: Measured | None = None) -> tuple[Finding, ...]:
    """The causes of a difference; none where there is none. ``itself`` compares two unchanged runs."""
    found = Search(measured).findings(itself) if measured.differs else []
    return (*found, *_not_compared(measured))


def between(measured: Measured) -> tuple[Finding, ...]:
    """The causes of a difference between two snapshots, of which no run can tell whether they agree with themselves: what
    no change explains is blamed on the likeliest chance."""
    if not measured.differs:
        return _not_compared(measured)
    search = Search(measured)
    found = search.findings(None)
    left = search.unexplained()
    if left and not any(one.cause.startswith(("randomness.", "time")) for one in found):
        found += search.chances(left, disagreeing=False, kinds=kinds_of(measured))[:1]
    return (*found, *_not_compared(measured))


def _not_compared(measured: Measured) -> tuple[Finding, ...]:
    now = measured.after.manifest
    why = {frame.name: frame.reason for frame in now.frames}
    why |= {model.name: model.reason for model in now.models}
    return tuple(
        Finding(
            cause="unknown", subject=value.name, variable=value.name,
            message=f"The {value.kind} {value.name} was not compared: what it holds is known in the baseline and not in the "
            f"other run ({why.get(value.name) or 'unknown why'}).",
            remedy="mend that, then rerun; where time ran out, raise time_budget_s or object_budget_s in [capture]",
        )
        for value in measured.not_compared
    )  # fmt: skip


def explaining(measured: Measured, differences: Differences | None = None) -> list[Factor]:
    """The changed factors that can have made the differences."""
    return Search(measured).explaining(differences or Differences.of(measured))


def finding_of(
    measured: Measured, factor: Factor, *, confirmed: bool = False, shown: Measured | None = None
) -> Finding:
    """A factor as a cause, with the first cell and variable that it affected; ``shown`` compares two runs that differ by
    such factors alone, where chance is among what differs."""
    search = Search(measured)
    apart = Differences.of(shown) if shown is not None else None
    return search.finding(factor, apart or search.all, confirmed=confirmed)


def changed(measured: Measured) -> tuple[list[Factor], list[Factor]]:
    """Everything that changed and can be a cause: those that can have made the differences, and the others. The
    history of the recorded session is among them."""
    search = Search(measured)
    every = [*search.changed(), *search.history()]
    likely = [factor for factor in every if search.explains(factor, search.all)]
    return likely, [factor for factor in every if factor not in likely]


def chances(measured: Measured, itself: Measured | None = None) -> list[Finding]:
    """What the code does that can have made the differences (those of two unchanged runs, where ``itself`` compares
    them) with nothing changed: one finding for each kind of it, the likeliest first."""
    search = Search(measured)
    if itself is None:
        return search.chances(search.all, disagreeing=False)
    return search.chances(search.unstable(itself), disagreeing=True, kinds=kinds_of(itself))
