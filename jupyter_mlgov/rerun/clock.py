"""Readings of the clock in a text.

A date or a time is noise only where it reads the moment of its own run, on both sides: the line that says when
a model was trained. Any other date is a result, and so is one that stayed while the other moved. A rerun's
candidate runs from top to bottom, so its moment is known well; the recorded session may have been open for days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jupyter_mlgov.records.manifest import Manifest

SESSION = timedelta(days=3)
"""How long before its snapshot an interactive session may have read the clock."""
SLACK = timedelta(minutes=2)
"""What lies between the cells of a rerun and its record, beside the cells' own durations."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"

PATTERN = (
    r"(?<![\w.:/-])(?:"
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME}(?:\s?(?:Z|UTC|[+-]\d{{2}}:?\d{{2}}))?)?)"
    r"|(?P<repr>(?:datetime\.)?(?:datetime|date)\(\d{4}(?:,\s*\d+){2,6}(?:,\s*tzinfo=[\w.]+)?\))"
    rf"|(?P<ctime>(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?{_MONTH}\s+\d{{1,2}}\s+{_TIME}(?:\s+[A-Z]{{3,5}})?\s+\d{{4}})"
    rf"|(?P<words>(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?(?:\d{{1,2}}\s+{_MONTH}|{_MONTH}\s+\d{{1,2}},?)"
    rf"\s+\d{{4}}(?:,?\s+{_TIME})?)"
    rf"|(?P<slashes>\d{{1,4}}[/.]\d{{1,2}}[/.]\d{{2,4}}(?:,?\s+{_TIME})?)"
    r"|(?P<compact>20\d{6}[-_T]\d{4}(?:\d{2})?)"
    r"|(?P<time>\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?(?:\s?[AaPp][Mm])?)"
    r"|(?P<epoch>1\d{9}(?:\d{3}){0,3}(?:\.\d+)?)"
    r")(?![\w:/-])"
)


@dataclass(frozen=True)
class Moment:
    """When a run took place, in UTC. ``loose``: an interactive session, of which only the end is known."""

    start: datetime
    end: datetime
    loose: bool
    zone: timedelta = timedelta(0)
    """What the kernel's wall clock was ahead of UTC."""

    @classmethod
    def of(cls, manifest: Manifest, zone_name: str | None = None) -> Moment:
        """The moment of a recorded run; ``zone_name`` is its ``TZ`` variable. Raises ``ValueError`` where the
        manifest says no time."""
        made = datetime.fromisoformat(manifest.created_at.replace("Z", "+00:00")).astimezone(UTC)
        if manifest.kind == "candidate":
            took = sum(cell.duration_s or 0.0 for cell in manifest.notebook.cells)
            return cls(made - timedelta(seconds=took) - SLACK, made + SLACK, False, _offset(made, zone_name))
        return cls(made - SESSION, made + SLACK, loose=True)

    def holds(self, reading: Reading) -> bool:
        """True when a clock in some time zone read this during the run."""
        if reading.day is None:
            # A time without a date says nothing about a session of days.
            return self.loose or any(self._holds_time(reading, zone) for zone in {timedelta(0), self.zone})
        if not reading.exact:
            day = timedelta(hours=14)
            return (self.start - day).date() <= reading.day <= (self.end + day).date()
        read = datetime.combine(reading.day, datetime.min.time(), UTC) + reading.since_midnight
        zones = [timedelta(0)] if reading.epoch else [timedelta(minutes=15 * n) for n in range(-48, 57)]
        return any(self.start <= read - zone <= self.end for zone in zones)

    def _holds_time(self, reading: Reading, zone: timedelta) -> bool:
        day = datetime.combine(self.start.date(), datetime.min.time(), UTC)
        return any(
            self.start <= day + timedelta(days=days) + reading.since_midnight - zone <= self.end
            for days in (-1, 0, 1)
        )


def _offset(at: datetime, zone_name: str | None) -> timedelta:
    if zone_name:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return at.astimezone(ZoneInfo(zone_name)).utcoffset() or timedelta(0)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return timedelta(0)
    return at.astimezone().utcoffset() or timedelta(0)


@dataclass(frozen=True)
class Reading:
    """One date, time or both that a text shows."""

    form: str
    day: date | None
    since_midnight: timedelta
    exact: bool
    """With a time of the day."""
    epoch: bool = False


def read(form: str, text: str) -> Reading | None:
    """What a match of ``PATTERN``'s group ``form`` says; None where it is no possible date or time."""
    try:
        if form == "epoch":
            return _epoch(text)
        if form == "time":
            return Reading(form, None, _time(text), True)
        day, rest = _day(form, text)
        found = re.search(_TIME, rest)
        if form == "compact" and len(rest) >= 4:
            since = timedelta(hours=int(rest[:2]), minutes=int(rest[2:4]), seconds=int(rest[4:6] or 0))
            return Reading(form, day, since, True)
        if form == "repr":
            parts = [int(part) for part in rest.split(",") if part.strip().isdigit()]
            parts += [0] * (4 - len(parts))
            since = timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2], microseconds=parts[3])
            return Reading(form, day, since, "datetime(" in text)
        return Reading(form, day, _time(found[0]) if found else timedelta(0), found is not None)
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> Reading:
    whole = text.partition(".")[0]
    seconds = float(text) / 10 ** (len(whole) - 10)
    read_at = datetime.fromtimestamp(seconds, UTC)
    midnight = datetime.combine(read_at.date(), datetime.min.time(), UTC)
    return Reading("epoch", read_at.date(), read_at - midnight, True, epoch=True)


def _time(text: str) -> timedelta:
    numbers = [float(part) for part in re.findall(r"\d+(?:[.,]\d+)?", text.replace(",", "."))]
    hours, minutes, seconds = (*numbers, 0.0, 0.0)[:3]
    if hours > 24 or minutes >= 60 or seconds >= 61:
        raise ValueError(text)
    if text.lower().endswith("pm") and hours < 12:
        hours += 12
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _day(form: str, text: str) -> tuple[date, str]:
    """The date, and what of the text comes after it (for ``ctime`` and ``words`` all of it)."""
    if form == "iso":
        return date.fromisoformat(text[:10]), text[10:]
    if form == "compact":
        return datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC).date(), text[9:]
    if form == "repr":
        parts = re.findall(r"\d+", text)
        return date(*(int(part) for part in parts[:3])), ",".join(parts[3:])
    if form in ("ctime", "words"):
        month = next(_MONTHS.index(word[:3].lower()) + 1 for word in re.findall(rf"\b{_MONTH}", text))
        bare = re.sub(_TIME, " ", text)
        first, *_, last = re.findall(r"\d+", bare)
        return date(int(last), month, int(first)), text
    one, two, three = (int(part) for part in re.split(r"[/.]", text.split()[0].rstrip(","))[:3])
    if one > 31:
        return date(one, two, three), text[8:]
    year = three + 2000 if three < 100 else three
    # 3/4/2026 is the third of April or the fourth of March; a run knows only one of them.
    return (date(year, two, one) if two <= 12 else date(year, one, two)), text.partition(" ")[2]
