"""A report of groups: an Excel sheet and a CSV, pivot tables, seaborn, styled HTML, a helper script."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "%matplotlib inline\nimport sys\nsys.path.insert(0, 'src')\nimport pandas as pd\nimport seaborn as sns\nimport matplotlib.pyplot as plt\nfrom report import share, labels",
    "answers = pd.read_excel('raw/answers.xlsx')\nanswers.info(memory_usage=False)",
    "regions = pd.read_csv('raw/regions.csv', sep=';', decimal=',', index_col='region')\nregions",
    "merged = answers.join(regions, on='region')\nmerged['weight'] = merged['weight'].fillna(1)",
    "table = merged.pivot_table(index='region', columns='answer', values='weight', aggfunc='sum', observed=True).fillna(0)\ntable",
    "sns.countplot(data=merged, x='region', hue='answer')\nplt.title('Answers by region');",
    "from IPython.display import Markdown, display\nfor region, group in merged.groupby('region'):\n    display(Markdown(f'**{region}**: {len(group)} answers, mean age {group[\"age\"].mean():.1f}'))",
    "%%experiment survey\napproval = share(merged, 'yes')\nspread = float(table['yes'].std())\nprint(labels['yes'], f'{approval:.2%}', '+/-', round(spread, 3))",
    "table.style.background_gradient().format(precision=1)",
)
REPORT = '"""Shares of answers."""\n\nlabels = {"yes": "Approval", "no": "Refusal"}\n\n\ndef share(frame, answer):\n    chosen = frame[frame["answer"] == answer]\n    return float(chosen["weight"].sum() / frame["weight"].sum())\n'


def make(folder: Folder) -> None:
    _excel(folder)
    folder.write(
        "raw/regions.csv", "region;weight;inhabitants\nnorth;1,2;1200\nsouth;0,9;3400\neast;1,05;800\n"
    )
    folder.write("src/report.py", REPORT)


def _excel(folder: Folder, age: int = 0, order: int = 1) -> None:
    import pandas as pd

    regions, answers = ("north", "south", "east"), ("yes", "no", "don't know")
    rows = drawn(
        31,
        90,
        lambda _, n: regions[int(3 * n[0])],
        lambda _, n: answers[int(3 * n[1])],
        lambda _, n: 18 + int(60 * n[2]),
    )
    table = pd.DataFrame([row.split(",") for row in rows], columns=["region", "answer", "age"])
    table["age"] = table["age"].astype(int)
    table.loc[4, "age"] += age
    (folder.path / "raw").mkdir(exist_ok=True)
    table[::order].to_excel(folder.path / "raw/answers.xlsx", index=False)


REGIONS, ANSWERS, MODULE = "raw/regions.csv", "raw/answers.xlsx", "src/report.py"
SUBJECT = Subject(
    name="survey",
    what="a report of groups",
    make=make,
    cells=CELLS,
    general=("project moved",),
    faults=(
        Fault("Excel sheet saved again", after=lambda f: _excel(f)),
        Fault("Excel rows reordered", after=lambda f: _excel(f, order=-1), cause="data.order", about=ANSWERS, cell=1, verdicts=("diverged", "equivalent")),
        Fault("value in a CSV", "data.values", REGIONS, after=lambda f: f.replace(REGIONS, "0,9", "0,95"), columns=("weight",), cell=2),
        Fault("line endings changed", after=lambda f: (f.path / REGIONS).write_bytes(f.read(REGIONS).replace("\n", "\r\n").encode())),
        Fault("module on the path changed", "code.module", MODULE, after=lambda f: f.replace(MODULE, '== answer]', '!= answer]')),
        Fault("module reformatted", after=lambda f: f.write(MODULE, '"""Shares of answers, of all kinds."""\nlabels = {\n    "yes": "Approval",  # what we hope for\n    "no": "Refusal",\n}\n\n\ndef share(frame, answer):\n    # weighted\n    chosen = frame[frame["answer"] == answer]\n\n    return float(\n        chosen["weight"].sum()\n        / frame["weight"].sum()\n    )\n')),
        Fault("order of a set of categories", "randomness.hash-order", written=lambda f: f.edit("x='region', hue", "x='region', order=list(set(merged['region'])), hue"), cell=5),
        Fault("skipped cell", "hidden-state.order", "merged", written=lambda f: f.edit("table = merged", "merged = merged[merged['age'] > 30]\ntable = merged") or f.write_cells([*f.cells()[:4], "merged = merged[merged['age'] < 70]", *f.cells()[4:]]), session=(0, 1, 2, 3, 5, 6, 7, 8, 9)),
    ),
    pairs=(("value in a CSV", "module on the path changed"),),
)  # fmt: skip
