"""The measures that predictions and truth give, and the names that people write for them.

A KPI names a metric of the notebook. Where it is measured again, on the rows of an assessment, on the log of a release or
for two models beside each other, the name means what it means here, in each of these rooms. A name that stands for nothing
here (a weighted F1, an amount of money) is the notebook's own: it is judged by the value that the notebook recorded and by
nothing else.
"""

from __future__ import annotations

MEASURES = {
    "accuracy": "share of the rows whose label is right",
    "error_rate": "share of the rows whose label is wrong",
    "recall": "share of the positive rows that are said to be positive",
    "precision": "share of the rows said to be positive that are",
    "specificity": "share of the negative rows that are said to be negative",
    "false_positive_rate": "share of the negative rows that are said to be positive",
    "false_negative_rate": "share of the positive rows that are said to be negative",
    "f1": "harmonic mean of precision and recall of the positive one of two labels; of more labels `f1_macro`",
    "f1_macro": "mean over all labels, the negative one too, of the F1 of each",
    "auc": "area under the ROC curve; of more than two labels the mean over labels of one against the rest",
    "brier": "mean squared error of the positive label's probability",
    "log_loss": "mean of -log of the probability that was given to what came true, no less than 1e-6",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "rmse": "root of the mean squared error",
    "r2": "share of the truth's variance that the predictions account for",
    "bias": "mean of prediction minus truth",
}
"""Each measure with its definition."""

ALSO = {
    "acc": "accuracy", "error": "error_rate", "sensitivity": "recall", "tpr": "recall", "true_positive_rate": "recall",
    "ppv": "precision", "tnr": "specificity", "true_negative_rate": "specificity", "fpr": "false_positive_rate",
    "fnr": "false_negative_rate", "fscore": "f1", "macro_f1": "f1_macro", "roc_auc": "auc", "auroc": "auc",
    "auc_roc": "auc", "rocauc": "auc", "brier_loss": "brier", "brier_score_loss": "brier", "logloss": "log_loss",
    "mean_absolute_error": "mae", "mean_squared_error": "mse", "root_mean_squared_error": "rmse", "rsquared": "r2",
}  # fmt: skip
"""Other names for them."""

_BEFORE = ("test_", "val_", "valid_", "validation_", "holdout_")
_AFTER = ("_test", "_val", "_score")

LEAST = 1e-6
"""The least probability that a log loss reckons with: one row can cost 14, not infinity."""


def meant(metric: str) -> str | None:
    """The measure that a KPI's metric means (``Test-ROC-AUC`` is ``auc``); None where it is none of :data:`MEASURES`."""
    name = metric.lower().replace("-", "_").replace(" ", "_")
    for start in _BEFORE:
        name = name.removeprefix(start)
    for end in _AFTER:
        name = name.removesuffix(end)
    name = ALSO.get(name, name)
    return name if name in MEASURES else None
