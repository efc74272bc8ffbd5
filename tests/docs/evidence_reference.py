"""Writes the table of words in ``docs/how-to/own-framework.md``: ``python -m tests.docs.evidence_reference``."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.report.coverage import EVIDENCE

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "own-framework.md"
HEAD = "The words, each as the report calls it:\n"


def page(text: str) -> str:
    """``text`` with the table as the code has it."""
    rows = [f"| `{word}` | {label} |" for word, (label, _) in sorted(EVIDENCE.items())]
    table = "\n".join(("| word | what it is |", "|---|---|", *rows))
    return text.partition(HEAD)[0] + HEAD + "\n" + table + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
