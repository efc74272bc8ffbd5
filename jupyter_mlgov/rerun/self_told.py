"""What a program says of its own run in free text: noise only where the notebook's code can have measured it.

``runtime: 104 min`` is the length of a film or how long a cell took; ``pid 17`` is a patient or a process. The text
does not tell, so these words are masked only in notebooks whose code (or that of their modules) reads a clock, or
asks for the number of a process. Where a word like ``mean`` stands before, somebody computed it: it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlgov.rerun.noise import DURATION, NUMBER

_READS_CLOCK = re.compile(
    r"\b(?:perf_counter|process_time|thread_time|monotonic)(?:_ns)?\b|\bdefault_timer\b|\btimeit\b|\btime\.time(?:_ns)?\b"
    r"|\btime\(\)|\bdatetime\.(?:now|utcnow|today)\b|\bTimestamp\.(?:now|utcnow|today)\b"
)
_ASKS_PROCESS = re.compile(
    r"\bgetp?pid\b|\bget_(?:ident|native_id)\b|\bcurrent_(?:process|thread)\b|\bmultiprocessing\b|\bPopen\b|\bpsutil\b"
)
_COMPUTED = re.compile(
    r"\b(?:mean|average|avg|median|max|maximum|min|minimum|std|total|longest|shortest|highest|lowest|best|worst|typical"
    r"|overall)[\s._-]+$",
    re.IGNORECASE,
)
_WORK = (
    r"(?:execution|training|train|fit|fitting|computation|computing|elapsed|inference|prediction|wall|cpu|run|running"
    r"|processing|query|load|loading|build|compile|preprocessing|score)"
)
_OWN = r"(?:execution|training|fit|elapsed|wall|cpu|inference)"
"""Of which no unit has to say that they are times."""
_DONE = r"(?:finished|completed|ran|processed|simulated|took|elapsed)"
_TO = r"[ \t]*+[:=]?+[ \t]*+"
_TIME = re.compile(
    rf"(?i)\b(?P<done>(?:took|elapsed|{_DONE} in)\b[^\n\d]{{0,20}}?){DURATION}"
    rf"|\b(?P<unit>(?:{_WORK}[ _-]?time|time[ _-]elapsed|run[- ]?time){_TO}){DURATION}"
    rf"|\b(?P<said>(?:{_WORK}[ _-]?time|run[- ]?time|elapsed)[ \t]*+\((?:s|secs?|seconds|ms|min|minutes)\){_TO}){NUMBER}"
    rf"|\b(?P<bare>(?:{_OWN}[ _-]?time|time[ _-]elapsed|elapsed){_TO}){NUMBER}"
)
_PROCESS = re.compile(r"(?i)\b(?P<word>(?:pid|process[ _]id|thread[ _]id)['\"]?[ \t]*+[=:]?+[ \t]*+)\d++\b")


@dataclass(frozen=True)
class SelfTold:
    """What a notebook's code can know of its own run."""

    clock: bool = False
    process: bool = False

    @classmethod
    def by(cls, sources: Iterable[str]) -> SelfTold:
        """Read from the texts of the cells and of the modules that they use."""
        code = "\n".join(sources)
        return cls(bool(_READS_CLOCK.search(code)), bool(_ASKS_PROCESS.search(code)))

    def both(self, other: SelfTold) -> SelfTold:
        """What both sides of a comparison can know."""
        return SelfTold(self.clock and other.clock, self.process and other.process)

    def mask(self, text: str) -> str:
        """``text`` with what it can have measured masked."""
        if self.clock:
            text = _TIME.sub(_measured, text)
        return _PROCESS.sub(_numbered, text) if self.process else text


def _measured(found: re.Match[str]) -> str:
    if _computed(found):
        return found[0]
    return f"{found[found.lastgroup or 0]}<duration>"


def _numbered(found: re.Match[str]) -> str:
    return found[0] if _computed(found) else f"{found['word']}<pid>"


def _computed(found: re.Match[str]) -> bool:
    return _COMPUTED.search(found.string, max(found.start() - 24, 0), found.start()) is not None
