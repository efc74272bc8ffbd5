"""Writes ``docs/reference/comparison.md`` from the rules in the code: ``python -m tests.docs.comparison_reference``."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.rerun import noise, numbers, pictures
from jupyter_mlgov.rerun.limits import RerunSettings

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "comparison.md"

HEAD = f"""# How two runs are compared

This page is generated from the rules in the code (`python -m tests.docs.comparison_reference`). `mlgov rerun` and
`mlgov diff` use the same comparison.

Values come before pictures, and what is not in the list of noise below counts.

| what | how it is compared |
|---|---|
| metrics | by value, within the tolerance (below) |
| frames, models | by the digest of their content; where only low bits of the metrics moved, nothing changed but packages and nothing is drawn or listed by chance, so may theirs in columns of floating-point numbers. Where the rerun's content could not be hashed, it is `not compared`, and the verdict is not `reproduced` |
| text | word by word and number by number; white space is layout; a number printed rounded is compared as printed |
| tables in HTML | cell by cell under their headings; tags, styles and made-up ids are presentation |
| charts with data (plotly, Vega, Bokeh) | by their data; names that the library counts or draws for each run are presentation, `id` in any other JSON is data; the picture or page beside it is not looked at |
| pictures | by pixels; {pictures.ROUNDING} of 255 steps are rounding; where a declared tolerance lets the metrics move, a structural similarity (SSIM, in RGB) of {pictures.SIMILAR} is enough |
| SVG | by elements, texts and numbers; metadata, comments and ids are presentation |
| errors | by type and message; the traceback is presentation. A cell that raises the same as in the baseline is `expected-error` |
| stderr, warnings, logging | not compared: they tell how the work went |
| widgets, progress bars | not compared, but for what a bar on stdout has counted |
| dates and times | noise where both sides read the moment of their own run; any other date is a result |

## Tolerances

The nearest declaration counts: `--tolerance "auc=1e-3"` on the experiment's cell, then `tolerance` of the KPI in the
charter, then `mlgov.toml`:

```toml
[tolerances]
auc = 1e-3        # absolute
"rmse_*" = 0.01   # names may hold *
```

Where nothing is declared, floating-point numbers may be off by {numbers.RELATIVE:.0e} of the larger (what another order of
additions does to a well-conditioned sum), whole numbers by nothing. A result that is off within its tolerance is
`equivalent`, and the verdict says by how much and what was allowed. Printed, it may differ too, where the number shows three
digits of the metric, or stands beside its name.

## Controlled reruns

Where the result differs, what changed is set back to what was recorded, in a sandbox, then halved until the cause is
left. The plan is shown before it starts. `mlgov.toml` bounds it:

```toml
[rerun]
controlled_runs = {RerunSettings().controlled_runs}        # for one verdict
controlled_seconds = {RerunSettings().controlled_seconds:.0f}   # in all, estimated from the run before
controlled_environment = true   # rebuild the recorded environment where a package changed: as many seconds again
```

Rebuilding needs the package indexes. Where the recorded packages cannot be had, the plan says so, and a package stays the best
explanation instead of a confirmed cause. The environment is kept in the cache (`MLGOV_CACHE`), as for `--as-recorded`.

## What is noise

Each rule has a test with its two examples and with a result that looks alike.

| noise | why | these two are equal | these two differ |
|---|---|---|---|
"""

CODE = """
Some rules read the cell's own code, because the text alone does not tell:

- What a cell prints of its own running time, in the place where its `print` puts it:
  `print("auc", auc, "seconds", time.time() - start)`. A duration that is computed with anything else
  (an age, the days since an event) is a result.
- Columns, keys and fields to which the code gives measured time and nothing else (`rows.append({"secs": time.time() - start})`,
  `DataFrame(rows, columns=["model", "auc", "secs"])`, a data class), beside scikit-learn's `fit_time`, `score_time` and
  `refit_time_`: under their heading in a table, HTML or printed, beside their label, after their key. A column that an input
  has is data, whatever it is called.
- Words for a program's own time (`runtime: 3 s`, `elapsed 12.3`, `finished in 2 min`) in notebooks whose code, or that of
  their modules, reads a clock, and `pid 4711` in those that ask for the number of a process. What was computed of
  such (`mean runtime: 104 min`) is a result everywhere.
- `id(x)` and the place of an array's data in decimal, and `uuid4()`, in the output of a cell that calls them.
- The commit that the project is at, in the output of a cell that asks git for it.
- The number of a process in the output of a cell that asks for it: `os.getpid()`, `!echo $$`, `$PPID`.
- The folder in which the project lies: a path into it is compared from there on.
- Sets and dictionaries in a repr: the items between braces have no order.
"""


def page() -> str:
    """The whole page."""
    rows = [f"| {r.name} | {r.why} | {_both(r.equal)} | {_both(r.kept)} |" for r in noise.RULES]
    return HEAD + "\n".join(rows) + "\n" + CODE


def _both(texts: tuple[str, str]) -> str:
    return "<br>".join(_shown(text) for text in texts)


def _shown(text: str) -> str:
    escaped = text.replace("\x1b", "\\e").replace("\r", "\\r").replace("\n", "\\n").replace("|", "\\|")
    return f"`{escaped}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
