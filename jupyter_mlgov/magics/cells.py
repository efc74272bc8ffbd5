"""``%%experiment``, ``%%charter``, ``%%risk`` and ``%mlgov``."""

from __future__ import annotations

import shlex
from typing import Any

from IPython.core.error import UsageError as LineError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from jupyter_mlgov.capture.session import Session
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.governance.fields import fields_help
from jupyter_mlgov.magics.arguments import experiment_arguments, parse_experiment, parse_line


@magics_class
class MlgovMagics(Magics):
    """The magics of one kernel."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self.ipython = shell
        self.session = session

    @cell_magic
    def experiment(self, line: str, cell: str) -> None:
        # Well-formed experiment cells never come here: the transformer makes them ordinary cells. What
        # comes is a wrong line, or a call from other code.
        try:
            options = parse_experiment(line)
        except MlgovError as error:
            raise LineError(f"%%experiment: {error}") from None
        if not cell.strip():
            raise LineError(
                "%%experiment: the cell is empty: put the code that trains and evaluates below the line"
            )
        self.session.adopt(options, self.ipython.transform_cell(cell))
        self.ipython.run_cell(cell, store_history=False).raise_error()

    @cell_magic
    @magic_arguments("%%charter")
    def charter(self, line: str, cell: str) -> None:
        from jupyter_mlgov.governance.annotations import parse_charter

        try:
            parse_line(self.charter, line)
            charter = self.session.annotate(parse_charter(cell, first_line=2))
        except MlgovError as error:
            raise LineError(f"%%charter: {error}") from None
        from jupyter_mlgov.governance.cards import charter_card, charter_text

        _show(charter_card(charter), charter_text(charter))

    @cell_magic
    @magic_arguments("%%risk")
    @argument("id", help="the risk's name, for instance unequal-error")
    def risk(self, line: str, cell: str) -> None:
        from jupyter_mlgov.governance.annotations import parse_risk

        try:
            parsed = parse_line(self.risk, line)
            risk = self.session.annotate(parse_risk(parsed.id, cell, first_line=2))
        except MlgovError as error:
            raise LineError(f"%%risk: {error}") from None
        from jupyter_mlgov.governance.cards import risk_card, risk_text

        _show(risk_card(risk), risk_text(risk))

    @line_magic
    def mlgov(self, line: str) -> None:
        """The verbs of the command line, with rich output: ``%mlgov log``, ``%mlgov show NAME``, ..."""
        from jupyter_mlgov.magics.verbs import run

        try:
            words = shlex.split(line)
        except ValueError as error:
            raise LineError(f"%mlgov: {line!r} cannot be read ({error}): close the quotes") from None
        try:
            run(words, self.session)
        except MlgovError as error:
            raise LineError(f"%mlgov: {error}") from None

    def show_card(self, made: str) -> None:
        """Shows the card of a snapshot: ``--show``."""
        from jupyter_mlgov.magics.verbs import run

        run(["show", made], self.session)


def _show(html: str, text: str) -> None:
    from IPython.display import display

    display({"text/html": html, "text/plain": text}, raw=True)


MlgovMagics.experiment.__doc__ = experiment_arguments.__doc__
MlgovMagics.charter.__doc__ = (
    (MlgovMagics.charter.__doc__ or "")
    + "\nSay what the model is for and how good it has to be.\n\n"
    + fields_help("charter")
)
MlgovMagics.risk.__doc__ = (
    (MlgovMagics.risk.__doc__ or "")
    + "\nWrite down a situation in which the model fails.\n\n"
    + fields_help("risk")
)
