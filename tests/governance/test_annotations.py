from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance import fields as schema
from jupyter_mlgov.governance.annotations import parse_charter, parse_risk
from jupyter_mlgov.governance.fields import example, fields_help
from jupyter_mlgov.governance.yaml_lines import SIZE_LIMIT
from jupyter_mlgov.records.annotations import (
    Amount,
    Charter,
    Check,
    DeclaredData,
    Kpi,
    Risk,
    Threshold,
)

RISK = "situation: thin data\nseverity: high\nlikelihood: low\n"


def refused(body: str, *, kind: str = "risk", first_line: int = 2) -> str:
    with pytest.raises(UsageError) as caught:
        if kind == "risk":
            parse_risk("r", body, first_line=first_line)
        else:
            parse_charter(body, first_line=first_line)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_whole_risk_is_read() -> None:
    risk = parse_risk(
        "thin-data",
        RISK
        + "effect: |\n  one\n  two\nstatus: Mitigated\nreview_by: 2027-3-1\ntags: [data, model]\ncheck: n >= 30\n",
    )
    assert (risk.id, risk.severity, risk.status, risk.review_by) == (
        "thin-data",
        "high",
        "mitigated",
        "2027-03-01",
    )
    assert risk.effect == "one\ntwo"
    assert risk.tags == ("data", "model")
    assert risk.check is not None
    assert (risk.check.expression, risk.check.passed) == ("n >= 30", None)


def test_a_whole_charter_is_read() -> None:
    charter = parse_charter(
        'title: 2024\nowner: yes\nkpis:\n  - auc >= 0.80\n  - {metric: recall, op: ">=", target: 60%, split: test}\n'
        '  - kpi: "gap <= 0.1"\n    tolerance: 0.01\n    description: equal\n'
    )
    assert (charter.title, charter.owner) == ("2024", "yes")
    assert charter.kpis == (
        Kpi(metric="auc", op=">=", target=0.8),
        Kpi(metric="recall", op=">=", target=0.6, split="test"),
        Kpi(metric="gap", op="<=", target=0.1, tolerance=0.01, description="equal"),
    )


def test_what_decisions_are_worth_is_read_with_its_unit() -> None:
    charter = parse_charter(
        "title: x\nvalue_of_right: 40 minutes\ncost_of_wrong:\n  wrong approval: 12,000.50 USD per loan\n  refusal: € 60\n"
        "threshold: p >= 0.15\n"
        "test_data: {truth: denied, frame: t, score: p, predicted: flagged, positive: yes}\n"
    )
    assert charter.value_of_right == (Amount(value=40.0, unit="minutes"),)
    assert charter.cost_of_wrong == (
        Amount(value=12000.5, unit="USD per loan", when="wrong approval"),
        Amount(value=60.0, unit="€", when="refusal"),
    )
    assert charter.threshold == Threshold(value=0.15, op=">=", score="p")
    assert charter.test_data == DeclaredData(
        truth="denied", frame="t", score="p", predicted="flagged", positive=True
    )
    assert parse_charter("title: x\nthreshold: 35%").threshold == Threshold(value=0.35)
    large = parse_charter("title: x\nvalue_of_right: 1.5e6 EUR\ncost_of_wrong: 3 errors").value_of_right
    assert large == (Amount(value=1.5e6, unit="EUR"),)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cost_of_wrong: a lot", "'a lot' is no amount; write a number and its unit"),
        ("cost_of_wrong: [1 USD]", "write {kind: amount}"),
        ("cost_of_wrong: {a: [1]}", "one amount for a"),
        ("threshold: high", "not a number"),
        ("threshold: a == 1", "use one of >=, >, <=, <"),
        ("threshold: [1]", "a number, or a comparison"),
    ],
)
def test_a_wrong_amount_or_threshold_names_its_line(line: str, says: str) -> None:
    message = refused(f"title: x\n{line}", kind="charter")
    assert message.startswith("line 3: ")
    assert says in message


