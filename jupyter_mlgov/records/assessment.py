"""What a test of a model found, the rows that it was tested on, and how its predictions are explained.

An ``Assessment`` is an object; the ledger entry of kind ``assessment`` about a snapshot names it. The rows lie in the
store as Parquet objects, named by the manifest (``HeldRows``), so that the same rows are there for a later test, for the
inputs that a service accepts (``InputSchema``) and for what a monitor compares with (``Attributions``).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar

Judgement = Literal["pass", "fail", "error", "too-small", "measured", "not-applicable"]
"""``error``: testing it raised, so nothing is known.
``too-small``: the interval reaches over the threshold and there are too few cases to tell. ``measured``: no threshold
is set. ``not-applicable``: the question does not arise, or what it needs is not there; ``reason`` says which."""

Task = Literal["binary", "multiclass", "regression"]

JUDGEMENTS: tuple[Judgement, ...] = ("fail", "error", "too-small", "pass", "measured", "not-applicable")


class HeldRows(Struct, frozen=True, kw_only=True):
    """Rows that a model was fitted on (``train``) or is tested on (``test``), as one Parquet object.

    The columns named by ``features`` are what the model was given, in that order; ``truth``, ``predicted`` and ``scores``
    (one for each of ``classes``, or one for the second of two) and ``extra`` (slices, sensitive columns, time) name others.
    """

    role: Literal["train", "test"]
    object: str | None
    """Names the Parquet object; None where the rows were not kept: ``reason`` says why."""
    digest: str | None = None
    """Of the features' content, as ``frames`` have it: equal for equal rows."""
    rows: int = 0
    """Rows in the object."""
    of_rows: int = 0
    """Rows that there were: more than ``rows`` where a sample was kept."""
    layout: Literal["table", "array", "series"] = "table"
    """How the model takes its features: a table with the columns' names, an array, or one column as a Series."""
    features: tuple[str, ...] = ()
    truth: str | None = None
    predicted: str | None = None
    scores: tuple[str, ...] = ()
    classes: tuple[Scalar, ...] = ()
    extra: tuple[str, ...] = ()
    model: str | None = None
    """The variable of the model that was fitted on them or tested with them."""
    variables: tuple[str, ...] = ()
    """What they were called in the notebook: features, truth, and what else was taken."""
    evidence: Literal["declared", "inferred"] = "inferred"
    """Said by ``--test`` or the charter, or found in what the cell passes to ``fit``, ``score`` or a metric."""
    out_of_fold: bool = False
    """Each row was predicted by a model that was fitted without it; the kept model has seen them all."""
    reason: str | None = None


class Feature(Struct, frozen=True, kw_only=True):
    """What one input of a model looked like in the rows that it was learnt from."""

    name: str
    kind: Literal["number", "integer", "boolean", "category", "text", "time"]
    dtype: str
    low: float | None = None
    """The least and the largest value of a number; of a time in seconds since 1970 UTC."""
    high: float | None = None
    categories: tuple[Scalar, ...] | None = None
    """The values of a category, sorted; None where there are more than the limit."""
    missing: float = 0.0
    """Share of rows that have no value."""


class InputSchema(Struct, frozen=True, kw_only=True):
    """The inputs that a model knows, learnt from ``rows`` rows whose content has the digest ``data``."""

    schema: int = 1
    layout: Literal["table", "array", "series"]
    features: tuple[Feature, ...]
    rows: int
    role: Literal["train", "test"]
    data: str | None = None


class Figure(Struct, frozen=True, kw_only=True):
    """A picture: ``object`` names an SVG without scripts. ``text`` says the same in words."""

    title: str
    object: str
    text: str = ""


