"""One call of the command line: one document or one page on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from jupyter_mlgov.cli.streams import read_or_not, say
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.rerun.ending import Terminated, ended_by_signals
from jupyter_mlgov.verbs import Answer, call, json_text

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.progress import Progress


def run(words: list[str]) -> int:
    """Executes one call and gives the exit status."""
    if words == ["--version"]:
        from importlib.metadata import version

        say(f"mlgov {version('jupyter-mlgov')}", sys.stdout)
        return 0
    machine = "--progress-json" in words
    words = [word for word in words if word != "--progress-json"]
    from jupyter_mlgov.cli.progress import ProgressLine

    line = ProgressLine()
    try:
        with ended_by_signals(), line:
            answer = call(words, progress=_progress_json if machine else line.update, ask=_asker())
        with read_or_not(sys.stdout):
            _print(answer)
        if isinstance(answer, Answer):
            for told in answer.facts.get("annotations", ()):
                say(told, sys.stderr if answer.json else sys.stdout)
    except MlgovError as error:
        say(f"mlgov: {error}", sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        say("mlgov: interrupted", sys.stderr)
        return 130
    except Terminated as error:
        say("mlgov: stopped; nothing that it had started goes on", sys.stderr)
        return 128 + error.number
    return answer.status if isinstance(answer, Answer) else 0


def _asker() -> Callable[[str], str] | None:
    """Asks on the terminal without showing what is typed; None where there is none."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from getpass import getpass

    return lambda prompt: getpass(prompt, stream=sys.stderr)


def _print(answer: Answer | str) -> None:
    if isinstance(answer, str):
        print(answer.rstrip())
    elif answer.json:
        sys.stdout.write(json_text(answer.value).encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    else:
        from jupyter_mlgov.pages import print_page

        print_page(answer)
    sys.stdout.flush()


def _progress_json(progress: Progress) -> None:
    say(json.dumps(asdict(progress)), sys.stderr)
