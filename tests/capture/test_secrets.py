"""No secret reaches the store: real kernels, every object, manifest and ledger entry searched."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from jupyter_mlgov.capture.secret_files import is_secret_file, without_secret_files
from jupyter_mlgov.capture.secrets import Secrets, is_secret_variable
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.manifest import Caution
from jupyter_mlgov.records.secrets import REDACTED
from tests.capture.secret_corpus import PEM, PEM_LINE, SECRETS
from tests.kernel import Kernel

ENVIRONMENT = {
    "DB_PASSWORD": "Tr0ub4dor-from-env",
    "SERVICE_API_KEY": "k-9f8e7d6c5b4a3f2e1d",
    "DATABASE_URL": "postgresql://ada:pw-In-a-Url7@db/loans",
    "PLAIN": "visible-value-1",
}


def everything(store: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte that is kept: files as they are, decompressed, and the members of archives."""
    for file in sorted(path for path in store.rglob("*") if path.is_file()):
        data = file.read_bytes()
        yield str(file), data
        if data[:4] == b"\x28\xb5\x2f\xfd":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            yield f"{file} (decompressed)", data
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    yield f"{file}/{name}", archive.read(name)


def places_of(store: Path, secret: str) -> list[str]:
    forms = {secret, json.dumps(secret)[1:-1]}
    return [place for place, data in everything(store) for form in forms if form.encode() in data]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    kernels: list[Kernel] = []

    def begin(**env: str) -> Kernel:
        kernels.append(Kernel(tmp_path, notebook=tmp_path / "n.ipynb", env=env))
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.stop()


