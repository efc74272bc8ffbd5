"""``mlgov.decide(model, X, y)``: where to put the threshold, seen through what its decisions are worth.

A slider moves the threshold; the confusion matrix, the KPIs against their targets and the value in the charter's own
units follow. A row that is picked is explained by SHAP. Nothing is written down: a decision is stated in the charter.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.widgets.decisions import Decisions, Outcome, same_label
from jupyter_mlgov.widgets.shown import Shown
from jupyter_mlgov.widgets.tables import table

if TYPE_CHECKING:
    from jupyter_mlgov.assess.suite import Suite
    from jupyter_mlgov.records.annotations import Charter

EXPLAINED = 12
"""Features that an explanation names."""
BACKGROUND = 60
"""Rows that an explanation is relative to."""


class Decide(Shown):
    """The explorer. ``widget`` is an ipywidgets box; without ipywidgets its ``_repr_html_`` is a table."""

    def __init__(
        self, model: Any, X: Any, y: Any, *, threshold: float | None = None, charter: Charter | None = None,
        changeable: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.X = model, X
        self.changeable = changeable
        self.charter = charter if charter is not None else _charter_of_session()
        declared = self.charter.threshold if self.charter else None
        self.positive = positive_label(model, self.charter, _suite_here())
        self.decisions = Decisions(
            scores_of(model, X, self.positive),
            y,
            op=declared.op if declared else ">=",
            positive=self.positive,
            value_of_right=self.charter.value_of_right if self.charter else (),
            cost_of_wrong=self.charter.cost_of_wrong if self.charter else (),
        )
        self.threshold = threshold if threshold is not None else self._first_threshold()

    def _first_threshold(self) -> float:
        declared = self.charter.threshold if self.charter else None
        if declared is not None:
            return declared.value
        best = self.decisions.best()
        return best.threshold if best is not None else 0.5

    # -- what is shown -----------------------------------------------------------------------------------

    def page(self, threshold: float) -> str:
        """Everything that is known about one threshold, as HTML."""
        outcome = self.decisions.at(threshold)
        parts = [confusion(outcome, self.decisions.op), self._kpis(outcome), self._worth(outcome)]
        return (
            "<div style='display:flex;flex-wrap:wrap;gap:12px 32px'>"
            + "".join(f"<div>{part}</div>" for part in parts if part)
            + "</div>"
        )

    def _kpis(self, outcome: Outcome) -> str:
        from jupyter_mlgov.governance.kpis import judge

        metrics = outcome.metrics
        judged = judge(self.charter.kpis, metrics) if self.charter else ()
        targets = {kpi.metric: kpi for kpi in judged if kpi.metric in metrics}
        rows = [
            (
                name,
                value,
                f"{targets[name].op} {targets[name].target:g}" if name in targets else "",
                {True: "met", False: "not met", None: ""}[targets[name].met if name in targets else None],
            )
            for name, value in metrics.items()
        ]
        return table(("rate", "value", "target", ""), rows, caption="Rates and KPIs")

    def _worth(self, outcome: Outcome) -> str:
        if not outcome.worth:
            return (
                ""
                if self.decisions.unknown
                else (
                    "<p style='max-width:36ch'>What decisions are worth is not stated: add <code>value_of_right</code> and "
                    "<code>cost_of_wrong</code> to the charter.</p>"
                )
            )
        best = self.decisions.best()
        rows: list[tuple[object, ...]] = [
            (f"{worth.unit or 'in total'}, here", worth.total, worth.per_case) for worth in outcome.worth
        ]
        if best is not None:
            worth = best.worth[0]
            rows.append((f"{worth.unit}, at {best.threshold:.4g}, the best", worth.total, worth.per_case))
        left_out = ", ".join(self.decisions.unknown)
        note = f" (not counted: {left_out})" if left_out else ""
        return table(("", "in total", "per case"), rows, caption=f"Value of all decisions{note}")

    def explain(self, row: int) -> str:
        """Why the model gives row ``row`` its score, what would change the decision, and what that is worth, as HTML.
        Raises ``UsageError``."""
        return self._why(row) + self._otherwise(row) + self._worth_of(row)

    def _otherwise(self, row: int) -> str:
        from jupyter_mlgov.assess.alternatives import alternatives

        score, frame = scorer(self.model, self.X, self.positive)
        found = alternatives(
            score, frame, row, self.threshold, op=self.decisions.op, changeable=self.changeable
        )
        called = "positive" if self._called(row) else "negative"
        of = "" if self.changeable is None else f" of {', '.join(map(str, self.changeable))}"
        if not found:
            said = f"Row {row} is called {called} at {self.threshold:.4g}, and no value in the data{of} changes that."
            return f"<p>{escape(said)}</p>"
        rows = [
            (
                " and ".join(f"{one.feature} {_shown(one.then)}" for one in found_one.changes),
                " and ".join(_shown(one.now) for one in found_one.changes),
                found_one.score,
                f"{found_one.moved:.0%}",
            )
            for found_one in found
        ]
        caption = f"Row {row} is called {called} at {self.threshold:.4g}; it would not be with"
        return table(("this in place", "of", "score then", "of the rows in between"), rows, caption=caption)

    def _called(self, row: int) -> bool:
        return bool(self.decisions.calls(self.decisions.scores[row], self.threshold))

    def _worth_of(self, row: int) -> str:
        positive = self._called(row)
        amounts = self.decisions.worth_of(positive)
        if not any(amounts):
            return ""
        right, wrong = (
            "; ".join(f"{value:+,.0f} {unit}".strip() for unit, value in part.items()) or "nothing stated"
            for part in amounts
        )
        called = "positive" if positive else "negative"
        return table(
            ("if it is right", "if it is wrong"),
            [(right, wrong)],
            caption=f"What calling row {row} {called} is worth",
        )

    def _why(self, row: int) -> str:
        effects = explanation(self.model, self.X, row, positive=self.positive)
        rows = [(name, value, effect) for name, value, effect in effects[:EXPLAINED]]
        score = float(self.decisions.scores[row])
        return table(
            ("feature", "value", "effect on the score"),
            rows,
            caption=f"Row {row}: score {score:.4g}, by SHAP",
        )

    def _repr_html_(self) -> str:
        rows = []
        for value in sorted({0.1, 0.25, 0.5, 0.75, 0.9, self.threshold}):
            outcome = self.decisions.at(value)
            worth = "; ".join(f"{one.total:,.0f} {one.unit}".strip() for one in outcome.worth)
            rates = outcome.metrics
            rows.append(
                (
                    value,
                    outcome.tp,
                    outcome.fp,
                    outcome.fn,
                    outcome.tn,
                    rates["precision"],
                    rates["recall"],
                    worth,
                )
            )
        head = ("threshold", "true +", "false +", "false −", "true −", "precision", "recall", "worth")
        return table(head, rows, caption="Decisions at some thresholds")

    def __repr__(self) -> str:
        outcome = self.decisions.at(self.threshold)
        return (
            f"Decide(threshold={self.threshold:.4g}: {outcome.tp} true and {outcome.fp} false positives, "
            f"{outcome.fn} false and {outcome.tn} true negatives)"
        )

    @property
    def widget(self) -> Any:
        """The explorer as an ipywidgets box. Raises ``ImportError`` where ipywidgets is not installed."""
        import ipywidgets as w

        scores = self.decisions.scores
        low, high = min(0.0, float(scores.min())), max(1.0, float(scores.max()))
        slider = w.FloatSlider(
            value=self.threshold, min=low, max=high, step=(high - low) / 200, description="Threshold",
            readout_format=".3f", continuous_update=True, layout=w.Layout(width="460px"),
        )  # fmt: skip
        page = w.HTML(self.page(self.threshold))
        row = w.BoundedIntText(value=0, min=0, max=len(scores) - 1, description="Row")
        button = w.Button(
            description="Explain",
            tooltip="Why this row has its score, what would change the decision, and what that is worth",
        )
        why = w.HTML()

        def moved(change: Any) -> None:
            self.threshold = change["new"]
            page.value = self.page(change["new"])

        def asked(_: Any) -> None:
            button.disabled = True
            try:
                why.value = self.explain(row.value)
            except UsageError as error:
                why.value = f"<p>{escape(str(error))}</p>"
            finally:
                button.disabled = False

        slider.observe(moved, names="value")
        button.on_click(asked)
        return w.VBox([slider, page, w.HBox([row, button]), why])


def confusion(outcome: Outcome, op: str = ">=") -> str:
    """The confusion matrix as a table."""
    rows = [
        ("positive", outcome.tp, outcome.fn),
        ("negative", outcome.fp, outcome.tn),
    ]
    return table(
        ("in truth", "called positive", "called negative"),
        rows,
        caption=f"{outcome.cases:,} cases at {'' if op == '>=' else f'{op} '}{outcome.threshold:.3g}",
    )


def positive_label(model: Any, charter: Charter | None, suite: Suite | None = None) -> Any:
    """The label that counts as positive, as in an assessment: that of ``[assess]``, the charter's, else the second of the
    model's; None where nothing says it. Raises ``UsageError`` for one that the model does not know."""
    from jupyter_mlgov.assess.run import positive_of
    from jupyter_mlgov.assess.suite import Suite

    suite = suite or Suite()
    wanted = positive_of(suite, charter)
    known = getattr(model, "classes_", None)
    if known is None or len(known) != 2:
        return wanted
    if wanted is None:
        return known[1]
    found = [label for label in known if same_label(label, wanted)]
    if not found:
        said = "[assess] positive" if suite.positive is not None else "test_data.positive"
        raise UsageError(
            f"{said} is {wanted!r}, and the model knows {', '.join(map(str, known))}: name one of these"
        )
    return found[0]


