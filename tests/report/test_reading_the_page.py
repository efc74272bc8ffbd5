"""The page in real Chromium: sizes, themes, print, keyboard and contrast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.report.conftest import Seen, page
from tests.report.sample import Sample

pytestmark = pytest.mark.browser

CONTRAST = """() => {
  const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = one => {
    for (; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || one.closest('svg, .hidden, .skip') || !one.getClientRects().length) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(parse(style.color)), light(ground(one))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${ratio.toFixed(2)} ${one.className} ${walk.currentNode.data.trim().slice(0, 40)}`);
  }
  return low;
}"""


@pytest.fixture(params=["rich", "good", "bare"])
def html(request: pytest.FixtureRequest) -> str:
    return page(request.getfixturevalue(request.param))


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(html: str, width: int, look: Callable[..., Seen]) -> None:
    seen = look(html, width=width)
    seen.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert seen.ask("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_aa_asks_for(
    html: str, scheme: str, look: Callable[..., Seen]
) -> None:
    seen = look(html, color_scheme=scheme)
    seen.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert seen.ask(CONTRAST) == []


def test_dark_and_light_differ(rich: Sample, look: Callable[..., Seen]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert look(page(rich), color_scheme="dark").ask(ground) != look(page(rich), color_scheme="light").ask(
        ground
    )


def test_the_page_reads_the_same_with_scripts_off(rich: Sample, look: Callable[..., Seen]) -> None:
    on, off = look(page(rich)), look(page(rich), java_script_enabled=False)
    assert on.page.inner_text("body") == off.page.inner_text("body")


def test_the_first_screen_says_what_it_is_whether_it_may_be_used_and_why(
    rich: Sample, look: Callable[..., Seen]
) -> None:
    seen = look(page(rich))
    for said in ("Mortgage pre-approval", "The gate is closed", "not met: approval_gap", "Diverged"):
        box = seen.page.get_by_text(said).first.bounding_box()
        assert box is not None and box["y"] + box["height"] <= 800, said
    seen = look(page(rich), width=390, height=844)
    for said in ("Mortgage pre-approval", "The gate is closed", "not met: approval_gap"):
        box = seen.page.get_by_text(said).first.bounding_box()
        assert box is not None and box["y"] + box["height"] <= 844, said


def test_the_keyboard_reaches_the_sections_first(rich: Sample, look: Callable[..., Seen]) -> None:
    seen = look(page(rich))
    seen.page.keyboard.press("Tab")
    assert seen.ask("document.activeElement.textContent") == "Skip to the sections"
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Tab")
    assert seen.ask("document.activeElement.closest('nav') !== null")


def test_everything_that_scrolls_sideways_can_be_reached_by_keyboard(
    rich: Sample, look: Callable[..., Seen]
) -> None:
    seen = look(page(rich), width=390)
    seen.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    stuck = seen.ask("""[...document.querySelectorAll('main *')].filter(one =>
      one.scrollWidth > one.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)
      && one.tabIndex < 0 && !one.closest('pre')).map(one => one.className)""")
    assert stuck == []


def test_it_prints_with_the_reasons_unfolded(rich: Sample, look: Callable[..., Seen]) -> None:
    seen = look(page(rich))
    assert not seen.page.get_by_text("nobody rejected it").is_visible()
    seen.page.emulate_media(media="print")
    assert seen.page.get_by_text("nobody rejected it").is_visible()
    pdf: Any = seen.page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert 5 <= pdf.count(b"/Type /Page\n") <= 24
