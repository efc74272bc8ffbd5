"""Verbs about snapshots: list, show and compare them, take them along, look after the store."""

from __future__ import annotations

import click

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.verbs.calling import STATUS, Answer, Caller, json_option, ref_argument


@click.command()
@click.option("--experiment", metavar="NAME", help="Only this experiment.")
@click.option("--notebook", metavar="PATH", help="Only this notebook.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N, the newest.")
@click.option("--all", "candidates", is_flag=True, help="List the candidates of reruns too.")
@json_option
@click.pass_obj
def log(
    caller: Caller,
    experiment: str | None,
    notebook: str | None,
    limit: int | None,
    candidates: bool,
    as_json: bool,
) -> None:
    """List snapshots, newest first."""
    project = caller.project()
    entries = project.listing(experiment=experiment, notebook=notebook, limit=limit, candidates=candidates)
    caller.answer = Answer("log", entries, json=as_json)


@click.command()
@click.argument("notebook", metavar="NOTEBOOK", required=False)
@click.option(
    "--experiment", metavar="NAME", default="", help="Its name [default: the notebook's own, or its file's]."
)
@click.option("-m", "--message", metavar="TEXT", default="", help="What is worth remembering.")
@json_option
@click.pass_obj
def snapshot(caller: Caller, notebook: str | None, experiment: str, message: str, as_json: bool) -> None:
    """Record a notebook as it is saved, without running a cell.

    Data, metrics and environment are known to a kernel only: %mlgov snapshot without NOTEBOOK, in the notebook
    itself, records what its kernel holds.
    """
    from jupyter_mlgov.project import Project

    if notebook is None:
        if caller.live is None:
            raise UsageError("snapshot: name a notebook: mlgov snapshot NOTEBOOK")
        made = caller.live(experiment, message)
        project = caller.project()
    else:
        path = (caller.folder / notebook).absolute()
        if not path.is_file():
            raise NotFound(f"notebook {notebook}: there is no such file")
        project = Project.open(path, create=True)
        made = project.snapshot(path, experiment=experiment, message=message)
    known = project.store.manifest(made)
    document = {
        "id": made,
        "experiment": known.experiment,
        "number": project.store.number(made),
        "warnings": known.warnings,
    }
    caller.answer = Answer("snapshot", document, json=as_json)


@click.command()
@ref_argument
@json_option
@click.pass_obj
def show(caller: Caller, ref: str, as_json: bool) -> None:
    """Show one snapshot, whole."""
    caller.answer = Answer("show", caller.project().show(ref), json=as_json)


@click.command()
@click.argument("one", metavar="REF")
@click.argument("other", metavar="REF")
@json_option
@click.pass_obj
def diff(caller: Caller, one: str, other: str, as_json: bool) -> None:
    """Say what differs between two snapshots, as findings; nothing is executed."""
    comparison = caller.project().diff(one, other)
    caller.answer = Answer("diff", comparison, STATUS[comparison.verdict], as_json)


@click.command()
@ref_argument
@click.option(
    "--as",
    "kind",
    metavar="KIND",
    help="A shape that other tools read: model-card, cyclonedx, in-toto, ro-crate, mlflow or json.",
)
@click.option(
    "-o", "--output", metavar="PATH", help="Where to write it [default: a name made from NAME-N here]."
)
@click.option("--key", "signing_key", metavar="KEY", help="Sign an in-toto statement with this key of yours.")
@json_option
@click.pass_obj
def export(
    caller: Caller, ref: str, kind: str | None, output: str | None, signing_key: str | None, as_json: bool
) -> None:
    """Write a bundle that another machine can rerun and check; with --as the record in a shape that other tools read."""
    project = caller.project()
    snapshot = project.resolve(ref)
    if kind is None:
        if signing_key is not None:
            raise UsageError(
                "export: --key signs an in-toto statement: give --as in-toto, or leave --key out"
            )
        place = caller.folder / (output or f"{project.reference(snapshot).replace('@', '-')}.mlgov")
        caller.answer = Answer("export", project.export(snapshot, place), json=as_json)
        return
    place = caller.folder / (output or project.export_name(snapshot, kind))
    path = project.export_as(snapshot, kind, place, key=signing_key, ask=caller.ask)
    caller.answer = Answer("export --as", {"id": snapshot, "kind": kind, "path": str(path)}, json=as_json)


@click.command("import")
@click.argument("file", metavar="FILE.mlgov")
@json_option
@click.pass_obj
def import_(caller: Caller, file: str, as_json: bool) -> None:
    """Take a bundle into this folder's project, made where there is none."""
    from jupyter_mlgov.project import Project

    imported = Project.import_bundle(caller.folder / file, caller.folder)
    caller.answer = Answer("import", imported, json=as_json)


@click.command()
@json_option
@click.pass_obj
def fsck(caller: Caller, as_json: bool) -> None:
    """Check every object, manifest and ledger link."""
    problems = caller.project().fsck()
    caller.answer = Answer("fsck", {"ok": not problems, "problems": problems}, 1 if problems else 0, as_json)


@click.command()
@json_option
@click.pass_obj
def reindex(caller: Caller, as_json: bool) -> None:
    """Rebuild the index from the objects and the ledger."""
    caller.answer = Answer("reindex", {"snapshots": caller.project().reindex()}, json=as_json)


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and drop nothing.")
@json_option
@click.pass_obj
def gc(caller: Caller, dry_run: bool, as_json: bool) -> None:
    """Drop what nothing names: what killed or given-up writers left, from a day on."""
    caller.answer = Answer("gc", caller.project().gc(dry_run=dry_run), json=as_json)


RECORD = (log, snapshot, show, diff, export, import_, fsck, reindex, gc)
