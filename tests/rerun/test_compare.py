"""Two recorded runs: values first, then cells; a verdict that holds and findings only where something differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jupyter_mlgov.records.annotations import Charter, Kpi
from jupyter_mlgov.rerun.compare import compare, measure
from tests.rerun.making import Maker, frame, model, printed, raised, shown, warned

LOAD = "import pandas as pd\ndf = pd.read_csv('loans.csv')"
TRAIN = "%%experiment base\nauc = df.a.mean()\nprint(auc)"


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def verdict(make: Maker, before: dict[str, Any], after: dict[str, Any]) -> str:
    one, other = make.baseline([LOAD, TRAIN], **before), make.run([LOAD, TRAIN], **after)
    found = compare(make.store, one, other)
    if found.verdict == "reproduced":
        assert found.findings == ()
    return found.verdict


def test_equal_runs_are_reproduced_without_findings(make: Maker) -> None:
    fields = {"metrics": {"auc": 0.83}, "frames": (frame("df", "a"),), "models": (model("m", "x"),)}
    assert verdict(make, fields, fields) == "reproduced"


def test_plots_that_an_older_record_lists_among_its_frames_are_no_difference(make: Maker) -> None:
    why = "holds an object of type matplotlib.axes._axes.Axes"
    plots = replace(frame("ax", "a"), type="numpy.ndarray", digest=None, reason=why)
    assert (
        verdict(make, {"frames": (frame("df", "a"), plots)}, {"frames": (frame("df", "a"),)}) == "reproduced"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (0.83, 0.83, "reproduced"),
        (0.83, 0.83 + 1e-14, "equivalent"),
        (0.83, 0.8301, "diverged"),
        ("NaN", "NaN", "reproduced"),
        ("NaN", 0.5, "diverged"),
        ("Infinity", "-Infinity", "diverged"),
        (10, 10.0, "reproduced"),
        (10**15, 10**15 + 1, "diverged"),
        (2**53 + 1, 2**53, "diverged"),
        (True, False, "diverged"),
    ],
)
def test_a_metric_counts_by_value(make: Maker, old: Any, new: Any, expected: str) -> None:
    assert verdict(make, {"metrics": {"auc": old}}, {"metrics": {"auc": new}}) == expected


def test_a_metric_that_is_gone_diverges_and_a_new_one_does_not(make: Maker) -> None:
    assert verdict(make, {"metrics": {"auc": 1.0, "f1": 1.0}}, {"metrics": {"auc": 1.0}}) == "diverged"
    assert verdict(make, {"metrics": {"auc": 1.0}}, {"metrics": {"auc": 1.0, "f1": 1.0}}) == "reproduced"


@pytest.mark.parametrize("kind", ["model", "frame"])
def test_what_could_not_be_compared_is_not_reproduced_and_named(make: Maker, kind: str) -> None:
    known, unknown = (model("m", "x"),), (replace(model("m", "x"), digest=None, reason="it took too long"),)
    if kind == "frame":
        known, unknown = (
            (frame("m", "x"),),
            (replace(frame("m", "x"), digest=None, reason="it took too long"),),
        )  # type: ignore[assignment]
    one = make.baseline([LOAD, TRAIN], **{f"{kind}s": known})
    found = compare(
        make.store, one, make.run([LOAD, TRAIN], **{f"{kind}s": unknown}, packages={"numpy": "2.1"})
    )
    assert found.verdict == "diverged"
    assert [(value.name, value.status) for value in found.values] == [("m", "not compared")]
    (finding,) = found.findings
    assert (finding.cause, finding.subject) == ("unknown", "m")
    assert "not compared" in finding.message and "it took too long" in finding.message
    never = make.baseline([LOAD, TRAIN], **{f"{kind}s": unknown}, message="never known")
    assert (
        compare(make.store, never, make.run([LOAD, TRAIN], **{f"{kind}s": unknown})).verdict == "reproduced"
    )
    assert compare(make.store, never, make.run([LOAD, TRAIN], **{f"{kind}s": known})).verdict == "reproduced"


def test_a_difference_and_what_was_not_compared_are_both_told(make: Maker) -> None:
    before = {"metrics": {"auc": 0.8}, "models": (model("m", "x"),)}
    after = {"metrics": {"auc": 0.7}, "models": (replace(model("m", "x"), digest=None),)}
    found = compare(make.store, make.baseline([LOAD, TRAIN], **before), make.run([LOAD, TRAIN], **after))
    assert found.verdict == "diverged"
    assert "not compared" in found.findings[-1].message
    assert len(found.findings) == 2


def test_a_declared_tolerance_settles_the_metric_its_printed_form_and_what_it_came_from(make: Maker) -> None:
    def cells(value: float) -> list[Any]:
        return [LOAD, (TRAIN, [printed(f"auc: {value:.4f}")])]

    before = {"metrics": {"auc": 0.8312}, "models": (model("m", "x"),), "tolerances": {"auc": 1e-3}}
    after = {"metrics": {"auc": 0.8316}, "models": (model("m", "y"),)}
    found = compare(make.store, make.baseline(cells(0.8312), **before), make.run(cells(0.8316), **after))
    assert found.verdict == "equivalent"
    assert {(v.name, v.status) for v in found.values} == {("auc", "equivalent"), ("m", "equivalent")}
    assert next(v.tolerance for v in found.values if v.name == "auc") == 1e-3
    beyond = make.run(cells(0.84), metrics={"auc": 0.84}, models=(model("m", "y"),))
    assert compare(make.store, found.baseline, beyond).verdict == "diverged"


def test_a_kpis_tolerance_counts(make: Maker) -> None:
    charter = Charter(title="t", kpis=(Kpi(metric="auc", op=">=", target=0.8, tolerance=0.01),))
    assert (
        verdict(make, {"metrics": {"auc": 0.83}, "charter": charter}, {"metrics": {"auc": 0.835}})
        == "equivalent"
    )


def test_frames_and_models_count_by_digest_and_the_unhashable_say_nothing(make: Maker) -> None:
    assert verdict(make, {"frames": (frame("df", "a"),)}, {"frames": (frame("df", "b"),)}) == "diverged"
    assert verdict(make, {"models": (model("m", "a"),)}, {"models": (model("m", "b"),)}) == "diverged"
    unknown = msgspec.structs.replace(frame("df", "a"), digest=None)
    assert verdict(make, {"frames": (unknown,)}, {"frames": (frame("df", "b"),)}) == "reproduced"


def test_what_only_other_cells_of_the_session_left_behind_is_no_result(make: Maker) -> None:
    cells = [LOAD, TRAIN]
    one = make.baseline(
        cells, frames=(frame("df", "a"), frame("scratch", "b")), order=["scratch = df.copy()", 0, 1]
    )
    assert compare(make.store, one, make.run(cells, frames=(frame("df", "a"),))).verdict == "reproduced"
    assert compare(make.store, one, make.run(cells)).verdict == "diverged"


def test_a_measured_duration_is_no_result(make: Maker) -> None:
    timed = "import time\nt0 = time.time()\nauc = 0.8\nelapsed = time.time() - t0\nprint(f'{elapsed:.2f}')"
    one = make.baseline([(timed, [printed("1.23")])], metrics={"auc": 0.8, "elapsed": 1.2301})
    other = make.run([(timed, [printed("4.57")])], metrics={"auc": 0.8, "elapsed": 4.5678})
    found = compare(make.store, one, other)
    assert found.verdict == "reproduced"
    assert {v.name: v.status for v in found.values} == {"auc": "same", "elapsed": "noise"}


def test_a_measured_duration_makes_no_other_number_equal(make: Maker) -> None:
    timed = "import time\nt0 = time.time()\nfit_s = time.time() - t0\nk = pick()\nprint('clusters:', k)"
    one = make.baseline([(timed, [printed("clusters: 1")])], metrics={"fit_s": 1.2})
    other = make.run([(timed, [printed("clusters: 2")])], metrics={"fit_s": 2.1})
    assert compare(make.store, one, other).verdict == "diverged"


def test_columns_of_measured_seconds_do_not_count_in_a_frame(make: Maker) -> None:
    one, other = frame("cv", "a", fit_time="x", auc="s"), frame("cv", "b", fit_time="y", auc="s")
    assert verdict(make, {"frames": (one,)}, {"frames": (other,)}) == "reproduced"
    other = frame("cv", "b", fit_time="y", auc="t")
    assert verdict(make, {"frames": (one,)}, {"frames": (other,)}) == "diverged"


@pytest.mark.parametrize("name", ["runtime", "elapsed", "duration_s", "wall_time"])
def test_a_column_holds_measured_time_where_the_code_shows_it(make: Maker, name: str) -> None:
    one, other = frame("films", "a", **{name: "x"}), frame("films", "b", **{name: "y"})
    assert verdict(make, {"frames": (one,)}, {"frames": (other,)}) == "diverged"
    timed = f"import time\nt0 = time.time()\nfilms['{name}'] = time.time() - t0"
    page = "<table><tr><th>{}</th></tr><tr><td>{}</td></tr></table>".format
    before, after = ((timed, [shown(text_html=page(name, value))]) for value in ("1.5", "2.5"))
    left, right = make.baseline([before], frames=(one,)), make.run([after], frames=(other,))
    assert compare(make.store, left, right).verdict == "reproduced"
    inputs = (make.table("films.csv", f"{name}\n1\n2\n"),)
    left = make.baseline([before], frames=(one,), inputs=inputs, message="read")
    right = make.run([after], frames=(other,), inputs=inputs)
    assert compare(make.store, left, right).verdict == "diverged"


def test_a_metric_from_a_dictionary_that_holds_a_duration_too_is_a_result(make: Maker) -> None:
    code = "import time\nt0 = time.time()\nresults = fit()\nresults['fit_time'] = time.time() - t0\nauc = results['auc']\nprint('auc', auc)"
    one = make.baseline([(code, [printed("auc 0.83")])], metrics={"auc": 0.83})
    other = make.run([(code, [printed("auc 0.61")])], metrics={"auc": 0.61})
    found = compare(make.store, one, other)
    assert found.verdict == "diverged"
    assert [value.status for value in found.values] == ["different"]
    assert [cell.status for cell in found.cells] == ["different"]


def statuses(make: Maker, before: list[Any], after: list[Any], **fields: Any) -> list[str]:
    one = make.baseline(before, failed=fields.pop("failed_before", ()))
    other = make.run(after, failed=fields.pop("failed_after", ()), **fields)
    return [cell.status for cell in measure(make.store, one, other).cells]


def test_each_cell_has_its_status(make: Maker) -> None:
    before: list[Any] = [
        ("a = 1", [printed("1")]),
        ("b = 2", [printed("<A at 0x7f00aabbccdd>")]),
        ("c = 3", [printed("0.3")]),
        ("d = 4", [printed("4")]),
        ("e = 5", [warned("old")]),
        "f = 6",
    ]
    after: list[Any] = [
        ("a = 1", [printed("1")]),
        ("b = 2", [printed("<A at 0x7f99aabbccdd>")]),
        ("c = 3", [printed("0.30000000000000004")]),
        ("d = 4", [printed("5")]),
        ("e = 5", [warned("new")]),
        "f = 6",
    ]
    found = statuses(make, before, after, order=[0, 1, 2, 3, 4])
    assert found == ["same", "noise", "equivalent", "different", "noise", "not-run"]


def test_an_error_that_was_there_before_is_expected(make: Maker) -> None:
    one, same, other = (raised("ValueError", "bad"), raised("ValueError", "bad"), raised("KeyError", "bad"))
    cells = lambda error: [("f()", [error])]  # noqa: E731
    both = {"failed_before": (0,), "failed_after": (0,)}
    assert statuses(make, cells(one), cells(same), **both) == ["expected-error"]
    assert statuses(make, cells(one), cells(other), **both) == ["error"]
    assert statuses(make, [("f()", [])], cells(one), failed_after=(0,)) == ["error"]
    assert statuses(make, cells(one), [("f()", [])], failed_before=(0,)) == ["different"]


def test_an_inserted_cell_shifts_nothing(make: Maker) -> None:
    before: list[Any] = [("a = 1", [printed("1")]), ("b = 2", [printed("2")])]
    after: list[Any] = ["new = 0", *before]
    one = make.baseline(before, ids=["c0", "c1"])
    other = make.run(after, ids=["c0", "c1", "c2"])
    assert [cell.status for cell in measure(make.store, one, other).cells] == ["same", "same"]


def test_a_cell_keeps_its_place_when_it_was_edited_moved_or_had_its_id_changed(make: Maker) -> None:
    before = ["alpha = compute(1)\nbeta = 2", "second = other(alpha)", "third = 3"]
    after = ["third = 3", "alpha = compute(1)\nbeta = 3", "second = other(alpha)"]
    alignment = measure(make.store, make.baseline(before), make.run(after, ids=["x", "y", "z"])).alignment
    assert {old: new.index for old, new in alignment.after_of.items()} == {0: 1, 1: 2, 2: 0}
    assert [pair.before.index for pair in alignment.moved() if pair.before] == [2]


def test_a_cell_that_raises_only_today_fails_the_rerun(make: Maker) -> None:
    one = make.baseline([TRAIN])
    other = make.run(
        [(("boom()"), [raised("NameError", "name 'boom' is not defined")]), TRAIN], failed=(0,), order=[0]
    )
    assert compare(make.store, one, other).verdict == "failed"
