"""The command line's door: ``mlgov VERB``. It parses, calls the project, prints, and sets the exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> None:
    """The entry point: always ends with ``SystemExit``."""
    from jupyter_mlgov.cli.command import run

    sys.exit(run(list(sys.argv[1:] if words is None else words)))
