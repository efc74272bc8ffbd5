"""The options of the magics, declared with IPython's ``magic_arguments`` so that ``%%experiment?`` shows them."""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as LineError
from IPython.core.magic_arguments import argument, magic_arguments

from jupyter_mlgov.capture.experiment_line import header_of
from jupyter_mlgov.capture.options import Options, experiment_name
from jupyter_mlgov.errors import MlgovError, UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.records.annotations import Kpi


@magic_arguments("%%experiment")
@argument("name", help="the experiment's name: its runs are NAME@1, NAME@2, ...")
@argument("-m", "--message", default="", help="what is tried in this run")
@argument("--model", metavar="VAR", help="the variable that holds the model, where it is not the only one")
@argument(
    "--test",
    metavar="X,y",
    help="the variables that hold the test data, where it cannot be seen from the cell: features,truth[,table beside]",
)
@argument(
    "--input",
    metavar="PATH_OR_URI",
    action="append",
    default=[],
    help="an input that cannot be seen being read",
)
@argument(
    "--seed", type=int, metavar="N", help="seed Python's, NumPy's and torch's generators before the cell"
)
@argument("--kpi", metavar="KPI", action="append", default=[], help='a target: --kpi "auc >= 0.80"')
@argument("--tolerance", metavar="METRIC=SIZE", action="append", default=[],
          help='how far a rerun may be off: --tolerance "auc=1e-3"')  # fmt: skip
@argument("--show", action="store_true", help="show a card of the snapshot")
def experiment_arguments(line: str) -> None:
    """Run the cell as it is and take a snapshot of everything that it depended on."""


def parse_line(function: Any, line: str) -> Namespace:
    """The arguments of ``line``, quotes taken off. Raises ``UsageError``."""
    try:
        words = shlex.split(line, posix=True)
    except ValueError as error:
        raise UsageError(f"{line.strip()[:100]!r} cannot be read ({error}): close the quotes") from error
    try:
        parsed: Namespace = function.parser.parse_args(words)
    except LineError as error:
        raise UsageError(str(error)) from error
    return parsed


def _kpis(texts: list[str]) -> tuple[Kpi, ...]:
    if not texts:
        return ()
    from jupyter_mlgov.governance.kpis import parse_kpi

    return tuple(parse_kpi(text) for text in texts)


def parse_experiment(line: str) -> Options:
    """The options of one ``%%experiment`` line. Raises ``UsageError``."""
    parsed = parse_line(experiment_arguments, line)
    if parsed.model is not None and not parsed.model.isidentifier():
        raise UsageError(f"--model {parsed.model!r} is not the name of a variable")
    if parsed.seed is not None and not 0 <= parsed.seed < 2**63:
        raise UsageError(f"--seed {parsed.seed}: use a whole number from 0 to 2**63 - 1")
    return Options(
        name=experiment_name(parsed.name),
        message=parsed.message,
        model=parsed.model,
        test=_test_names(parsed.test),
        inputs=tuple(parsed.input),
        seed=parsed.seed,
        kpis=_kpis(parsed.kpi),
        tolerances=tuple(_tolerance(text) for text in parsed.tolerance),
        show=parsed.show,
    )


def _test_names(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(part.strip() for part in text.split(","))
    if len(names) not in (2, 3) or not all(name.isidentifier() for name in names):
        raise UsageError(
            f"--test {text!r}: name two variables, or three, with commas: X_test,y_test or X_test,y_test,people"
        )
    return names


def _tolerance(text: str) -> tuple[str, float]:
    name, equals, size = text.partition("=")
    try:
        value = float(size)
    except ValueError:
        value = -1.0
    if not equals or not name.strip() or not 0 <= value < float("inf"):
        raise UsageError(f'--tolerance {text!r} does not parse: write METRIC=SIZE, for instance "auc=1e-3"')
    return name.strip(), value


def options_of(source: str) -> Options | None:
    """The options of an experiment cell, or None where the cell is none or its line is wrong."""
    header = header_of(source)
    if header is None:
        return None
    try:
        return parse_experiment(header[1])
    except MlgovError:
        return None
