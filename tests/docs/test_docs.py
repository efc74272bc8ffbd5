"""The documentation says what the program does, and leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.magics.cells import MlgovMagics
from jupyter_mlgov.verbs import verbs
from tests.docs import comparison_reference, evidence_reference, server_reference, tests_reference
from tests.docs.cli_reference import PAGE, page

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_of_commands_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.docs.cli_reference"


def test_the_reference_of_comparison_is_current() -> None:
    current = comparison_reference.PAGE.read_text(encoding="utf-8")
    assert current == comparison_reference.page(), "run: python -m tests.docs.comparison_reference"


def test_the_reference_of_tests_is_current() -> None:
    current = tests_reference.PAGE.read_text(encoding="utf-8")
    assert current == tests_reference.page(), "run: python -m tests.docs.tests_reference"


def test_the_reference_of_the_server_is_current() -> None:
    current = server_reference.PAGE.read_text(encoding="utf-8")
    assert current == server_reference.page(), "run: python -m tests.docs.server_reference"


def test_the_words_of_evidence_are_current() -> None:
    current = evidence_reference.PAGE.read_text(encoding="utf-8")
    assert current == evidence_reference.page(current), "run: python -m tests.docs.evidence_reference"


def test_every_setting_of_the_suite_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for field in Suite.__struct_fields__:
        assert f"`{field}`" in text, field


def test_every_verb_and_magic_is_in_the_reference_and_used_in_a_guide() -> None:
    reference = PAGE.read_text(encoding="utf-8")
    guides = "".join(path.read_text(encoding="utf-8") for path in PAGES if path != PAGE)
    for verb in verbs.commands:
        assert f"## mlgov {verb}" in reference
        assert f"mlgov {verb}" in guides, f"no guide shows mlgov {verb}"
    for magic in MlgovMagics.magics["cell"]:
        assert f"## %%{magic}" in reference
        assert f"%%{magic}" in guides


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), target
