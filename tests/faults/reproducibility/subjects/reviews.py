"""Reviews: JSON lines, cleaning with regular expressions, TF-IDF and a classifier, word counts, examples shown."""

from __future__ import annotations

import json

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import json, re, string\nfrom collections import Counter, defaultdict\nfrom pathlib import Path\nimport numpy as np\nimport pandas as pd\n"
    "from sklearn.feature_extraction.text import TfidfVectorizer\nfrom sklearn.linear_model import LogisticRegression, SGDClassifier\nfrom sklearn.pipeline import make_pipeline",
    "rows = [json.loads(line) for line in Path('reviews.jsonl').read_text(encoding='utf-8').splitlines()]\nreviews = pd.DataFrame(rows)\nreviews.sample(3, random_state=1)",
    "STOP = set(Path('stopwords.txt').read_text().split())\n\ndef clean(text):\n    text = re.sub(r'[^a-z ]', '', text.lower())\n    return ' '.join(w for w in text.split() if w not in STOP)\n\nreviews['clean'] = reviews['text'].map(clean)",
    "words = Counter(w for text in reviews['clean'] for w in text.split())\nwords.most_common(10)",
    "by_label = defaultdict(Counter)\nfor _, row in reviews.iterrows():\n    by_label[row['label']].update(row['clean'].split())\nby_label['good'].most_common(3)",
    "pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=2.0))\ntrain, test = reviews[:60], reviews[60:]",
    "%%experiment reviews --tolerance \"accuracy=0.001\"\npipeline.fit(train['clean'], train['label'])\naccuracy = pipeline.score(test['clean'], test['label'])\nsize = len(pipeline[0].vocabulary_)\nprint(f'{accuracy=:.3f} {size=}')",
    "test.assign(predicted=pipeline.predict(test['clean']))[['clean', 'label', 'predicted']].head(8)",
)
GOOD = ["great", "lovely", "fast", "sturdy", "friendly", "bright", "cheap"]
BAD = ["broken", "slow", "dull", "late", "rude", "expensive", "loud"]
REST = ["the", "a", "and", "it", "was", "phone", "delivery", "box", "very", "of", "shop"]


def make(folder: Folder) -> None:
    def text(_: int, n: list[float]) -> str:
        state = int(n[0] * 2**31)
        chosen = GOOD if n[1] > 0.5 else BAD
        made = [chosen[(state >> k) % 7] if k % 4 else REST[(state >> k) % 11] for k in range(12)]
        return json.dumps(
            {"text": " ".join(made).capitalize() + "!", "label": "good" if n[1] > 0.48 else "bad"}
        ).replace(",", "\x01")

    lines = [row.partition(",")[0].replace("\x01", ",") for row in drawn(77, 90, text, lambda *_: "")]
    folder.write("reviews.jsonl", "\n".join(lines) + "\n")
    folder.write("stopwords.txt", "the\na\nand\nit\nwas\nof\n")


def _labels(folder: Folder) -> None:
    lines = folder.read("reviews.jsonl").splitlines()
    for place in range(0, 60, 4):
        one = json.loads(lines[place])
        one["label"] = "bad" if one["label"] == "good" else "good"
        lines[place] = json.dumps(one)
    folder.write("reviews.jsonl", "\n".join(lines) + "\n")


SUBJECT = Subject(
    name="reviews",
    what="classified reviews",
    make=make,
    cells=CELLS,
    general=("notebook saved with outputs",),
    faults=(
        Fault("lines reordered", "data.order", "reviews.jsonl", after=lambda f: f.write("reviews.jsonl", "\n".join(f.read("reviews.jsonl").splitlines()[::-1]) + "\n"), cell=1),
        Fault("word list reordered", after=lambda f: f.write("stopwords.txt", "\n".join(f.read("stopwords.txt").split()[::-1]) + "\n")),
        Fault("function renamed", after=lambda f: (f.edit("def clean(text)", "def cleaned(text)"), f.edit(".map(clean)", ".map(cleaned)"))[0]),
        Fault("estimator without random_state", "randomness.unseeded", written=lambda f: f.edit("LogisticRegression(C=2.0))", "SGDClassifier(max_iter=3, tol=None))"), cell=5),
        Fault("set iterated", "randomness.hash-order", written=lambda f: f.edit("words.most_common(10)", "kinds = {w[:2] for w in words}\nfor kind in kinds:\n    print(kind, end=' ')"), cell=3),
        Fault("set in a frame", "randomness.hash-order", written=lambda f: f.edit("words.most_common(10)", "table = pd.DataFrame({'w': list(set(words))})\ntable.head(4)"), cell=3),
        Fault("id in a log line", written=lambda f: f.edit("print(f'{accuracy", "import uuid\nrun = uuid.uuid4()\nprint('run', run)\nprint(f'{accuracy")),
        Fault("uuid as a key", "randomness.unseeded", written=lambda f: f.edit("size = len", "import uuid\nkey = uuid.uuid4().int % 1000\nsize = len"), cell=6),
        Fault("function of a deleted cell", "hidden-state.deleted-cell", session=(0, 1, 2, "def clean(text):\n    return text.lower()\nreviews['clean'] = reviews['text'].map(clean)", 3, 4, 5, 6, 7), also=("hidden-state.order",)),
    ),
    pairs=(("estimator without random_state", "set iterated"),),
)  # fmt: skip