def write_notebook(folder: Path, cells: list[str]) -> None:
    document = {
        "cells": [
            {"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
            for number, cell in enumerate(cells)
        ],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (folder / "n.ipynb").write_text(json.dumps(document))


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_no_secret_of_the_corpus_is_anywhere_in_the_store(
    start: Callable[..., Kernel], tmp_path: Path
) -> None:
    """In sources, outputs, results, errors, messages, modules, diffs, remotes, variables, models and risks at once."""
    git(tmp_path, "init", "-q")
    (tmp_path / "settings.py").write_text("value = 1\n")
    (tmp_path / ".env").write_text("A=1\n")
    git(tmp_path, "add", "settings.py", ".env")
    git(tmp_path, "commit", "-qm", "start")
    git(tmp_path, "remote", "add", "origin", "https://ada:remote-Passw0rd@git.example.com/x.git")
    (tmp_path / "settings.py").write_text('value = 1\nDB_PASSWORD = "module-Passw0rd"\n')
    (tmp_path / ".env").write_text("SOME_THING=dotenv-v4lue\n")
    (tmp_path / "corpus.txt").write_text("\n".join(text for text, _ in SECRETS))
    (tmp_path / "key.pem").write_text(PEM)
    texts = [text for text, _ in SECRETS]
    cells = [
        "%load_ext jupyter_mlgov",
        "import os, settings\nfrom sklearn.linear_model import LogisticRegression",
        f"password = 'cell-Passw0rd'\ntexts = {texts!r}",
        "print('\\n'.join(texts))",
        "texts",
        "print(password, settings.DB_PASSWORD, os.environ['DB_PASSWORD'], os.environ['SERVICE_API_KEY'])",
        "from IPython.display import HTML\nHTML('<b>' + password + '</b>')",
        "from urllib.parse import quote\nprint(quote(os.environ['DATABASE_URL'], safe=''))",
        "%%risk r1\nsituation: a leak of cell-Passw0rd\nseverity: low\nlikelihood: low\nowner: ada",
        "open('corpus.txt').read()\nopen('key.pem').read()\nopen('.env').read()\nNone",
        "%%experiment leak -m 'the password is password=\"message-Passw0rd\"'\n"
        "clf = LogisticRegression(C=1.0).fit([[0], [1]], [0, 1])\nclf.set_params(class_weight=None)\nuser = 'ada'\n"
        "dsn = f'postgresql://ada:{password}@db/x'\nscore = clf.score([[0], [1]], [0, 1])",
        "%%risk r2\nsituation: cell-Passw0rd is known\nseverity: low\nlikelihood: low\nowner: password='owner-Passw0rd'",
        "%%experiment failing\nraise ValueError(f'cannot log in with {password} and ' + texts[0])",
    ]
    write_notebook(tmp_path, cells)
    one = start(**ENVIRONMENT)
    for number, cell in enumerate(cells):
        one.run(cell, cell_id=f"c{number}", timeout=120)
    project = Project.open(tmp_path)
    assert {entry.experiment for entry in project.log()} == {"leak", "failing"}
    kept = dict(everything(tmp_path / ".mlgov"))
    assert any(b"visible" in data or b"situation" in data for data in kept.values())
    planted = {
        "remote-Passw0rd", "module-Passw0rd", "cell-Passw0rd", "message-Passw0rd", "owner-Passw0rd", "dotenv-v4lue", "Tr0ub4dor-from-env",
        "k-9f8e7d6c5b4a3f2e1d", "pw-In-a-Url7", PEM_LINE, *(secret for _, secret in SECRETS),
    }  # fmt: skip
    found = {
        secret: places for secret in sorted(planted) if (places := places_of(tmp_path / ".mlgov", secret))
    }
    assert found == {}
    document = project.show("leak")
    assert document["code"]["remote"] == "https://git.example.com/x.git"
    assert document["environment"]["variables"]["DB_PASSWORD"] == REDACTED
    kept_inputs = {item["uri"]: item["kept"] for item in document["inputs"]}
    assert kept_inputs["corpus.txt"] is False
    assert not any(kept_inputs.values())


def test_text_without_secrets_is_recorded_byte_for_byte(start: Callable[..., Kernel], tmp_path: Path) -> None:
    cells = [
        "%load_ext jupyter_mlgov",
        "def tokenizer(text): return text.split()\ntoken = tokenizer('a b')\npassword_field = 'Password'\npad_token = '[PAD]'",
        "%%experiment plain\nprint(token, 'da39a3ee5e6b4b0d3255bfef95601890afd80709')\nn = len(token)",
    ]
    write_notebook(tmp_path, cells)
    one = start(SOME_PASSWORD="n", TOKENIZERS_PARALLELISM="false")
    for number, cell in enumerate(cells):
        one.must(cell, cell_id=f"c{number}")
    project = Project.open(tmp_path)
    document = project.show("plain")
    sources = [project.store.get(cell["source"]).decode() for cell in document["notebook"]["cells"]]
    assert sources == cells
    assert b"da39a3ee5e6b4b0d3255bfef95601890afd80709" in project.store.get(
        document["notebook"]["cells"][2]["outputs"]
    )
    assert document["environment"]["variables"]["TOKENIZERS_PARALLELISM"] == "false"
    assert not any(REDACTED.encode() in data for _, data in everything(tmp_path / ".mlgov"))


def test_a_value_is_known_wherever_it_turns_up_once_its_name_has_said_what_it_is() -> None:
    secrets = Secrets()
    secrets.learn(['password = "tr0ub/4dor&3"'])
    coloured = '\x1b[31mpassword\x1b[0m \x1b[32m=\x1b[0m \x1b[33m"tr0ub/4dor&3"\x1b[0m'
    for text in (
        "tr0ub/4dor&3",
        coloured,
        "tr0ub%2F4dor%263",
        "<b>tr0ub/4dor&amp;3</b>",
        repr("a tr0ub/4dor&3 b"),
    ):
        clean = secrets.redact(text)
        assert REDACTED in clean
        assert "4dor" not in clean


def test_a_short_value_is_not_cut_out_of_longer_words() -> None:
    secrets = Secrets()
    secrets.learn(['password = "s3cret"'])
    assert secrets.redact("s3cret s3cretary xs3cret") == f"{REDACTED} s3cretary xs3cret"


@pytest.mark.parametrize("value", ["postgres", "admin", "localhost", "n", "true", "/run/secrets/x", ""])
def test_an_ordinary_value_of_a_secret_variable_is_not_hunted_everywhere(value: str) -> None:
    secrets = Secrets()
    secrets.learn_environment({"DB_PASSWORD": value})
    text = "postgres admin localhost n true /run/secrets/x"
    assert secrets.redact(text) is text


def test_a_new_secret_is_taken_out_of_text_that_was_seen_before() -> None:
    secrets = Secrets()
    assert secrets.redact("print(hunter2)") == "print(hunter2)"
    secrets.learn(["password = 'hunter2'"])
    assert secrets.redact("print(hunter2)") == f"print({REDACTED})"


def test_what_a_variable_holds_that_is_named_as_a_secret_is_learnt() -> None:
    """``password = getpass()``, ``config = yaml.safe_load(...)``: no code and no environment variable says the value."""
    settings = {
        "db": {"password": "Zu4b-vQ8r", "user": "ada"},
        "steps": [{"api_key": "k3y-in-A-list"}],
        "password": "swordfish",
    }
    settings["self"] = settings  # type: ignore[assignment]
    secrets = Secrets()
    secrets.learn_variables([
        ("api_token", "S3nsitive-From-Prompt"), ("pwd", "swordfern"), ("token", "international"), ("name", "Nobody-2-Know"),
        ("config", settings), ("password", 5), ("vocabulary", {"password": "clef", "token": "jeton"}),
    ])  # fmt: skip
    text = "S3nsitive-From-Prompt swordfern Zu4b-vQ8r k3y-in-A-list"
    assert secrets.redact(text) == " ".join([REDACTED] * 4)
    for plain in ("international", "Nobody-2-Know", "ada", "clef", "jeton", "swordfish"):
        assert secrets.redact(f"says {plain} here") == f"says {plain} here"


def test_what_was_asked_for_and_then_printed_is_nowhere_in_the_store(
    start: Callable[..., Kernel], tmp_path: Path
) -> None:
    one = start()
    one.run("%load_ext jupyter_mlgov\nask = lambda: 'Gr4ne' + 't-apple'")
    one.run("api_key = ask()\nprint('key', api_key)\napi_key")
    one.run("%%experiment asked\nscore = 1.0 * len(api_key)\nprint(api_key)")
    assert places_of(tmp_path / ".mlgov", "Gr4net-apple") == []


def test_a_variable_that_changes_is_learnt_again() -> None:
    secrets = Secrets()
    secrets.learn_environment({"API_KEY": "first-key-0001"})
    secrets.learn_environment({"API_KEY": "second-key-0002"})
    assert secrets.redact("first-key-0001 second-key-0002") == f"{REDACTED} {REDACTED}"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("DB_PASSWORD", True), ("AWS_SECRET_ACCESS_KEY", True), ("HF_TOKEN", True), ("OPENAI_API_KEY", True),
     ("PWD", False), ("OLDPWD", False), ("TOKENIZERS_PARALLELISM", False), ("SSH_AUTH_SOCK", False), ("HOME", False),
     ("KEYBOARD", False), ("OMP_NUM_THREADS", False)],
)  # fmt: skip
def test_a_variables_name_says_whether_it_holds_a_secret(name: str, secret: bool) -> None:
    assert is_secret_variable(name) is secret


