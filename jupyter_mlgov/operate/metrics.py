"""What the service tells Prometheus. With several workers their counts are added up, in files of a common folder."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

SHARED = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_RELEASE = ("model", "stage", "version")


class Metrics:
    """The service's measures. One of these in a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = None if SHARED in os.environ else self._registry
        self.requests = Counter(
            "mlgov_requests", "Requests, by the status that they were answered with.", ("endpoint", "status"),
            registry=registry,
        )  # fmt: skip
        self.rows = Counter("mlgov_predictions", "Rows that were predicted.", _RELEASE, registry=registry)
        self.seconds = Histogram(
            "mlgov_request_seconds", "From a request's arrival to its answer, the log included.", ("endpoint",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "mlgov_refused_inputs",
            "Requests that were refused for an input.",
            ("model", "input"),
            registry=registry,
        )
        self.not_logged = Counter(
            "mlgov_not_logged",
            "Requests that were not answered because the log could not be written.",
            registry=registry,
        )
        self.version = Gauge(
            "mlgov_model_version", "The version that answers.", ("model", "stage"), registry=registry,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self.not_loaded = Counter(
            "mlgov_release_failures", "Releases that could not be loaded; the version before answers on.",
            registry=registry,
        )  # fmt: skip

    def text(self) -> bytes:
        """All of it in Prometheus' text form."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
