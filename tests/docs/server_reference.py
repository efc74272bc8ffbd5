"""Writes ``docs/reference/server-api.md`` from the table of routes: ``python -m tests.docs.server_reference``."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.server.routes import ROUTES

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "server-api.md"

HEAD = """# The server's API

The routes table on this page is generated from the server's own (`python -m tests.docs.server_reference`).

A Jupyter Server with the extension answers under `/mlgov/api/`. The whole description, with every field, is at
`/mlgov/api/openapi.json`. Requests need the server's token, or a logged-in browser's cookie with the XSRF token for whatever
changes something. `path` (a notebook or folder, relative to the server's folder) says which project is meant. An error is
`{"message": "one line"}`: 400 the request is wrong, 403 not allowed, 404 nothing goes by that name, 409 the state does not
allow it.

| route | what it does | answers |
|---|---|---|
"""

TAIL = """
## A model at work

`GET /monitors`: for each model and stage the newest [monitor](../how-to/monitor.md) run, as `mlgov monitor --json` prints it,
and the runs before it in short.

```
{"monitors": [{
  "experiment": "credit", "number": 3,            the released snapshot that was looked at
  "current": true,                                it is still what is on the stage
  "monitoring": {
    "model": "credit", "stage": "production", "release": 1, "snapshot": "<id>", "at": "<time>",
    "since": null, "first": "<time>", "last": "<time>", "rows": 1200, "outcomes": 800,
    "decision": "nothing" | "watch" | "retrain" | "roll back", "reasons": ["what decided it first"],
    "columns": [{"name": "income", "role": "feature" | "prediction" | "missing", "kind": "number" | "category",
                 "measure": "wasserstein", "effect": 0.81, "threshold": 0.1, "p_adjusted": 1e-9, "detectable": 0.2,
                 "tell": "drift" | "steady" | "unknown", "message": "", "histogram": {...} | null}],
    "attributions": [as columns, "role": "attribution"],
    "kpis": [{"metric": "auc", "op": ">=", "target": 0.8, "value": 0.74, "low": 0.7, "high": 0.78, "met": false, "sure": true,
              "reference": 0.83, "message": "",
              "windows": [{"start": 0, "rows": 60, "at": "<time>", "value": 0.81, "low": 0.7, "high": 0.9}]}],
    "concept": [{"series": "loss", "tell": "drift", "changes": [{"row": 640, "at": "<time>", "before": 0.1, "after": 0.2}]}],
    "quality": [...], "slices": [...], "notes": ["what could not be looked at"]},
  "runs": [{"at": "<time>", "release": 1, "decision": "watch", "reasons": [], "rows": 700, "outcomes": 0}]   newest first
}]}
```

`GET /retrainings`: what [`mlgov retrain`](../how-to/retrain.md) made, newest first; each as `mlgov retrain --json` prints it.
The same documents are in `retrainings` of the snapshot that came of it (of the released one where the notebook failed), whose
`retrained` (or null) says on which data.

```
{"retrainings": [{
  "model": "credit", "stage": "production", "number": 1, "champion": "<id>",     what was on the stage
  "snapshot": "<id>" | null, "reference": "credit@4",                            what came of it
  "at": "<time>", "by": "Ada", "uri": "data/loans.csv", "source": "predictions" | "file", "file": null,
  "mode": "added" | "in place", "rows_before": 600, "rows_new": 412, "first": "<time>" | null, "last": "<time>" | null,
  "contest": {"metric": "auc", "higher_is_better": true, "rows": 203, "level": 0.95, "margin": 0.01,
              "champion": {"value": 0.74, "low": 0.7, "high": 0.78}, "challenger": {...}, "gain": {...},
              "verdict": "better" | "no worse" | "worse" | "too few rows to tell" | "not comparable",
              "reason": "one sentence", "notes": []} | null,
  "assessment": {"fail": 0, "error": 0, "too-small": 1, "pass": 19, "measured": 7, "not-applicable": 4} | null,
  "rerun": "reproduced" | ... | null, "gate": {"open": true, "rules": [...]} | null,
  "outcome": "released" | "ready" | "not good enough" | "gate closed" | "failed", "reasons": ["..."], "notes": [],
  "release": {"model": "credit", "stage": "production", "number": 2, ...} | null
}]}
```

`POST /retrainings` with `{"release": "credit:production"}` starts one and answers 202 with a job, as a rerun does. Further
fields: `data` (a table file below the server's folder), `replace`, `since`, `may_release`. The job has `"kind": "retrain"`,
`release`, and `retraining` once it is `done`; its progress goes through the stages `environment`, `retrain`, `assess`,
`compare`, `rerun` and `gate`. It is followed and cancelled under `/jobs/{job}` like a rerun; `GET /jobs?kind=retrain` lists
retrainings, without `kind` the reruns are listed.
"""


def page() -> str:
    """The whole page."""
    lines = []
    for route in ROUTES:
        for method, operation in route.operations.items():
            answer = operation.answer if isinstance(operation.answer, str) else operation.answer.__name__
            lines.append(f"| `{method.upper()} {route.path}` | {operation.summary} | `{answer}` |\n")
    return HEAD + "".join(lines) + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
