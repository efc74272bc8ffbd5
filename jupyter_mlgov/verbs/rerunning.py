"""Verbs that execute snapshots again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.verbs.calling import STATUS, Answer, Caller, json_option, ref_argument

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.limits import Limits

_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Stop a cell that takes longer [default: 20 times as long as recorded, at least 600].",
)  # fmt: skip
_memory = click.option(
    "--memory",
    metavar="SIZE",
    help="Stop a run that takes more, for instance 8G [default: 85% of the machine's].",
)


@click.command()
@ref_argument
@click.option(
    "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter (repeatable)."
)
@click.option("--as-recorded", is_flag=True, help="Use the recorded code, data and settings, not today's.")
@click.option("-o", "--output", metavar="OUT.ipynb", help="Keep the executed notebook.")
@_timeout
@_memory
@json_option
@click.pass_obj
def rerun(
    caller: Caller,
    ref: str,
    parameters: tuple[tuple[str, str], ...],
    as_recorded: bool,
    output: str | None,
    timeout: float | None,
    memory: str | None,
    as_json: bool,
) -> None:
    """Execute a snapshot's notebook again and give the verdict, with the cause of every difference."""
    comparison = caller.project().rerun(
        ref,
        parameters={name: parameter_value(value) for name, value in parameters} or None,
        as_recorded=as_recorded,
        output=caller.folder / output if output else None,
        limits=_limits(timeout, memory),
        progress=caller.progress,
    )
    caller.answer = Answer("rerun", comparison, STATUS[comparison.verdict], as_json)


@click.command()
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="The newest snapshot of each experiment.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Rerun N at a time."
)
@click.option("--dask", metavar="ADDRESS", help="Rerun on the Dask cluster with this scheduler.")
@click.option(
    "--force", is_flag=True, help="Execute also what is proven for the same code, data and environment."
)
@click.option("--as-recorded", is_flag=True, help="Use the recorded code, data and settings, not today's.")
@_timeout
@_memory
@click.option("--junit", metavar="FILE", help="Write the verdicts as JUnit XML.")
@click.option(
    "--summary", metavar="FILE", help="Add a Markdown summary to a file [in GitHub Actions: the job's]."
)
@click.option("--github", is_flag=True, help="Print annotations for GitHub [in GitHub Actions: always].")
@json_option
@click.pass_obj
def verify(
    caller: Caller,
    refs: tuple[str, ...],
    everything: bool,
    jobs: int,
    dask: str | None,
    force: bool,
    as_recorded: bool,
    timeout: float | None,
    memory: str | None,
    junit: str | None,
    summary: str | None,
    github: bool,
    as_json: bool,
) -> None:
    """Rerun many snapshots, for CI. One that is proven for the same factors is not executed again."""
    if bool(refs) == everything:
        raise UsageError(
            "verify: name the snapshots to verify, or give --all for the newest of each experiment"
        )
    from jupyter_mlgov.rerun.fleet import Orders
    from jupyter_mlgov.rerun.summaries import github_annotations

    github = github or os.environ.get("GITHUB_ACTIONS") == "true"
    if summary is None and github:
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
    named = caller.project().verify(
        refs,
        everything=everything,
        orders=Orders(jobs, dask, force, as_recorded, _limits(timeout, memory)),
        junit=caller.folder / junit if junit else None,
        summary=caller.folder / summary if summary else None,
        progress=caller.progress,
    )
    comparisons = [comparison for _, comparison in named]
    statuses = {STATUS[comparison.verdict] for comparison in comparisons}
    facts = {
        "names": [job.name for job, _ in named],
        "annotations": github_annotations(named) if github else [],
    }
    caller.answer = Answer("verify", comparisons, 1 if 1 in statuses else max(statuses), as_json, facts)


def _limits(timeout: float | None, memory: str | None) -> Limits:
    from jupyter_mlgov.rerun.limits import Limits, parse_size

    return Limits(timeout, parse_size(memory) if memory is not None else None)


def parameter_value(text: str) -> bool | int | float | str | None:
    """A value given with ``-p`` as YAML reads a scalar: ``0.1``, ``true``, ``null``; anything else is text."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if value is None:
        return None if text.strip() else text
    if isinstance(value, bool | int | float):
        return value
    try:
        return float(text)  # YAML 1.1 takes 1e-3 for text
    except ValueError:
        return text


RERUNNING = (rerun, verify)
