"""The verbs that watch a model at work: ``monitor``."""

from __future__ import annotations

import click

from jupyter_mlgov.calling import Answer, Caller, json_option


@click.command()
@click.argument("name", metavar="MODEL:STAGE")
@click.option(
    "--since", metavar="TIME", help="From this time: 2026-11-26, 2026-11-26T09:30 (UTC), or 24h, 7d ago."
)
@click.option("--junit", metavar="FILE", help="Write what was found as JUnit XML.")
@click.option("--prometheus", metavar="FILE", help="Write it in Prometheus' text format.")
@click.option("-o", "--output", metavar="FILE.html", help="Write the report: one self-contained HTML file.")
@json_option
@click.pass_obj
def monitor(
    caller: Caller,
    name: str,
    since: str | None,
    junit: str | None,
    prometheus: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Look for drift in what a released model predicted, and decide: nothing, watch, retrain, roll back.

    Exit status: 0 nothing to do; 1 anything else (or from [monitor] fail_on on).
    """
    project = caller.project()
    found = project.monitor(
        name,
        since=since,
        junit=caller.folder / junit if junit else None,
        prometheus=caller.folder / prometheus if prometheus else None,
        output=caller.folder / output if output else None,
    )
    caller.answer = Answer("monitor", found, 1 if project.alarms(found) else 0, as_json)


MONITORING: tuple[click.Command, ...] = (monitor,)
