"""What a notebook prints of its own running time is noise, and nothing beside it is."""

from __future__ import annotations

import pytest

from jupyter_mlgov.rerun.printed_timings import MASK, mask_printed
from jupyter_mlgov.rerun.suspects import Reading, read_code

START = "import time\nfrom datetime import datetime\nstart = time.time()\n"


def reading(code: str) -> Reading:
    return read_code([(0, START + code)])


def masked(code: str, text: str, *, cell: int = 0) -> str:
    shown = "print" not in code
    return mask_printed(text, reading(code).printed, cell, shown=shown)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("elapsed = time.time() - start\nprint(elapsed)", "@"),
        ("print('--- %s seconds ---' % (time.time() - start))", "--- @ seconds ---"),
        ("print(f'auc {auc:.2f} after {time.time() - start:.1f}s')", "auc 0.83 after @s"),
        ("for e in r:\n    print(f'Epoch {e + 1}/3: {loss:.2f} {time.time() - start:.1f}s')", "Epoch 2/3: 0.52 @s"),
        ("print('auc ' + str(auc) + ' in ' + str(time.time() - start))", "auc 0.83 in @"),
        ("print(f'{i}: {m:.2f} [{time.time() - start:.1f}s elapsed, ETA {(time.time() - start) / 2:.1f} s]')", "3: 0.83 [@s elapsed, ETA @ s]"),
        ("print('auc', auc, 'Time:', time.time() - start)", "auc 0.83 Time: @"),
        ("for i in r:\n    t = time.time()\n    print('{}: {:.2f}, loss {}'.format(i, time.time() - t, f(i)))", "3: @, loss 0.5"),
        ("total = 0\ntotal += time.time() - start\nprint(auc)\nprint(total / 2)", "0.83\n@"),
        ("times = []\ntimes.append(time.time() - start)\nprint(sum(times) / len(times))", "@"),
        ("print(datetime.now() - datetime.now())", "@"),
        ("datetime.now() - datetime.now()", "@"),
        ("import os\nprint('worker', os.getpid(), 'auc', auc)", "worker @ auc 0.83"),
        ("import psutil\nprint(f'memory: {psutil.Process().memory_info().rss / 1e6:.1f} MB, auc {auc}')", "memory: @ MB, auc 0.83"),
        ("import os\nprint({'pid of it': os.getpid(), 'auc': auc})", "{'pid of it': @, 'auc': 0.83}"),
        ("import os\n(os.getpid(), 'auc', auc)", "(@, 'auc', 0.83)"),
        ("import os\n[auc, {'by': [os.getppid()]}]", "[0.83, {'by': [@]}]"),
        ("import psutil\nused = psutil.virtual_memory().percent\nprint('RAM', used, '%')", "RAM @ %"),
    ],
)  # fmt: skip
def test_only_the_time_of_a_line_is_masked(code: str, text: str) -> None:
    for number in ("1.25", "0:00:01.250000"):
        assert masked(code, text.replace("@", number)) == text.replace("@", MASK)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("print(auc, time.time() - start)\nprint(loss, auc)\nprint(auc, loss) if auc else 0", "0.83 0.41"),
        ("age = (datetime.now() - datetime(1990, 1, 1)).days\nprint(age)", "13108"),
        ("print(datetime.now().year)", "2026"),
        ("mixed = auc + (time.time() - start)\nprint(mixed)", "1.25"),
        ("start = 3\nprint(time.time() - start)", "1.25"),
    ],
)
def test_what_may_be_a_result_is_kept(code: str, text: str) -> None:
    assert masked(code, text) == text


@pytest.mark.parametrize(
    ("code", "one", "other"),
    [
        ("print(f'{datetime.now():%H:%M}')", "20:19", "8:01"),
        ("print('at', datetime.now().strftime('%H:%M'), auc)", "at 20:19 0.83", "at 08:01 0.83"),
        (
            "print(f'{datetime.now():%A %d %B %Y}', 'auc')",
            "Thursday 26 November 2026 auc",
            "Friday 1 January 2027 auc",
        ),
        ("datetime.now().strftime('%b %d, %I %p')", "'Nov 26, 08 PM'", "'Jan 01, 10 AM'"),
        ("print(time.strftime('%Hh%M'))", "20h19", "08h01"),
    ],
)
def test_a_reading_of_the_clock_is_noise_however_it_is_spelled(code: str, one: str, other: str) -> None:
    assert masked(code, one) == masked(code, other)
    assert MASK in masked(code, one)


def test_what_stands_beside_a_reading_of_the_clock_is_kept() -> None:
    code = "print(auc, datetime.now())"
    assert masked(code, "0.83 2026-11-26 20:19:01").startswith("0.83 ")
    assert masked(code, "0.83 2026-11-26 20:19:01") != masked(code, "0.84 2026-11-26 20:19:01")


@pytest.mark.parametrize(
    ("form", "one", "other", "result"),
    [
        ("%(asctime)s [%(process)d] %(levelname)s %(message)s", "2026-11-26 21:00:01,123 [4711] INFO 120 rows",
         "2026-11-26 21:00:01,123 [812] INFO 120 rows", "2026-11-26 21:00:01,123 [812] INFO 121 rows"),
        ("%(process)6d|%(threadName)s|%(message)s", "  4711|Main|auc 0.83", " 81234|Main|auc 0.83", "  4711|Main|auc 0.84"),
        ("%(relativeCreated)6d %(name)s: %(message)s", "  1234 root: 120", "   987 root: 120", "  1234 root: 121"),
    ],
)  # fmt: skip
def test_of_a_log_line_what_its_format_says_is_made_up_is_noise(
    form: str, one: str, other: str, result: str
) -> None:
    code = f"import logging\nlogging.basicConfig(format={form!r})\nprint('auc')"
    made = [masked(code, text, cell=5).split() for text in (one, other, result)]
    assert made[0] == made[1] != made[2]


def test_a_function_that_times_others_is_known_wherever_it_is_called() -> None:
    code = "def timed(f):\n    t = time.perf_counter()\n    f()\n    print(f'{f.__name__} used {time.perf_counter() - t:.2f} s')"
    assert masked(code, "fit used 3.20 s\nauc 0.83", cell=5) == f"fit used {MASK} s\nauc 0.83"


def test_names_that_hold_time_are_told_from_results() -> None:
    found = reading(
        "elapsed = round(time.time() - start, 2)\nrate = rows / elapsed\nage = (datetime.now() - born).days"
    )
    assert found.timings == {"start", "elapsed", "rate"}
