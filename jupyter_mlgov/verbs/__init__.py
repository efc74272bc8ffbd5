"""The verbs, declared once: what they take, which method of ``Project`` they call, and what the exit status is.

The command line and ``%mlgov`` read the same declarations and differ only in how they show an ``Answer``.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.verbs.calling import Answer, Caller
from jupyter_mlgov.verbs.governing import GOVERNING
from jupyter_mlgov.verbs.monitoring import MONITORING
from jupyter_mlgov.verbs.operating import OPERATING
from jupyter_mlgov.verbs.record import RECORD
from jupyter_mlgov.verbs.rerunning import RERUNNING

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.progress import Progress

__all__ = ["Answer", "Caller", "call", "json_text", "verbs"]


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


for _verb in (*RECORD, *RERUNNING, *GOVERNING, *OPERATING, *MONITORING):
    verbs.add_command(_verb)


def call(
    words: Sequence[str],
    *,
    folder: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    ask: Callable[[str], str] | None = None,
    live: Callable[[str, str], str] | None = None,
) -> Answer | str:
    """Calls the verb that ``words`` spell. Gives its answer, or the help text where that was asked for.

    Raises ``MlgovError``; every error of usage is a ``UsageError`` of one line.
    """
    caller = Caller(folder=folder or Path.cwd(), progress=progress, ask=ask, live=live)
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
    except click.exceptions.NoArgsIsHelpError as error:
        group = error.ctx.command if error.ctx is not None else None
        names = ", ".join(sorted(group.commands)) if isinstance(group, click.Group) else ""
        path = _where(error)
        raise UsageError(f"{path}: name what to do: {names} ({path} --help says more)") from error
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
