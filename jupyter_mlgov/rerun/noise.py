"""Presentation noise in texts: what differs between two runs of the same thing and carries no result.

``RULES`` is the whole list. A rule masks only where the text around it says that it is noise: the hexadecimal
digits after `` at 0x`` are an address, those of a printed checksum are a result; ``12.3 s`` after ``took`` is a
timing, after ``mean waiting time:`` it is a result. Each rule carries two texts that it makes equal and one
that it leaves alone; the tests and the documentation are made from them.

Every pattern takes time in proportion to the text: what is wide (white space, digits, names) is matched possessively
or begins where nothing of its kind stands before it.

Numbers are never masked but compared by value (``numbers``), and readings of the clock only where they read
the moment of the run (``clock``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One kind of noise. ``apply`` gives the text with the noise masked."""

    name: str
    why: str
    apply: Callable[[str], str]
    equal: tuple[str, str]
    """Two texts that differ by this noise only."""
    kept: tuple[str, str]
    """Two texts that look alike and differ by a result."""


def _masking(pattern: str, mask: str, flags: int = 0) -> Callable[[str], str]:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.sub(mask, text)


def overwritten(text: str) -> str:
    """The text as a terminal shows it in the end: after ``\\r`` a line is written over, ``\\b`` takes back."""
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_shown(line) for line in text.replace("\r\n", "\n").split("\n"))


def _shown(line: str) -> str:
    if "\r" not in line and "\b" not in line:
        return line
    cells: list[str] = []
    place = 0
    for letter in line:
        if letter == "\r":
            place = 0
        elif letter == "\b":
            place = max(place - 1, 0)
        else:
            cells[place : place + 1] = [letter]
            place += 1
    return "".join(cells)


_UNIT = r"(?:ns|[µμu]s|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|milliseconds?|microseconds?)\b"
NUMBER = r"[-+]?\d[\d,]*+(?:\.\d++)?(?:[eE][-+]?\d++)?"
_ALONE = r"(?<![\w.])(?<!\d,)"
"""Before a number: what stands there is no part of it."""
DURATION = (
    rf"(?:{NUMBER}[ \t]*+{_UNIT}(?:[ \t]*+(?:,|and\b)?[ \t]*+{NUMBER}[ \t]*+{_UNIT})*"
    r"|\d++:\d\d:\d\d(?:\.\d++)?)"
)
_WORK = r"(?:execution|training|fit|fitting|computation|inference|prediction|preprocessing)"
_DONE = r"(?:done|fitted|fit|trained|executed|loaded|computed|built)"

_FILE = re.compile(
    r"^(?P<kind>[-dlbcps])[-rwxsStT]{9}[.+@]?\s+\d+\s+\S+\s+\S+\s+(?P<size>[\d.,]+[KMGT]?)\s+"
    r"(?:[A-Z][a-z]{2}\s+\d{1,2}\s+(?:\d{1,2}:\d{2}|\d{4})|\d{4}-\d{2}-\d{2}\s+\d{1,2}:\d{2}\S*)(?=\s)"
    r"|^total \d[\d.,]*[KMGT]?(?=\n[-dlbcps][-rwxsStT]{9})",
    re.MULTILINE,
)


_TOOLS = r"(?:\.mlgov|\.ipynb_checkpoints|__pycache__)"
_TOOLS_FOLDER = (
    rf"(?P<item>(?:\b\w+Path\()?(?P<quote>['\"])(?:\./)?{_TOOLS}/?(?P=quote)\)?),\s*+|,\s*+(?:\w+Path\()?(?P<other>['\"])(?:\./)?{_TOOLS}/?"
    rf"(?P=other)\)?|^[ \t]*(?:\./)?{_TOOLS}/?[ \t]*(?:\n|\Z)"
)