@pytest.mark.parametrize(
    ("name", "secret"),
    [(".env", True), (".env.local", True), ("id_rsa", True), ("server.pem", True), (".netrc", True), ("kaggle.json", True),
     ("secrets.yaml", True), ("my-service-account-1.json", True), ("id_rsa.pub", False), ("environment.yml", False),
     ("secrets.csv", False), ("keys.csv", False), ("token.json.md", False)],
)  # fmt: skip
def test_files_that_are_kept_for_their_secrets_are_known_by_name(name: str, secret: bool) -> None:
    assert is_secret_file(Path("a") / name) is secret


def test_a_diff_says_that_a_secret_file_changed_and_not_how(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in (".env", "a.py", "z.py"):
        (tmp_path / name).write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "start")
    for name in (".env", "a.py", "z.py"):
        (tmp_path / name).write_text("one\nTWO\n")
    diff = subprocess.run(["git", "diff"], cwd=tmp_path, check=True, capture_output=True).stdout
    clean = without_secret_files(diff)
    assert clean.count(b"+TWO") == 2
    assert b"b/.env" in clean
    plain = subprocess.run(["git", "diff", "a.py"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert without_secret_files(plain) is plain


def test_a_document_is_redacted_string_by_string() -> None:
    secrets = Secrets()
    data = json.dumps({"cells": [{"source": 'a = 1\nDB_PASSWORD=hunter2\nprint("x")'}]}).encode()
    clean = json.loads(secrets.redact_json(data))
    assert clean["cells"][0]["source"] == f'a = 1\nDB_PASSWORD={REDACTED}\nprint("x")'
    plain = b'{"cells": []}'
    assert secrets.redact_json(plain) is plain


def test_what_the_environment_holds_now_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "MY_SERVICE_TOKEN", "abcd-1234-efgh-5678")
    secrets = Secrets()
    secrets.learn_environment()
    assert secrets.redact("x abcd-1234-efgh-5678") == f"x {REDACTED}"


@pytest.mark.parametrize("value", ['pä"sswörd99x!', "back\\slash-ü-7", "tab\tand-é-77", 'it\'s-ñ-"9"'])
def test_a_value_with_letters_and_marks_of_other_alphabets_is_seen_in_a_record(value: str) -> None:
    secrets = Secrets()
    secrets.learn_environment({"DB_PASSWORD": value})
    record = Caution(code="input.unreadable", message=f"could not connect with {value} to db")
    assert secrets.holds(record)
    assert secrets.redact_record(record).message == f"could not connect with {REDACTED} to db"
    data = json.dumps({"said": f"with {value}"}, ensure_ascii=False).encode()
    assert json.loads(secrets.redact_json(data)) == {"said": f"with {REDACTED}"}


@pytest.mark.parametrize("module", ["sklearn", "pandas", "colorsys"])
def test_a_password_that_is_a_modules_name_tears_no_code_apart(module: str) -> None:
    secrets = Secrets()
    secrets.learn_environment({"POSTGRES_PASSWORD": module})
    code = f"import {module}\nx = {module}.y\ninstalled = {{'{module}': 1}}"
    assert secrets.redact(code) is code
    assert secrets.redact(f'connect(password="{module}")') == f'connect(password="{REDACTED}")'
    assert secrets.redact(f"postgres://me:{module}@host/db") == f"postgres://me:{REDACTED}@host/db"


@pytest.mark.parametrize(
    "code",
    ["dataset = load()\nfit(dataset)\nfit(data=dataset\n)", "for dataset in many:\n    print(dataset)",
     "from x import load, dataset\nf(lambda: dataset)", "dataset, y = split()\n[dataset]", "def dataset(): ...\ndataset"],
)  # fmt: skip
def test_a_password_that_the_code_uses_as_a_name_stays_a_name(code: str) -> None:
    secrets = Secrets()
    secrets.learn_environment({"MYSQL_PASSWORD": "dataset"})
    assert secrets.redact("it printed dataset") == f"it printed {REDACTED}", "nothing says that it is a name"
    known = secrets.known
    secrets.learn([code])
    assert secrets.known > known, "what was redacted before is out of date"
    assert secrets.redact(code) is code
    for text, clean in (
        ('connect("me", "dataset")', f'connect("me", "{REDACTED}")'),
        ("MYSQL_PASSWORD=dataset\n", f"MYSQL_PASSWORD={REDACTED}\n"),
        ("password: dataset", f"password: {REDACTED}"),
        ('{\\"pw\\": \\"dataset\\"}', f'{{\\"pw\\": \\"{REDACTED}\\"}}'),
        ("mysql://me:dataset@host", f"mysql://me:{REDACTED}@host"),
    ):
        assert secrets.redact(text) == clean


@pytest.mark.parametrize(
    "text", ["# letmein: never say it", 'f("letmein.x = 1")', "The password is letmein.", "- letmein, or so"]
)
def test_a_password_in_a_comment_a_string_or_prose_is_no_name(text: str) -> None:
    secrets = Secrets()
    secrets.learn_environment({"MYSQL_PASSWORD": "letmein"})
    secrets.learn([text])
    assert "letmein" not in secrets.redact(f"{text} letmein")


def test_thousands_of_values_that_are_known_do_not_slow_a_text_that_holds_few() -> None:
    secrets = Secrets()
    secrets.learn_variables((f"token_{at}", sha256(b"%d" % at).hexdigest()[:28]) for at in range(5000))
    known = sha256(b"3").hexdigest()[:28]
    started = time.process_time()
    assert known not in secrets.redact("hello world " * 1000 + known)
    assert time.process_time() - started < 1
