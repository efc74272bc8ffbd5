"""The prediction log of one serving process: segments are begun, ended and rolled into parts as they should be.

Many requests are one write and one flush (group commit): whoever calls :meth:`PredictionLog.write` hands over all that
were answered since the last call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.operate import parts
from jupyter_mlgov.operate.predictions import place_of
from jupyter_mlgov.operate.segments import Answered, Header, Segment, line
from jupyter_mlgov.operate.settings import Settings

_told = logging.getLogger("jupyter_mlgov.operate")


class PredictionLog:
    """What this process writes to the log in ``folder``. Calls come from one thread at a time."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._segment: Segment | None = None
        self._rolling: threading.Thread | None = None

    def write(self, header: Header, answered: Iterable[Answered]) -> None:
        """Keeps what ``header``'s version answered, without the columns that must not be logged. When this returns it
        survives a killed process and a power failure. Raises ``OSError``; then none of it was kept."""
        held = frozenset(self._settings.never_log)
        header = msgspec.structs.replace(
            header,
            inputs=tuple((name, kind) for name, kind in header.inputs if name not in held),
            withheld=tuple(name for name, _ in header.inputs if name in held),
        )
        segment = self._segment
        if segment is None or segment.header != header or self._full(segment):
            self.close()
            segment = self._segment = Segment(place_of(self._folder, header.model, header.stage), header)
            self.tidy(header.model, header.stage)
        segment.append([line(_without(one, held)) for one in answered])

    def close(self) -> None:
        """Ends the segment that is being written; it is rolled at the next occasion."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def tidy(self, model: str, stage: str) -> None:
        """Rolls segments that ended and deletes what is past its retention, in a thread of its own."""
        if self._rolling is not None and self._rolling.is_alive():
            return
        self._rolling = threading.Thread(
            target=tidy, args=(place_of(self._folder, model, stage), self._settings), daemon=True
        )
        self._rolling.start()

    def _full(self, segment: Segment) -> bool:
        old = time.monotonic() - segment.began > 60 * self._settings.segment_minutes
        return old or segment.bytes >= self._settings.segment_bytes


def _without(one: Answered, held: frozenset[str]) -> Answered:
    """The request without what must not be logged: neither the values of those inputs nor their contributions, from
    which the values could be reckoned back."""
    if held.isdisjoint(one.inputs):
        return one
    kept = {name: values for name, values in one.inputs.items() if name not in held}
    told = one.explanation
    if told is not None:
        told = [{name: part for name, part in row.items() if name not in held} for row in told]
    return msgspec.structs.replace(one, inputs=kept, explanation=told)


def tidy(place: Path, settings: Settings) -> None:
    """Rolls the segments in ``place`` that nobody writes any more, and deletes what is past its retention. What fails is
    told on the log of the process: the predictions themselves are safe as they are."""
    try:
        parts.roll_all(place)
        if settings.retention_days is not None:
            parts.expire(place, datetime.now(UTC) - timedelta(days=settings.retention_days))
    except (OSError, MlgovError) as error:
        _told.warning("the prediction log in %s could not be tidied: %s", place, error)
