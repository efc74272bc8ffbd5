"""The table of noise rules: each masks its own noise and nothing that carries a result."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rerun.made_up import mask_called
from jupyter_mlgov.rerun.noise import RULES, Rule, in_order, mask, overwritten
from jupyter_mlgov.rerun.self_told import SelfTold
from jupyter_mlgov.rerun.texts import Context, compare_texts

named = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name.replace(" ", "-"))


@named
def test_a_rule_makes_its_two_examples_equal(rule: Rule) -> None:
    one, other = rule.equal
    assert one != other
    assert rule.apply(one) == rule.apply(other)
    assert compare_texts(one, other, Context()).closeness == "noise"


@named
def test_a_rule_keeps_a_result_that_looks_alike(rule: Rule) -> None:
    one, other = rule.kept
    assert mask(one) != mask(other)
    assert compare_texts(one, other, Context()).closeness == "different"


@named
def test_a_masked_text_stays_as_it_is_when_masked_again(rule: Rule) -> None:
    for text in rule.equal:
        assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text",
    ["auc: 0.83", "0.83", "n = 1,989 rows", "p < 0.001", "85 % of 12 h", "id 4711", "loss 3.2e-05", "took 3 of 5 items",
     "the time: 0.83 of all", "duration 12.5 s", "total 12 s", "#ff8800", "0xdeadbeef", "(3, 4)", "v2.1.0",
     "waiting time: 3.1 ms", "lead time 3 h", "model-3", "2019-05-01", "mean runtime: 104.3 min", "runtime 104 min",
     "mean processing time: 12.3", "score time: 5", "worst pid: 17", "pid 17", "process id: 4", "total: 46 hours",
     "remaining: 3 h", "the trip took 46 min", "finished in 2:46:10", "[0] total: 46 hours"],
)  # fmt: skip
def test_results_are_not_masked(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Fit @ trees in # s, (28 total leaves)", "3"),
        ("1 tree, @ leaves, max depth = 4, in #s", "10"),
        ("Binning @ GB of training data: # s", "0.001"),
        ("Time spent computing histograms: #s\nbest @", "0.83"),
        ("[IterativeImputer] Ending imputation round @/10, elapsed time #", "3"),
        ("  Iteration 1\t time lapse #s\t ll change @", "1.25"),
        ("Initialization converged.\t time lapse #s\t ll @", "-0.25"),
        ("Epoch 10 reached after # seconds, error: @", "0.125"),
        ("Iteration   0 (elapsed time:   1s,  #mn, current cost   @)", "3.25"),
        ("Norm: @, NNZs: 4\nTotal training time: # seconds.", "1.25"),
        ("         1           @           #s", "1.2345"),
        ("         1           1.2345           @           #m", "0.1234"),
        ("{'train_runtime': #, 'train_samples_per_second': #, 'train_loss': @}", "0.83"),
        ('{"eval_loss": @, "eval_runtime": #}', "0.83"),
        (
            "[LightGBM] [Debug] init for col-wise cost # seconds, init for row-wise cost # seconds\nauc @",
            "0.83",
        ),
        ("{'me...me': array([#..., #]), 'me...re': array([@])}", "0.83"),
    ],
)
def test_of_a_librarys_own_line_only_the_time_is_noise(line: str, kept: str) -> None:
    def said(time: str, result: str) -> str:
        return line.replace("#", time).replace("@", result)

    assert compare_texts(said("0.03", kept), said("1.25", kept), Context()).closeness == "noise"
    assert compare_texts(said("0.03", kept), said("0.03", kept + "7"), Context()).closeness == "different"


CLOCKED = SelfTold.by(["import time\nstart = time.time()", "print(f())"])
PROCESS = SelfTold.by(["import os\nme = os.getpid()"])


@pytest.mark.parametrize(
    "text",
    ["Training time: @", "fit time (s): @", "Elapsed: @", "runtime: @ s", "processing time = @ ms", "Time elapsed: @",
     "finished in @ s", "search took @ seconds for 12 candidates", "execution_time @", "run time: @ min, auc 0.83"],
)  # fmt: skip
def test_words_for_its_own_time_are_noise_only_in_a_notebook_that_reads_a_clock(text: str) -> None:
    one, other = text.replace("@", "12.31"), text.replace("@", "9.7")
    assert compare_texts(one, other, Context(told=CLOCKED)).closeness == "noise"
    assert compare_texts(one, other, Context(told=PROCESS)).closeness == "different"
    assert (
        compare_texts(one, other.replace("0.83", "0.84") + " 2", Context(told=CLOCKED)).closeness
        == "different"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mean runtime: 104.3 min", "mean runtime: 97.1 min"),
        ("mean processing time: 12.3", "mean processing time: 19.8"),
        ("score time: 5", "score time: 9"),
        ("worst pid: 17", "worst pid: 45"),
        ("runtime: 104", "runtime: 97"),
        ("total: 46 hours", "total: 51 hours"),
        ("longest run time: 3 h", "longest run time: 4 h"),
    ],
)
def test_what_was_computed_of_times_is_a_result_in_a_notebook_that_reads_a_clock_too(
    one: str, other: str
) -> None:
    both = SelfTold(clock=True, process=True)
    assert compare_texts(one, other, Context(told=both)).closeness == "different"


def test_the_number_of_a_process_is_noise_in_a_notebook_that_asks_for_one() -> None:
    one, other = "worker started, pid=4711", "worker started, pid=812"
    assert compare_texts(one, other, Context(told=PROCESS)).closeness == "noise"
    assert compare_texts(one, other, Context(told=CLOCKED)).closeness == "different"


WIDE = 3000


@named
def test_a_rule_takes_time_in_proportion_to_the_text(rule: Rule) -> None:
    """Cubic time would be minutes here, quadratic time seconds."""
    began = time.perf_counter()
    for text in {
        *rule.equal,
        *rule.kept,
        "runtime : 1 h, 2 min",
        "1 h and 2 s",
        "x: 10%|##| 1/2 [00:01<00:00]",
    }:
        for part in {found[0]: found for found in re.finditer(r"\s|\d|[A-Za-z]|[^\w\s]", text)}.values():
            for wide in {part[0] * WIDE, " " * WIDE, "\n" * WIDE, "1," * WIDE, f"{part[0]} " * WIDE}:
                rule.apply(text[: part.start()] + wide + text[part.end() :])
                rule.apply(text[: part.start()] + wide)
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize("text", ["runtime", "took", "Training time", "pid", "elapsed ("])
def test_wide_columns_after_a_word_for_time_cost_nothing(text: str) -> None:
    began = time.perf_counter()
    for wide in (" " * 100_000, "\n" * 100_000, " 1" * 50_000, "1" * 100_000):
        SelfTold(clock=True, process=True).mask(text + wide)
        mask(text + wide)
    assert time.perf_counter() - began < 10


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_two_printed_numbers_that_differ_are_never_noise(one: float, other: float) -> None:
    found = compare_texts(f"auc: {one!r}", f"auc: {other!r}", Context()).closeness
    assert found == "same" if repr(one) == repr(other) else found in ("different", "equivalent", "noise")
    if abs(one - other) > 1e-6 * max(abs(one), abs(other)) and max(abs(one), abs(other)) > 1e-12:
        assert found == "different"


def test_a_terminal_shows_what_was_written_last() -> None:
    assert overwritten("10 %\r20 %\r100%\ndone\n") == "100%\ndone\n"
    assert overwritten("abc\rX") == "Xbc"
    assert overwritten("ab\b\bX\n") == "Xb\n"
    assert overwritten("one\r\ntwo\r\n") == "one\ntwo\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{'a', 'b', 'c'}", "{'c', 'a', 'b'}"),
        ("{'x': {1, 2}, 'y': [3, 4]}", "{'y': [3, 4], 'x': {2, 1}}"),
        ("frozenset({'it, s', 'b'}) 1", "frozenset({'b', 'it, s'}) 1"),
        ("{f(1, 2), f(2, 1)}", "{f(2, 1), f(1, 2)}"),
    ],
)
def test_the_order_in_a_set_or_dict_is_noise(one: str, other: str) -> None:
    assert in_order(one) == in_order(other)
    assert compare_texts(one, other, Context()).closeness == "noise"


@pytest.mark.parametrize(
    ("one", "other"), [("[1, 2]", "[2, 1]"), ("{'a': [1, 2]}", "{'a': [2, 1]}"), ("{'a': 1}", "{'a': 2}"), ("(1, 2)", "(2, 1)")]
)  # fmt: skip
def test_the_order_in_a_list_is_a_result(one: str, other: str) -> None:
    assert compare_texts(one, other, Context()).closeness == "different"


@given(st.text(alphabet="{}[](),'\" ab\\", max_size=40))
def test_ordering_braces_never_fails_and_settles(text: str) -> None:
    once = in_order(text)
    assert (
        sorted(once.replace(" ", "").replace(",", "")) == sorted(text.replace(" ", "").replace(",", ""))
        or once == text
    )


def test_decimal_ids_are_noise_only_where_the_cell_asks_for_them() -> None:
    one, other = "140234234234123", "139876543211111"
    assert mask_called(one, "print(id(x))") == mask_called(other, "print(id(x))")
    assert mask_called(one, "print(total)") == one
    assert mask_called(one, "x.__array_interface__['data']") == mask_called(other, "t.data_ptr()")
    assert mask_called("42", "print(id(x))") == "42"
    assert mask_called("shell 4711", '!echo "shell $$"') == mask_called("shell 812", '!echo "shell $$"')
    assert mask_called("4711\n42 rows", "%%bash\necho $$\necho 42 rows").endswith("\n42 rows")
    assert mask_called("4711\n", "run('echo $$', shell=True)") == mask_called(
        "812\n", "run('echo $$', shell=True)"
    )
    assert mask_called("42 rows", "!echo $$") == "42 rows"
    for asked in (
        "!git rev-parse HEAD",
        "run(['git', 'rev-parse', '--short', 'HEAD'])",
        "repo.head.object.hexsha",
    ):
        assert mask_called("at 3c1bba4", asked) == mask_called("at 8fd9936", asked)
    assert mask_called("at 3c1bba4", "print(checksum)") == "at 3c1bba4"
    uuids = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert mask_called(uuids[0], "uuid.uuid4()") == mask_called(uuids[1], "uuid.uuid4()")
    assert mask_called(uuids[0], "top_customer") == uuids[0]
