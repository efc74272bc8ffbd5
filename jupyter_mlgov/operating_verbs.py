"""The verbs of a model at work: ``release``, ``releases``, the scoring service and its log."""

from __future__ import annotations

import click

from jupyter_mlgov.calling import Answer, Caller, json_option, ref_argument
from jupyter_mlgov.errors import UsageError


@click.command()
@ref_argument
@click.option(
    "--as",
    "model",
    required=True,
    metavar="MODEL",
    help="The model's name: its versions are counted under it.",
)
@click.option(
    "--stage", required=True, metavar="STAGE", help="staging, production, or one of [operate] stages."
)
@click.option("--by", metavar="NAME", default="", help="Who does it [default: git's user.name].")
@click.option("-m", "--message", metavar="TEXT", default="", help="Why.")
@json_option
@click.pass_obj
def release(caller: Caller, ref: str, model: str, stage: str, by: str, message: str, as_json: bool) -> None:
    """Put a snapshot's model on a stage; refused with the reasons unless the gate is open.

    To go back, release an earlier version: mlgov release MODEL:STAGE@N --as MODEL --stage STAGE.
    """
    answer = caller.project().release(ref, model, stage, by=by, message=message)
    caller.answer = Answer("release", answer, 0 if answer.release else 1, as_json)


@click.command()
@click.argument("name", metavar="[MODEL[:STAGE]]", required=False)
@json_option
@click.pass_obj
def releases(caller: Caller, name: str | None, as_json: bool) -> None:
    """List releases, newest first."""
    model, _, stage = (name or "").partition(":")
    if name is not None and not model:
        raise UsageError(f"releases: {name!r} names no model: give MODEL or MODEL:STAGE")
    found = caller.project().releases(model or None, stage or None)
    caller.answer = Answer("releases", found, json=as_json)


OPERATING: tuple[click.Command, ...] = (release, releases)
