"""Every test: what it asks, what is measured, its default threshold, and where its formula is from.

``docs/reference/tests.md`` is written from this list.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

GROUPS = (
    "performance",
    "calibration",
    "slices",
    "fairness",
    "robustness",
    "leakage",
    "stability",
    "shift",
    "dependence",
    "explanations",
)


class Test(Struct, frozen=True):
    """One kind of test. ``op`` and ``threshold`` say when it passes: ``value op threshold``."""

    id: str
    question: str
    measure: str
    """What the value is, in its unit."""
    interval: str
    source: str
    op: Literal["<=", ">=", "<", ">"] | None = None
    threshold: float | None = None
    each: str = ""
    """What there is a result for each of, where it is not one."""

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


_WILSON = "Wilson (1927), J. Am. Stat. Assoc. 22"
_DELONG = "DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44"
_MOVER = "Zou & Donner (2008), Stat. Med. 27"
_EFRON = "Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13"
_WELCH = "Welch (1947), Biometrika 34"

_ALL = (
    Test("performance.kpi", "Does it reach the target on these rows?", "the KPI's metric",
         "that of the metric: see performance.measure", "the charter, `[gate] kpis`", each="KPI"),
    Test("performance.measure", "How good is it?",
         "accuracy, recall, precision, AUC, Brier score, log loss, F1; MAE, RMSE, bias, R²: see names of metrics",
         "Wilson (shares), DeLong (AUC), Student (means), percentile bootstrap (F1, R², RMSE)",
         f"{_WILSON}; {_DELONG}; {_EFRON}", each="measure"),
    Test("performance.baseline", "Is it better than a model that looks at nothing?",
         "share of the dummy's mean loss that the model saves: log loss where there are probabilities, else errors; "
         "squared error for numbers", "Student, of the differences row by row, over the dummy's mean loss",
         "Gneiting & Raftery (2007), J. Am. Stat. Assoc. 102 (skill score)", ">", 0.0),
    Test("performance.same_predictions", "Does the kept model predict what the notebook's did?",
         "share of rows with the same prediction", "Wilson", _WILSON, ">=", 1.0),
    Test("calibration.error", "Does a probability of 70 % come true 70 % of the time?",
         "expected calibration error over 10 bins of equally many rows (of the likeliest class, where there are several)",
         "percentile bootstrap; p-value from outcomes drawn with the stated probabilities",
         "Naeini, Cooper & Hauskrecht (2015), AAAI; Vaicenavicius et al. (2019), AISTATS", "<=", 0.05),
    Test("calibration.mean", "Are the predictions right on average?",
         "absolute mean of prediction minus truth; for numbers in standard deviations of the truth", "Student",
         "Van Calster et al. (2019), BMC Medicine 17 (calibration in the large)", "<=", 0.05),
    Test("slices.declared", "Is it as good in this slice as elsewhere?",
         "mean loss in the slice minus mean loss outside: share of errors; for numbers absolute error, in mean absolute "
         "errors of all rows", "Welch", _WELCH, "<=", 0.1, each="declared slice"),
    Test("slices.worst", "Is there a slice where it is much worse?",
         "as slices.declared; slices of one or two features found in one half of the rows and measured in the other half",
         "Welch, in the half that the slice was not found in", f"Chung et al. (2019), IEEE ICDE (Slice Finder); {_WELCH}",
         "<=", 0.1, each="slice found"),
    Test("fairness.demographic_parity", "Are the groups given the positive decision equally often?",
         "largest difference of the groups' selection rates", "MOVER from Wilson's", f"fairlearn; {_MOVER}", "<=", 0.1,
         each="sensitive column"),
    Test("fairness.equalized_odds", "Are the errors spread equally over the groups?",
         "the larger of the largest differences of true positive rates and of false positive rates",
         "MOVER from Wilson's", f"Hardt, Price & Srebro (2016), NeurIPS; fairlearn; {_MOVER}", "<=", 0.1,
         each="sensitive column"),
    Test("fairness.error_rate", "Is it equally often wrong about each group?",
         "largest difference of the groups' shares of errors; for numbers of mean errors, in standard deviations of the "
         "truth",
         "MOVER from Wilson's or Student's", f"fairlearn; {_MOVER}", "<=", 0.1, each="sensitive column"),
    Test("robustness.noise", "Does a little noise spoil it?",
         "increase of the mean loss when numbers get noise of a tenth of their standard deviation",
         "Student, of the differences row by row", "Hendrycks & Dietterich (2019), ICLR", "<=", 0.05),
    Test("robustness.missing", "Do missing values spoil it?",
         "increase of the mean loss when a tenth of the values of each feature is missing",
         "Student, of the differences row by row", "Breck et al. (2017), IEEE Big Data (ML test score)", "<=", 0.05),
    Test("robustness.units", "Would a wrong unit go unnoticed?",
         "largest increase of the mean loss when one number is given in another unit (times or by 1000, 100, 10, 2.54) and "
         "at least half of its values still lie within the learnt range", "Student, of the differences row by row",
         "Breck et al. (2019), MLSys (data validation)", "<=", 0.1),
    Test("robustness.columns", "Does it notice columns in another order?",
         "share of predictions that change in silence when the columns are reversed", "Wilson", _WILSON, "<=", 0.0),
    Test("leakage.shared_rows", "Were test rows seen in training?",
         "share of test rows whose features and truth have the digest of a training row", "Wilson",
         "Kapoor & Narayanan (2023), Patterns 4 (leakage taxonomy, L1.4)", "<=", 0.01),
    Test("leakage.single_feature", "Does one feature give the answer away?",
         "largest AUC of one feature alone (the mean over classes of one against the rest, where there are several); for "
         "numbers the largest absolute rank correlation", "DeLong; Fisher's z for correlations",
         f"Kapoor & Narayanan (2023), Patterns 4 (L2); {_DELONG}", "<=", 0.99),
    Test("leakage.time_order", "Was it trained on what came after the test rows?",
         "share of training rows that are later than the first test row", "Wilson",
         "Kapoor & Narayanan (2023), Patterns 4 (L3.1)", "<=", 0.0),
    Test("stability.seeds", "Does the result depend on the random seed?",
         "standard deviation of the mean loss over fits with other seeds", "chi-squared",
         "Bouthillier et al. (2021), MLSys (accounting for variance)", "<=", 0.02),
    Test("stability.resamples", "Does the result depend on which rows it was trained on?",
         "standard deviation of the mean loss over fits on bootstrap samples of the training rows", "chi-squared",
         "Bouthillier et al. (2021), MLSys", "<=", 0.03),
    Test("shift.domain", "Can training and test rows be told apart?",
         "AUC of a classifier that tells them apart, on rows that it was not fitted on", "DeLong",
         "Lopez-Paz & Oquab (2017), ICLR (classifier two-sample test)", "<=", 0.6),
    Test("shift.feature", "Is a feature distributed otherwise in training and test rows?",
         "Kolmogorov-Smirnov statistic; for categories half the sum of the absolute differences of shares",
         "none; p-value of the two-sample Kolmogorov-Smirnov or chi-squared test",
         "Rabanser, Günnemann & Lipton (2019), NeurIPS (Failing Loudly)", "<=", 0.2, each="feature"),
    Test("dependence.single_feature", "Does it hang on a single feature?",
         "share of the largest permutation importance in the sum of all", "percentile bootstrap over rows",
         "Breiman (2001), Machine Learning 45; Fisher, Rudin & Dominici (2019), JMLR 20", "<=", 0.8),
    Test("explanations.additivity", "Do the explanations add up to the predictions?",
         "largest difference between a row's prediction and its base plus its SHAP values, in standard deviations of "
         "the predictions", "none",
         "Lundberg & Lee (2017), NeurIPS (SHAP)", "<=", 0.01),
    Test("explanations.sampling", "Were enough rows explained?",
         "widest half interval of a feature's mean absolute SHAP value, as a share of the largest",
         "percentile bootstrap over rows",
         f"Lundberg et al. (2020), Nature Machine Intelligence 2; {_EFRON}", "<=", 0.25),
)  # fmt: skip

TESTS: dict[str, Test] = {test.id: test for test in _ALL}
