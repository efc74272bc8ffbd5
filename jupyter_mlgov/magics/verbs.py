"""``%mlgov VERB``: the same verbs as the command line, shown as cards and tables in the notebook."""

from __future__ import annotations

import html
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.capture import audit
from jupyter_mlgov.capture.session import Session
from jupyter_mlgov.errors import Blocked, MlgovError
from jupyter_mlgov.rerun.ending import Interrupted, Watch
from jupyter_mlgov.verbs import Answer, call, json_text

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.progress import Progress


def run(words: list[str], session: Session) -> None:
    """Calls a verb from a notebook and shows its answer. Raises ``MlgovError``."""
    folder = session.where()
    folder = folder if folder.is_dir() else folder.parent
    display_ = _LiveProgress()
    if words[:1] == ["snapshot"]:
        # What the kernel holds is looked at in the kernel's own thread.
        with audit.unseen():
            answer = call(words, folder=folder, live=lambda *wish: _snapshot(session, *wish))
    else:
        try:
            answer = _aside(words, folder, display_)
        finally:
            display_.close()
    if isinstance(answer, str):
        print(answer)
    elif answer.json:
        print(json_text(answer.value))
    else:
        _show(answer)


def _snapshot(session: Session, experiment: str, message: str) -> str:
    """The session recorded as it stands; without a name as the experiment that ran last, else as the notebook's file."""
    name = experiment or (session.recorded[-1][0] if session.recorded else session.where().stem)
    made, _ = session.snapshot(name, message)
    return made


_ending: threading.Thread | None = None
"""Of a verb that was interrupted, and had more to put away than anybody waited for."""
GRACE_S = 10.0


def _aside(words: list[str], folder: Path, progress: _LiveProgress) -> Answer | str:
    """In a thread of its own: the kernel's event loop runs here, and a rerun needs one too. Interrupting the cell ends
    what runs there."""
    global _ending
    if _ending is not None and _ending.is_alive():
        raise Blocked("what was interrupted before is still ending: try again in a moment")
    result: list[Answer | str] = []
    failure: list[BaseException] = []

    def work() -> None:
        with audit.unseen():
            try:
                result.append(call(words, folder=folder, progress=progress.note))
            except BaseException as error:  # noqa: BLE001 - raised again below, in the cell's own thread
                failure.append(error)
            finally:
                if progress.stopped:
                    Watch.reopen()

    with audit.unseen():
        thread = threading.Thread(target=work, name="mlgov-verb", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.1)
                progress.show()
        except KeyboardInterrupt:
            _ending = thread
            progress.stopped = True
            Watch.end_all()
            thread.join(GRACE_S)
            if not thread.is_alive():
                Watch.reopen()
            raise
    if failure:
        error = failure[0]
        if isinstance(error, MlgovError):
            raise error
        raise RuntimeError(f"mlgov {' '.join(words)} failed: {error}") from error
    return result[0]


class _LiveProgress:
    """One line that is updated in place; notes come from the working thread, the display from the cell's."""

    def __init__(self) -> None:
        self._latest: Progress | None = None
        self._shown: Progress | None = None
        self._handle: Any = None
        self.stopped = False

    def note(self, progress: Progress) -> None:
        if self.stopped:
            raise Interrupted
        self._latest = progress

    def show(self) -> None:
        latest = self._latest
        if latest is None or latest is self._shown:
            return
        self._shown = latest
        bar = (
            f'<progress value="{latest.cell}" max="{max(latest.cells, 1)}"></progress> '
            f"{html.escape(latest.stage)}: cell {latest.cell} of {latest.cells}, {latest.elapsed_s:.0f} s"
        )
        data = {"text/html": bar, "text/plain": f"{latest.stage}: cell {latest.cell} of {latest.cells}"}
        from IPython.display import display

        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/html": "", "text/plain": ""}, raw=True)


def _show(answer: Answer) -> None:
    from IPython.display import display

    from jupyter_mlgov.governance import cards
    from jupyter_mlgov.pages import page_html, page_text

    if answer.verb == "gate":
        page = cards.gate_card(answer.value)
    elif answer.verb == "show":
        page = cards.snapshot_card(answer.value)
    else:
        page = page_html(answer)
    display({"text/html": page, "text/plain": page_text(answer)}, raw=True)
