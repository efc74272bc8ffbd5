"""The verbs, declared once: what they take, which method of ``Project`` they call, and what the exit status is.

The command line and ``%mlgov`` read the same declarations and differ only in how they show an ``Answer``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlgov.calling import Answer, Caller, json_option, ref_argument
from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.monitoring_verbs import MONITORING
from jupyter_mlgov.operating_verbs import OPERATING

if TYPE_CHECKING:
    from jupyter_mlgov.report.check import ReportCheck
    from jupyter_mlgov.rerun.limits import Limits
    from jupyter_mlgov.rerun.progress import Progress

__all__ = ["Answer", "Caller", "call", "json_text", "parameter_value", "verbs"]

STATUS = {"reproduced": 0, "equivalent": 0, "diverged": 1, "failed": 1, "blocked": 3}


_timeout = click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Stop a cell that takes longer [default: 20 times as long as recorded, at least 600].",
)  # fmt: skip
_memory = click.option(
    "--memory",
    metavar="SIZE",
    help="Stop a run that takes more, for instance 8G [default: 85% of the machine's].",
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
    invoke_without_command=False,
)
def verbs() -> None:
    """ML governance and MLOps from the notebook.

    REF is NAME (its newest snapshot), NAME@N, an id prefix of 6 or more hex digits, a notebook's path (its newest
    snapshot), or MODEL:STAGE (what is released there).

    Exit status: 0 yes / ok; 1 the answer is no (diverged, failed, gate closed, fsck found something);
    2 wrong usage or bad input; 3 blocked.
    """


@verbs.command()
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
    entries = project.log(experiment=experiment, notebook=notebook, limit=limit, candidates=candidates)
    caller.answer = Answer("log", entries, json=as_json)


@verbs.command()
@ref_argument
@json_option
@click.pass_obj
def show(caller: Caller, ref: str, as_json: bool) -> None:
    """Show one snapshot, whole."""
    caller.answer = Answer("show", caller.project().show(ref), json=as_json)


@verbs.command()
@click.argument("one", metavar="REF")
@click.argument("other", metavar="REF")
@json_option
@click.pass_obj
def diff(caller: Caller, one: str, other: str, as_json: bool) -> None:
    """Say what differs between two snapshots, as findings; nothing is executed."""
    comparison = caller.project().diff(one, other)
    caller.answer = Answer("diff", comparison, STATUS[comparison.verdict], as_json)


@verbs.command()
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


@verbs.command()
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


@verbs.command()
@ref_argument
@click.option("--junit", metavar="FILE", help="Write the rules as JUnit XML.")
@click.option("--markdown", metavar="FILE", help="Write the rules as Markdown, for a CI job's summary.")
@json_option
@click.pass_obj
def gate(caller: Caller, ref: str, junit: str | None, markdown: str | None, as_json: bool) -> None:
    """Say whether a snapshot may be used, with the reason of each rule.

    The rules are those of [gate] in mlgov.toml, or the default ones.
    """
    decision = caller.project().gate(
        ref,
        junit=caller.folder / junit if junit else None,
        markdown=caller.folder / markdown if markdown else None,
    )
    caller.answer = Answer("gate", decision, 0 if decision.open else 1, as_json)


@verbs.command()
@ref_argument
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="TYPE",
    help="Load this type (module.Class) from the kept model, too (repeatable).",
)
@click.option("--force", is_flag=True, help="Compute everything anew, also what is known already.")
@click.option("--junit", metavar="FILE", help="Write the tests as JUnit XML.")
@json_option
@click.pass_obj
def assess(
    caller: Caller, ref: str, trusted: tuple[str, ...], force: bool, junit: str | None, as_json: bool
) -> None:
    """Test and explain a snapshot's model on the rows that were kept with it.

    Which tests, and how strictly, [assess] in mlgov.toml says. The kept model is loaded, from trusted types only.
    """
    made = caller.project().assess(
        ref,
        trusted=trusted,
        force=force,
        junit=caller.folder / junit if junit else None,
        progress=caller.progress,
    )
    caller.answer = Answer("assess", made, 1 if made.counts()["fail"] else 0, as_json)


@verbs.command()
@ref_argument
@click.option("--as", "name", required=True, metavar="NAME", help="Who decides.")
@click.option("--role", required=True, metavar="ROLE", help="As what: validator, model owner, ...")
@click.option("--reject", is_flag=True, help="Reject it: that closes the gate.")
@click.option("--revoke", is_flag=True, help="Take back what the same key decided in this role.")
@click.option("-m", "--message", required=True, metavar="TEXT", help="Why, and under which conditions.")
@click.option("--accept", "accepts", multiple=True, metavar="RISK", help="Accept this risk (repeatable).")
@click.option("--key", metavar="KEY", help="Sign with this key of yours [default: default].")
@json_option
@click.pass_obj
def approve(
    caller: Caller,
    ref: str,
    name: str,
    role: str,
    reject: bool,
    revoke: bool,
    message: str,
    accepts: tuple[str, ...],
    key: str | None,
    as_json: bool,
) -> None:
    """Sign a decision about a snapshot and put it on the ledger.

    It holds for exactly this snapshot and its charter and risks as they stand.
    """
    if reject + revoke + bool(accepts) > 1:
        raise UsageError("approve: give one of --reject, --revoke and --accept")
    made = caller.project().approve(
        ref,
        name=name,
        role=role,
        decision="rejected" if reject else "revoked" if revoke else "approved",
        message=message,
        accepts=accepts,
        key=key,
        ask=caller.ask,
    )
    caller.answer = Answer("approve", made, json=as_json)


@verbs.group()
def key() -> None:
    """Your keys for signing approvals.

    They are kept in your own configuration folder, never in a project.
    """


@key.command("new")
@click.argument("name", default="default", metavar="[NAME]")
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase (MLGOV_PASSPHRASE gives it, too).")
@click.option("--keyring", is_flag=True, help="Protect it by a passphrase that the OS keyring keeps.")
@json_option
@click.pass_obj
def key_new(caller: Caller, name: str, passphrase: bool, keyring: bool, as_json: bool) -> None:
    """Make a key; its public part is what others check your approvals with."""
    from jupyter_mlgov.governance import keys

    if passphrase and keyring:
        raise UsageError("key new: give one of --passphrase and --keyring")
    made = keys.new(name, passphrase=_new_passphrase(caller) if passphrase else None, keyring=keyring)
    caller.answer = Answer("key", [made], json=as_json)


def _new_passphrase(caller: Caller) -> str:
    import os

    given = os.environ.get("MLGOV_PASSPHRASE")
    if given is None and caller.ask is None:
        raise UsageError("key new: a passphrase cannot be asked for here: set MLGOV_PASSPHRASE")
    if given is None and caller.ask is not None:
        given = caller.ask("Passphrase: ")
        if given != caller.ask("Once more: "):
            raise UsageError("key new: the two passphrases differ: try again")
    if not given:
        raise UsageError("key new: an empty passphrase protects nothing: leave --passphrase out, or give one")
    return given


@key.command("list")
@json_option
@click.pass_obj
def key_list(caller: Caller, as_json: bool) -> None:
    """List your keys with their public part."""
    from jupyter_mlgov.governance import keys

    caller.answer = Answer("key", keys.listed(), json=as_json)


@verbs.command()
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    help="Where to write it [default: NAME-N.html, or inventory.html, here].",
)
@click.option(
    "--all", "everything", is_flag=True, help="The inventory: every model of the project on one page."
)
@click.option(
    "--check",
    metavar="FILE",
    help="Say whether this report or inventory is what was issued and still holds.",
)
@click.option(
    "--key",
    "signing_key",
    metavar="KEY",
    help="Sign with this key of yours; with --check, the public key that it has to be signed by.",
)
@json_option
@click.pass_obj
def report(
    caller: Caller,
    refs: tuple[str, ...],
    output: str | None,
    everything: bool,
    check: str | None,
    signing_key: str | None,
    as_json: bool,
) -> None:
    """Write the governance report: one self-contained HTML file.

    With several REFs, or --all, it is the inventory: which models there are and how each stands. With --check,
    any of them is checked, anywhere: the project need not be there.
    """
    if check is not None:
        if refs or everything or output is not None:
            raise UsageError("report: --check takes the file to check, and neither a REF nor -o")
        found = _check_report(caller, check, signing_key)
        caller.answer = Answer("report --check", found, 0 if found.ok else 1, as_json)
        return
    if bool(refs) == everything:
        raise UsageError("report: name the snapshots to report on, or give --all, or --check FILE")
    project = caller.project()
    if everything or len(refs) > 1:
        path = project.inventory(
            refs, caller.folder / (output or "inventory.html"), key=signing_key, ask=caller.ask
        )
        caller.answer = Answer("report", {"id": None, "path": str(path)}, json=as_json)
        return
    snapshot = project.resolve(refs[0])
    if output is None:
        manifest = project.store.manifest(snapshot)
        output = f"{manifest.experiment}-{project.store.number(snapshot) or snapshot[:12]}.html"
    path = project.report(snapshot, caller.folder / output, key=signing_key, ask=caller.ask)
    caller.answer = Answer("report", {"id": snapshot, "path": str(path)}, json=as_json)


def _check_report(caller: Caller, file: str, public: str | None) -> ReportCheck:
    from jupyter_mlgov.errors import NotFound
    from jupyter_mlgov.report.check import check_report

    try:
        store = caller.project().store
    except NotFound:
        store = None
    return check_report(caller.folder / file, key=public, store=store)


@verbs.command()
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


@verbs.command("import")
@click.argument("file", metavar="FILE.mlgov")
@json_option
@click.pass_obj
def import_(caller: Caller, file: str, as_json: bool) -> None:
    """Take a bundle into this folder's project, made where there is none."""
    from jupyter_mlgov.project import Project

    imported = Project.import_bundle(caller.folder / file, caller.folder)
    caller.answer = Answer("import", imported, json=as_json)


