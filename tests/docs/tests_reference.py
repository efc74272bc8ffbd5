"""Writes ``docs/reference/tests.md`` from the catalogue: ``python -m tests.docs.tests_reference``."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.assess.catalogue import GROUPS, TESTS
from jupyter_mlgov.governance.metric_names import ALSO, MEASURES

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "tests.md"

HEAD = """# The tests of an assessment

This page is generated from the catalogue in the code (`python -m tests.docs.tests_reference`).

What `mlgov assess` asks of a model ([how to](../how-to/test-a-model.md)). A *loss* is 1 for a wrong label and 0 for a right one;
for numbers it is the absolute error, counted in mean absolute errors over all test rows. A threshold is changed under
`[assess.limits]` in `mlgov.toml` by the test's name. Intervals are 95 % intervals.

Families that are corrected by Holm (1979), Scandinavian Journal of Statistics 6: calibration, declared slices, slices found,
fairness, robustness, stability, features' shift. The p-value is that of "the true value is within the threshold". Fairness first
multiplies it by the number of pairs of groups (Bonferroni), since the largest difference is reported.

## Names of metrics

What a KPI's metric means where it is measured again: here, in [the monitor](../how-to/monitor.md) and where
[two models](../how-to/retrain.md) are compared. Capitals, `-` for `_`, a `test_`, `val_`, `valid_`, `validation_` or `holdout_`
before a name and a `_test`, `_val` or `_score` after it play no part: `Test-ROC-AUC` is `auc`. Every other name is the notebook's
own metric, which is judged by the value that the notebook recorded.

| name | also written | means |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, means in MEASURES.items():
        others = ", ".join(f"`{other}`" for other, one in ALSO.items() if one == name)
        parts.append(f"| `{name}` | {others} | {means} |\n")
    for group in GROUPS:
        parts.append(f"\n## {group}\n\n")
        for test in TESTS.values():
            if test.group != group:
                continue
            passes = (
                f"`{test.op} {test.threshold:g}`"
                if test.threshold is not None
                else "set by the charter, or none"
            )
            each = f" One result for each {test.each}." if test.each else ""
            parts.append(
                f"### {test.id}\n\n{test.question}{each}\n\n"
                "| | |\n|---|---|\n"
                f"| value | {test.measure} |\n"
                f"| passes when | {passes} |\n"
                f"| interval | {test.interval} |\n"
                f"| source | {test.source} |\n\n"
            )
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
