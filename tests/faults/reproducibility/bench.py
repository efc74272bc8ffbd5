"""``make bench-faults``: every case of every subject, what was found, and the figures for the documentation."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from pathlib import Path

from tests.faults.reproducibility.fault import Fault
from tests.faults.reproducibility.subjects import SUBJECTS
from tests.faults.reproducibility.trial import Trial, attempt

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "fault-benchmark.md"
Case = tuple[str, int]


def cases(pattern: str = "") -> list[Case]:
    """Subject and number of each case whose name holds ``pattern``; the slow of all subjects spread out."""
    found = [
        (subject.name, number)
        for subject in SUBJECTS
        for number, faults in enumerate(subject.cases())
        if not pattern or any(part in name_of(subject.name, number) for part in pattern.split(","))
    ]
    return sorted(found, key=lambda case: case[1])


def name_of(subject: str, number: int) -> str:
    """What a case is called."""
    return f"{subject}: {' + '.join(fault.kind for fault in _faults(subject, number))}"


def _faults(subject: str, number: int) -> tuple[Fault, ...]:
    return list(next(s for s in SUBJECTS if s.name == subject).cases())[number]


def kinds_of(case: Case) -> tuple[str, ...]:
    """The kinds of a case's faults."""
    return tuple(fault.kind for fault in _faults(*case))


def kept(path: Path) -> list[Trial]:
    """The trials of an earlier run."""
    read = json.loads(path.read_text(encoding="utf-8"))
    return [Trial(**{**one, "kinds": tuple(one["kinds"]), "causes": tuple(one["causes"])}) for one in read]


def run(case: Case, *, nbval: bool = False) -> Trial:
    """Tries one case."""
    subject = next(s for s in SUBJECTS if s.name == case[0])
    return attempt(subject, list(subject.cases())[case[1]], nbval=nbval)


def _run_with_nbval(case: Case) -> Trial:
    return run(case, nbval=True)


def figures(trials: list[Trial]) -> dict[str, str]:
    """The numbers that count."""
    singles = [t for t in trials if len(t.kinds) == 1 and not t.clean]
    pairs = [t for t in trials if len(t.kinds) > 1]
    clean = [t for t in trials if t.clean]
    faults = [*singles, *pairs]
    found = {
        "top-1 cause, single faults": _share(sum(t.right for t in singles), len(singles)),
        "top-1 cause, pairs": _share(sum(t.right for t in pairs), len(pairs)),
        "subject, columns, cell and variable right too": _share(
            sum(t.right and t.placed for t in faults), len(faults)
        ),
        "first cause confirmed by a controlled run": _share(
            sum(t.right and t.confirmed for t in faults), len(faults)
        ),
        "false alarms on clean controls": _share(sum(t.false_alarm for t in clean), len(clean)),
        "runs for a fault, mean and most": f"{sum(t.runs for t in faults) / max(len(faults), 1):.1f}, {max((t.runs for t in faults), default=0)}",
        "runs for a clean control, mean": f"{sum(t.runs for t in clean) / max(len(clean), 1):.1f}",
    }
    judged = [t for t in trials if t.nbval is not None]
    if judged:
        controls = [t for t in judged if t.clean]
        found["nbval: faults called different (no cause)"] = _share(
            sum(bool(t.nbval) for t in judged if not t.clean), len(judged) - len(controls)
        )
        found["nbval: false alarms on clean controls"] = _share(
            sum(bool(t.nbval) for t in controls), len(controls)
        )
    return found


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none tried"


def line_of(trial: Trial) -> str:
    """One case in one line."""
    mark = "ok  " if trial.right and trial.placed else "near" if trial.right else "MISS"
    first = trial.findings[0] if trial.findings else None
    said = (
        f"{first['cause']} {first['subject']} cell {first['cell']} {first['variable'] or ''}"
        if first
        else "no finding"
    )
    sure = " confirmed" if first and first["confirmed"] else ""
    return (
        f"{mark} {trial.subject}: {' + '.join(trial.kinds)} [{', '.join(trial.causes) or 'clean'}] -> {trial.verdict} "
        f"{said}{sure} ({trial.runs} runs, {trial.seconds:.0f} s, nbval {trial.nbval}){' ' + trial.problem if trial.problem else ''}"
    )


def document(trials: list[Trial]) -> str:
    """The page of the documentation."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures(trials).items())
    missed = [t for t in trials if not t.right]
    misses = "\n".join(f"- {line_of(t)[5:]}" for t in missed) or "None."
    kinds = sorted({kind for trial in trials for kind in trial.kinds})
    return (
        "# Seeded faults: what a rerun finds\n\n"
        "Written by `make bench-faults`. Notebooks of "
        f"{len(SUBJECTS)} kinds ({', '.join(subject.what for subject in SUBJECTS)}) are recorded; then one thing is done to "
        "each of them, or two, whose cause is known, or something that must not count (a comment, a file written anew with "
        f"equal content, addresses, timings). {len(trials)} of {len(cases())} cases tried, {len(kinds)} kinds, "
        f"{sum(t.seconds for t in trials) / 60:.0f} minutes of reruns.\n\n"
        f"| | |\n|---|---|\n{rows}\n\n## Not found\n\n{misses}\n\n## Kinds\n\n{', '.join(kinds)}.\n"
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pattern", nargs="?", default="", help="only cases whose name holds one of these, with commas between"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--nbval", action="store_true", help="ask nbval about each case too")
    parser.add_argument("--json", type=Path, help="every trial, as JSON")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    parser.add_argument(
        "--from", dest="read", type=Path, nargs="*", help="trials of earlier runs (--json), not tried again"
    )
    options = parser.parse_args()
    trials = [trial for path in options.read or () for trial in kept(path)]
    tried = {(trial.subject, trial.kinds) for trial in trials}
    todo = [case for case in cases(options.pattern) if (case[0], kinds_of(case)) not in tried]
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for trial in pool.imap_unordered(_run_with_nbval if options.nbval else run, todo):
            trials.append(trial)
            print(f"[{len(trials)}/{len(todo)}] {line_of(trial)}", flush=True)
            if options.json:
                options.json.write_text(json.dumps([t.as_json() for t in trials], indent=1), encoding="utf-8")
    for name, value in figures(trials).items():
        print(f"{name}: {value}")
    if options.write:
        DOCUMENT.write_text(document(trials), encoding="utf-8")
    return 0 if all(trial.right for trial in trials) else 1


if __name__ == "__main__":
    sys.exit(main())
