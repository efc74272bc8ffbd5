"""A billing run by settings: an INI file, environment variables, locale, files by absolute paths, packages of one's own."""

from __future__ import annotations

import shutil

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import configparser\nimport csv\nimport decimal\nimport locale\nimport os\nimport time\nfrom datetime import date, datetime, timedelta\nfrom decimal import Decimal\nfrom pathlib import Path",
    "config = configparser.ConfigParser()\nconfig.read('billing.ini')\nrate = Decimal(config['billing']['rate'])\ncurrency = config.get('billing', 'currency')",
    "HERE = Path.cwd()\nhours = list(csv.DictReader((HERE / 'hours.csv').open(encoding='utf-8')))\nprint(len(hours), 'entries of', len({row['who'] for row in hours}), 'people')",
    "month = os.environ.get('BILLING_MONTH', '2025-03')\nchosen = [row for row in hours if row['day'].startswith(month)]",
    "%%experiment billing\ntotal = sum(Decimal(row['hours']) * rate for row in chosen)\nvat = float(total) * 0.19\nnames = sorted({row['who'] for row in chosen}, key=str.casefold)\nprint(f'{month}: {total:.2f} {currency}', ', '.join(names))",
)
HOURS = "hours.csv"


def make(folder: Folder) -> None:
    folder.write("billing.ini", "[billing]\nrate = 85.50\ncurrency = EUR\n\n[unused]\ncolour = blue\n")
    who = ("Ada", "ben", "Chloé")
    rows = [f"2025-0{2 + n % 3}-{1 + n:02d},{who[n % 3 if n % 5 else 1]},{1 + n % 7}.5" for n in range(24)]
    folder.write(HOURS, "\n".join(["day,who,hours", *rows]) + "\n")


def _absolute(place: str) -> object:
    """The hours read by an absolute path: inside the project or outside of it."""

    def written(folder: Folder) -> None:
        path = folder.path / HOURS if place == "inside" else folder.elsewhere / "shared" / HOURS
        path.parent.mkdir(exist_ok=True)
        if place != "inside":
            shutil.copy(folder.path / HOURS, path)
        folder.edit("(HERE / 'hours.csv').open(", f"open({str(path)!r}, ")

    return written


def _moved(folder: Folder) -> None:
    place = folder.path.parent / "of a colleague"
    folder.path.rename(place)
    folder.path, folder.notebook = place, place / folder.notebook.name


RATES = "def rounded(value):\n    return round(float(value), 2)\n"


def _with_package(folder: Folder) -> None:
    folder.install("billkit", "0.3", billkit=RATES)
    folder.edit(
        "vat = float(total) * 0.19", "from billkit import rounded\nvat = rounded(float(total) * 0.19)"
    )


SUBJECT = Subject(
    name="settings",
    what="a run by settings",
    make=make,
    cells=CELLS,
    general=("every cell formatted",),
    faults=(
        Fault("rows reordered", after=lambda f: f.lines(HOURS, lambda r: r[::-1]), verdicts=("reproduced", "equivalent")),
        Fault("environment variable", "environment.variable", "BILLING_MONTH", written=lambda f: f.variables.update(BILLING_MONTH="2025-02"), after=lambda f: f.variables.update(BILLING_MONTH="2025-03"), cell=4),
        Fault("variable that only a module reads", "environment.variable", "BILL_ROUND", written=lambda f: (f.write("rounding.py", "import os\n\n\ndef rounded(value):\n    return round(float(value), int(os.environ.get('BILL_ROUND', '2')))\n"), f.edit("vat = float(total) * 0.19", "from rounding import rounded\nvat = rounded(float(total) * 0.1937)"), f.variables.update(BILL_ROUND="2"))[0], after=lambda f: f.variables.update(BILL_ROUND="0"), cell=4),
        Fault("unrelated variable", after=lambda f: f.variables.update(LESS="-R", BILLING="x")),
        Fault("locale of numbers", "environment.variable", written=lambda f: (f.edit("print(f'{month}", "locale.setlocale(locale.LC_ALL, '')\nprint(locale.getlocale()[1], locale.format_string('%.2f', vat))\nprint(f'{month}"), f.variables.update(LC_ALL="C.UTF-8"))[0], after=lambda f: f.variables.update(LC_ALL="POSIX"), cell=4),
        Fault("absolute path into the project", "path", written=_absolute("inside"), after=_moved, cell=2),  # type: ignore[arg-type]
        Fault("absolute path outside", "path", written=_absolute("outside"), after=lambda f: shutil.rmtree(f.elsewhere), cell=2),  # type: ignore[arg-type]
        Fault("value behind an absolute path", "data.values", written=_absolute("outside"), after=lambda f: (f.elsewhere / "shared" / HOURS).write_text(f.read(HOURS).replace("2.5", "7.5"), encoding="utf-8"), cell=4),  # type: ignore[arg-type]
        Fault("folder printed, project moved", written=lambda f: f.edit("print(len(hours)", "print('reading', HERE / 'hours.csv')\nprint(len(hours)"), after=_moved),
        Fault("later cell run first", "hidden-state.order", "rate", written=lambda f: f.write_cells([*f.cells(), "rate = Decimal('100')"]), session=(0, 1, 2, 3, 5, 4)),
    ),
    pairs=(("value behind an absolute path", "environment variable"),),
)  # fmt: skip
