"""Why a prediction: Shapley values of the model's own inputs, sampled in permutations against background rows.

For one row, each permutation takes a background row and sets its inputs to the row's, one after the other; what the
output moves by at each step is that input's contribution (Castro, Gomez and Tejada 2009, "Polynomial calculation of the
Shapley value based on sampling"). A permutation and its reverse are both used, which cancels much of the sampling
error (Mitchell, Cooper, Frank and Holmes 2022). Contributions add up to the output minus ``base`` exactly; for a model
without interactions they are exact. It works for everything that predicts, pipelines and categories included.
"""

from __future__ import annotations

from typing import Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.operate.served import Served

ROWS = 100
"""Rows of one request that are explained at most."""
CELLS = 4_000
"""Evaluations of the model for one row, about."""
BASE = "(base)"


def explained_output(served: Served) -> str:
    """What is explained: the second class's probability of two, the predicted class's of more, else the (first)
    prediction."""
    if served.classes is None:
        return served.outputs[0][0]
    return (
        f"probability.{served.classes[1]}"
        if len(served.classes) == 2
        else "probability of the predicted class"
    )


def explain(served: Served, columns: dict[str, list[Any]]) -> list[dict[str, float]]:
    """For each row of checked columns the contribution of each input, and ``(base)``: the mean output of the background.

    Raises ``UsageError`` where the snapshot keeps no rows to compare with, or too many rows are asked for.
    """
    import numpy as np

    count = len(next(iter(columns.values())))
    if served.background is None or served.accepted.layout == "series":
        raise UsageError(
            "this model's predictions cannot be explained: its snapshot keeps no rows of a table to compare with; "
            "run its cell with --test"
        )
    if count > ROWS:
        raise UsageError(f"{count} rows are too many to explain at once: ask for {ROWS} or fewer")
    rows = served.frame(columns)
    names = served.accepted.names
    rng = np.random.default_rng(0)
    background = served.background
    pairs = max(1, min(len(background), CELLS // (2 * (len(names) + 1))))
    picked = rng.permutation(len(background))[:pairs]
    orders = [rng.permutation(len(names)) for _ in picked]
    return [_one(served, rows, row, picked, orders) for row in range(count)]


def _one(served: Served, rows: Any, row: int, picked: Any, orders: list[Any]) -> dict[str, float]:
    import numpy as np

    names = served.accepted.names
    width = len(names)
    steps = width + 1
    both = [order for forward in orders for order in (forward, forward[::-1])]
    source = np.repeat(np.repeat(picked, 2), steps)
    from_row = np.zeros((len(both) * steps, width), dtype=bool)
    for place, order in enumerate(both):
        for step in range(1, steps):
            from_row[place * steps + step : (place + 1) * steps, order[step - 1]] = True
    mixed = _mixed(served.background, rows, row, source, from_row)
    output = _output(served, mixed, len(both), steps)
    moved = np.diff(output, axis=1)
    totals = np.zeros(width)
    for place, order in enumerate(both):
        totals[order] += moved[place]
    found = dict(zip(names, (totals / len(both)).tolist(), strict=True))
    return {**found, BASE: float(output[:, 0].mean())}


def _mixed(background: Any, rows: Any, row: int, source: Any, from_row: Any) -> Any:
    """Background rows ``source`` with the inputs that ``from_row`` marks set to those of ``row``."""
    import numpy as np
    import pandas as pd

    if isinstance(background, np.ndarray):
        return np.where(from_row, rows[row], background[source])
    made = {}
    for place, name in enumerate(background.columns):
        both = pd.concat([background[name], rows[name].iloc[[row]]], ignore_index=True)
        made[name] = both.take(np.where(from_row[:, place], len(background), source)).reset_index(drop=True)
    return pd.DataFrame(made)


def _output(served: Served, mixed: Any, orders: int, steps: int) -> Any:
    import numpy as np

    if served.classes is None:
        values = np.asarray(served.model.predict(mixed), dtype=float).reshape(len(mixed), -1)[:, 0]
        return values.reshape(orders, steps)
    scores = np.asarray(served.model.predict_proba(mixed)).reshape(orders, steps, -1)
    if scores.shape[2] == 2:
        return scores[:, :, 1]
    return scores[:, :, int(scores[0, -1].argmax())]
