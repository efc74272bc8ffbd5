"""The gate's policy: section ``[gate]`` of ``mlgov.toml``, with a default that holds without any file.

The policy's own digest is part of every answer, so a decision says by which rules it was made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance import fields
from jupyter_mlgov.governance.kpis import parse_kpi
from jupyter_mlgov.governance.signing import public_key
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.records.annotations import SEVERITIES, Kpi, Severity
from jupyter_mlgov.records.canonical import canonical, digest
from jupyter_mlgov.records.verdict import Verdict

Acceptance = Literal["written", "signed", "never"]


class Approver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody whose signature counts: ``key`` as ``mlgov key list`` shows it; no ``roles`` means any."""

    name: str
    key: str
    roles: tuple[str, ...] = ()


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gate asks for. The defaults are the rules without a file."""

    kpis: tuple[str, ...] = ()
    """Targets that every snapshot has to reach, beside those that its charter declares."""
    kpis_needed: bool = False
    """Whether a snapshot without any KPI is refused."""
    charter: tuple[str, ...] = ()
    """Fields that the charter has to have."""
    severities: tuple[Severity, ...] = ("high", "critical")
    """Which risks need a passing check, or an acceptance."""
    acceptance: Acceptance = "written"
    """What makes a risk accepted: the ``status`` in its cell, a signed approval that names it, or nothing."""
    risks_needed: bool = False
    """Whether a snapshot without any risk is refused."""
    rerun: bool = True
    """Whether a rerun is asked for."""
    verdicts: tuple[Verdict, ...] = ("reproduced", "equivalent")
    rerun_within_days: float | None = None
    """How old the newest rerun may be."""
    assess: tuple[str, ...] = ()
    """Tests that the newest assessment has to have passed: ``all``, a group of tests, or a test's name."""
    committed: bool = False
    """Whether the code has to be that of a commit."""
    roles: dict[str, int] = {}
    """How many people have to approve in each role."""
    author_may_approve: bool = False
    approvers: tuple[Approver, ...] = ()
    """Whose signatures count. Empty: every signature that holds."""

    @property
    def targets(self) -> tuple[Kpi, ...]:
        """``kpis``, parsed."""
        return tuple(parse_kpi(text) for text in self.kpis)

    @property
    def digest(self) -> str:
        """``blake3:<hex>`` of the rules, defaults included."""
        return digest(canonical(self))


def read_policy(root: Path) -> Policy:
    """The policy of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    policy = section(root, "gate", Policy)
    where = f"{root / NAME}: [gate]"
    try:
        _ = policy.targets
    except UsageError as error:
        raise UsageError(f"{where}: kpis: {error}") from None
    known = [field.name for field in fields.CHARTER]
    for name in policy.charter:
        if name not in known:
            raise UsageError(
                f"{where}: charter: {name!r} is not a field of %%charter{did_you_mean(name, known)}"
            )
    for role, number in policy.roles.items():
        if number < 1:
            raise UsageError(
                f"{where}: roles: {role!r} needs {number} people; write 1 or more, or leave it out"
            )
    for approver in policy.approvers:
        try:
            public_key(approver.key)
        except UsageError as error:
            raise UsageError(f"{where}: approvers: {approver.name}: {error}") from None
    if policy.rerun_within_days is not None and not policy.rerun_within_days > 0:
        raise UsageError(f"{where}: rerun_within_days is {policy.rerun_within_days}: write more than 0")
    return msgspec.structs.replace(
        policy, severities=tuple(word for word in SEVERITIES if word in policy.severities)
    )
