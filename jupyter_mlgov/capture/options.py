"""What the ``%%experiment`` line says, and what capture needs from the rooms above it.

Capture stands below governance, so the rules that judge a KPI or evaluate a risk's check are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Struct

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import Charter, Kpi, KpiResult, Risk
from jupyter_mlgov.records.canonical import Scalar

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_NAME = re.compile(r"[^\W_][\w.-]{0,99}")


def experiment_name(name: str) -> str:
    """``name`` where it can name an experiment. Raises ``UsageError``."""
    if not _NAME.fullmatch(name) or name.endswith(".ipynb"):
        raise UsageError(
            f"experiment name {name[:100]!r}: use a letter or digit, then letters, digits, '.', '_' or '-' (100 at most), "
            "and no notebook's file name"
        )
    return name


class Options(Struct, frozen=True):
    """The options of one ``%%experiment`` line."""

    name: str
    message: str = ""
    model: str | None = None
    test: tuple[str, ...] = ()
    """Variables with the test data: features, truth, and a table with further columns of the same rows."""
    inputs: tuple[str, ...] = ()
    seed: int | None = None
    kpis: tuple[Kpi, ...] = ()
    tolerances: tuple[tuple[str, float], ...] = ()
    show: bool = False


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section ``[capture]`` of ``mlgov.toml``."""

    time_budget_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Seconds that looking at inputs, frames, models, code and environment may take in one snapshot."""
    object_budget_s: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """Seconds of these for one object whose class is no library's: its methods are the user's code."""
    inputs_limit: Annotated[int, msgspec.Meta(ge=0)] = 100_000_000
    """Bytes of one input up to which it is kept in the store, so that the record can be rerun elsewhere."""
    rows_limit: Annotated[int, msgspec.Meta(ge=0)] = 10_000_000
    """Bytes in memory of the rows that a model was fitted on, or is tested on, up to which all of them are kept; of more, a
    sample. 0 keeps none."""
    outputs_limit: Annotated[int, msgspec.Meta(ge=0)] = 10_000_000
    """Characters of one execution's outputs that are kept whole."""


class Rules(Struct, frozen=True):
    """What capture asks of the rooms above."""

    open_store: Callable[[Path], tuple[Path, Store]]
    """Project root and store for a path, made on first use."""
    settings: Callable[[Path], Settings]
    """The settings of the project that a path lies in, which need not be there yet. Raises ``UsageError``."""
    judge: Callable[[tuple[Kpi, ...], Mapping[str, Scalar]], tuple[KpiResult, ...]]
    evaluate: Callable[[Risk, dict[str, Any], Charter | None], Risk]
    evaluate_about: Callable[[Risk, dict[str, Any], Charter | None, Store, str], Risk]
    """The same about a snapshot (an id) that is in the store, with what is known about it."""
    check_reads: Callable[[Risk, dict[str, Any], Charter | None], set[str]]
    """The names of the session that a risk's check gets its results from."""
    from_markdown: Callable[[dict[str, Any]], tuple[Charter | None, tuple[Risk, ...], tuple[str, ...]]]
    """Charter, risks and problems that a notebook's tagged markdown cells hold."""
    test_columns: Callable[[Path], tuple[str, ...]]
    """What tests need of the rows beside the features: slices, sensitive columns, time. Raises ``UsageError``."""
    after_experiment: Callable[[Path, Store, str], str | None]
    """What else is done about a snapshot (an id) that an experiment's run left; gives a line to tell."""
    options_of: Callable[[str], Options | None]
    """The options of a cell's source, or None where it is no (well-formed) experiment cell."""
