"""What every shape is made from, and the few things that several of them say."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.manifest import Model
from jupyter_mlgov.records.verdict import GateDecision
from jupyter_mlgov.report.wording import finite, tidy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from jupyter_mlgov.report.record import Record

NAMESPACE = uuid.UUID("6e1d5f0c-5c0e-5b1f-9a3b-0d6f6f0f7c11")
ONE = PurePosixPath()
"""The path of a file that stands alone."""


_TASKS = (
    ("classifier", "classification"),
    ("logisticregression", "classification"),
    ("logisticregressioncv", "classification"),
    ("svc", "classification"),
    ("nb", "classification"),
    ("regressor", "regression"),
    ("regression", "regression"),
    ("svr", "regression"),
    ("ridge", "regression"),
    ("lasso", "regression"),
    ("kmeans", "clustering"),
)
"""What the name of an estimator ends with, and what it does."""


@dataclass(frozen=True)
class Source:
    """One snapshot: its record, the ``show`` document, the gate's decision, and a key where it is to be signed."""

    record: Record
    document: dict[str, Any]
    gate: GateDecision
    key: Ed25519PrivateKey | None = None
    place: Path | None = None
    """Where it will be written, for shapes whose files name each other by absolute paths."""

    @property
    def title(self) -> str:
        charter = self.record.charter
        return tidy(charter.title if charter else self.record.manifest.experiment, 300)

    @property
    def version(self) -> str:
        """The number in the experiment; a candidate's first digits."""
        return str(self.record.number) if self.record.number is not None else self.record.id[:12]

    @property
    def model(self) -> Model | None:
        """The experiment's model, where there is one."""
        models = self.record.manifest.models
        return next((one for one in models if one.primary), models[0] if models else None)

    @property
    def task(self) -> str | None:
        """``classification``, ``regression``, ... from the class of the model, or of a pipeline's steps; None where
        that does not tell it."""
        if self.model is None:
            return None
        steps = [value for value in self.model.parameters.values() if isinstance(value, str)]
        names = [name.rpartition(".")[2].lower() for name in (self.model.class_, *steps)]
        names += [name.partition("__")[0].lower() for name in self.model.parameters]
        for ending, task in _TASKS:
            if any(name.endswith(ending) for name in names):
                return task
        return None

    @property
    def metrics(self) -> dict[str, float]:
        """Those that are finite numbers."""
        held = self.record.manifest.metrics
        return {name: found for name, value in held.items() if (found := finite(value)) is not None}

    @property
    def reruns(self) -> str | None:
        """The newest verdict of exactly this snapshot."""
        return self.record.reruns[-1].verdict if self.record.reruns else None


def identifier(*words: str) -> uuid.UUID:
    """A UUID made from words: the same record gives the same one."""
    return uuid.uuid5(NAMESPACE, "\n".join(words))


def hexadecimal(digest: str | None) -> str | None:
    """The hex digits of a ``blake3:...`` digest."""
    name, colon, digits = (digest or "").partition(":")
    return digits if colon and name == "blake3" else None


def wanted(kpi: KpiResult) -> str:
    """``auc >= 0.8``."""
    return f"{kpi.metric} {kpi.op} {kpi.target:.12g}"