class TestResult(Struct, frozen=True, kw_only=True):
    """One question about a model and its answer.

    ``low`` and ``high`` are the ends of the interval at ``level``. ``p_value`` is that of the null hypothesis that the
    model is not past the threshold; ``p_adjusted`` is corrected for all tests of the same ``family``.
    """

    __test__ = False  # no test class of pytest's

    id: str
    """``group.name``, with a subject after a colon where there are several: ``slices.worst:income < 40``."""
    group: str
    question: str
    value: Scalar = None
    low: Scalar = None
    high: Scalar = None
    level: float = 0.95
    op: str | None = None
    threshold: float | None = None
    verdict: Judgement
    reason: str = ""
    """One sentence that says what the verdict rests on."""
    rows: int = 0
    """Rows used."""
    cases: int | None = None
    """Those that the value rests on, where it is not all rows: for a recall the positives."""
    needed: int | None = None
    """Cases below which a value alone tells nothing."""
    family: str | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    correction: str | None = None
    """How ``p_adjusted`` was made: ``Holm``."""
    method: str = ""
    """What was computed and how the interval was found."""
    details: dict[str, Scalar] = {}
    table: tuple[dict[str, Scalar], ...] = ()
    """The parts that the value is made of: a row for a group, bin, feature or resample."""
    figure: Figure | None = None
    duration_s: float | None = None


class FeatureAttribution(Struct, frozen=True, kw_only=True):
    """How much one feature moves the predictions: the mean of the absolute SHAP values over the sampled rows.

    ``low`` and ``high`` are the ends of its interval over rows: what another sample of rows could have given.
    """

    feature: str
    mean_abs: float
    low: float
    high: float
    mean: float
    """The mean with its sign."""


class Attributions(Struct, frozen=True, kw_only=True):
    """A model's reference attributions: what monitoring compares with.

    ``values`` names a Parquet object: one row for each explained row with a float column for each feature (its SHAP
    value), ``__row__`` (its place in the test rows), ``__base__`` (the expected output) and ``__output__`` (the
    explained output); values of a row add up to output minus base.
    """

    schema: int = 1
    key: str = ""
    """Digest of everything that they were computed from and with: equal keys, equal attributions."""
    model: str
    """Digest of the model."""
    data: str
    """Name of the Parquet object with the test rows."""
    explainer: str
    output: str
    """What is explained: ``probability of 1``, ``log-odds of 1``, ``prediction``."""
    link: Literal["identity", "logit"] = "identity"
    features: tuple[FeatureAttribution, ...]
    """The largest first."""
    base: float
    rows: int
    of_rows: int
    background: int
    """Rows of the background that effects are relative to."""
    budget: int
    """Evaluations of the model that were allowed."""
    evaluations: int
    """Those that were needed, as far as the explainer counts them."""
    additivity_error: float
    """The largest difference between the sum of a row's values and what it should be."""
    sampling_error: float
    """The widest half interval of ``features``, as a share of the largest ``mean_abs``."""
    exact: bool
    """False where the SHAP values themselves were sampled, not only the rows."""
    seed: int
    values: str
    figures: tuple[Figure, ...] = ()
    versions: dict[str, str] = {}


class Assessment(Struct, frozen=True, kw_only=True):
    """All tests of one snapshot's model, or of its stored predictions."""

    schema: int = 1
    key: str = ""
    """Digest of everything that was tested and of how: equal keys, equal results."""
    snapshot: str
    suite: str
    """Digest of the settings that were applied."""
    asked: str | None = None
    """Digest of what charter and policy asked of it: KPIs, threshold, positive label."""
    task: Task
    model: str | None = None
    """Digest of the model; None where only stored predictions were tested."""
    model_class: str | None = None
    from_predictions: bool = False
    """True where the model was not executed: ``notes`` say why."""
    data: str
    """Name of the Parquet object with the test rows."""
    train: str | None = None
    rows: int
    results: tuple[TestResult, ...]
    attributions: str | None = None
    """Names the ``Attributions`` object."""
    notes: tuple[str, ...] = ()
    """What a reader has to know: what could not be tested, and why."""
    seed: int = 0
    level: float = 0.95
    duration_s: float = 0.0
    versions: dict[str, str] = {}

    def counts(self) -> dict[str, int]:
        """How many results have each verdict, the worst first."""
        return {word: sum(one.verdict == word for one in self.results) for word in JUDGEMENTS}

    def objects(self) -> tuple[str, ...]:
        """The digests of the objects that its results name."""
        named = [one.figure.object for one in self.results if one.figure is not None]
        return tuple(dict.fromkeys([*named, *([self.attributions] if self.attributions else [])]))
