"""Random generators: seeded or not, used or not, found out without moving them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlgov.capture.after_import import after_import, forget
from jupyter_mlgov.capture.randomness import RandomStates, restore_states
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.manifest import Generator
from tests.kernel import Kernel


@pytest.fixture(autouse=True)
def _undisturbed() -> Any:
    """The shared generators are put back after each test."""
    ours, numpys = random.getstate(), np.random.get_state()
    yield
    random.setstate(ours)
    np.random.set_state(numpys)


def unseeded() -> None:
    random.seed()
    np.random.mtrand._rand = np.random.RandomState()


def run(
    cell: Callable[[dict[str, Any]], object],
    *,
    namespace: dict[str, Any] | None = None,
    seed: int | None = None,
    source: str = "",
    states: RandomStates | None = None,
) -> dict[str, Generator]:
    space = {} if namespace is None else namespace
    states = states or RandomStates()
    states.before_cell(space, seed)
    cell(space)
    return {one.name: one for one in states.after_cell(space, [source])[0]}


def test_looking_moves_no_generator() -> None:
    space = {"rng": np.random.default_rng(1), "own": random.Random(2)}
    before = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        space["rng"].bit_generator.state,
        space["own"].getstate(),
    )
    run(lambda _: None, namespace=space)
    after = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        space["rng"].bit_generator.state,
        space["own"].getstate(),
    )
    assert before == after


def test_a_generator_that_was_only_drawn_from_is_not_seeded() -> None:
    random.seed()
    found = run(lambda _: [random.random() for _ in range(5_000)])
    assert (found["random"].seeded, found["random"].used, found["random"].evidence) == (False, True, "proven")


@pytest.mark.parametrize("draws", [0, 1, 700, 30_000])
def test_a_seed_that_stands_in_the_code_is_recognised_however_much_was_drawn_since(draws: int) -> None:
    states = RandomStates()
    random.seed(1234)
    for _ in range(draws):
        random.gauss(0, 1)
    found = run(lambda _: None, source="random.seed(1234)", states=states)
    assert (found["random"].seeded, found["random"].seed) == (True, "1234")
    assert found["random"].used is False


def test_a_seed_that_stands_nowhere_is_inferred() -> None:
    states = RandomStates()
    random.seed("something")
    found = run(lambda _: None, states=states)
    assert (found["random"].seeded, found["random"].seed, found["random"].evidence) == (
        True,
        None,
        "inferred",
    )


def test_seeding_inside_the_cell_counts() -> None:
    found = run(lambda _: (random.seed(5), np.random.seed(5)), source="random.seed(5)")
    assert found["random"].seeded is True and found["random"].seed == "5"
    assert found["numpy.random"].seeded is True


def test_numpys_shared_generator_says_itself_whether_it_was_seeded() -> None:
    script = (
        "import numpy as np\nfrom jupyter_mlgov.capture.randomness import RandomStates\n"
        "def look(cell):\n    s = RandomStates(); s.before_cell({}); cell()\n"
        "    return next(g for g in s.after_cell({}, [])[0] if g.name == 'numpy.random')\n"
        "one = look(lambda: np.random.rand(1000)); assert (one.seeded, one.used) == (False, True), one\n"
        "np.random.seed(3); one = look(lambda: None); assert (one.seeded, one.used) == (True, False), one\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_generators_in_variables_are_told_with_their_seed() -> None:
    space: dict[str, Any] = {
        "rng": np.random.default_rng(42), "os_rng": np.random.default_rng(), "old": np.random.RandomState(3),
        "child": np.random.default_rng(7).spawn(1)[0], "own": random.Random(1), "_hidden": np.random.default_rng(0),
    }  # fmt: skip
    found = run(lambda space: space["rng"].normal(size=3), namespace=space)
    assert (found["rng"].seeded, found["rng"].seed, found["rng"].used, found["rng"].kind) == (
        True,
        "42",
        True,
        "PCG64",
    )
    assert (found["os_rng"].seeded, found["os_rng"].seed, found["os_rng"].used) == (False, None, False)
    assert (found["old"].seeded, found["old"].kind) == (True, "MT19937")
    assert found["child"].seeded is True
    assert found["own"].seeded is None
    assert "_hidden" not in found


def test_a_generator_made_in_the_cell_has_no_state_before_it() -> None:
    found = run(lambda space: space.update(rng=np.random.default_rng(1)), namespace={})
    assert (found["rng"].state, found["rng"].used, found["rng"].seeded) == (None, None, True)


def test_the_option_seeds_python_and_numpy() -> None:
    drawn: list[Any] = []
    for _ in range(2):
        found = run(lambda _: drawn.append((random.random(), np.random.rand())), seed=11)
    assert drawn[0] == drawn[1]
    for name in ("random", "numpy.random"):
        assert (found[name].seeded, found[name].seed, found[name].evidence) == (True, "11", "declared")


@pytest.mark.parametrize("seed", [-1, 2**40, 0])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    drawn: list[Any] = []
    for _ in range(2):
        run(lambda _: drawn.append((random.random(), np.random.rand())), seed=seed)
    assert drawn[0] == drawn[1]


def test_the_kept_states_bring_the_same_numbers_again() -> None:
    random.gauss(0, 1)
    np.random.normal()
    states = RandomStates()
    states.before_cell({})
    first = [random.gauss(0, 1), random.random(), *np.random.normal(size=5)]
    _, kept = states.after_cell({}, [])
    assert {"random", "numpy.random"} <= set(restore_states(kept))
    assert [random.gauss(0, 1), random.random(), *np.random.normal(size=5)] == first


def test_equal_states_have_equal_digests() -> None:
    random.seed(1)
    one = run(lambda _: random.random())["random"].state
    random.seed(1)
    other = run(lambda _: random.random())["random"].state
    random.seed(2)
    assert one == other != run(lambda _: None)["random"].state


def test_an_object_that_only_pretends_is_not_touched() -> None:
    class Pretender:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError("touched")

    assert "odd" not in run(lambda _: None, namespace={"odd": Pretender()})


def test_something_is_done_when_a_module_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    done: list[int] = []
    after_import("late_module", lambda module: done.append(module.value))
    assert done == []
    import late_module  # type: ignore[import-not-found]

    assert done == [1]
    after_import("late_module", lambda module: done.append(2))
    assert done == [1, 2]
    after_import("never_imported", lambda module: None)
    forget("never_imported")
    assert not any(type(finder).__module__.endswith("after_import") for finder in sys.meta_path)
    del sys.modules["late_module"], late_module


def test_torch_is_seeded_and_told_as_the_others() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(9)
    found = run(lambda _: torch.rand(3))
    assert (found["torch"].seeded, found["torch"].seed, found["torch"].used) == (True, "9", True)
    states = RandomStates()
    states.before_cell({})
    first = torch.rand(3).tolist()
    _, kept = states.after_cell({}, [])
    assert "torch" in restore_states(kept)
    assert torch.rand(3).tolist() == first


def test_a_snapshot_tells_the_generators_of_its_cell(tmp_path: Path) -> None:
    one = Kernel(tmp_path)
    try:
        one.must("%load_ext jupyter_mlgov")
        one.must(
            "%%experiment r --seed 3\nimport random\nimport numpy as np\nx = float(np.random.rand() + random.random())"
        )
        first = float(one.must("x").result or "nan")
        one.must("%%experiment r --seed 3\nx = float(np.random.rand() + random.random())")
        assert float(one.must("x").result or "nan") == first
        one.must("rng = np.random.default_rng()")
        one.must("%%experiment u\nz = float(rng.normal())")
    finally:
        one.stop()
    project = Project.open(tmp_path)
    document = project.show("r@1")
    told = {generator["name"]: generator for generator in document["randomness"]}
    assert document["seed"] == 3
    assert {name: (one["seed"], one["used"]) for name, one in told.items()} == {
        "random": ("3", True), "numpy.random": ("3", True),
    }  # fmt: skip
    assert set(json.loads(project.store.get(document["random_state"]))) == set(told)
    (own,) = (one for one in project.show("u")["randomness"] if one["name"] == "rng")
    assert (own["seeded"], own["used"]) == (False, True)
