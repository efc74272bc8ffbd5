"""Verbs about judging: the gate, tests of a model, approvals and keys, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.verbs.calling import Answer, Caller, json_option, ref_argument

if TYPE_CHECKING:
    from jupyter_mlgov.report.check import ReportCheck


@click.command()
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


@click.command()
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
    counts = made.counts()
    caller.answer = Answer("assess", made, 1 if counts["fail"] or counts["error"] else 0, as_json)


@click.command()
@ref_argument
@click.option("--as", "name", required=True, metavar="NAME", help="Who decides.")
@click.option("--role", required=True, metavar="ROLE", help="As what: validator, model owner, ...")
@click.option("--reject", is_flag=True, help="Reject it: that closes the gate.")
@click.option("--revoke", is_flag=True, help="Take back what the same key decided in this role.")
@click.option("-m", "--message", required=True, metavar="TEXT", help="Why, and under which conditions.")
@click.option("--accept", "accepts", multiple=True, metavar="RISK", help="Accept this risk (repeatable).")
@click.option(
    "--key", metavar="KEY", help="Sign with this key of yours [default: default, made where there is none]."
)
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


@click.group()
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


@click.command()
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
    place = caller.folder / (output or project.file_name(snapshot, ".html"))
    path = project.report(snapshot, place, key=signing_key, ask=caller.ask)
    caller.answer = Answer("report", {"id": snapshot, "path": str(path)}, json=as_json)


def _check_report(caller: Caller, file: str, public: str | None) -> ReportCheck:
    from jupyter_mlgov.errors import NotFound
    from jupyter_mlgov.report.check import check_report

    try:
        store = caller.project().store
    except NotFound:
        store = None
    return check_report(caller.folder / file, key=public, store=store)


GOVERNING = (gate, assess, approve, key, report)
