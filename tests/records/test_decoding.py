"""Records are decoded in several threads at once, from the first one on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jupyter_mlgov

PACKAGE = Path(jupyter_mlgov.__file__).parent
# "type=dict[...]" holds no struct; without a type nothing is worked out.
BY_ITSELF = re.compile(
    r"msgspec\.(?:json|msgpack)\.decode\((?:[^()]|\([^()]*\))*?type=(?!dict\[|list\[)|"
    r"msgspec\.(?:json|msgpack)\.Decoder\((?!dict\[|list\[)|msgspec\.convert\("
)
FIRST_USE = """
import sys, threading, types
from jupyter_mlgov.records.decoding import converted, decoded

sys.setswitchinterval(1e-6)
FIELDS = range(20)
SOURCE = "from __future__ import annotations\\nimport msgspec\\n" + "".join(
    f"class {name}(msgspec.Struct):\\n" + "".join(f"    f{n}: {kind}\\n" for n in FIELDS)
    for name, kind in (("A", "int | None = None"), ("B", "tuple[A, ...] = ()"), ("C", "dict[str, B] | None = None"))
)
DATA = b'{"f0": {"x": {"f0": [{"f1": 1}], "f19": [{"f3": 3}]}}, "f19": {"x": {"f19": [{"f19": 3}]}}}'
for turn in range(100):
    module = types.ModuleType(f"fresh{turn}")
    sys.modules[module.__name__] = module
    exec(SOURCE, module.__dict__)
    barrier = threading.Barrier(4)
    found = []

    def work(kind, wait=barrier, found=found):
        wait.wait()
        found.append(decoded(DATA, kind).f19 if kind is module.C else converted({"f19": [{"f3": 3}]}, kind))

    threads = [threading.Thread(target=work, args=(kind,)) for kind in (module.C, module.B) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
print("fine")
"""


def test_threads_that_meet_a_record_for_the_first_time_do_not_end_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_USE], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "fine"), ran.stderr


def test_nothing_decodes_records_by_itself() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {' '.join(match[0].split())}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "records/decoding.py"
        for match in BY_ITSELF.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "use records.decoding"
