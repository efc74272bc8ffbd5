"""Sensor readings: a folder of daily files, statsmodels, features of dates, time zones, a plot of the residuals."""

from __future__ import annotations

import math

from tests.faults.reproducibility.fault import Fault, Folder, Subject

CELLS = (
    "import glob\nimport locale\nimport os\nfrom datetime import datetime\nimport numpy as np\nimport pandas as pd\nimport statsmodels.api as sm",
    "files = sorted(glob.glob('readings/*.csv'))\nreadings = pd.concat([pd.read_csv(f, parse_dates=['at']) for f in files], ignore_index=True)\nprint(len(files), 'files,', len(readings), 'readings')",
    "readings['hour'] = readings['at'].dt.hour\nreadings['weekday'] = readings['at'].dt.day_name()\nreadings['night'] = ~readings['hour'].between(6, 21)",
    "profile = readings.groupby('hour')['celsius'].agg(['mean', 'std'])\nprofile.head()",
    "X = sm.add_constant(readings[['hour', 'night']].astype(float))\nfit = sm.OLS(readings['celsius'], X).fit()\nprint(fit.summary())",
    "events = pd.DataFrame({'at': pd.to_datetime(['2025-03-01 12:00', '2025-03-02 15:00'])})\nevents['local'] = events['at'].dt.tz_localize('UTC').dt.tz_convert('Europe/Berlin')\nevents",
    "%%experiment sensors\nr2 = float(fit.rsquared)\nresidual = float(np.sqrt(fit.mse_resid))\nlatest = readings['at'].max()\nprint(f'R2 {r2:.4f}, residual {residual:.4f}, until {latest:%d.%m.%Y %H:%M}')",
)
DAYS = ("2025-03-01", "2025-03-02", "2025-03-03")


def make(folder: Folder) -> None:
    for number, day in enumerate(DAYS):
        rows = [
            f"{day} {hour:02d}:00:00,{12 + 6 * math.sin((hour - 8) / 24 * 2 * math.pi) + 0.4 * ((hour * 7 + number * 5) % 11):.2f}"
            for hour in range(24)
        ]
        folder.write(f"readings/{day}.csv", "\n".join(["at,celsius", *rows]) + "\n")


FIRST = "readings/2025-03-01.csv"


def _copied(folder: Folder) -> None:
    """The same files, as a copy of the folder has them: made in another order."""
    for day in reversed(DAYS):
        text = folder.read(f"readings/{day}.csv")
        (folder.path / f"readings/{day}.csv").unlink()
        folder.write(f"readings/{day}.csv", text)


SUBJECT = Subject(
    name="sensors",
    what="sensor readings",
    make=make,
    cells=CELLS,
    general=("new times on all files",),
    faults=(
        Fault("value in one of several files", "data.values", FIRST, columns=("celsius",), after=lambda f: f.lines(FIRST, lambda r: [*r[:7], r[7].split(",")[0] + ",55.0", *r[8:]]), cell=1),
        Fault("summary's date and time", written=lambda f: f.edit("print(fit.summary())", "fit.summary()")),
        Fault("timezone", "environment.variable", "TZ", written=lambda f: (f.edit("r2 = float", "start = datetime(2025, 3, 1, 12).timestamp() / 3600 % 24\nprint('noon is at', start)\nr2 = float"), f.variables.update(TZ="Europe/Berlin"))[0], after=lambda f: f.variables.update(TZ="America/New_York"), cell=6),
        Fault("environment variable with a default", "environment.variable", "LIMIT", written=lambda f: f.edit("readings['hour'] =", "readings = readings[readings['celsius'] < float(os.getenv('LIMIT', 100))]\nreadings['hour'] ="), after=lambda f: f.variables.update(LIMIT="15"), cell=2),
        Fault("days until today", "time", written=lambda f: f.edit("print(f'R2", "age = (datetime.now() - latest).total_seconds()\nprint('age in seconds', age)\nprint(f'R2"), cell=6),
        Fault("now printed", written=lambda f: f.edit("print(f'R2", "print('run at', pd.Timestamp.now(), datetime.now().isoformat())\nprint(f'{datetime.now():%H:%M}')\nprint(f'R2")),
        Fault("scipy without a seed", "randomness.unseeded", written=lambda f: f.edit("r2 = float", "from scipy import stats\nextra = stats.norm.rvs(size=len(readings))\nlow = float(extra.mean())\nr2 = float"), cell=6),
        Fault("deleted cell that changed a frame", "hidden-state.deleted-cell", "readings", session=(0, 1, 2, "readings = readings[readings['celsius'] < 17]", 3, 4, 5, 6)),
    ),
    pairs=(("value in one of several files", "days until today"),),
)  # fmt: skip
