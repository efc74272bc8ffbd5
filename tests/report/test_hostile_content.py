"""Nothing in a record runs a script or makes a request in the page, with the page's policy and without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from jupyter_mlgov import report
from jupyter_mlgov.governance import cards
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Kpi
from jupyter_mlgov.report.outline import TITLES
from jupyter_mlgov.store import Store
from jupyter_mlgov.widgets.decide import Decide as decide
from jupyter_mlgov.widgets.explore import Explore as explore
from tests.report import hostile
from tests.report.conftest import Listener, Seen
from tests.report.hostile import Payloads

pytestmark = pytest.mark.browser

ACTIVE = """() => {
  const bad = [];
  for (const one of document.querySelectorAll('*')) {
    const tag = one.tagName.toLowerCase();
    if (['script','iframe','object','embed','base','form','audio','video','input','button','foreignobject'].includes(tag)) bad.push(tag);
    for (const {name, value} of one.attributes) {
      if (name.startsWith('on') || ['srcdoc','formaction','ping','background','srcset'].includes(name)) bad.push(tag + ' ' + name);
      if (name.endsWith('href') && !value.startsWith('#') && !(tag === 'link' && value === 'data:,')) bad.push(tag + ' ' + value);
      if (name === 'src' && !/^data:image\\/(png|jpeg|gif|svg\\+xml);base64,/.test(value)) bad.push(tag + ' ' + value);
      if (name === 'style' && one.closest('main, header, nav, footer')) bad.push(tag + ' ' + value);
    }
  }
  return bad;
}"""


def hostile_page(folder: Path, port: int, first: int) -> str:
    evil = Payloads(port, first)
    store = Store.create(folder)
    return report.render(report.build(store, hostile.record(store, evil), hostile.gate(evil)))


def check(seen: Seen, listener: Listener) -> None:
    seen.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    seen.page.mouse.move(300, 300)
    seen.page.keyboard.press("Tab")
    seen.page.wait_for_timeout(150)
    assert seen.ask("window.hit") is None
    assert seen.dialogs == []
    assert seen.requests == []
    assert listener.calls == []
    assert seen.ask(ACTIVE) == []
    assert "9998000099" not in seen.ask("document.body.innerText")


@pytest.mark.parametrize("first", range(0, len(hostile.TEXTS), 3))
def test_no_text_of_a_record_runs_or_loads_anything_even_without_the_policy(
    first: int, tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    check(look(hostile_page(tmp_path / ".mlgov", listener.port, first), bypass_csp=True), listener)


def test_the_policy_has_nothing_to_refuse(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    seen = look(hostile_page(tmp_path / ".mlgov", listener.port, 1))
    check(seen, listener)
    assert seen.messages == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    html = hostile_page(tmp_path / ".mlgov", listener.port, 0)
    inside = (
        f"<script>window.hit=1</script><img src='http://127.0.0.1:{listener.port}/in' onerror='window.hit=2'>"
    )
    seen = look(html.replace("</main>", inside + "</main>"))
    seen.page.wait_for_timeout(150)
    assert seen.ask("window.hit") is None
    assert listener.calls == []


def test_hostile_text_is_shown_as_it_is(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    seen = look(hostile_page(tmp_path / ".mlgov", listener.port, 0), java_script_enabled=True)
    text = seen.ask("document.body.textContent")
    assert "<script>window.hit=1" in text
    assert "{{ 99991*99989 }}" in text
    assert "⟨U+202E⟩" in text
    assert "\u202e" not in text


def test_a_page_with_hostile_content_keeps_its_outline(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    seen = look(hostile_page(tmp_path / ".mlgov", listener.port, 5), width=390)
    headings = seen.ask(
        "[...document.querySelectorAll('h1,h2')].map(one => one.closest('main,header').tagName)"
    )
    assert headings == ["HEADER", *["MAIN"] * len(TITLES)]
    assert seen.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("first", range(0, len(hostile.TEXTS), 10))
def test_cards_and_explorers_of_a_notebook_are_inert(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener, first: int
) -> None:
    evil = Payloads(listener.port, first)
    store = Store.create(tmp_path / ".mlgov")
    project = Project(tmp_path, store)
    snapshot = hostile.record(store, evil)
    kpi = Kpi(metric=evil(), op=">=", target=0.5, split=evil(), description=evil())
    made = hostile.charter(evil, kpi)
    model = SimpleNamespace(decision_function=lambda rows: np.arange(len(rows)) / 4)
    assert made.test_data is not None
    truth = np.array(["other", "other", made.test_data.positive, made.test_data.positive])
    parts = [
        *(cards.charter_card(hostile.charter(evil, kpi)) for _ in range(3)),
        *(cards.risk_card(hostile.risk(evil)) for _ in range(3)),
        cards.gate_card(hostile.gate(evil)),
        cards.snapshot_card(project.describe(snapshot)),
        explore(project)._repr_html_(),
        decide(model, np.zeros((4, 1)), truth, charter=made)._repr_html_(),
    ]
    seen = look("<!doctype html><main>" + "".join(parts) + "</main>")
    assert seen.ask("window.hit") is None
    assert (seen.requests, seen.dialogs, listener.calls) == ([], [], [])
    assert (
        seen.ask(
            "document.querySelectorAll('script, img, iframe, form, style, link, [onerror], [onload]').length"
        )
        == 0
    )
    assert "9998000099" not in seen.ask("document.body.innerText")
