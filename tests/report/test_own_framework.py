"""A project's own framework stands in the report as the others do; what is wrong in its file is one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.report.check import check_report
from jupyter_mlgov.store import Store
from tests.report.conftest import Listener, Seen
from tests.report.hostile import Payloads
from tests.store.making import add_snapshot

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "own-framework.md"
HEAD = 'name = "Policy"\nsource = "s"\nurl = "u"\nabout = "a"\n'
ITEM = '[[items]]\nid = "1"\ntitle = "t"\n'


def project(folder: Path, policy: str | bytes, settings: str = 'frameworks = ["p.toml"]') -> Project:
    add_snapshot(Store.create(folder / ".mlgov"), charter=Charter(title="T", owner="Ada"))
    (folder / "p.toml").write_bytes(policy if isinstance(policy, bytes) else policy.encode())
    (folder / "mlgov.toml").write_text(f"[report]\n{settings}\n")
    return Project.open(folder)


def test_the_example_of_the_guide_is_offered_what_the_record_holds(tmp_path: Path) -> None:
    policy, settings = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    made = project(tmp_path, policy, settings.partition("[report]\n")[2].replace("model-policy", "p"))
    path = made.report("baseline", tmp_path / "r.html")
    html = path.read_text()
    section = html[html.index('id="framework-own-1"') : html.index('id="framework-', html.index("own-1") + 9)]
    assert "Model policy" in section
    assert "Evidence offered for 1 of 2 items" in section
    assert re.search(r'asserted</span><span>owner <a href="#charter"', section)
    assert "tests of its fairness" in section
    assert "The rota is kept by the operations team." in section
    assert html.index('id="framework-own-1"') < html.index('id="framework-eu-ai-act-annex-iv"')
    assert check_report(path).ok


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (HEAD + ITEM + 'evidence = ["charter.ower"]\n', "did you mean charter.owner?"),
        (HEAD + ITEM, "names neither evidence nor what is kept outside"),
        (HEAD + ITEM + 'evidense = ["kpis"]\n', "unknown field `evidense`"),
        (HEAD, "missing required field `items`"),
        (HEAD + ITEM + "evidence = 3\n", "Expected `array`, got `int`"),
        ("name = ", "is no framework"),
        (b"\xff\xfe", "is no framework"),
        ("x = " + "[" * 100_000, "is no framework"),
        ("#" * 1_000_001, "that is no framework"),
    ],
)
def test_what_is_wrong_with_a_framework_is_one_line(tmp_path: Path, policy: str | bytes, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        project(tmp_path, policy).report("baseline", tmp_path / "r.html")
    assert "p.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))
    assert not (tmp_path / "r.html").exists()


def test_a_framework_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml cannot be read \(No such file or directory\)"):
        project(tmp_path, HEAD, 'frameworks = ["none.toml"]').report("baseline", tmp_path / "r.html")
    with pytest.raises(UsageError, match="the settings are frameworks"):
        project(tmp_path, HEAD, 'framework = ["p.toml"]').report("baseline", tmp_path / "r.html")


@pytest.mark.browser
@pytest.mark.parametrize("first", [0, 10, 20])
def test_a_hostile_framework_is_inert(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener, first: int
) -> None:
    import tomli_w

    from tests.report.test_hostile_content import check

    evil = Payloads(listener.port, first)
    item = {name: evil() for name in ("id", "title", "outside", "note")} | {"evidence": ["kpis"]}
    whole = {name: evil() for name in ("name", "source", "url", "about")}
    html = project(tmp_path, tomli_w.dumps(whole | {"items": [item, item]})).report_html("baseline")
    check(look(html, bypass_csp=True), listener)