def test_several_checks_are_a_list_and_one_is_a_text() -> None:
    several = parse_risk("r", RISK + "check:\n  - a > 1\n  - b > 2\ntime_limit: 2 s\ntags: Third-Party").check
    assert several is not None
    assert [part.expression for part in several.parts] == ["a > 1", "b > 2"]
    assert several.expression == "a > 1; b > 2"
    assert parse_risk("r", RISK + "check: [a > 1]").check == Check(expression="a > 1")
    risk = parse_risk("r", RISK + "tags: Third-Party, DATA\ntime_limit: 2 s")
    assert (risk.tags, risk.time_limit) == (("third party", "data"), 2.0)


def test_the_fields_are_those_of_the_records() -> None:
    risk = {field.name for field in schema.RISK}
    assert risk == set(Risk.__struct_fields__) - {"id", "cell", "source"}
    assert {field.name for field in schema.CHARTER} == set(Charter.__struct_fields__)
    assert {field.name for field in schema.KPI} - {"kpi"} == set(Kpi.__struct_fields__)


@pytest.mark.parametrize("kind", ["charter", "risk"])
def test_the_help_names_every_field_and_its_example_parses(kind: str) -> None:
    text = fields_help(kind)  # type: ignore[arg-type]
    assert all(field.name in text for field in schema.fields_of(kind))  # type: ignore[arg-type]
    first, _, body = example(kind).partition("\n")  # type: ignore[arg-type]
    if kind == "risk":
        assert parse_risk(first.split()[1], body).check is not None
    else:
        assert len(parse_charter(body).kpis) == 2


def test_a_misspelt_word_is_told_with_its_line_and_the_nearest_word() -> None:
    message = refused("situation: x\nseverity: hgih\nlikelihood: low")
    assert message == "line 3: severity 'hgih' is not one of low, medium, high, critical; did you mean high?"


def test_a_misspelt_field_is_told_with_its_line_and_the_nearest_field() -> None:
    assert (
        refused("situation: x\nsevrity: high")
        == "line 3: 'sevrity' is not a field of %%risk; did you mean severity?"
    )
    assert "the fields are title, owner" in refused("title: x\nzzz: 1", kind="charter")


