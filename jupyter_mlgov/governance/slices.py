"""Measures over slices of the declared test data: ``recall(slice="loanamt > 300") >= 0.60`` in a risk's check.

Which data that is the charter says (``test_data``): names of variables in the session, so what is measured is what
the session holds when the check is evaluated. Every measure is written down with its rows and its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.assessed import value_of
from jupyter_mlgov.governance.estimates import NEEDED, Estimate
from jupyter_mlgov.governance.values import as_plain, one_line
from jupyter_mlgov.records.annotations import DeclaredData, SliceValue, Threshold
from jupyter_mlgov.records.assessment import Assessment

Measure = Callable[["_Rows", int], Estimate]


class _Rows(Struct, frozen=True):
    """The declared arrays, cut to one slice. ``truth`` is as it was given, the others may be absent."""

    data: _Arrays
    mask: Any
    """A boolean array over all rows."""

    @property
    def truth(self) -> Any:
        return self.data.truth[self.mask]

    @property
    def positive(self) -> Any:
        return self.data.is_positive(self.data.truth)[self.mask]

    @property
    def decided(self) -> Any:
        return self.data.decided()[self.mask]

    @property
    def predicted(self) -> Any:
        return self.data.outcome()[self.mask]

    @property
    def score(self) -> Any:
        return self.data.scores()[self.mask]


def _share(hits: Callable[[_Rows], Any], of: Callable[[_Rows], Any] | None = None) -> Measure:
    def measure(rows: _Rows, needed: int) -> Estimate:
        hit = hits(rows)
        if of is None:
            return estimates.rate(int(hit.sum()), len(hit), needed)
        among = of(rows)
        return estimates.rate(int((hit & among).sum()), int(among.sum()), needed)

    return measure


def _mean(errors: Callable[[_Rows], Any]) -> Measure:
    return lambda rows, needed: estimates.mean(errors(rows), needed)


def _auc(rows: _Rows, needed: int) -> Estimate:
    score, positive = rows.score, rows.positive
    return estimates.auc(score[positive], score[~positive], needed)


def _rmse(rows: _Rows, needed: int) -> Estimate:
    squares = estimates.mean((rows.predicted - rows.truth) ** 2, needed)
    low, value, high = (max(part, 0.0) ** 0.5 for part in (squares.low, float(squares), squares.high))
    return Estimate(value, low, high, squares.cases, needed)


MEASURES: dict[str, Measure] = {
    "recall": _share(lambda rows: rows.decided, lambda rows: rows.positive),
    "precision": _share(lambda rows: rows.positive, lambda rows: rows.decided),
    "accuracy": _share(lambda rows: rows.data.correct()[rows.mask]),
    "error_rate": _share(lambda rows: ~rows.data.correct()[rows.mask]),
    "false_positive_rate": _share(lambda rows: rows.decided, lambda rows: ~rows.positive),
    "false_negative_rate": _share(lambda rows: ~rows.decided, lambda rows: rows.positive),
    "specificity": _share(lambda rows: ~rows.decided, lambda rows: ~rows.positive),
    "selection_rate": _share(lambda rows: rows.decided),
    "base_rate": _share(lambda rows: rows.positive),
    "auc": _auc,
    "brier": _mean(lambda rows: (rows.score - rows.positive) ** 2),
    "mae": _mean(lambda rows: abs(rows.predicted - rows.truth)),
    "rmse": _rmse,
    "bias": _mean(lambda rows: rows.predicted - rows.truth),
}
"""What a check can ask of a slice, by the name that it is called by."""


class Slices:
    """The measures over one session's declared data; ``found`` is what they gave, in order."""

    def __init__(
        self,
        namespace: Mapping[str, Any],
        declared: DeclaredData | None,
        threshold: Threshold | None,
        assessment: Assessment | None = None,
    ) -> None:
        self._namespace = namespace
        self._declared = declared
        self._threshold = threshold
        self._assessment = assessment
        self._arrays: _Arrays | None = None
        self.found: list[SliceValue] = []
        self.estimates: list[Estimate] = []

    def measure(self, name: str) -> Callable[..., Estimate]:
        """The function that a check calls as ``name``."""

        def call(slice: Any = None, *, min_rows: int = NEEDED) -> Estimate:  # noqa: A002 - the users' word
            arrays = self._data()
            mask, words = arrays.mask(slice)
            value = MEASURES[name](_Rows(arrays, mask), int(min_rows))
            self.estimates.append(value)
            self.found.append(
                SliceValue(
                    measure=name,
                    where=words,
                    value=float(value),
                    low=value.low,
                    high=value.high,
                    rows=int(mask.sum()),
                    cases=value.cases,
                    needed=value.needed,
                    enough=value.enough,
                    level=estimates.LEVEL,
                )
            )
            return value

        return call

    def assess(self, test: str) -> Estimate:
        """What a check calls as ``assess``: the value of a test of the snapshot's newest assessment."""
        value, written = value_of(self._assessment, str(test))
        self.estimates.append(value)
        self.found.append(written)
        return value

    def _data(self) -> _Arrays:
        if self._declared is None:
            raise LookupError(
                "no test data is declared: add test_data (truth, frame, predicted or score) to %%charter or to this risk"
            )
        if self._arrays is None:
            self._arrays = _Arrays(self._namespace, self._declared, self._threshold)
        return self._arrays


