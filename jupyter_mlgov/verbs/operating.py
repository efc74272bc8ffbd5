"""The verbs of a model at work: ``release``, ``releases``, the scoring service and its log."""

from __future__ import annotations

from typing import Any

import click

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.verbs.calling import Answer, Caller, json_option, ref_argument


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
@click.option(
    "--by", metavar="NAME", default="", help="Who does it [default: git's user.name, else the login name]."
)
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


@click.command()
@click.argument("name", metavar="MODEL:STAGE", required=False)
@click.option(
    "--package", "folder", metavar="DIR", help="Serve the folder that mlgov package wrote, without a project."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="HOST", help="The address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="0: a free one.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Processes."
)
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model's file may hold (repeatable)."
)
@click.option("--keys", metavar="FILE", help="API keys, one a line [default: those in MLGOV_API_KEYS].")
@click.option("--open", "open_to_all", is_flag=True, help="Serve other machines without API keys.")
@click.pass_obj
def serve(
    caller: Caller,
    name: str | None,
    folder: str | None,
    host: str,
    port: int,
    workers: int,
    trust: tuple[str, ...],
    keys: str | None,
    open_to_all: bool,
) -> None:
    """Answer requests with what is released on a stage, and log every answer; goes on until it is stopped.

    Open Inference Protocol v2 under /v2, plain JSON at /predict, measures for Prometheus at /metrics.
    """
    if (name is None) == (folder is None):
        raise UsageError("serve: name MODEL:STAGE, or a packaged folder with --package DIR")
    how: dict[str, Any] = {
        "host": host,
        "port": port,
        "workers": workers,
        "trust": trust,
        "open_to_all": open_to_all,
    }
    how |= {"keys": caller.folder / keys if keys else None, "told": lambda line: click.echo(line, err=True)}
    if folder is not None:
        from jupyter_mlgov.operate.serving import serve as serve_folder

        place = (caller.folder / folder).absolute()
        serve_folder(place, place, None, **how)
    elif name is not None:
        caller.project().serve(name, **how)


@click.command()
@click.argument("name", metavar="MODEL:STAGE")
@click.option("-o", "--output", required=True, metavar="DIR", help="A new folder.")
@click.option(
    "--image", metavar="IMAGE", help="What the container image will be called [default: MODEL:VERSION]."
)
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model's file may hold (repeatable)."
)
@json_option
@click.pass_obj
def package(
    caller: Caller, name: str, output: str, image: str | None, trust: tuple[str, ...], as_json: bool
) -> None:
    """Write a folder to deploy a release: model, lock file, Dockerfile, Kubernetes and KServe manifests."""
    path = caller.project().package(name, caller.folder / output, image=image, trust=trust)
    caller.answer = Answer("report", {"path": str(path)}, json=as_json)


@click.command()
@click.argument("name", metavar="[MODEL:STAGE]", required=False)
@click.option(
    "--since", metavar="TIME", help="From this time: 2026-11-26, 2026-11-26T09:30 (UTC), or 24h, 7d ago."
)
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option("-o", "--output", metavar="FILE", help="Write them to a Parquet or CSV file.")
@json_option
@click.pass_obj
def predictions(
    caller: Caller, name: str | None, since: str | None, until: str | None, output: str | None, as_json: bool
) -> None:
    """Show what was predicted, with the outcomes that are known; without MODEL:STAGE, how much was logged where."""
    project = caller.project()
    if name is None:
        if since or until or output:
            raise UsageError("predictions: --since, --until and -o are for one log: name MODEL:STAGE")
        caller.answer = Answer("prediction logs", project.prediction_logs(), json=as_json)
        return
    from jupyter_mlgov.operate import predictions as log

    table = project.predictions(name, since=since, until=until)
    for problem in log.problems(table):
        click.echo(f"mlgov: {problem}", err=True)
    if output is not None:
        path = project.write_predictions(table, caller.folder / output)
        caller.answer = Answer("report", {"path": str(path), "rows": table.num_rows}, json=as_json)
        return
    caller.answer = Answer("predictions", log.records(table), json=as_json)


@click.group()
def outcomes() -> None:
    """What really happened to what was predicted."""


@outcomes.command("add")
@click.argument("file", metavar="FILE")
@json_option
@click.pass_obj
def outcomes_add(caller: Caller, file: str, as_json: bool) -> None:
    """Add outcomes from a CSV or Parquet file: columns request_id, outcome and, for requests of several rows, row."""
    caller.answer = Answer("outcomes", caller.project().add_outcomes(caller.folder / file), json=as_json)


OPERATING: tuple[click.Command, ...] = (release, releases, serve, package, predictions, outcomes)
