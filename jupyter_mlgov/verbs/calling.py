"""What a verb is called with and what it answers, for the modules that declare verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project
    from jupyter_mlgov.rerun.progress import Progress


@dataclass(frozen=True)
class Answer:
    """What a verb found. ``value`` is the record that ``--json`` prints; ``status`` the exit status."""

    verb: str
    value: Any
    status: int = 0
    json: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    """What a door needs beside the record to show it to people."""


@dataclass
class Caller:
    """Where a verb is called from."""

    folder: Path
    progress: Callable[[Progress], None] | None = None
    ask: Callable[[str], str] | None = None
    """Asks for a passphrase; None where nobody can be asked."""
    live: Callable[[str, str], str] | None = None
    """Records the session that calls, as (experiment, message) -> id; None outside a kernel."""
    answer: Answer | None = None

    def project(self) -> Project:
        from jupyter_mlgov.project import Project

        return Project.open(self.folder)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
ref_argument = click.argument("ref", metavar="REF")
STATUS = {"reproduced": 0, "equivalent": 0, "diverged": 1, "failed": 1, "blocked": 3}
"""The exit status of each verdict."""