class _Arrays:
    """The declared data as arrays of one length."""

    def __init__(
        self, namespace: Mapping[str, Any], declared: DeclaredData, threshold: Threshold | None
    ) -> None:
        self._namespace = namespace
        self._declared = declared
        self._threshold = threshold
        self.frame = self._frame(declared.frame)
        self.truth = self._array(declared.truth, "truth")

    def _frame(self, name: str | None) -> Any:
        if name is None:
            return None
        if name not in self._namespace:
            raise NameError(f"test_data.frame: no variable {name!r} in the session")
        frame = self._namespace[name]
        frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
        if not hasattr(frame, "columns") or not hasattr(frame, "eval"):
            raise TypeError(
                f"test_data.frame: {name} is {as_plain(frame)}, not a table with columns that have names"
            )
        return frame

    def _array(self, name: str, field: str) -> Any:
        import numpy as np

        if name in self._namespace:
            value = self._namespace[name]
        elif self.frame is not None and name in self.frame.columns:
            value = self.frame[name]
        else:
            raise NameError(f"test_data.{field}: {name!r} is no variable and no column")
        index: Any = getattr(value, "index", None)
        array = np.asarray(value)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise TypeError(
                f"test_data.{field}: {name} has the shape {array.shape}, one value a row is expected"
            )
        rows = len(self.frame) if self.frame is not None else len(getattr(self, "truth", array))
        if len(array) != rows:
            raise ValueError(f"test_data.{field}: {name} has {len(array)} values for {rows} rows")
        if self.frame is not None and hasattr(index, "equals") and not index.equals(self.frame.index):
            if set(index) == set(self.frame.index):
                raise ValueError(
                    f"test_data.{field}: {name} has the rows of {self._declared.frame} in another order"
                )
            if not index.equals(type(index)(range(rows))):
                raise ValueError(
                    f"test_data.{field}: {name} has other rows than {self._declared.frame} (the index differs)"
                )
        return array

    def is_positive(self, labels: Any) -> Any:
        """Which labels are the positive one."""
        wanted = self._declared.positive
        if wanted is None:
            if labels.dtype == bool:
                return labels
            others = set(labels[:1_000_000].tolist()) - {0, 1}
            if others:
                raise ValueError(
                    f"which label is positive? {one_line(sorted(map(str, others))[:3], 80)} is neither 0 nor 1: "
                    "set test_data.positive"
                )
            return labels == 1
        if labels.dtype == bool:
            return labels == (str(wanted).lower() in ("1", "true", "yes"))
        return labels == (labels.dtype.type(wanted) if labels.dtype.kind in "iuf" else wanted)

    def scores(self) -> Any:
        """The model's scores."""
        if self._declared.score is None:
            raise LookupError("this measure needs test_data.score")
        return self._array(self._declared.score, "score").astype(float)

    def outcome(self) -> Any:
        """What the model predicted, as it was given."""
        if self._declared.predicted is None:
            raise LookupError("this measure needs test_data.predicted")
        return self._array(self._declared.predicted, "predicted")

    def decided(self) -> Any:
        """Which rows the model decided as positive."""
        import operator

        if self._declared.predicted is not None:
            return self.is_positive(self.outcome())
        if self._threshold is None:
            raise LookupError(
                "this measure needs test_data.predicted, or a score and the charter's threshold"
            )
        signs = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
        return signs[self._threshold.op](self.scores(), self._threshold.value)

    def correct(self) -> Any:
        """Which rows the model got right: any number of classes, where the predictions are labels."""
        if self._declared.predicted is not None and self._declared.positive is None:
            return self.outcome() == self.truth
        return self.decided() == self.is_positive(self.truth)

    def mask(self, where: Any) -> tuple[Any, str]:
        """Which rows a slice means, and the slice in words."""
        import numpy as np

        rows = len(self.truth)
        if where is None:
            return np.ones(rows, dtype=bool), "all rows"
        if isinstance(where, str):
            if self.frame is None:
                raise LookupError(f"the slice {one_line(where, 80)!r} names columns: set test_data.frame")
            words = one_line(where, 200)
            where = self.frame.eval(where, engine="python", local_dict=dict(self._namespace))
        else:
            words = str(as_plain(where))
        mask = np.asarray(where)
        if mask.dtype != bool or mask.shape != (rows,):
            raise TypeError(
                f"the slice {words} is no yes or no for each of the {rows} rows: compare a column with something"
            )
        return mask, words
