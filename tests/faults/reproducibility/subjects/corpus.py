"""Text: a folder of documents, words counted, sets, a vocabulary, a nearest-neighbour search."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import re\nfrom collections import Counter\nfrom pathlib import Path",
    "documents = {path.stem: path.read_text(encoding='utf-8') for path in sorted(Path('texts').glob('*.txt'))}\nlen(documents)",
    "def words(text):\n    return re.findall(r'[a-z]+', text.lower())\n\ncounts = Counter(word for text in documents.values() for word in words(text))\ncounts.most_common(5)",
    "stop = {'the', 'a', 'of', 'and', 'to'}\nvocabulary = sorted(word for word in counts if word not in stop)\nprint(len(vocabulary), vocabulary[:8])",
    "from sklearn.feature_extraction.text import TfidfVectorizer\nvectorizer = TfidfVectorizer(vocabulary=vocabulary)\nmatrix = vectorizer.fit_transform(documents.values()).toarray()\nmatrix.shape",
    "%%experiment corpus\nsimilarity = matrix @ matrix.T\nclosest = int(similarity[0, 1:].argmax()) + 1\nscore = float(similarity[0, closest])\nprint(list(documents)[closest], round(score, 6))",
)
TEXTS = {
    "bridge": "The bridge over the river carries the road to the old town and the market.",
    "river": "The river rises in spring and floods the road below the bridge.",
    "market": "A market of fish and bread opens on the square of the old town.",
    "winter": "In winter the square is white and the market is closed to all.",
    "train": "The train to the town crosses the river on a bridge of steel.",
}


def make(folder: Folder) -> None:
    for name, text in TEXTS.items():
        folder.write(f"texts/{name}.txt", text + "\n")


SET_ORDER = "names = list({word for word in vocabulary})\n"
AS_LISTED = "list_of = [path for path in Path('texts').iterdir() if path.suffix == '.txt']\n"


def _reversed_listing(folder: Folder) -> None:
    """The same files, created in another order: some file systems list them in the order of creation."""
    for name in TEXTS:
        (folder.path / f"texts/{name}.txt").unlink()
    for name in reversed(TEXTS):
        folder.write(f"texts/{name}.txt", TEXTS[name] + "\n")


SUBJECT = Subject(
    name="corpus",
    what="text",
    make=make,
    cells=CELLS,
    faults=(
        Fault("word in a text file", "data.values", "texts/bridge.txt", after=lambda f: f.replace("texts/bridge.txt", "market", "harbour and the ships")),
        Fault("file added to a folder", "data.rows", after=lambda f: f.write("texts/autumn.txt", "Leaves on the bridge and the road.\n")),
        Fault("file missing", "data.missing", after=lambda f: (f.path / "texts/river.txt").unlink(), also=("data.rows",)),
        Fault("set order by hash seed", "randomness.hash-order", written=lambda f: f.edit("similarity = matrix", SET_ORDER + "first = sum(len(n) * i for i, n in enumerate(names))\nsimilarity = matrix"), cell=5),
        Fault("set order in a list", "randomness.hash-order", written=lambda f: f.edit("sorted(word for word in counts if word not in stop)", "list(set(counts) - stop)"), cell=3),
        Fault("set printed", written=lambda f: f.edit("print(len(vocabulary)", "print(stop, {'x': stop})\nprint(len(vocabulary)")),
        Fault("hash of a string", "randomness.hash-order", written=lambda f: f.edit("closest =", "bucket = hash('bridge') % 1000003\nclosest ="), cell=5),
        Fault("directory listing order", "randomness.filesystem-order", written=lambda f: f.edit("similarity = matrix", AS_LISTED + "order = ' '.join(path.stem for path in list_of)\nweight = float(sum(i * len(path.stem) ** 2 for i, path in enumerate(list_of)))\nsimilarity = matrix"), after=_reversed_listing, in_memory=True),
        Fault("files created in another order", after=_reversed_listing),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("[a-z]+", "[a-z]{3,}"), cell=2),
        Fault("docstring added", after=lambda f: f.edit("def words(text):\n", "def words(text):\n    \"\"\"The words of a text.\"\"\"\n")),
        Fault("random.choice without a seed", "randomness.unseeded", written=lambda f: f.edit("closest = ", "import random\nsampled = ' '.join(random.choices(vocabulary, k=12))\nluck = random.random()\nclosest = "), cell=5),
        Fault("random with a seed", written=lambda f: f.edit("closest = ", "import random\nrandom.seed(4)\nsampled = ' '.join(random.choices(vocabulary, k=12))\nclosest = ")),
        Fault("deleted cell that defined a name", "hidden-state.deleted-cell", "stop", written=lambda f: f.edit("stop = {'the', 'a', 'of', 'and', 'to'}\n", ""), session=("stop = {'the', 'a', 'of', 'and', 'to'}", 0, 1, 2, 3, 4, 5)),
        Fault("list appended twice", "hidden-state.repeated-run", "vocabulary", written=lambda f: f.edit("from sklearn", "vocabulary.append('zebra' * (len(vocabulary) % 7 + 1))\nfrom sklearn"), session=(0, 1, 2, 3, 4, 4, 5), cell=4),
        Fault("locale", "environment.variable", "LC_ALL", written=lambda f: (f.edit("vocabulary = sorted(word for word in counts if word not in stop)", "import locale\nlocale.setlocale(locale.LC_ALL, '')\nvocabulary = sorted(word for word in counts if word not in stop)\nsign = len(locale.getlocale()[1] or '') * 1.5\nprint(locale.getlocale())"), f.variables.update(LC_ALL="C.UTF-8"))[0], after=lambda f: f.variables.update(LC_ALL="C"), cell=3),
        Fault("intended error", written=lambda f: f.edit("vocabulary[:8])", "vocabulary[:8])\ndocuments['summer']"), session=tuple(range(6))),
        Fault("unchanged"),
        Fault("unchanged, in a session", session=tuple(range(6))),
    ),
    pairs=(
        ("word in a text file", "cell edited after the run"),
        ("word in a text file", "set order in a list"),
        ("cell edited after the run", "set printed"),
    ),
)  # fmt: skip
