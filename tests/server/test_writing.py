"""The routes that write: a snapshot without its kernel, a signed decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mlgov.governance import keys
from jupyter_mlgov.project import Project
from tests.conftest import notebook_json
from tests.server.conftest import Ask
from tests.server.made import HOSTILE, snapshot
from tests.server.test_reading import read

EXPERIMENT = "%%experiment scores\nimport statistics\nmean = statistics.mean([1, 2])\nprint(mean)"


def shown(source: str, text: str, count: int) -> dict[str, Any]:
    """A code cell that ran and printed."""
    output = {"output_type": "stream", "name": "stdout", "text": text}
    return {"cell_type": "code", "source": source, "execution_count": count, "outputs": [output]}


async def test_a_notebook_is_recorded_as_the_editor_has_it_and_the_file_is_left_alone(
    jp_root_dir: Path, ask: Ask
) -> None:
    path = jp_root_dir / "fresh.ipynb"
    path.write_text(json.dumps(notebook_json(["saved = 1"])))
    before = path.read_bytes()
    document = notebook_json(
        [
            shown(EXPERIMENT, "1.5\n", 2),
            ("markdown", HOSTILE),
            "unsaved = 2",
            "%%risk thin-data\nsituation: few rows\nseverity: high\nlikelihood: low\ncheck: mean > 1",
        ]
    )
    made = read(await ask("snapshots", path="fresh.ipynb", method="POST", body={"notebook": document}), 201)
    assert (made["experiment"], made["number"]) == ("scores", 1)
    told = Project.open(jp_root_dir).show("scores")
    assert path.read_bytes() == before
    cells = told["notebook"]["cells"]
    assert [(cell["runs"], cell["status"]) for cell in cells] == [
        (1, "ok"), (0, "not-run"), (0, "not-run"), (0, "not-run"),
    ]  # fmt: skip
    assert (
        read(await ask("snapshots/scores/cells/0/outputs", path="fresh.ipynb"))["outputs"][0]["text"]
        == "1.5\n"
    )
    assert (told["cell"], told["metrics"], told["environment"]["packages"]) == (0, {}, {})
    assert [warning["code"] for warning in told["warnings"]] == ["kernel.not-asked"]
    assert told["risks"][0]["check"]["passed"] is None
    standing = read(
        await ask(
            "standing",
            path="fresh.ipynb",
            method="POST",
            body={
                "cells": [
                    {"id": cell["id"], "type": cell["cell_type"], "source": cell["source"]}
                    for cell in document["cells"]
                ]
            },
        )
    )
    assert standing["experiments"][0]["state"] == "current"


async def test_secrets_of_the_editors_text_do_not_reach_the_store(jp_root_dir: Path, ask: Ask) -> None:
    (jp_root_dir / "fresh.ipynb").write_text(json.dumps(notebook_json([])))
    secret = "AKIA" + "IOSFODNN7EXAMPL2"
    body = {"notebook": notebook_json([shown(f"key = '{secret}'", f"{secret}\n", 1)]), "experiment": "e"}
    read(await ask("snapshots", path="fresh.ipynb", method="POST", body=body), 201)
    for file in (jp_root_dir / ".mlgov").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    assert secret not in json.dumps(read(await ask("snapshots/e/cells/0/outputs", path="fresh.ipynb")))


async def test_what_is_no_notebook_is_not_recorded(project: Project, ask: Ask) -> None:
    good = {"notebook": notebook_json([])}
    assert (await ask("snapshots", path="", method="POST", body=good)).code == 404
    assert (await ask("snapshots", path="gone.ipynb", method="POST", body=good)).code == 404
    for body in ({}, {"notebook": {}}, {"notebook": {"cells": [1]}}, {**good, "experiment": "../x"}):
        assert (await ask("snapshots", path="loans.ipynb", method="POST", body=body)).code == 400, body
    assert project.log() == []


DECISION = {
    "decision": "approved",
    "name": "Ada",
    "role": "validator",
    "message": "looked at it",
    "key": "default",
}


async def test_without_a_key_nothing_is_signed_and_none_is_made(
    project: Project, ask: Ask, no_keys: Path
) -> None:
    snapshot(project)
    assert read(await ask("signer", path="loans.ipynb"))["keys"] == []
    told = read(
        await ask("snapshots/baseline/decisions", path="loans.ipynb", method="POST", body=DECISION), 404
    )
    assert "mlgov key new" in told["message"]
    assert not no_keys.exists()
    assert project.show("baseline")["approvals"] == []


async def test_a_decision_is_signed_with_the_servers_key_and_changes_the_gate(
    project: Project, ask: Ask
) -> None:
    snapshot(project)
    key = keys.new()
    (known,) = read(await ask("signer", path="loans.ipynb"))["keys"]
    assert known == {"name": "default", "key": key.key, "protection": "none", "opens": True}
    body = {**DECISION, "decision": "rejected", "message": HOSTILE}
    made = read(await ask("snapshots/baseline/decisions", path="loans.ipynb", method="POST", body=body), 201)
    assert made["key"] == key.key
    (decision,) = project.show("baseline")["approvals"]
    assert (decision["decision"], decision["message"], decision["applies"]) == ("rejected", HOSTILE, True)
    rules = read(await ask("snapshots/baseline/gate", path="loans.ipynb"))["rules"]
    assert any("Ada" in rule["reason"] and not rule["passed"] for rule in rules)


async def test_a_key_with_a_passphrase_does_not_sign_over_the_network(project: Project, ask: Ask) -> None:
    snapshot(project)
    keys.new(passphrase="correct horse")
    assert read(await ask("signer", path="loans.ipynb"))["keys"][0]["opens"] is False
    told = read(
        await ask("snapshots/baseline/decisions", path="loans.ipynb", method="POST", body=DECISION), 409
    )
    assert "terminal" in told["message"]
    assert project.show("baseline")["approvals"] == []


async def test_a_wrong_decision_is_refused(project: Project, ask: Ask, no_keys: Path) -> None:
    snapshot(project)
    keys.new()
    (no_keys.parent / "outside.pem").write_bytes((no_keys / "default.pem").read_bytes())
    wrong = [("decision", "perhaps", 400), ("name", " ", 400), ("role", "", 400), ("message", "", 400),
             ("key", "../outside", 400), ("accepts", ["no-such-risk"], 404)]  # fmt: skip
    for field, value, status in wrong:
        body = {**DECISION, field: value}
        response = await ask("snapshots/baseline/decisions", path="loans.ipynb", method="POST", body=body)
        assert response.code == status, (field, response.body)
    assert project.show("baseline")["approvals"] == []
