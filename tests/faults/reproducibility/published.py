"""``make bench-nbval``: published notebooks, run twice unchanged. What differs then is a false alarm.

The notebooks come from sdists on PyPI, fetched into a cache folder when this runs; none is kept in the repository. A notebook that needs what is not installed, or longer than ``SECONDS``, is left out and said so.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.reproducibility.fault import Folder
from tests.faults.reproducibility.trial import by_papermill, environment, nbval_says
from tests.sdists import fetch_sdist

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "published-notebooks.md"
PACKAGES = ("statsmodels", "seaborn")
"""They have to be installed too: ``pip install jupyter-mlgov[bench]``."""
SECONDS = 90
LARGEST = 2_000_000
NETWORK = (b"load_dataset(", b"get_rdataset(", b"://raw.", b"DataReader", b'read_csv(\\"http', b"urlopen")
"""Notebooks that hold one of these fetch their data from somewhere."""


@dataclass
class Told:
    """What became of one notebook."""

    name: str
    cells: int = 0
    verdict: str = ""
    ours: int = 0
    """Cells that the comparison calls different."""
    nbval: int | None = None
    why: str = ""
    left_out: str = ""


def notebooks(sdist: Path) -> list[tuple[str, bytes]]:
    """Name and content of the notebooks in an sdist."""
    found = []
    with tarfile.open(sdist) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".ipynb") and member.size < LARGEST:
                file = archive.extractfile(member)
                if file is not None:
                    found.append((f"{sdist.name.split('-')[0]}/{Path(member.name).name}", file.read()))
    return sorted(found)


def attempt(given: tuple[str, bytes]) -> Told:
    """Records a notebook, runs it again unchanged, and asks nbval the same."""
    name, content = given
    told = Told(name)
    with tempfile.TemporaryDirectory(prefix="published-", ignore_cleanup_errors=True) as temporary:
        folder = Folder(Path(temporary) / "project", "published.ipynb")
        for path in (folder.path, folder.side, folder.elsewhere):
            path.mkdir()
        try:
            document = _as_python3(json.loads(content))
            folder.notebook.write_text(json.dumps(document), encoding="utf-8")
            with environment(folder):
                _attempt(folder, told)
        except Exception as error:
            told.left_out = (
                told.left_out or f"{type(error).__name__}: {str(error).strip().splitlines()[-1][:120]}"
            )
    return told


def _attempt(folder: Folder, told: Told) -> None:
    from jupyter_mlgov.project import Project

    outputs = by_papermill(folder, execution_timeout=SECONDS)
    project = Project.open(folder.path)
    (entry,) = project.log()
    found = project.rerun(entry.id)
    told.verdict = found.verdict
    different = [cell for cell in found.cells if cell.status in ("different", "error")]
    told.ours = len(different)
    told.cells = sum(cell["type"] == "code" for cell in project.show(entry.id)["notebook"]["cells"])
    told.why = "; ".join(
        [*(f"cell {c.index + 1}: {c.note}" for c in different[:2]), *(f.message for f in found.findings[:1])]
    )
    told.nbval = nbval_says(folder, outputs)


def _as_python3(document: dict) -> dict:  # type: ignore[type-arg]
    document.setdefault("metadata", {})["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    for number, cell in enumerate(document["cells"]):
        cell["source"] = "".join(cell["source"])
        cell["id"] = f"c{number}"
    document["nbformat"], document["nbformat_minor"] = 4, 5
    return document


def page(all_told: list[Told], published: int, alone: int) -> str:
    """The page of the documentation. ``published`` notebooks are in the sdists, ``alone`` of them need no network."""
    tried = [told for told in all_told if not told.left_out]
    judged = [told for told in tried if told.nbval is not None]
    wrong = [told for told in tried if told.verdict not in ("reproduced", "equivalent")]
    rows = "\n".join(
        f"| {t.name} | {t.cells} | {t.verdict} | {t.ours} | {'-' if t.nbval is None else t.nbval} |"
        for t in tried
    )
    left = Counter(told.left_out.partition(":")[0] for told in all_told if told.left_out)
    return (
        "# Published notebooks, run twice unchanged\n\nWritten by `make bench-nbval`. Notebooks from the sdists of "
        f"{', '.join(PACKAGES)} are recorded and run again with nothing changed: whatever is called different then is a "
        "false alarm, unless the notebook itself gives another result each time (the reason is below).\n\n"
        f"- {published} notebooks are published there, {published - alone} of them fetch data from the network and are left out; "
        f"the {len(all_told)} smallest of the others were tried.\n"
        f"- {len(tried)} notebooks with {sum(t.cells for t in tried)} code cells; "
        f"{sum(left.values())} could not be run as they are ({', '.join(f'{n} {why}' for why, n in left.most_common(4)) or 'none'}).\n"
        f"- mlgov calls {len(wrong)} notebooks different ({sum(t.ours for t in tried)} cells).\n"
        f"- nbval's default comparison calls {sum(bool(t.nbval) for t in judged)} of {len(judged)} notebooks different "
        f"({sum(t.nbval or 0 for t in judged)} cells).\n\n"
        f"| notebook | cells | verdict | different, mlgov | different, nbval |\n|---|---|---|---|---|\n{rows}\n\n"
        "## What mlgov calls different\n\n"
        + ("\n".join(f"- {t.name}: {t.why}" for t in wrong) or "Nothing.")
        + "\n"
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--limit", type=int, default=40, help="notebooks at most, the smallest of each package first"
    )
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    options = parser.parse_args()
    given = [found for package in PACKAGES for found in notebooks(fetch_sdist(package))]
    alone = [pair for pair in given if not any(word in pair[1] for word in NETWORK)]
    tried = sorted(alone, key=lambda pair: len(pair[1]))[: options.limit]
    all_told = []
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for told in pool.imap_unordered(attempt, tried):
            all_told.append(told)
            print(f"[{len(all_told)}/{len(tried)}] {told}", flush=True)
            if options.write:
                DOCUMENT.write_text(
                    page(sorted(all_told, key=lambda t: t.name), len(given), len(alone)), encoding="utf-8"
                )
    print(page(all_told, len(given), len(alone)))
    return 0 if tried else 1


if __name__ == "__main__":
    sys.exit(main())
