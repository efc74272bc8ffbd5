"""Sources of chance: how each is held still in a kernel, and what is said of one that the notebook's code does not show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun.held import Held


@dataclass(frozen=True)
class Source:
    """A source of chance: how it is held, and the cause that it is."""

    cause: Cause
    held: Held = Held()  # noqa: RUF009 - frozen
    variables: dict[str, str | None] = field(default_factory=dict)


ANYWHERE: tuple[Cause, ...] = ("randomness.unseeded", "randomness.hash-order")
"""What a module or a library may do without its showing in the notebook's code."""

SAID: dict[str, str] = {
    "randomness.unseeded": "random generators",
    "randomness.hash-order": "Python's hash seed",
    "randomness.filesystem-order": "the order of folders",
    "randomness.threads": "parallel workers",
    "time": "the clock",
}

_REMEDY: dict[str, str] = {
    "randomness.unseeded": "give the generator or the estimator a seed (random_state=0, default_rng(0)), or run with --seed",
    "randomness.hash-order": "sort the set before its order matters (sorted(...)), or set PYTHONHASHSEED",
}


def held_source(cause: Cause, manifest: Manifest) -> Source:
    """How a source of chance is held still; the clock at the moment of the record."""
    match cause:
        case "randomness.hash-order":
            return Source(cause, variables={"PYTHONHASHSEED": "0"})
        case "randomness.filesystem-order":
            return Source(cause, Held(listing="sorted"))
        case "randomness.threads":
            return Source(cause, Held(in_turn=True), Held(in_turn=True).variables())
        case "time":
            return Source(cause, Held(clock=_moment(manifest)))
        case _:
            return Source(cause, Held(seed=0))


def together(sources: Sequence[Source]) -> Source:
    """Several sources held at once."""
    held, variables = Held(), dict[str, str | None]()
    for source in sources:
        given = {
            name: value
            for name, value in msgspec.structs.asdict(source.held).items()
            if value is not None and value is not False
        }
        held = msgspec.structs.replace(held, **given)
        variables |= source.variables
    return Source(sources[0].cause, held, variables)


def in_words(source: Source) -> str:
    """What is held, for the plan and the progress of a run."""
    held = {
        "randomness.unseeded": source.held.seed is not None,
        "randomness.hash-order": "PYTHONHASHSEED" in source.variables,
        "randomness.filesystem-order": source.held.listing is not None,
        "randomness.threads": source.held.in_turn,
        "time": source.held.clock is not None,
    }
    return " and ".join(SAID[cause] for cause, is_held in held.items() if is_held)


Agree = Callable[[Source], bool | None]
"""Makes two runs with a source held: True where they give the same, None where no more runs are allowed."""


def sources_shown(
    suspected: Sequence[Finding], elsewhere: Sequence[Finding], manifest: Manifest, agree: Agree
) -> tuple[list[Finding], list[Finding]]:
    """Which were held, and which have to be held for two runs to agree: one, or else several together; what the code shows
    comes first, then what may be ``elsewhere``."""
    sources: dict[Cause, Source] = {}
    tried: list[Finding] = []
    for few in (suspected, elsewhere):
        for finding in few:
            source = held_source(finding.cause, manifest)
            agreed = agree(source)
            if agreed is None:
                return tried, []
            tried.append(finding)
            if agreed:
                return tried, [finding]
            sources[finding.cause] = source
        needed = _together_needed(sources, agree) if len(sources) > 1 and few else ()
        if needed:
            return tried, [finding for finding in tried if finding.cause in needed]
    return tried, []


def _together_needed(sources: dict[Cause, Source], agree: Agree) -> dict[Cause, Source]:
    """Those without which two runs disagree again; none where holding all is not enough, or it cannot be told."""
    if not agree(together(list(sources.values()))):
        return {}
    needed = dict(sources)
    for cause in list(sources) if len(sources) > 2 else ():  # of two, neither was enough alone
        rest = [source for name, source in needed.items() if name != cause]
        without = agree(together(rest)) if len(rest) > 1 else False
        if without is None:
            return {}
        if without:
            del needed[cause]
    return needed


OPPOSITE = {
    "randomness.hash-order": Source("randomness.hash-order", variables={"PYTHONHASHSEED": "7"}),
    "randomness.filesystem-order": Source("randomness.filesystem-order", Held(listing="reversed")),
    "randomness.unseeded": Source("randomness.unseeded", Held(seed=7)),
}
"""The same sources held otherwise: a result that depends on one changes with it."""


def unplaced(finding: Finding, cause: Cause) -> Finding:
    """A source of chance that no line of the notebook's own code tells of: a module or a library may be it."""
    place = f" in {cell_name(finding.cell)}" if finding.cell is not None else ""
    return msgspec.structs.replace(
        finding,
        cause=cause,
        subject=finding.variable
        or (cell_name(finding.cell) if finding.cell is not None else finding.subject),
        message=f"Two unchanged runs disagree, first{place}, and agree with {SAID[cause]} held still.",
        remedy=_REMEDY[cause],
    )


def from_outside(finding: Finding, tried: Sequence[Cause]) -> Finding:
    """What two runs disagree about with everything held still that a notebook can have chance from."""
    place = f" in {cell_name(finding.cell)}" if finding.cell is not None else ""
    held = " and ".join(SAID[cause] for cause in tried)
    return msgspec.structs.replace(
        finding,
        cause="unknown",
        message=f"Two unchanged runs disagree, first{place}, also with {held} held still: something comes from outside.",
        remedy="look for what is another in each run: a process id, a port, a temporary name, a service, a device",
        confirmed=False,
    )


def _moment(manifest: Manifest) -> float:
    return datetime.fromisoformat(manifest.created_at.replace("Z", "+00:00")).timestamp()
