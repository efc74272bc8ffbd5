"""Which variables are data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.capture.aside import Aside
from jupyter_mlgov.capture.mapped_arrays import MappedArrays
from jupyter_mlgov.capture.namespace import Variables, find_frames


def found(**variables: object) -> list[str]:
    with Aside(60) as aside:
        return [one.name for one in find_frames(Variables(variables), aside, 2.0, [], MappedArrays())]


def test_an_array_of_plots_is_no_data_and_one_of_objects_is() -> None:
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2)
    mixed = np.array([axes[0, 0], "a text"], dtype=object)
    texts = np.array(["a", None], dtype=object)
    assert found(axes=axes, mixed=mixed, texts=texts, df=pd.DataFrame({"a": [1]})) == ["df", "mixed", "texts"]
    plt.close(figure)
