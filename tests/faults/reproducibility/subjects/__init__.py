"""The notebooks: of sixteen kinds, as different people write them."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Subject
from tests.faults.reproducibility.subjects import (
    churn,
    corpus,
    figures,
    images,
    loans,
    numerics,
    pipeline,
    reviews,
    routes,
    sales,
    sensors,
    settings,
    simulation,
    stock,
    survey,
    training,
)

SUBJECTS: tuple[Subject, ...] = (
    loans.SUBJECT,
    sales.SUBJECT,
    figures.SUBJECT,
    corpus.SUBJECT,
    numerics.SUBJECT,
    pipeline.SUBJECT,
    simulation.SUBJECT,
    settings.SUBJECT,
    survey.SUBJECT,
    stock.SUBJECT,
    routes.SUBJECT,
    training.SUBJECT,
    sensors.SUBJECT,
    reviews.SUBJECT,
    images.SUBJECT,
    churn.SUBJECT,
)