@verbs.command()
@json_option
@click.pass_obj
def fsck(caller: Caller, as_json: bool) -> None:
    """Check every object, manifest and ledger link."""
    problems = caller.project().fsck()
    caller.answer = Answer("fsck", {"ok": not problems, "problems": problems}, 1 if problems else 0, as_json)


@verbs.command()
@json_option
@click.pass_obj
def reindex(caller: Caller, as_json: bool) -> None:
    """Rebuild the index from the objects and the ledger."""
    caller.answer = Answer("reindex", {"snapshots": caller.project().reindex()}, json=as_json)


@verbs.command()
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and drop nothing.")
@json_option
@click.pass_obj
def gc(caller: Caller, dry_run: bool, as_json: bool) -> None:
    """Drop what nothing names: what killed or given-up writers left, from a day on."""
    caller.answer = Answer("gc", caller.project().gc(dry_run=dry_run), json=as_json)


for _verb in (*OPERATING, *MONITORING):
    verbs.add_command(_verb)


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


def call(
    words: Sequence[str],
    *,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    ask: Callable[[str], str] | None = None,
) -> Answer | str:
    """Calls the verb that ``words`` spell. Gives its answer, or the help text where that was asked for.

    Raises ``MlgovError``; every error of usage is a ``UsageError`` of one line.
    """
    caller = Caller(folder=folder or Path.cwd(), progress=progress, ask=ask)
    if not words:
        with click.Context(verbs, info_name="mlgov") as context:
            return verbs.get_help(context)
    printed = io.StringIO()
    try:
        # Only the help text is printed by click itself.
        asks = {"-h", "--help"} & set(words)
        with contextlib.redirect_stdout(printed) if asks else contextlib.nullcontext():
            verbs.main(args=list(words), prog_name="mlgov", standalone_mode=False, obj=caller)
    except click.exceptions.NoSuchOption as error:
        near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        raise UsageError(f"{_where(error)}: no option {error.option_name}{near}") from error
    except click.UsageError as error:
        raise UsageError(f"{_where(error)}: {error.format_message()}") from error
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise MlgovError("stopped") from error
    except click.ClickException as error:
        raise UsageError(error.format_message()) from error
    return caller.answer if caller.answer is not None else printed.getvalue()


def _where(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx is not None else "mlgov"


def json_text(value: Any) -> str:
    """A record as the JSON document that scripts read."""
    import msgspec

    from jupyter_mlgov.records.canonical import plain

    return json.dumps(plain(msgspec.to_builtins(value, str_keys=True)), ensure_ascii=False, indent=1)