def scores_of(model: Any, X: Any, positive: Any = None) -> Any:
    """One score a row: the probability of the ``positive`` label (the second class unless told), else the decision function
    towards it. Raises ``UsageError``."""
    known = getattr(model, "classes_", None)
    first = positive is not None and known is not None and len(known) == 2 and bool(known[0] == positive)
    if hasattr(model, "predict_proba"):
        scores = model.predict_proba(X)
        if getattr(scores, "ndim", 1) == 2:
            if scores.shape[1] != 2:
                raise UsageError(
                    f"the model knows {scores.shape[1]} classes: a threshold decides between two"
                )
            return scores[:, 0 if first else 1]
        return scores
    if hasattr(model, "decision_function"):
        return -model.decision_function(X) if first else model.decision_function(X)
    raise UsageError(
        f"{type(model).__name__} gives no score: decide needs a model with predict_proba or decision_function"
    )


def scorer(model: Any, X: Any, positive: Any = None) -> tuple[Any, Any]:
    """A function from frames like ``X`` to scores, and ``X`` as a frame (columns of an array are ``x0``, ``x1``, ...)."""
    import numpy as np
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        return lambda rows: scores_of(model, rows, positive), X
    frame = pd.DataFrame(np.asarray(X)).rename(columns=lambda number: f"x{number}")
    return lambda rows: scores_of(model, rows.to_numpy(), positive), frame


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def explanation(model: Any, X: Any, row: int, positive: Any = None) -> list[tuple[str, object, float]]:
    """``(feature, its value, its effect on the score)``, the largest effect first. Works for any model.

    Effects are SHAP values relative to the mean score of at most ``BACKGROUND`` rows. The state of NumPy's random
    generator is left as it was.
    """
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        # SHAP's import uses what matplotlib is about to take away; that is nothing for the user of this cell.
        warnings.simplefilter("ignore")
        import shap

    score_frame, frame = scorer(model, X, positive)
    if not 0 <= row < len(frame):
        raise UsageError(f"row {row}: give one from 0 to {len(frame) - 1}")
    columns, dtypes = list(frame.columns), frame.dtypes
    step = max(1, len(frame) // BACKGROUND)
    background = frame.iloc[::step][:BACKGROUND]

    def score(values: Any) -> Any:
        rows = type(frame)(values, columns=columns)
        return score_frame(
            rows.astype(
                {name: dtype for name, dtype in dtypes.items() if getattr(dtype, "kind", "O") != "O"},
                errors="ignore",
            )
        )

    state = np.random.get_state()
    try:
        explainer = shap.explainers.Permutation(score, background.to_numpy(), seed=0)
        values = explainer(frame.iloc[[row]].to_numpy(), max_evals=2 * len(columns) + 1, silent=True).values[
            0
        ]
    finally:
        np.random.set_state(state)
    told = [
        (str(name), value, float(effect))
        for name, value, effect in zip(columns, frame.iloc[row].tolist(), values, strict=True)
    ]
    return sorted(told, key=lambda part: -abs(part[2]))


def _charter_of_session() -> Charter | None:
    from jupyter_mlgov.capture.logged import current_session

    session = current_session()
    return session.register.charter if session is not None else None


def _suite_here() -> Suite:
    """``[assess]`` of the project that this folder lies in."""
    from pathlib import Path

    from jupyter_mlgov.assess.suite import read_suite
    from jupyter_mlgov.project import default_root, find_root

    here = Path.cwd()
    return read_suite(find_root(here) or default_root(here))


def decide(
    model: Any,
    X: Any,
    y: Any,
    *,
    threshold: float | None = None,
    charter: Charter | None = None,
    changeable: Sequence[str] | None = None,
) -> Decide:
    """The threshold explorer for a fitted binary classifier.

    ``X`` and ``y`` are held-out rows and their labels. ``charter`` is the session's where it is left out; its
    ``value_of_right``, ``cost_of_wrong``, ``threshold`` (with its side), ``test_data.positive`` and ``kpis`` are used;
    ``[assess] positive`` in ``mlgov.toml`` goes before the charter's, as everywhere. ``changeable`` are the features
    that can be changed at all: what would change a decision is looked for among them. Raises ``UsageError``.
    """
    return Decide(model, X, y, threshold=threshold, charter=charter, changeable=changeable)