def test_a_field_that_is_given_twice_names_both_lines() -> None:
    assert refused(RISK + "severity: low") == "line 5: 'severity' is given twice (first in line 3); keep one"


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("", 2, "empty"),
        ("# only a comment\n", 2, "empty"),
        ("just text", 2, "field: text"),
        ("- a\n- b", 2, "field: text"),
        ("situation: x\nlikelihood: low", 2, "severity is missing"),
        (RISK.replace("thin data", ""), 2, "situation is empty"),
        (RISK + "effect: a: b", 5, "second ': '"),
        (RISK + " effect: a", 5, "indented more"),
        (RISK + "effect: 'open", 5, "closing quote"),
        (RISK + "effect: [a", 5, "[ or {"),
        (RISK + "effect\nowner: x", 5, "field: text"),
        (RISK + "owner: @jane", 5, "quotes"),
        (RISK + "effect: [a, b]", 5, "effect is a list, expected a text"),
        (RISK + "check: {a: b}", 5, "check is a mapping"),
        (RISK + "check: [[a > 1], b > 2]", 5, "check is a list"),
        (RISK + "check: []", 5, "empty list"),
        (RISK + "check:\n  - a > 1\n  - ''", 7, "an empty check"),
        (RISK + "tags: [data, fairnes]", 5, "'fairnes' is not one of data, model"),
        (RISK + "tags: thrid party", 5, "did you mean third party?"),
        (RISK + "time_limit: 0", 5, "more than 0 and at most 600 seconds"),
        (RISK + "test_data: X", 5, "the fields truth, frame"),
        (RISK + "test_data: {frame: X}", 5, "test_data.truth is missing"),
        (RISK + "test_data: {truth: y, predict: p}", 5, "did you mean predicted?"),
        (RISK + "check: >= 3", 5, "quotes"),
        (RISK + "check: *x", 5, "alias"),
        (RISK + "owner: &x y", 5, "anchor"),
        (RISK + "owner: !!python/object/apply:os.system [ls]", 5, "tag"),
        (RISK + "review_by: soon", 5, "review_by 'soon' is not a date; write it as YYYY-MM-DD"),
        (RISK + "review_by: 2027-02-30", 5, "not a date"),
        (RISK + "tags: {a: b}", 5, "list of words"),
        (RISK + "id: other", 5, "first line"),
        (RISK + "effect: \x07", 5, "U+0007"),
        (RISK + "---\nowner: x", 5, "one YAML document"),
        (RISK + "effect: " + "[" * 50 + "]" * 50, 5, "levels of nesting"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(body: str, line: int, says: str) -> None:
    message = refused(body)
    assert message.startswith(f"line {line}: ")
    assert says in message


@pytest.mark.parametrize(
    ("kpis", "line", "says"),
    [
        ("kpis: auc > > 1", 3, "more than one comparison"),
        ("kpis:\n  - auc >= 0.8\n  - recall", 5, "no comparison"),
        ("kpis:\n  - {metric: auc, op: '=>', target: 1}", 4, "did you mean >=?"),
        ("kpis:\n  - metric: auc\n    op: '>='\n    target: high", 4, "not a number"),
        ("kpis:\n  - {metric: auc, target: 1}", 4, "op is missing"),
        ("kpis:\n  - {metrik: auc}", 4, "did you mean metric?"),
        ("kpis: {auc: 0.8}", 3, "start each KPI with a dash"),
        ("kpis:\n  - [auc]", 4, "a KPI is a list"),
        ("kpis:\n  - auc > 1\n  - auc > 1", 5, "given twice"),
    ],
)
def test_a_wrong_kpi_in_a_charter_names_its_line(kpis: str, line: int, says: str) -> None:
    message = refused(f"title: x\n{kpis}", kind="charter")
    assert message.startswith(f"line {line}: ")
    assert says in message


def test_empty_optional_fields_are_as_if_they_were_not_there() -> None:
    assert parse_risk("r", RISK + "mitigation:\nowner: ''\nstatus: ~\n") == parse_risk("r", RISK)


def test_a_tab_indents_like_spaces() -> None:
    assert parse_charter("title: x\nkpis:\n\t- auc > 1").kpis[0].metric == "auc"


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "<b>", "-x", "x" * 101])
def test_an_id_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="id"):
        parse_risk(name, RISK)


def test_an_alias_bomb_and_a_huge_text_are_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"b{n}: &b{n} [*a, *a]" for n in range(50))
    assert "anchor" in refused(bomb)
    assert "too many" in refused(RISK + "effect: " + "x" * SIZE_LIMIT)


@pytest.mark.parametrize(
    "body",
    [
        RISK + "effect: " + "[" * 20_000,
        RISK + "effect: " + "{a: " * 9_000,
        RISK + "".join(f"{' ' * n}a{n}:\n" for n in range(1, 300)),
        RISK + "- " * 20_000,
        RISK + "".join(f"f{n}: {n}\n" for n in range(6_000)),
        RISK + "tags: [" + "data, " * 9_000 + "data]",
        RISK + "check: [" + "a > 1, " * 7_000 + "a > 1]",
        RISK + "check: " + "(" * 30_000,
        RISK + "time_limit: " + "9" * 20_000,
        RISK + "time_limit: 1" + ":59" * 9_000,
        RISK + "time_limit: 0x" + "f" * 20_000,
        RISK + "time_limit: .inf",
        RISK + "time_limit: 1e999999999",
        RISK + "time_limit: [5]",
        RISK + "review_by: 99999999999999999999-01-01",
        RISK + "<<: {severity: low}",
        RISK + "? [a, b]\n: c",
        RISK + "? {a: b}\n: c",
        RISK + "owner: !!binary aGk=",
        RISK + "owner: !!set {a, b}",
        RISK + "owner: !<tag:yaml.org,2002:python/name:os.system> x",
        RISK + "%YAML 1.1\n---\nowner: x",
        RISK + "owner: \ud800",
        RISK + "owner: \x00",
        RISK + "owner: \ufffe",
        RISK + "...\nowner: x",
        RISK + "severity: high",
        RISK + "Severity: high",
        RISK + "test_data: {truth: [y], frame: {a: b}}",
        RISK + "test_data: " + "{truth: " * 12 + "y" + "}" * 12,
        "\ufeff" + RISK + "zzz: 1",
        RISK + "effect: |" + " " * 30_000 + "\nx",
        RISK + "effect: '" + "''" * 20_000,
        RISK + 'effect: "' + "\\x41" * 10_000,
        RISK + "#" * 60_000 + "\nzzz: 1",
        "&a [*a]",
        "*a",
        "null",
        "3",
        "[]",
        "true: 1",
    ],
)
def test_hostile_yaml_is_one_short_line_at_once(body: str) -> None:
    started = time.perf_counter()
    message = refused(body)
    assert time.perf_counter() - started < 5
    assert message.startswith("line ")
    assert len(message) < 700
    message.encode("utf-8")


