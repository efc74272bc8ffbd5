from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.capture.scalars import as_metric, as_scalar, find_scalars


def run(code: str) -> tuple[dict[str, object], dict[str, object]]:
    namespace: dict[str, object] = {"np": np}
    exec(code, namespace)
    return find_scalars(names_of(code), namespace)


def test_parameters_and_metrics_are_found_without_a_logging_call() -> None:
    parameters, metrics = run(
        "C = 0.1\nname = 'l2'\nauc = np.float64(0.5) + C\nn = len('abc')\nok = auc > 0.5\n"
    )
    assert parameters == {"C": 0.1, "name": "l2"}
    assert metrics == {"auc": 0.6, "n": 3, "ok": True}
    assert type(metrics["auc"]) is float


def test_private_names_texts_and_tables_are_no_metrics() -> None:
    parameters, metrics = run("_hidden = 1\ntext = 'a' + str(1)\nx = np.ones(3)\nitems = list('ab')\n")
    assert parameters == {}
    assert metrics == {}


def test_a_zero_dimensional_array_is_a_scalar_and_a_complex_number_is_not() -> None:
    assert as_scalar(np.array(2.5)) == (True, 2.5)
    assert as_scalar(np.complex128(1j)) == (False, None)
    assert as_scalar(1j) == (False, None)


def test_a_metric_has_to_be_a_number() -> None:
    assert as_metric(np.float32(0.5)) == 0.5
    with pytest.raises(TypeError, match="a metric has to be a number, not str"):
        as_metric("high")
