"""Writes ``docs/reference/cli.md`` from the verbs' own declarations: ``python -m tests.docs.cli_reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from jupyter_mlgov.governance.annotations import fields_help
from jupyter_mlgov.magics.arguments import experiment_arguments
from jupyter_mlgov.verbs import verbs

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"

HEAD = """# Commands and magics

This page is generated from the declarations in the code (`python -m tests.docs.cli_reference`).

`%mlgov VERB ...` in a notebook takes the same words as `mlgov VERB ...` in a terminal.

A REF is `NAME` (the experiment's newest snapshot), `NAME@N` (its Nth), an id prefix of 6 or more hex digits, a
notebook's path (its newest snapshot), or `MODEL:STAGE` (what is released there; `MODEL:STAGE@N`: its version N, which was
there once).

| exit status | meaning |
|---|---|
| 0 | yes, or done |
| 1 | the answer is no: diverged, failed, gate closed, fsck found something |
| 2 | wrong usage or bad input; one line on stderr says what and what to do |
| 3 | blocked: it could not be run, because an input or the environment is missing |

With `--json` a verb prints one JSON document on stdout and nothing else there; progress and warnings go to stderr.
"""


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Every verb with its name; those of a group by themselves too."""
    for name, command in sorted(verbs.commands.items()):
        yield name, command
        if isinstance(command, click.Group):
            for inner, one in sorted(command.commands.items()):
                yield f"{name} {inner}", one


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, command in _commands():
        # As below ``mlgov``: a command remembers the help option that it had first.
        settings: Any = verbs.context_settings
        with click.Context(command, info_name=f"mlgov {name}", **settings) as context:
            text = command.get_help(context).replace("\b\n", "").rstrip()
        parts.append(f"## mlgov {name}\n\n```text\n{text}\n```\n")
    parts.append(
        f"## %%experiment\n\n```text\n{(experiment_arguments.__doc__ or '').strip(': ').strip()}\n```\n"
    )
    for kind in ("charter", "risk"):
        parts.append(f"## %%{kind}\n\n```text\n{fields_help(kind).strip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