@pytest.mark.parametrize(
    "kpis",
    [
        "kpis: ['auc >= " + "9" * 20_000 + "']",
        "kpis: ['auc >= 1e999']",
        "kpis: ['auc >= nan']",
        "kpis: ['" + "a" * 20_000 + " >= 1']",
        "kpis:\n" + "".join(f"  - m{n} > {n}\n" for n in range(3_000)),
        "kpis: [{metric: auc, op: '>=', target: {a: b}}]",
        "kpis: [{metric: [auc], op: '>=', target: 1}]",
        "value_of_right: " + "9" * 20_000 + " USD",
        "cost_of_wrong: 1e999 USD",
        "threshold: p >= " + "1" * 20_000,
    ],
)
def test_hostile_numbers_of_a_charter_are_one_short_line(kpis: str) -> None:
    message = refused(f"title: x\n{kpis}", kind="charter")
    assert message.startswith("line ")
    assert len(message) < 700


@given(st.text(max_size=300))
def test_any_text_is_an_annotation_or_one_line_of_error(text: str) -> None:
    for parse in (parse_charter, lambda body: parse_risk("r", body)):
        try:
            parse(text)
        except UsageError as error:
            assert "\n" not in str(error)
            assert str(error).startswith("line ")


NAMES = [field.name for field in (*schema.RISK, *schema.CHARTER)] + ["<<", "id", "zzz"]
WORDS = st.one_of(
    st.sampled_from(
        [
            "high",
            "low",
            "open",
            "2027-01-01",
            "auc > 1",
            "*a",
            "&a",
            "!t",
            "|",
            ">",
            "[",
            "{",
            "'",
            "~",
            "- x",
        ]
    ),
    st.text(alphabet=": -#'\"[]{}|>&*!%@`,\n\t\\aé1", max_size=12),
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), WORDS), max_size=8))
def test_any_nearly_right_text_is_an_annotation_or_one_line_of_error(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{name}: {word}" for name, word in lines)
    for parse in (parse_charter, lambda body: parse_risk("r", body)):
        try:
            parse(text)
        except UsageError as error:
            assert "\n" not in str(error)
            assert str(error).startswith("line ")


TEXTS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
    min_size=1,
    max_size=60,
)


@given(TEXTS, TEXTS, st.sampled_from(schema.SEVERITIES), st.sampled_from(schema.LIKELIHOODS))
def test_what_yaml_writes_is_what_is_read(
    situation: str, effect: str, severity: str, likelihood: str
) -> None:
    wanted = {"situation": situation, "effect": effect, "severity": severity, "likelihood": likelihood}
    if not situation.strip():
        return
    risk = parse_risk("r", yaml.safe_dump(wanted, allow_unicode=True))
    assert (risk.situation, risk.effect or "") == (situation.strip(), effect.strip())
    assert (risk.severity, risk.likelihood) == (severity, likelihood)
