"""The verbs that watch a model at work and make a new one of it: ``monitor``, ``retrain``."""

from __future__ import annotations

import click

from jupyter_mlgov.verbs.calling import Answer, Caller, json_option


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


@click.command()
@click.argument("name", metavar="MODEL:STAGE")
@click.option(
    "--data", metavar="FILE", help="New rows from a table file [default: logged predictions with an outcome]."
)
@click.option(
    "--add/--replace",
    "add",
    default=None,
    help="Add the new rows to the recorded data, or put them in its place [default: add, see [retrain] data].",
)
@click.option(
    "--input", "uri", metavar="URI", help="The input to put them into [default: the one that fits]."
)
@click.option("--since", metavar="TIME", help="Only predictions from this time on: 2026-11-26, or 7d ago.")
@click.option("--no-release", is_flag=True, help="Release nothing, whatever [retrain] release says.")
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="TYPE",
    help="Load this type from kept models, too (repeatable).",
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Stop a cell that takes longer [default: 20 times as long as recorded, at least 600].",
)  # fmt: skip
@click.option(
    "--memory",
    metavar="SIZE",
    help="Stop a run that takes more, for instance 8G [default: 85% of the machine's].",
)
@json_option
@click.pass_obj
def retrain(
    caller: Caller,
    name: str,
    data: str | None,
    add: bool | None,
    uri: str | None,
    since: str | None,
    no_release: bool,
    trusted: tuple[str, ...],
    timeout: float | None,
    memory: str | None,
    as_json: bool,
) -> None:
    """Run a release's notebook again on new data: assess, compare with the release, gate, release where [retrain] says so.

    Code, other inputs and environment are the recorded ones. The result is a snapshot like any other.

    Exit status: 0 released, or ready to be; 1 no better than the release, or the gate is closed; 2 data that do not do;
    3 blocked.
    """
    from jupyter_mlgov.records.retraining import GOOD
    from jupyter_mlgov.rerun.limits import Limits, parse_size

    made = caller.project().retrain(
        name,
        data=caller.folder / data if data else None,
        replace=None if add is None else not add,
        uri=uri,
        since=since,
        may_release=not no_release,
        trusted=trusted,
        limits=Limits(timeout, parse_size(memory) if memory is not None else None),
        progress=caller.progress,
    )
    caller.answer = Answer("retrain", made, 0 if made.outcome in GOOD else 1, as_json)


MONITORING: tuple[click.Command, ...] = (monitor, retrain)
