"""What counts as an input and what is recorded of it: precision, derived files, folders, odd files, changes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from blake3 import blake3

from jupyter_mlgov.capture.commands import commands_in, is_version_control
from jupyter_mlgov.capture.inputs import is_input, uri_of
from jupyter_mlgov.capture.literals import paths_in, paths_in_code, paths_in_names
from jupyter_mlgov.capture.members import find_sets, pattern
from jupyter_mlgov.capture.reads import Reads
from jupyter_mlgov.project import Project
from tests.kernel import ROOT, Kernel

Start = Callable[..., Kernel]
linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def inputs(folder: Path, ref: str) -> dict[str, dict[str, Any]]:
    return {item["uri"]: item for item in Project.open(folder).show(ref)["inputs"]}


def codes(folder: Path, ref: str) -> list[str]:
    return [warning["code"] for warning in Project.open(folder).show(ref)["warnings"]]


def frame(rows: int = 4) -> pd.DataFrame:
    return pd.DataFrame({"a": range(rows), "b": [number / 2 for number in range(rows)]})


def test_what_the_notebook_wrote_first_is_derived_whoever_wrote_it(kernel: Start, tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "raw.csv", index=False)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, numpy as np, polars, duckdb, sqlite3")
    one.must("df = pd.read_csv('raw.csv')")
    one.must("df.to_parquet('pandas.parquet'); pd.read_parquet('pandas.parquet')")
    one.must("polars.DataFrame({'a': [1]}).write_csv('polars.csv'); polars.read_csv('polars.csv')")
    one.must(
        "duckdb.sql(\"copy (select 1 as a) to 'duck.parquet'\"); duckdb.sql(\"from 'duck.parquet'\").fetchall()"
    )
    one.must("np.save('n.npy', np.arange(3)); np.load('n.npy')")
    one.must("!cp raw.csv copied.csv\npd.read_csv('copied.csv')")
    one.must(
        "c = sqlite3.connect('made.db'); df.to_sql('t', c); c.commit(); pd.read_sql('select * from t', c)"
    )
    one.must("import os\ndf.to_csv('x.tmp'); os.replace('x.tmp', 'renamed.csv'); pd.read_csv('renamed.csv')")
    one.must("df.to_csv('only_written.csv')")
    one.must("%%experiment d\nn = len(df)")
    derived = {uri: item["derived"] for uri, item in inputs(tmp_path, "d").items()}
    made = ("pandas.parquet", "polars.csv", "duck.parquet", "n.npy", "copied.csv", "made.db", "renamed.csv")
    assert derived == {"raw.csv": False, **dict.fromkeys(made, True)}
    assert codes(tmp_path, "d") == []


def test_nothing_is_an_input_that_the_user_would_not_call_one(kernel: Start, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "other.ipynb").write_text("{}")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "requirements.txt").write_text("pandas\n")
    (tmp_path / "never_read.csv").write_text("a\n1\n")
    frame().to_csv(tmp_path / "data.csv", index=False)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must(
        "%matplotlib inline\nimport matplotlib.pyplot as plt, pandas as pd, sklearn, importlib.metadata, helper, os, tempfile"
    )
    one.must("plt.plot([1, 2]); plt.title('x'); plt.savefig('figure.png')")
    one.must(
        "importlib.metadata.version('pandas'); open('other.ipynb').read(); open('pyproject.toml').read()"
    )
    one.must(
        "open('requirements.txt').read(); open('/proc/self/status').read(); open(os.__file__).read(); open('.git/HEAD').read()"
    )
    one.must("os.path.exists('never_read.csv'), open('data.csv.missing') if False else None")
    one.must("try:\n    open('missing.csv')\nexcept FileNotFoundError:\n    pass")
    one.must("with tempfile.TemporaryFile('w+') as f:\n    f.write('x'); f.seek(0); f.read()")
    one.must("!git status --short\n!ls")
    one.must("df = pd.read_csv('data.csv')")
    one.must("%%experiment p\nn = len(df)")
    assert set(inputs(tmp_path, "p")) == {"data.csv"}


@linux
def test_a_log_that_something_keeps_writing_to_is_no_input(kernel: Start, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    (tmp_path / "there.log").write_text("from an earlier run\n")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport threading, time, subprocess, os")
    one.must(
        "def keep_writing(path, hold):\n"
        "    while True:\n"
        "        with open(path, 'a') as file:\n"
        "            time.sleep(hold); file.write('x')\n"
        "        time.sleep(0.01)\n"
        "for path, hold in (('quick.log', 0), ('slow.log', 0.05), ('there.log', 0.05)):\n"
        "    threading.Thread(target=keep_writing, args=(path, hold), daemon=True).start()\n"
        "loop = 'while true; do exec 3>>child.log; sleep 0.05; echo x >&3; exec 3>&-; sleep 0.01; done'\n"
        "child = subprocess.Popen(['sh', '-c', loop])"
    )
    one.must("held = open('data.csv'); held.read()")
    for _ in range(10):
        one.must("time.sleep(0.03)")
    one.must("%%experiment logs\nn = 1")
    one.must("child.kill()")
    assert set(inputs(tmp_path, "logs")) == {"data.csv"}


@linux
def test_a_file_that_is_copied_before_a_thread_adds_to_it_was_not_read_by_the_cell_that_ends_meanwhile(
    kernel: Start, tmp_path: Path
) -> None:
    (tmp_path / "there.log").write_text("from an earlier run\n")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport shutil, threading, time")
    one.must(
        "really = shutil.copy2\n"
        "def slowly(source, target):\n"
        "    with open(source):\n"
        "        time.sleep(1)\n"
        "    return really(source, target)\n"
        "shutil.copy2 = slowly\n"
        "def add():\n"
        "    with open('there.log', 'a') as file:\n"
        "        file.write('x')\n"
        "adding = threading.Thread(target=add)\n"
        "adding.start()\n"
        "time.sleep(0.3)"
    )
    one.must("adding.join()")
    one.must("%%experiment logs\nn = 1")
    assert inputs(tmp_path, "logs") == {}


@linux
def test_what_another_program_may_have_opened_is_inferred_and_says_so(kernel: Start, tmp_path: Path) -> None:
    names = ("viewed", "quoted", "valued", "gaps/1", "child", "computed", "listed/1", "listed/2")
    for name in names:
        (tmp_path / f"{name}.nii").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.nii").write_text(name)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport ctypes, os, glob, subprocess, time\nlibc = ctypes.CDLL(None)")
    one.must(
        "def native(path):\n    got = libc.open(os.fsencode(path), 0)\n    libc.close(got)\n    assert got > 0"
    )
    one.must("where = 'valued' + '.nii'")
    one.must("native(where)")
    one.must("number = 1\nnative(f'gaps/{number}.nii')")
    one.must("subprocess.run('cat chi*', shell=True)")
    one.must("native('quoted.nii')")
    one.must("native('comp' 'uted' + chr(46) + 'nii')")
    one.must("[native(path) for path in glob.glob('listed/*')]")
    timer = threading.Timer(0.5, lambda: (tmp_path / "viewed.nii").read_text())
    timer.start()
    one.must("time.sleep(1.5)")
    timer.join()
    ran = one.must("%%experiment fit\nn = 1")
    assert ran.stderr == ""
    found = inputs(tmp_path, "fit")
    assert {uri: item["evidence"] for uri, item in found.items()} == {
        "viewed.nii": "inferred", "computed.nii": "inferred", "valued.nii": "observed", "quoted.nii": "observed", "gaps/1.nii": "observed",
        "child.nii": "observed", "listed/*": "observed",
    }  # fmt: skip
    assert "another program may have opened it" in found["viewed.nii"]["reason"]
    assert found["viewed.nii"]["digest"]
    assert found["valued.nii"]["reason"] is None
    assert "input.unreadable" not in codes(tmp_path, "fit")


@linux
def test_what_git_compares_is_no_input(kernel: Start, tmp_path: Path) -> None:
    for name in ("changed.csv", "other.csv", "read.csv", "counted.csv"):
        frame().to_csv(tmp_path / name, index=False)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    for name in ("changed.csv", "other.csv", "read.csv", "counted.csv"):
        frame(5).to_csv(tmp_path / name, index=False)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, subprocess")
    one.must("pd.read_csv('read.csv')\n!git status --short | head -3\n!git diff changed.csv | wc -l")
    one.must("subprocess.run(['git', 'diff', '--stat'], capture_output=True)")
    one.must("%%bash\ngit add changed.csv && git status")
    one.must("!git diff --stat; wc -l counted.csv")
    one.must("%%experiment git\nn = 1")
    assert {"read.csv", "counted.csv"} <= set(inputs(tmp_path, "git"))
    assert "changed.csv" not in inputs(tmp_path, "git")


@pytest.mark.parametrize(
    ("line", "only"),
    [
        ("git status --short", True),
        ("cd sub && git log --oneline | wc -l", True),
        ("GIT_PAGER=cat /usr/bin/git diff", True),
        ("git diff; wc -l data.csv", False),
        ("cat data.csv | git hash-object --stdin", False),
        ("python prepare.py", False),
        ("echo hello", False),
        ("", False),
    ],
)
def test_a_command_line_is_known_to_ask_version_control_only(line: str, only: bool) -> None:
    assert is_version_control(line) is only


def test_command_lines_are_found_in_a_cell() -> None:
    assert list(commands_in("a = 1\nx = !git log\n  !ls -l\n!!pwd\nif a != 2: pass")) == [
        "git log",
        "ls -l",
        "pwd",
    ]
    assert list(commands_in("%%bash\ngit status\nls")) == ["git status\nls"]
    assert list(commands_in("print('%d!' % 3)\nz = 5")) == []


def test_odd_files_are_recorded_and_never_waited_for(kernel: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    frame().to_csv(tmp_path / "gone.csv")
    frame().to_csv(tmp_path / "changed.csv", index=False)
    (tmp_path / "large.bin").write_bytes(os.urandom(3000))
    (tmp_path / "mlgov.toml").write_text("[capture]\ninputs_limit = 2_000\n")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, os")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("x"))
    writer.start()
    one.must("open('pipe').read()")
    writer.join()
    one.must("pd.read_csv('gone.csv')")
    (tmp_path / "gone.csv").unlink()
    one.must("pd.read_csv('changed.csv'); open('large.bin', 'rb').read();")
    (tmp_path / "changed.csv").write_text("a\n1\n")
    ran = one.must("%%experiment o\nn = 1")
    items = inputs(tmp_path, "o")
    assert set(items) == {"pipe", "gone.csv", "changed.csv", "large.bin"}
    assert (items["pipe"]["digest"], items["pipe"]["reason"]) == (
        None,
        "it is a named pipe: it has no content that stays",
    )
    assert (items["gone.csv"]["digest"], items["gone.csv"]["reason"]) == (None, "it is not there any more")
    assert (items["changed.csv"]["unstable"], items["changed.csv"]["evidence"]) == (True, "observed")
    assert (items["large.bin"]["kept"], items["changed.csv"]["kept"]) == (False, True)
    assert (
        items["large.bin"]["digest"] == "blake3:" + blake3((tmp_path / "large.bin").read_bytes()).hexdigest()
    )
    assert sorted(codes(tmp_path, "o")) == ["input.unreadable", "input.unreadable", "input.unstable"]
    assert "changed.csv changed after the notebook read it" in ran.stderr


def test_a_partitioned_data_set_keeps_its_members_and_counts_its_rows(kernel: Start, tmp_path: Path) -> None:
    frame(6).assign(part=list("xxyyzz")).to_parquet(tmp_path / "set", partition_cols=["part"])
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd")
    one.must("df = pd.read_parquet('set')")
    one.must("%%experiment m --input set\nn = len(df)")
    (item,) = inputs(tmp_path, "m").values()
    assert (item["uri"], item["rows"], len(item["members"]), item["kept"]) == ("set", 6, 3, True)
    assert [column["name"] for column in item["columns"]] == ["a", "b"]
    store = Project.open(tmp_path).store
    for member in item["members"]:
        assert store.get(member["digest"]) == (tmp_path / "set" / member["path"]).read_bytes()


def test_a_shapefile_is_one_input_with_its_files(kernel: Start, tmp_path: Path) -> None:
    for stem in ("roads", "lakes", "old"):
        for end in (".shp", ".shx", ".dbf", ".prj"):
            (tmp_path / "maps" / f"{stem}{end}").parent.mkdir(exist_ok=True)
            (tmp_path / "maps" / f"{stem}{end}").write_text(f"{stem}{end}")
    (tmp_path / "maps" / "roads.txt").write_text("where they are from")
    (tmp_path / "loose.dbf").write_text("a table alone")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport glob")
    one.must(
        "[open('maps/roads' + end).read() for end in ('.shp', '.shx', '.dbf', '.txt')]; open('loose.dbf').read()"
    )
    one.must("%%experiment near\nn = 1")
    found = inputs(tmp_path, "near")
    assert set(found) == {"maps/roads.shp", "maps/roads.txt", "loose.dbf"}
    roads = found["maps/roads.shp"]
    assert [member["path"] for member in roads["members"]] == [
        "roads.dbf",
        "roads.prj",
        "roads.shp",
        "roads.shx",
    ]
    assert (roads["evidence"], roads["kept"], found["loose.dbf"]["members"]) == ("proven", True, None)
    project = Project.open(tmp_path)
    record = project.store.manifest(project.show("near")["id"])
    (item,) = [one for one in record.inputs if one.uri == "maps/roads.shp"]
    assert item.place() == "maps"
    one.must(
        "for path in glob.glob('maps/*.shp'):\n    [open(path[:-4] + end).read() for end in ('.shp', '.shx', '.dbf')]"
    )
    one.must("%%experiment all\nn = 1")
    found = inputs(tmp_path, "all")
    assert set(found) == {"maps/*.shp", "maps/roads.txt", "loose.dbf"}
    assert len(found["maps/*.shp"]["members"]) == 12


def test_a_delta_table_has_the_rows_that_its_log_says(kernel: Start, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    table = str(tmp_path / "prices here")
    for rows, mode in ((6, "error"), (4, "overwrite"), (3, "append")):
        deltalake.write_deltalake(table, frame(rows), mode=mode)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nfrom deltalake import DeltaTable")
    one.must("%%experiment m\nn = len(DeltaTable('prices here').to_pandas())")
    (item,) = inputs(tmp_path, "m").values()
    assert (item["uri"], item["rows"]) == ("prices here", 7)
    assert [column["name"] for column in item["columns"]] == ["a", "b"]


@linux
def test_files_that_the_kernel_writes_its_streams_to_are_no_input(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    code = (
        "import os\nfrom jupyter_mlgov.capture.descriptors import open_files\n"
        "one, other = open('data.csv'), open('log.txt', 'w')\nos.write(3, chr(10).join(open_files()).encode())\n"
    )
    reading, writing = os.pipe()
    with open(tmp_path / "out.log", "w+") as log:
        script = f"import os; os.dup2({writing}, 3); os.close({writing}) if {writing} != 3 else None\n{code}"
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=log, stderr=log, pass_fds=[writing], check=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read().splitlines() == [str(tmp_path / "data.csv")]


@linux
def test_where_watches_are_not_granted_the_snapshot_says_incomplete(tmp_path: Path) -> None:
    """In a user namespace of its own, whose limit on watches is real."""
    frame().to_csv(tmp_path / "data.csv", index=False)
    code = (
        "import subprocess, sys\nfrom pathlib import Path\nfrom tests.kernel import Kernel\n"
        "one = Kernel(Path(sys.argv[1]))\none.must('%load_ext jupyter_mlgov')\none.must('import pandas as pd')\n"
        "one.must('pd.read_csv(\"data.csv\")')\nran = one.must('%%experiment i\\nn = 1')\nprint(ran.stderr)\none.stop()\n"
    )
    shell = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", shell, sys.executable, code, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if "unshare" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip(f"no user namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "inputs may be incomplete" in done.stdout
    assert codes(tmp_path, "i") == ["inputs.incomplete"]
    assert inputs(tmp_path, "i")["data.csv"]["evidence"] == "proven"


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/p/data.csv", True),
        ("/p/config.yaml", True),
        ("/p/model.pkl", True),
        ("/p/.git/index", False),
        ("/p/.mlgov/index.sqlite", False),
        ("/p/__pycache__/x.cpython-311.pyc", False),
        ("/p/x.db-wal", False),
        ("/p/prep.py", False),
        ("/p/other.ipynb", False),
        ("/elsewhere/data.csv", True),
        ("/etc/hosts", False),
        ("/usr/share/fonts/x.dat", False),
        ("/proc/self/status", False),
        ("/run/media/ada/stick/data.csv", True),
    ],
)
def test_paths_that_count(path: str, counts: bool) -> None:
    assert is_input(Path(path), Path("/p")) is counts


def test_a_system_file_counts_where_the_code_names_it() -> None:
    assert is_input(Path("/usr/share/dict/words"), Path("/p"), named=True)


def test_a_project_inside_a_skipped_place_has_inputs() -> None:
    assert is_input(Path(sys.prefix) / "work" / "data.csv", Path(sys.prefix) / "work")
    assert is_input(Path("/usr/local/p/data.csv"), Path("/usr/local/p"))


def test_names_that_are_no_text_can_be_written_down() -> None:
    assert uri_of(Path(os.fsdecode(b"/p/caf\xe9.csv")), Path("/p")) == "caf\\xe9.csv"


@pytest.mark.parametrize(
    ("text", "path", "matches"),
    [
        ("/d/*.csv", "/d/a.csv", True),
        ("/d/*.csv", "/d/e/a.csv", False),
        ("/d/**/*.csv", "/d/a.csv", True),
        ("/d/**/*.csv", "/d/e/f/a.csv", True),
        ("/d/part-[0-9].csv", "/d/part-7.csv", True),
        ("/d/part-[!0-9].csv", "/d/part-7.csv", False),
        ("/d/?.csv", "/d/ab.csv", False),
        ("/d/*/x.csv", "/d/e/x.csv", True),
        ("/d/a.b*", "/d/aXb1", False),
        ("/d/[9-0]*", "/d/5", False),
        ("/d/[!9-0]*", "/d/5", True),
        ("/d/[a-b-c].csv", "/d/b.csv", True),
        ("/d/[[]1].csv", "/d/[1].csv", True),
        ("/d/x[!a]y", "/d/x/y", False),
        ("/d/[!]].csv", "/d/a.csv", True),
        ("/d/[x.csv", "/d/[x.csv", True),
    ],
)
def test_patterns_match_as_glob_does(text: str, path: str, matches: bool) -> None:
    assert (pattern(text).fullmatch(path) is not None) is matches


@pytest.mark.parametrize("name", ["run[seed-1]", "run[12]", "a*b", "[9-0]", "what?"])
def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(
    kernel: Start, tmp_path: Path, name: str
) -> None:
    (tmp_path / "data" / name).mkdir(parents=True)
    for number in range(3):
        (tmp_path / "data" / name / f"{number}.txt").write_text(str(number))
    (tmp_path / "other.csv").write_text("a\n1\n")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os, glob, pathlib")
    one.must(f"here = os.path.join('data', {name!r})")
    one.must("[open(os.path.join(here, name)).read() for name in os.listdir(here)]; open('other.csv').read()")
    one.must("glob.glob('[9-0]*')")
    one.must("%%experiment listed\nn = 1")
    found = inputs(tmp_path, "listed")
    assert set(found) == {f"data/{name}", "other.csv"}
    assert [member["path"] for member in found[f"data/{name}"]["members"]] == ["0.txt", "1.txt", "2.txt"]
    assert "inputs.incomplete" not in codes(tmp_path, "listed")
    project = Project.open(tmp_path)
    (item,) = [one for one in project.store.manifest(project.show("listed")["id"]).inputs if one.members]
    assert item.place() == f"data/{name}"
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os, pathlib")
    one.must(f"os.chdir(os.path.join('data', {name!r}))")
    one.must("[path.read_text() for path in pathlib.Path('.').glob('*.txt')]")
    one.must("%%experiment inside\nn = 1")
    project = Project.open(tmp_path)
    (item,) = project.store.manifest(project.show("inside")["id"]).inputs
    assert (item.place(), len(item.members or ())) == (f"data/{name}", 3)


def test_tens_of_thousands_of_files_are_gathered_in_a_moment(tmp_path: Path) -> None:
    reads = Reads()
    (tmp_path / "maps").mkdir()
    for number in range(300):
        (tmp_path / "maps" / f"{number}.shp").touch()
    paths = [f"{tmp_path}/{folder}/scan.{number}{end}" for folder in range(100) for number in range(100)
             for end in (".tif", ".tfw")]  # fmt: skip
    paths += [f"{tmp_path}/maps/{number}.shp" for number in range(300)]
    for number in range(5_000):
        reads.saw_folder(f"{tmp_path}/listed/{number}")
        paths += [f"{tmp_path}/listed/{number}/{name}" for name in "ab"]
    started = time.process_time()
    found = find_sets(reads, paths, set(), [])
    assert time.process_time() - started < 3
    assert len(found) == 15_000
    assert {len(one.files) for one in found} == {2}


def test_paths_are_found_in_code_shell_lines_and_sql() -> None:
    assert list(paths_in("data/loans.csv")) == ["data/loans.csv"]
    assert "x.parquet" in list(paths_in("select * from 'x.parquet' where a = 'b'"))
    assert "/data/my file.csv" in list(paths_in_code('pd.read_csv("/data/my file.csv")'))
    assert "data.csv" in list(paths_in_code("!wc -l data.csv | sort"))
    assert list(paths_in("https://example.org/x.csv")) == []
    assert list(paths_in("no path at all")) == []


def test_values_of_names_in_the_code_are_looked_at_and_nothing_is_called() -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    names = {"DATA": Path("/mnt/x"), "name": "a.csv", "other": "text", "bad": Hostile(), "unused": "b.csv"}
    assert sorted(paths_in_names("read(DATA / name, other, bad)", names)) == ["/mnt/x", "a.csv"]


ROW = "a,b\n1,2\n"


def digest_of(text: str) -> str:
    return f"blake3:{blake3(text.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "code",
    [
        "with open('d.csv', 'a') as f:\n    f.write('3,4\\n')\nprint(open('d.csv').read())",
        "text = open('d.csv').read()\nopen('d.csv', 'a').write('3,4\\n')",
        "df = pd.read_csv('d.csv')\npd.concat([df, df + 2]).to_csv('d.csv', index=False)",
        "df = pd.read_csv('d.csv')\npd.concat([df, df + 2]).to_csv('d.csv', index=False)\npd.read_csv('d.csv')",
        "df = pl.read_csv('d.csv')\npl.concat([df, df + 2]).write_csv('d.csv')\npl.read_csv('d.csv')",
        "with open('d.csv', 'r+') as f:\n    f.read(); f.write('3,4\\n')",
        "open('d.csv').read(); open('x', 'w').write('a,b\\n1,2\\n3,4\\n')\nos.replace('x', 'd.csv')",
        "os.close(os.open('d.csv', os.O_RDONLY))\nfd = os.open('d.csv', os.O_RDWR | os.O_APPEND); os.write(fd, b'3,4\\n'); os.close(fd)",
    ],
)
def test_a_file_that_the_notebook_changes_is_an_input_as_it_was_before(
    kernel: Start, tmp_path: Path, code: str
) -> None:
    (tmp_path / "d.csv").write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os, pandas as pd, polars as pl")
    one.must(code)
    one.must("%%experiment e\nn = 1")
    project = Project.open(tmp_path)
    found = inputs(tmp_path, "e")["d.csv"]
    assert (found["digest"], found["rows"], found["derived"], found["unstable"]) == (
        digest_of(ROW), 1, False, False,
    )  # fmt: skip
    assert found["evidence"] == ("observed" if "pl." in code else "proven")
    assert found["rewritten"] == digest_of(ROW + "3,4\n") == digest_of((tmp_path / "d.csv").read_text())
    assert project.store.get(found["digest"]) == ROW.encode()
    assert codes(tmp_path, "e") == []


@pytest.mark.parametrize(
    "code", ["os.remove('d.csv')", "os.makedirs('done'); os.rename('d.csv', 'done/d.csv')"]
)
def test_a_file_that_the_notebook_takes_away_is_an_input_as_it_was(
    kernel: Start, tmp_path: Path, code: str
) -> None:
    (tmp_path / "d.csv").write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os")
    one.must("print(open('d.csv').read())")
    one.must(code)
    one.must("%%experiment e\nn = 1")
    found = inputs(tmp_path, "e")["d.csv"]
    assert (found["digest"], found["rows"], found["derived"], found["rewritten"]) == (
        digest_of(ROW), 1, False, None,
    )  # fmt: skip
    assert codes(tmp_path, "e") == []


@pytest.mark.parametrize(
    "code", ["shutil.rmtree('in')", "os.rename('in', 'done')", "shutil.move('in', 'done')"]
)
def test_what_lies_in_a_folder_that_the_notebook_takes_away_is_an_input_as_it_was(
    kernel: Start, tmp_path: Path, code: str
) -> None:
    (tmp_path / "in" / "below").mkdir(parents=True)
    for name in ("in/below/d.csv", "in/not_read.csv"):
        (tmp_path / name).write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os, shutil")
    one.must("print(open('in/below/d.csv').read())")
    one.must(code)
    one.must("%%experiment e\nn = 1")
    found = inputs(tmp_path, "e")
    assert [(uri, item["digest"], item["rows"], item["derived"]) for uri, item in found.items()] == [
        ("in/below/d.csv", digest_of(ROW), 1, False)
    ]
    assert codes(tmp_path, "e") == []


def test_what_is_renamed_in_an_open_folder_says_nothing_of_its_name_elsewhere(
    kernel: Start, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    for name in ("d.csv", "other/x"):
        (tmp_path / name).write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os")
    one.must("at = os.open('other', os.O_RDONLY)\nos.rename('x', 'd.csv', src_dir_fd=at, dst_dir_fd=at)")
    one.must("print(open('d.csv').read())")
    one.must("%%experiment e\nn = 1")
    assert {uri: item["derived"] for uri, item in inputs(tmp_path, "e").items()} == {"d.csv": False}


@linux
def test_what_a_process_changed_after_it_was_read_is_unstable_though_it_was_read_again(
    kernel: Start, tmp_path: Path
) -> None:
    (tmp_path / "d.csv").write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os")
    one.must("print(open('d.csv').read())")
    one.must("!echo 3,4 >> d.csv")
    one.must("print(open('d.csv').read())")
    one.must("%%experiment e\nn = 1")
    assert inputs(tmp_path, "e")["d.csv"]["unstable"]
    assert codes(tmp_path, "e") == ["input.unstable"]


def test_what_a_killed_kernel_held_is_taken_away_by_the_next(kernel: Start, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(ROW)
    (tmp_path / "tmp").mkdir()

    def held() -> list[str]:
        return [path.read_text() for path in (tmp_path / "tmp").glob("mlgov-earlier-*/*/d.csv")]

    one = kernel(env={"TMPDIR": str(tmp_path / "tmp")})
    one.must("%load_ext jupyter_mlgov\nopen('d.csv').read(); open('d.csv', 'w').write('x')")
    assert held() == [ROW]
    one.stop()
    assert held() == [ROW]
    two = kernel(env={"TMPDIR": str(tmp_path / "tmp")})
    two.must("%load_ext jupyter_mlgov\nopen('d.csv').read(); open('d.csv', 'w').write('y')")
    assert held() == ["x"]
    two.must("%unload_ext jupyter_mlgov")
    assert held() == []


def test_a_librarys_temporary_file_is_no_input_and_one_that_the_code_names_is_derived(
    kernel: Start, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "tmp").mkdir()
    one = kernel(tmp_path / "work", env={"TMPDIR": str(tmp_path / "tmp")})
    one.must("%load_ext jupyter_mlgov\nimport tempfile, os")
    one.must("path = tempfile.mkstemp()[1]\nopen(path, 'w').write('x'); open(path).read(); del path")
    one.must(f"open('{tmp_path}/tmp/named.csv', 'w').write('x'); open('{tmp_path}/tmp/named.csv').read()")
    one.must("%%experiment e\nn = 1")
    found = inputs(tmp_path / "work", "e")
    assert {uri: item["derived"] for uri, item in found.items()} == {f"{tmp_path}/tmp/named.csv": True}


def test_caches_in_a_home_folder_that_is_the_project_are_no_inputs(kernel: Start, tmp_path: Path) -> None:
    (tmp_path / ".cache" / "some").mkdir(parents=True)
    (tmp_path / ".cache" / "some" / "state.json").write_text("{}")
    (tmp_path / ".cache" / "some" / "set.parquet").write_bytes(b"x")
    (tmp_path / "d.csv").write_text(ROW)
    one = kernel(env={"HOME": str(tmp_path)})
    one.must("%load_ext jupyter_mlgov\nimport os\nfolder = '.cache' + '/some'")
    one.must(
        "for name in os.listdir(folder):\n    open(os.path.join(folder, name), 'rb').read()\nopen('d.csv').read()"
    )
    one.must("%%experiment e\nn = 1")
    assert "d.csv" in inputs(tmp_path, "e")
    assert not any("state.json" in uri for uri in inputs(tmp_path, "e"))


def test_what_is_only_added_to_is_no_input_and_what_is_written_anew_is_derived(
    kernel: Start, tmp_path: Path
) -> None:
    for name in ("log.csv", "anew.csv"):
        (tmp_path / name).write_text(ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport os, tempfile")
    one.must(
        "open('log.csv', 'a').write('3,4\\n')\nopen('anew.csv', 'w').write('x\\n')\nopen('anew.csv').read()"
    )
    one.must("open('anew.csv', 'a').write('y\\n'); open('anew.csv').read(); os.remove('anew.csv')")
    one.must("%%experiment e\nn = 1")
    assert inputs(tmp_path, "e") == {}
    held = one.must("print(tempfile.gettempdir())").stdout.strip()
    one.must("%unload_ext jupyter_mlgov")
    assert not list(Path(held).glob(f"mlgov-earlier-*/*/{tmp_path.name}"))


@linux
def test_what_a_process_puts_into_a_folder_that_it_makes_is_derived(kernel: Start, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/m.csv", ROW)
        archive.writestr("n.csv", ROW)
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("!python -m zipfile -e a.zip out")
    one.must("!mkdir -p made/deep && cp out/n.csv made/deep/n.csv && cp -r out copied")
    one.must(
        "for path in ('out/in/m.csv', 'out/n.csv', 'made/deep/n.csv', 'copied/in/m.csv'):\n    open(path).read()"
    )
    one.must("%%experiment e\nn = 1")
    found = inputs(tmp_path, "e")
    assert {uri for uri, item in found.items() if not item["derived"]} == {"a.zip"}
    assert len(found) == 5
