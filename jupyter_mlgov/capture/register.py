"""Charter and risks that the session has declared, and which experiment each belongs to.

A risk belongs to the experiment that it names, or else to the one run last in the session, or next if there
is none yet. Its check is evidence about one snapshot only: after a further run of the experiment it counts
again only when everything that it reads was made by that run.
"""

from __future__ import annotations

import types
from typing import Any

import msgspec
from msgspec import Struct, field

from jupyter_mlgov.capture.options import Rules
from jupyter_mlgov.records.annotations import Charter, Check, Risk

STALE = "not evaluated for this run: execute the %%risk cell again"


class Register(Struct):
    """The annotations of one kernel session."""

    rules: Rules
    charter: Charter | None = None
    risks: dict[str, Risk] = field(default_factory=dict)
    belongs: dict[str, str] = field(default_factory=dict)
    """Risk id -> the experiment that it was bound to."""

    def declare(self, risk: Risk, last_experiment: str | None) -> str | None:
        """Takes a risk in. Gives the experiment that it belongs to, None while there is none yet."""
        experiment = risk.experiment or last_experiment
        self.risks[risk.id] = risk
        if experiment is not None:
            self.belongs[risk.id] = experiment
        else:
            self.belongs.pop(risk.id, None)
        return experiment

    def of(self, experiment: str, namespace: dict[str, Any], made_here: set[str]) -> list[Risk]:
        """The risks of a run of ``experiment`` that has just ended, checks evaluated where that is honest."""
        found: list[Risk] = []
        for risk in self.risks.values():
            owner = risk.experiment or self.belongs.get(risk.id)
            if owner not in (None, experiment):
                continue
            first = risk.id not in self.belongs
            self.belongs[risk.id] = experiment
            if risk.check is None:
                found.append(risk)
            elif first or self._made_by(risk, namespace, made_here):
                found.append(self.rules.evaluate(risk, namespace, self.charter))
            else:
                found.append(msgspec.structs.replace(risk, check=_stale(risk.check)))
        return found

    def _made_by(self, risk: Risk, namespace: dict[str, Any], made_here: set[str]) -> bool:
        data = {
            name
            for name in self.rules.check_reads(risk, namespace, self.charter)
            if not issubclass(
                type(namespace.get(name)),
                types.ModuleType | types.FunctionType | types.BuiltinFunctionType | type,
            )
        }
        return data <= made_here


def _stale(check: Check) -> Check:
    """The check as it was declared, without an answer."""
    parts = tuple(Check(expression=part.expression, error=STALE) for part in check.parts)
    return Check(expression=check.expression, error=STALE, parts=parts)
