"""The page as HTML: whole, inert, the same each time, and built like a document."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from jupyter_mlgov import report
from jupyter_mlgov.report.render import POLICY, _environment
from tests.report.conftest import context, page
from tests.report.sample import Sample


class Outline(HTMLParser):
    """Tags with their attributes, in order, and whether they are nested as they should be."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "col", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(params=["rich", "good", "bare"])
def html(request: pytest.FixtureRequest) -> str:
    return page(request.getfixturevalue(request.param))


@pytest.fixture
def outline(html: str) -> Outline:
    return Outline(html)


def test_the_same_record_gives_the_same_bytes_in_another_process(rich: Sample) -> None:
    code = (
        "import sys; from pathlib import Path; from jupyter_mlgov.store import Store; from jupyter_mlgov import report;"
        "from jupyter_mlgov.governance.gate import decide; store = Store.open(Path(sys.argv[1]));"
        "sys.stdout.buffer.write(report.render(report.build(store, sys.argv[2], decide(store, sys.argv[2]))).encode())"
    )
    command = [sys.executable, "-c", code, str(rich.store.folder), rich.id]
    printed = subprocess.run(
        command, capture_output=True, check=True, env={"PYTHONPATH": ".", "PYTHONHASHSEED": "5"}
    )
    assert printed.stdout.decode() == page(rich)


def test_the_policy_allows_nothing(outline: Outline) -> None:
    policies = [
        attrs["content"]
        for tag, attrs in outline.tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == [POLICY]
    for part in ("default-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in POLICY


def test_there_is_no_script_no_frame_no_form_and_nothing_from_outside(html: str, outline: Outline) -> None:
    assert not {tag for tag, _ in outline.tags} & {"script", "iframe", "object", "embed", "form", "base"}
    for tag, attrs in outline.tags:
        assert not [name for name in attrs if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:image/")) or value == "data:,", value
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_tags_close_as_they_open(outline: Outline) -> None:
    assert outline.wrong == []
    assert outline.open == []


def test_headings_go_down_one_step_at_a_time(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_ids_are_unique_and_every_link_leads_somewhere(outline: Outline) -> None:
    ids = Counter(attrs["id"] for _, attrs in outline.tags if "id" in attrs)
    assert max(ids.values()) == 1
    targets = {attrs["href"] for tag, attrs in outline.tags if tag in ("a", "use")}
    assert {target[1:] for target in targets if target} <= set(ids)


def test_landmarks_tables_and_pictures_are_named(outline: Outline) -> None:
    tags = [tag for tag, _ in outline.tags]
    assert (tags.count("main"), tags.count("nav"), tags.count("footer")) == (1, 1, 1)
    for tag, attrs in outline.tags:
        if tag == "img":
            assert attrs["alt"]
        if tag == "svg" and attrs.get("role") == "img":
            assert attrs["aria-label"]
        if tag in ("section", "article"):
            assert attrs["aria-labelledby"]


def test_every_section_is_in_the_table_of_contents(rich: Sample) -> None:
    html = page(rich)
    nav = html[html.index("<nav") : html.index("</nav>")]
    for section in context(rich).sections.values():
        assert (f'href="#{section.id}"' in nav) is (section.id != "summary")
        assert f'<section class="section" id="{section.id}"' in html or section.id == "summary"


def test_every_finding_risk_and_digest_is_on_the_page(rich: Sample) -> None:
    html, found = page(rich), context(rich)
    assert found.reproducibility.latest is not None
    for finding in found.reproducibility.latest.findings:
        assert finding.message in html
        assert finding.remedy in html
    for risk in found.risks.risks:
        assert f'id="{risk.anchor}"' in html
    for fact in found.digests.named:
        assert f">{fact.value}</td>" in html
    assert rich.id in html
    assert "confirmed by a controlled rerun" in html
    assert "the best explanation, not confirmed" in html


def test_braces_of_a_template_stay_as_they_are(good: Sample) -> None:
    html = report.render(dataclasses.replace(context(good), title="{{ 99991*99989 }}{% endblock %}"))
    assert "<h1>{{ 99991*99989 }}{% endblock %}</h1>" in html
    assert "9998000099" not in html


def test_a_name_that_the_context_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        _environment().from_string("{{ report.nothing }}").render(report=object())


def test_the_page_of_a_whole_record_is_small(rich: Sample) -> None:
    assert len(page(rich)) < 400_000
