"""The suite: section ``[assess]`` of ``mlgov.toml``, so that an organisation gives every notebook the same tests.

Its digest is part of every assessment: it says by which rules a model was tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from jupyter_mlgov.assess.catalogue import GROUPS, TESTS
from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.estimates import LEVEL
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.records.canonical import Scalar, canonical, digest

_WORD = re.compile(r"[^\W\d]\w*")
_QUOTED = re.compile(r"`([^`]+)`")


class Suite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is tested, and how strictly."""

    with_experiment: Literal["no", "beside", "wait"] = "no"
    """Whether a snapshot is assessed when its ``%%experiment`` cell has run: ``beside``, in a process that nobody waits for,
    or ``wait``, before the cell ends. It changes no result, so it is not part of the digest."""
    tests: tuple[str, ...] = GROUPS
    """Groups of tests that are run."""
    sensitive: tuple[str, ...] = ()
    """Columns over which fairness is tested; the model need not be given them."""
    slices: tuple[str, ...] = ()
    """Conditions on columns (``income < 40``) under which the model has to be as good as elsewhere."""
    time: str | None = None
    """The column that says when a row came to be."""
    positive: Scalar = None
    """The label that counts as positive. Without it: the charter's, else the second of the model's two."""
    limits: dict[str, float] = {}
    """Thresholds in place of the default ones, by the test's name."""
    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = 0.05
    """The share of false alarms that each family of tests may give."""
    min_cases: Annotated[int, Meta(ge=1)] = 30
    """Cases below which a value alone tells nothing."""
    seed: int = 0
    resamples: Annotated[int, Meta(ge=50, le=10_000)] = 300
    """Of each bootstrap."""
    refits: Annotated[int, Meta(ge=0, le=100)] = 5
    """How often the model is fitted anew for stability; 0: never."""
    refit_budget_s: Annotated[float, Meta(ge=0)] = 60.0
    """Seconds that these fits may take together."""
    explained_rows: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """Rows that are explained."""
    background_rows: Annotated[int, Meta(ge=1, le=10_000)] = 50
    """Rows that explanations are relative to."""
    explain_budget: Annotated[int, Meta(ge=1)] = 500_000
    """Rows that the model may be asked about for explanations: fewer rows are explained where it would take more."""

    @property
    def digest(self) -> str:
        """``blake3:<hex>`` of the settings, defaults included."""
        return digest(canonical(structs.replace(self, with_experiment="no")))

    @property
    def level(self) -> float:
        """Of the intervals."""
        return LEVEL

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that may be needed beside the features."""
        named = [*self.sensitive, *([self.time] if self.time else [])]
        for text in self.slices:
            named += _QUOTED.findall(text) + _WORD.findall(text)
        return tuple(dict.fromkeys(named))

    def limit(self, test: str) -> float | None:
        """The threshold of ``test``."""
        return self.limits.get(test, TESTS[test].threshold)


def read_suite(root: Path) -> Suite:
    """The suite of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    suite = section(root, "assess", Suite)
    where = f"{root / NAME}: [assess]"
    _known(where, "tests", suite.tests, GROUPS)
    _known(where, "limits", suite.limits, TESTS)
    return suite


def _known(where: str, setting: str, given: Iterable[str], known: Iterable[Any]) -> None:
    names = [str(name) for name in known]
    for name in given:
        if name not in names:
            raise UsageError(f"{where}: {setting}: there is no {name!r}{did_you_mean(name, names)}")