def _listed_files(text: str) -> str:
    return _FILE.sub(
        lambda one: f"<file> {one['size']}" if one["kind"] not in (None, "d") else "<folder>", text
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "terminal codes",
        "colours and cursor movements",
        _masking(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", ""),
        ("\x1b[31mauc\x1b[0m 0.83", "auc 0.83"),
        ("\x1b[31m0.83\x1b[0m", "\x1b[31m0.84\x1b[0m"),
    ),
    Rule(
        "overwritten text",
        "what a carriage return or a backspace has written over is not seen in the end",
        overwritten,
        ("epoch 1\repoch 2\repoch 3\n", "epoch 1\repoch 3\n"),
        ("loss 0.5\rloss 0.4\n", "loss 0.5\rloss 0.3\n"),
    ),
    Rule(
        "memory addresses",
        "where an object lies in memory",
        _masking(r"(?<=\bat )0x[0-9a-fA-F]{4,16}\b|(?<=[<(, ]id=)0x[0-9a-fA-F]{4,16}\b", "<address>"),
        ("<object object at 0x7f3a1c0d2e50>", "<object object at 0x7fde80142e50>"),
        ("checksum 0x7f3a1c0d", "checksum 0x7fde8014"),
    ),
    Rule(
        "the kernel's cell files",
        "names that the kernel gives to the code of a cell, and execution counts",
        _masking(
            r"(?<!\S)\S*\bipykernel_\d+[/\\]\d+\.py(?::\d+)?|<ipython-input-\d+-[0-9a-f]+>|\b(?:In|Out|Input) ?\[\d+\]",
            "<cell>",
        ),
        ("/tmp/ipykernel_4711/123456.py:3: x", "/tmp/ipykernel_812/998.py:3: x"),  # noqa: S108
        ("model.py:3: x", "model.py:4: x"),
    ),
    Rule(
        "temporary paths",
        "files and folders that exist for one run",
        _masking(
            r"(?:/private)?(?:/var/folders/[\w+-]+/[\w+-]+/T|/var/tmp|/tmp)(?:/[\w.+@-]+)*/"
            r"(?:(?:tmp[\w]{6,10}|[\w.+-]*[-_](?=[0-9_]{0,7}[a-z])[0-9a-z_]{8})(?=[\s'\",;:)\]>]|$))?"
            r"|[A-Za-z]:\\(?:[^\\\s'\"]+\\)*Temp\\(?:[^\\\s'\"]+\\)*",
            "<temporary>/",
            re.MULTILINE,
        ),
        ("saved to /tmp/tmpab12cd34/model.bin", "saved to /tmp/tmpzz98yx76/model.bin"),
        ("saved to data/v1/model.bin", "saved to data/v2/model.bin"),
    ),
    Rule(
        "process ids",
        "numbers that the operating system gives, in the brackets in which log lines and libraries put them",
        _masking(r"(?<=[(\[])((?:\w{1,40} )?pid[ =:]{1,2})\d++(?=[)\],])", r"\1<pid>"),
        ("(train pid=4711) auc 0.83", "(train pid=812) auc 0.83"),
        ("worst pid: 17", "worst pid: 45"),
    ),
    Rule(
        "threads and processes in reprs and log lines",
        "the numbers of a thread in its repr, and of a process beside its own or its thread's name",
        _masking(
            r"(?<=, started )(?:daemon )?\d{6,}(?=\)>)"
            r"|\b\d{1,7}(?=[ :|/-]{1,3}(?:MainThread|MainProcess|Thread-\d+|ThreadPoolExecutor-\d+_\d+)\b)"
            r"|(?<=MainThread[ :|/-])\d{1,7}\b|(?<=MainProcess[ :|/-])\d{1,7}\b",
            "<id>",
        ),
        (
            "[4711 MainThread] <_MainThread(MainThread, started 139637976727552)>",
            "[812 MainThread] <_MainThread(MainThread, started 140213976727552)>",
        ),
        ("race 4711, started 139637", "race 812, started 140213"),
    ),
    Rule(
        "ids that are made up for one run",
        "version 1 and 4 UUIDs and hexadecimal ids where the word before says that they name a run",
        _masking(
            r"(?i)\b((?:run|session|trace|request|experiment|job|task|execution|correlation)[\s_-]?(?:u?u?id)?"
            r"[\s'\"]*+[=:]?[\s'\"]*+)(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b",
            r"\1<id>",
        ),
        ("run_id: 0f8fad5b-d9cb-469f-a165-70867728950e", "run_id: 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("customer 0f8fad5b-d9cb-469f-a165-70867728950e", "customer 7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ),
    Rule(
        "folders of tools in a listing",
        "`.mlgov`, `.ipynb_checkpoints` and `__pycache__` are there or not, whatever the notebook does",
        _masking(_TOOLS_FOLDER, "", re.MULTILINE),
        ("['.mlgov', 'a.csv', '__pycache__']", "['a.csv']"),
        ("['.mlgov', 'a.csv']", "['.mlgov', 'b.csv']"),
    ),
    Rule(
        "long listings of files",
        "links, owner and time of each file that `ls -l` lists, and the size of a folder; names and sizes of files stay",
        _listed_files,
        (
            "total 8\n-rw-r--r-- 1 ana staff 1.2K Nov 24 10:15 a.csv",
            "total 4\n-rw-r--r-- 1 root root 1.2K Nov 26 09:01 a.csv",
        ),
        (
            "-rw-r--r-- 1 ana staff 1.2K Nov 24 10:15 a.csv",
            "-rw-r--r-- 1 ana staff 1.4K Nov 24 10:15 a.csv",
        ),
    ),
    Rule(
        "%%writefile",
        "whether the file that the cell writes was there before, as it is from the second run on",
        _masking(r"^(?:Writing|Overwriting) (?=\S[^\n]*\.\w+$)", "Writing ", re.MULTILINE),
        ("Writing features.py", "Overwriting features.py"),
        ("Writing features.py", "Writing model.py"),
    ),
    Rule(
        "what %time and %timeit say at times only",
        "lines that they print where a run was much slower than another, or compiling took long",
        _masking(
            r"^(?:The slowest run took [\d.]+ times longer[^\n]*(?:\n[^\n]*cached\.)?|Compiler(?: time)? *:[^\n]*)(?:\n|\Z)",
            "",
            re.MULTILINE,
        ),
        (
            "The slowest run took 5.43 times longer than the fastest. This could mean that an intermediate result is being "
            "cached.\nsum 3",
            "sum 3",
        ),
        ("The slowest runner took 5.43 minutes\nsum 3", "sum 3"),
    ),
    Rule(
        "%time and %timeit",
        "what IPython's own magics measured",
        _masking(
            r"^(?:CPU times|Wall time)\s*:.*$"
            rf"|{_ALONE}{NUMBER}\s*+{_UNIT}\s*+(?:±|\+-)\s*+{NUMBER}\s*+{_UNIT} per loop[^\n]*"
            rf"|(?<![\d,])[\d,]++ loops?, best of \d+: {NUMBER}\s*+{_UNIT} per loop"
            r"|^CPU times:[^\n]*$",
            "<timing>",
            re.MULTILINE,
        ),
        (
            "CPU times: user 3 ms, sys: 0 ns, total: 3 ms\nWall time: 3.1 ms",
            "CPU times: user 8 ms, sys: 1 ms, total: 9 ms\nWall time: 9.5 ms",
        ),
        ("Waiting time: 3.1 ms", "Waiting time: 9.5 ms"),
    ),
    Rule(
        "how long the work took",
        "durations with their unit, of which the words before say that the program measured its own work",
        _masking(
            rf"(?i)\b({_WORK} took\b[^\n\d]{{0,20}}?|{_DONE} in\b[^\n\d]{{0,20}}?){DURATION}",
            r"\1<duration>",
        ),
        ("training took 12.31 s, auc 0.83", "training took 9.7 s, auc 0.83"),
        ("mean runtime: 104.3 min", "mean runtime: 97.1 min"),
    ),
    Rule(
        "how long scikit-learn and joblib worked",
        "the times in the lines that they print where they are asked to tell (`verbose`)",
        _masking(
            r"(?m)^(\[(?:CV|Pipeline|ColumnTransformer|FeatureUnion|Parallel)\b[^\n]*?(?:\btotal(?: time)?=|\belapsed:)"
            r"[ \t]*+)"
            rf"{DURATION}(?:([^\n]*?\bremaining:[ \t]*+){DURATION})?"
            rf"|^(\[t-SNE\][^\n]*? in[ \t]++){DURATION}",
            r"\1\2\3<duration>",
        ),
        ("[CV] END ........C=1; total time=   0.1s", "[CV] END ........C=1; total time=   0.3s"),
        (
            "[CV 1/5] END C=1;, score=0.83 total time=   0.1s",
            "[CV 1/5] END C=1;, score=0.84 total time=   0.1s",
        ),
    ),
    Rule(
        "how long scikit-learn's iterations took",
        "the times in the lines of boosting, mixtures, imputation, factorisation and linear models that are asked to tell",
        _masking(
            rf"(?m)^(Fit {NUMBER} trees in ){NUMBER} s(?=, \({NUMBER} total leaves\)$)"
            r"|^(\d++ trees?, \d++ leaves, max depth = \d++, in )\d++\.\d++s$"
            rf"|^(Binning {NUMBER} GB of (?:training|validation) data: ){NUMBER} s$"
            rf"|^(Time spent (?:computing histograms|finding best splits|applying splits|predicting): *+){NUMBER}s$"
            rf"|^(\[IterativeImputer\] Ending imputation round \d++/\d++, elapsed time ){NUMBER}$"
            rf"|(\btime lapse ){NUMBER}s(?=\t ll (?:change )?[-\dinfa])"
            rf"|^(Epoch \d++ reached after ){NUMBER} seconds(?=, error: )"
            rf"|^(Iteration +\d++ \(elapsed time: ) *+\d++s, *+{NUMBER}mn(?=, current cost )"
            r"|^(Total training time: )\d{1,7}\.\d\d seconds\.$"
            r"|^( {1,9}\d{1,9} {1,15}-?\d{1,12}\.\d{4}(?: {1,15}-?\d{1,12}\.\d{4})? {6,15})\d{1,7}\.\d\d[sm]$",
            r"\1\2\3\4\5\6\7\8\9\10<duration>",
        ),
        ("Fit 3 trees in 0.031 s, (28 total leaves)", "Fit 3 trees in 0.044 s, (28 total leaves)"),
        ("Fit 3 trees in 0.031 s, (28 total leaves)", "Fit 3 trees in 0.031 s, (29 total leaves)"),
    ),
    Rule(
        "how fast the work went",
        "time for one step and steps a second, as training loops print them",
        _masking(
            rf"(?i){_ALONE}{NUMBER}\s?(?:ns|[µμu]s|ms|s|sec|min)/(?:it|iter|iteration|step|epoch|batch|sample|example|row)\b"
            rf"|{_ALONE}{NUMBER}\s?[kM]?(?:it|iters?|iterations?|steps?|epochs?|batch(?:es)?|samples?|examples?)/(?:s|sec|second)\b",
            "<speed>",
        ),
        ("Epoch 1/3 - 12ms/step - loss: 0.5, 81.3 it/s", "Epoch 1/3 - 45ms/step - loss: 0.5, 22.1 it/s"),
        ("wind 12.3 m/s, 4 rows", "wind 45.1 m/s, 4 rows"),
    ),
    Rule(
        "how long boosting took",
        "the times that CatBoost and LightGBM print, and which of two equal ways LightGBM found to be faster",
        _masking(
            rf"(?m)^(\d++:\t[^\n]*?\btotal: ){DURATION}(\tremaining: ){DURATION}"
            r"|(?<=\[LightGBM\] \[Debug\] init for col-wise cost )[\d.e-]+ seconds, init for row-wise cost [\d.e-]+ seconds"
            r"|\[LightGBM\] \[Info\] Auto-choosing (?:row|col)-wise multi-threading, "
            r"the overhead of testing was [\d.e-]+ seconds\."
            r"(?:\s*You can set `force_(?:row|col)_wise=true` to remove the overhead\.)?"
            r"(?:\s*And if memory is not enough, you can set `force_col_wise=true`\.)?",
            r"\1\2<duration>",
        ),
        (
            "0:\tlearn: 0.69\ttotal: 46.5ms\tremaining: 4.6s",
            "0:\tlearn: 0.69\ttotal: 12.1ms\tremaining: 1.2s",
        ),
        ("total: 46 hours", "total: 51 hours"),
    ),
    Rule(
        "timing columns",
        "the columns of scikit-learn's cross-validation, and the keys of Hugging Face's trainer, that hold measured seconds",
        _masking(
            r"(['\"](?:mean_|std_)?(?:fit|score)_time['\"]\s*:\s*)(?:array\(\[[^\]]*\]\)|\[[^\]]*\])"
            r"|(['\"](?:train|eval|test|predict)_(?:runtime|samples_per_second|steps_per_second)['\"]\s*+:\s*+)[\d.e+-]++"
            r"|('(?:me|st)\.\.\.me': )array\(\[[^\]\n]*\]\)",  # as scikit-learn shows them of a fitted search
            r"\1\2\3<timings>",
        ),
        (
            "{'fit_time': array([0.012, 0.014]), 'test_score': array([0.83])}",
            "{'fit_time': array([0.031, 0.009]), 'test_score': array([0.83])}",
        ),
        ("{'test_score': array([0.83])}", "{'test_score': array([0.84])}"),
    ),
    Rule(
        "progress bars",
        "the clock and the rate of a progress bar, and its picture; what was counted stays",
        _masking(
            r"\|[█▉▊▋▌▍▎▏#\s\d]*\|(?=\s*[\d.,]+[kMG]?/)|\[\d+:\d\d(?::\d\d)?<[^\]\n]*\]"
            r"|(?<![━─╸╺=>.])[━─╸╺=>.]{4,}+\s*+(?=\d++s\b)|\b\d++s\s++\d++(?:\.\d++)?(?:ms|us|s)/(?:step|epoch|batch)",
            "<progress>",
        ),
        (
            "100%|██████████| 10/10 [00:01<00:00,  9.81it/s]",
            "100%|██████████| 10/10 [00:03<00:00,  3.02it/s]",
        ),
        ("100%|██████████| 10/10 [00:01<00:00]", "100%|██████████| 12/12 [00:01<00:00]"),
    ),
)


def mask(text: str) -> str:
    """``text`` with all noise of ``RULES`` masked."""
    for rule in RULES:
        text = rule.apply(text)
    return text


ORDER_LIMIT = 200_000
"""Characters past which a text's braces are not looked at."""


def in_order(text: str) -> str:
    """``text`` with the items between braces sorted: sets and dicts in a repr have no order of their own.

    Braces nest; quotes and brackets are respected. Text whose braces do not match is given back as it is.
    """
    if "{" not in text or len(text) > ORDER_LIMIT:
        return text
    stack: list[list[str]] = [[""]]
    brackets: list[str] = []
    quote = ""
    previous = ""
    for letter in text:
        if quote:
            stack[-1][-1] += letter
            if letter == quote and previous != "\\":
                quote = ""
            previous = "" if previous == "\\" else letter
            continue
        previous = letter
        if letter in "'\"" and len(stack) > 1:
            quote = letter
        if letter == "{":
            stack.append([""])
            brackets.append("{")
        elif letter == "}":
            if not brackets or brackets.pop() != "{":
                return text
            items = sorted(item.strip() for item in stack.pop())
            stack[-1][-1] += "{" + ", ".join(items) + "}"
        elif letter == "," and brackets and brackets[-1] == "{":
            stack[-1].append("")
        else:
            if len(stack) > 1 and letter in "([":
                brackets.append(letter)
            elif len(stack) > 1 and letter in ")]" and (not brackets or brackets.pop() == "{"):
                return text
            stack[-1][-1] += letter
    return text if len(stack) > 1 or quote else stack[0][0]
