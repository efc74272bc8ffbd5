"""``gate``, ``approve`` and ``key`` on the command line: the policy of the project, files for CI, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance import keys
from jupyter_mlgov.records.annotations import Check, Risk
from jupyter_mlgov.store import Store
from tests.kernel import ROOT
from tests.store.making import add_snapshot


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / ".mlgov")
    check = Check(expression="gap < 1", passed=False)
    risk = Risk(id="gap", situation="x", severity="high", likelihood="low", check=check)
    made = add_snapshot(store, risks=(risk,), author="Ada")
    store.append("rerun", made, {"verdict": "reproduced", "candidate": None, "comparison": None})
    (tmp_path / "mlgov.toml").write_text('[gate]\nacceptance = "signed"\nroles = {validator = 1}\n')
    return tmp_path


@pytest.fixture
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLGOV_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("MLGOV_PASSPHRASE", raising=False)
    return tmp_path / "keys"


def mlgov(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLGOV_KEYS": str(folder / "keys"), **variables}
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlgov.cli", *words],
        cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def test_a_reviewer_opens_the_gate_and_takes_it_back(project: Path) -> None:
    closed = mlgov(project, "gate", "baseline", "--json", "--junit", "gate.xml", "--markdown", "gate.md")
    assert closed.returncode == 1, closed.stderr
    decision = json.loads(closed.stdout)
    assert decision["policy"].startswith("blake3:")
    suite = ET.parse(project / "gate.xml").find("testsuite")
    assert suite is not None
    assert suite.get("failures") == str(sum(not rule["passed"] for rule in decision["rules"])) == "2"
    assert "Gate closed: baseline@1" in (project / "gate.md").read_text()

    made = mlgov(project, "key", "new", "work", "--passphrase", "--json", MLGOV_PASSPHRASE="s")
    (key,) = json.loads(made.stdout)
    assert (key["name"], key["protection"]) == ("work", "passphrase")
    reviewer = ("approve", "baseline", "--as", "Grace", "--role", "validator", "--key", "work")
    refused = mlgov(project, *reviewer, "-m", "ok")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "MLGOV_PASSPHRASE" in refused.stderr
    signed = mlgov(project, *reviewer, "-m", "ok", "--accept", "gap", "--json", MLGOV_PASSPHRASE="s")
    assert signed.returncode == 0, signed.stderr
    assert json.loads(signed.stdout)["key"] == key["key"]
    opened = mlgov(project, "gate", "baseline")
    assert opened.returncode == 0, opened.stdout
    assert "accepted by Grace with a signature" in opened.stdout

    shown = json.loads(mlgov(project, "show", "baseline", "--json").stdout)["approvals"][0]
    assert (shown["key"], shown["applies"], shown["name"]) == (key["key"], True, "Grace")
    assert mlgov(project, *reviewer, "--revoke", "-m", "no", MLGOV_PASSPHRASE="s").returncode == 0
    assert mlgov(project, "gate", "baseline").returncode == 1


def test_without_a_key_one_is_made_and_said(project: Path) -> None:
    done = mlgov(
        project, "approve", "baseline", "--as", "Grace", "--role", "validator", "-m", "no", "--reject"
    )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert f"you had none: made now in {project / 'keys' / 'default.pem'}, without a passphrase" in said
    assert "default" in mlgov(project, "key", "list").stdout
    assert "rejected by Grace (validator): no" in mlgov(project, "gate", "baseline").stdout


def test_a_first_key_takes_the_passphrase_of_the_environment_and_none_is_made_for_what_cannot_be_signed(
    project: Path,
) -> None:
    words = ("approve", "baseline", "--as", "Grace", "--role", "validator", "-m", "ok")
    assert mlgov(project, *words, "--accept", "no-such-risk").returncode == 2
    assert "nothing to revoke" in mlgov(project, *words, "--revoke").stderr
    assert json.loads(mlgov(project, "key", "list", "--json").stdout) == []
    made = json.loads(mlgov(project, *words, "--json", MLGOV_PASSPHRASE="s").stdout)
    assert (made["key_made"], made["key_protection"]) == (True, "passphrase")
    assert mlgov(project, *words, MLGOV_PASSPHRASE="t").returncode == 2


def test_somebody_at_a_terminal_is_asked_for_the_passphrase_of_a_first_key(own_keys: Path) -> None:
    said: list[str] = []
    answers = iter(["long", "other", "long", "long"])

    def ask(prompt: str) -> str:
        said.append(prompt)
        return next(answers)

    with pytest.raises(UsageError, match="differ, and no key was made"):
        keys.first(ask)
    assert keys.listed() == []
    assert keys.first(ask).protection == "passphrase"
    assert str(own_keys / "default.pem") in said[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("approve", "baseline", "--role", "x", "-m", "y"), "--as"),
        (("approve", "baseline", "--as", " ", "--role", "x", "-m", "y"), "names who decides"),
        (("approve", "baseline", "--as", "A", "--role", "x", "-m", "y", "--reject", "--revoke"), "one of"),
        (("approve", "nothing", "--as", "A", "--role", "x", "-m", "y"), "nothing"),
        (("approve", "baseline", "--as", "A", "--role", "x", "-m", "y", "--key", "other"), "no key 'other'"),
        (("key",), "mlgov key: name what to do: list, new (mlgov key --help says more)"),
        (("outcomes",), "mlgov outcomes: name what to do: add"),
        (("key", "new", "a b"), "key name"),
        (("key", "new", "--passphrase"), "MLGOV_PASSPHRASE"),
        (("gate", "baseline", "--junit", "no/such/gate.xml"), "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr(project: Path, words: tuple[str, ...], says: str) -> None:
    done = mlgov(project, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_broken_policy_is_no_open_gate(project: Path) -> None:
    (project / "mlgov.toml").write_text("[gate]\nrols = {validator = 1}\n")
    done = mlgov(project, "gate", "baseline")
    assert done.returncode == 2
    assert "mlgov.toml: [gate]" in done.stderr


def test_a_report_is_checked_where_there_is_no_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (key,) = json.loads(mlgov(project, "key", "new", "issuer", "--json").stdout)
    assert mlgov(project, "report", "baseline", "-o", "r.html", "--key", "issuer").returncode == 0
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    page = (project / "r.html").read_bytes()
    (elsewhere / "r.html").write_bytes(page)
    done = mlgov(elsewhere, "report", "--check", "r.html", "--key", key["key"], "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["ok"], found["reference"], found["signed_by"]) == (True, "baseline@1", key["key"])
    assert mlgov(project, "report", "--check", "r.html").returncode == 0
    (elsewhere / "r.html").write_bytes(page.replace(b"The gate is closed", b"The gate is opened"))
    edited = mlgov(elsewhere, "report", "--check", "r.html")
    assert edited.returncode == 1
    assert "changed after it was issued" in edited.stdout
    for words in (
        ("report",),
        ("report", "--check", "none.html"),
        ("report", "baseline", "--check", "r.html"),
    ):
        wrong = mlgov(elsewhere, *words)
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
