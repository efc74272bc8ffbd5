"""papermill without the grammar that nobody asks for, and with it as soon as somebody does."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEFORE = "import sys\nfrom jupyter_mlgov.rerun.papermill_import import import_papermill\n"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEFORE + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_grammar_is_not_compiled_for_papermill() -> None:
    pytest.importorskip("rfc3987_syntax")
    assert (
        run("print(import_papermill().__name__, 'jsonschema' in sys.modules, 'lark' in sys.modules)")
        == "papermill True False\n"
    )


def test_a_check_of_such_a_uri_is_what_it_is_without_us() -> None:
    pytest.importorskip("rfc3987_syntax")
    check = (
        "import jsonschema\nchecker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "print([checker.conforms(text, form) for text in ('http://ἄγγελος.example/ö', 'no iri at all', 3)"
        " for form in ('iri', 'iri-reference')])"
    )
    assert run("import_papermill()\n" + check) == run(check)


def test_who_imports_the_grammar_afterwards_gets_it() -> None:
    pytest.importorskip("rfc3987_syntax")
    assert (
        run(
            "import_papermill()\nimport rfc3987_syntax\nprint(rfc3987_syntax.is_valid_syntax('iri', 'http://a/'))"
        )
        == "True\n"
    )


def test_where_jsonschema_is_there_already_nothing_is_put_in_its_way() -> None:
    assert run("import jsonschema\nbefore = dict(sys.modules)\nimport_papermill()\n"
               "print(sys.modules.get('rfc3987_syntax') is before.get('rfc3987_syntax'))") == "True\n"  # fmt: skip
