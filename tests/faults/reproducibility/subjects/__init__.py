"""The notebooks: of six kinds, as people write them."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Subject
from tests.faults.reproducibility.subjects import (
    corpus,
    figures,
    loans,
    numerics,
    pipeline,
    sales,
)

SUBJECTS: tuple[Subject, ...] = (
    loans.SUBJECT,
    sales.SUBJECT,
    figures.SUBJECT,
    corpus.SUBJECT,
    numerics.SUBJECT,
    pipeline.SUBJECT,
)
