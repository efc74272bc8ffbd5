"""The table that speed is measured with: 40 columns of numbers and 10 of categories. Runs in both environments."""

from __future__ import annotations

import numpy as np
import pandas as pd


def table(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns = {f"x{i}": random.normal(size=rows) for i in range(40)}
    colours = np.array(["red", "green", "blue", "grey", "pink"])
    return pd.DataFrame(columns | {f"c{i}": random.choice(colours, rows) for i in range(10)})
