"""A folder to deploy: one release with all that serves it, and nothing of the project.

::

    release.json  gate.json  manifest.json    what was released, by which decision of the gate, and its record
    model.skops  rows.parquet                 the model, and rows that explanations are relative to
    mlgov.toml                                what the operator decided: types that are trusted, the log, limits
    requirements.txt  constraints.txt         what to install, and the recorded versions of everything
    pylock.toml                               the whole recorded environment, with hashes (where it could be made)
    Dockerfile  kubernetes.yaml  kserve.yaml  README.md

Each file is bound to the release by digests, which are checked whenever the folder is served: the manifest's is the
snapshot's id, the manifest names the model's and the rows', the release names the gate's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.configuration import table
from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.governance.values import one_line
from jupyter_mlgov.operate.releases import released_model
from jupyter_mlgov.operate.requirements import constraints, python_of, requirements
from jupyter_mlgov.operate.sources import FromProject, rows_of
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Environment
from jupyter_mlgov.records.release import Release
from jupyter_mlgov.store import Store

if TYPE_CHECKING:
    from jupyter_mlgov.capture.lock import Lock

PORT = 8080
LOG = "/predictions"
"""Where the container keeps its prediction log: mount something there that outlives it."""
_USER = 10_001
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,254}")


def make(
    root: Path, store: Store, release: Release, *, image: str | None = None, lock: Lock | None = None,
    trust: Iterable[str] = (),
) -> dict[PurePosixPath, bytes]:  # fmt: skip
    """The files of the folder. The model is loaded once, so that what cannot be served is not packaged.

    Raises ``UsageError`` (the name of an image, versions that are none), ``Untrusted``, ``Blocked`` (a class that no package
    brings), ``StoreError``.
    """
    image = image or f"{_label(release.model)}:{release.number}"
    if not _IMAGE.fullmatch(image):
        raise UsageError(
            f"{image[:80]!r} is no image's name: write for instance registry.example.org/credit:1"
        )
    source = FromProject(root, store, release.name, tuple(trust))
    source.load()
    manifest = store.manifest(release.snapshot)
    record = released_model(manifest, release.name)
    model = store.get(record.object or "")
    held = rows_of(manifest)
    environment = store.environment(manifest)
    files: dict[str, bytes] = {
        "release.json": canonical(release),
        "gate.json": store.get(release.gate),
        "manifest.json": store.manifest_bytes(release.snapshot),
        "model.skops": model,
        "mlgov.toml": _settings(root, model, source.trusted()),
        "requirements.txt": requirements(model),
        "constraints.txt": constraints(store, manifest, environment),
        "Dockerfile": _dockerfile(environment),
        "kubernetes.yaml": _kubernetes(release, image),
        "kserve.yaml": _kserve(release, image),
        "README.md": _readme(release, image, lock),
        "wheels/README.md": b"Wheels that no index has go here, jupyter-mlgov's own among them.\n",
    }
    if held is not None and held.object is not None and store.has(held.object):
        files["rows.parquet"] = store.get(held.object)
    if lock is not None:
        files["pylock.toml"] = lock.text.encode()
    return {PurePosixPath(name): data for name, data in files.items()}


def _label(name: str) -> str:
    """A model's name as Kubernetes takes it (RFC 1123): lower case, digits, ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "model"


def _settings(root: Path, model: bytes, trusted: Iterable[str]) -> bytes:
    """``mlgov.toml``: the operator's settings, with those trusted types that this model really holds."""
    import tomli_w
    from skops.io import get_untrusted_types

    asked = {str(name) for name in get_untrusted_types(data=model)}
    operate = {**table(root, "operate"), "predictions": LOG}
    return tomli_w.dumps({"models": {"trusted": sorted(asked & set(trusted))}, "operate": operate}).encode()


def _dockerfile(environment: Environment) -> bytes:
    return f"""\
# Built from this folder: docker build -t IMAGE .
FROM python:{python_of(environment)}-slim
WORKDIR /model
COPY requirements.txt constraints.txt ./
COPY wheels/ wheels/
RUN pip install --no-cache-dir --find-links wheels -c constraints.txt -r requirements.txt \\
 && useradd --uid {_USER} --no-create-home mlgov \\
 && install -d -o mlgov {LOG}
COPY . .
USER {_USER}
VOLUME {LOG}
EXPOSE {PORT}
ENV PYTHONUNBUFFERED=1 HOME=/tmp
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready')"]
CMD ["mlgov", "serve", "--package", "/model", "--host", "0.0.0.0", "--port", "{PORT}"]
""".encode()


def _container(name: str, image: str, keys: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/v2/health/ready", "port": PORT}}
    return {
        "name": name,
        "image": image,
        "ports": [{"containerPort": PORT, "name": "http1", "protocol": "TCP"}],
        "env": [{"name": "MLGOV_API_KEYS", "valueFrom": {"secretKeyRef": {"name": keys, "key": "keys"}}}],
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**probe, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": PORT}, "periodSeconds": 10},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "predictions", "mountPath": LOG}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }


def _labels(release: Release) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": _label(release.model),
        "app.kubernetes.io/component": _label(release.stage),
        "app.kubernetes.io/managed-by": "mlgov",
    }


def _meta(release: Release) -> dict[str, Any]:
    return {
        "name": f"{_label(release.model)}-{_label(release.stage)}"[:63].rstrip("-"),
        "labels": {**_labels(release), "app.kubernetes.io/version": str(release.number)},
        "annotations": {
            "mlgov/snapshot": release.snapshot,
            "mlgov/gate": release.gate,
            "mlgov/release": release.name,
        },
    }


def _pod() -> dict[str, Any]:
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
    }


def _claim() -> dict[str, Any]:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}


def _kubernetes(release: Release, image: str) -> bytes:
    """A StatefulSet, so that each replica keeps its part of the prediction log, and a Service."""
    meta = _meta(release)
    name = meta["name"]
    keys = f"{name}-keys"
    template = {
        "metadata": {
            "labels": meta["labels"],
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(PORT),
                "prometheus.io/path": "/metrics",
            },
        },
        "spec": {
            **_pod(),
            "containers": [_container("mlgov", image, keys)],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": meta,
        "spec": {"selector": _labels(release), "ports": [{"name": "http", "port": 80, "targetPort": PORT}]},
    }  # fmt: skip
    workload = {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta,
        "spec": {
            "replicas": 2, "serviceName": name, "selector": {"matchLabels": _labels(release)}, "template": template,
            "volumeClaimTemplates": [{"metadata": {"name": "predictions"}, "spec": _claim()}],
        },
    }  # fmt: skip
    return _yaml(_head(release, keys, name), service, workload)


def _kserve(release: Release, image: str) -> bytes:
    """An InferenceService whose predictor speaks protocol v2, and the claim for its log."""
    meta = _meta(release)
    name = meta["name"]
    keys = f"{name}-keys"
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {**meta, "name": f"{name}-predictions"},
             "spec": _claim()}  # fmt: skip
    volumes = [
        {"name": "predictions", "persistentVolumeClaim": {"claimName": f"{name}-predictions"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    container = _container("kserve-container", image, keys)
    container["env"].append({"name": "PROTOCOL", "value": "v2"})
    predictor = {**_pod(), "minReplicas": 1, "maxReplicas": 1, "containers": [container], "volumes": volumes}
    service = {
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": meta,
        "spec": {"predictor": predictor},
    }  # fmt: skip
    return _yaml(_head(release, keys, name), claim, service)


def _head(release: Release, keys: str, name: str) -> str:
    return (
        f"# {release.name}, snapshot {release.snapshot}\n"
        f"# API keys first: kubectl create secret generic {keys} --from-literal=keys=$(openssl rand -base64 24)\n"
        f"# then: kubectl apply -f this file; {name} answers in the cluster\n"
    )


def _yaml(head: str, *documents: Mapping[str, Any]) -> bytes:
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return (head + yaml.dump_all(documents, Dumper=Plain, sort_keys=False, width=120)).encode()


def _readme(release: Release, image: str, lock: Lock | None) -> bytes:
    locked = "`pylock.toml` is the whole recorded environment, with hashes." if lock else (
        "The environment of the snapshot was recorded without an inventory, so there is no `pylock.toml`."
    )  # fmt: skip
    unlocked = (
        f" Not in it, for no index had them: {', '.join(lock.unlocked)}." if lock and lock.unlocked else ""
    )
    by, at = one_line(release.by, 100) or "unknown", one_line(release.at, 40)
    return f"""\
# {release.model}, version {release.number} ({release.stage})

Snapshot `{release.snapshot}`, released by {by} at {at}. Digests bind every file here to that
snapshot and to the gate's decision; they are checked whenever it is served.

    mlgov serve --package .            # as it is, where jupyter-mlgov[serve] is installed
    docker build -t {image} .          # a wheel of jupyter-mlgov that no index has goes into wheels/
    docker run -p {PORT}:{PORT} -e MLGOV_API_KEYS=... -v predictions:{LOG} {image}
    kubectl apply -f kubernetes.yaml   # or kserve.yaml

The prediction log is written to `{LOG}`: keep it. `requirements.txt` is what the service needs, in the versions that were
recorded (`constraints.txt`). {locked}{unlocked}
""".encode()


def lock_of(store: Store, snapshot: str, timeout: float) -> Lock | None:
    """The recorded environment's lock; None where it was not recorded exactly or nothing could be found out."""
    from jupyter_mlgov.capture.lock import recorded_lock

    if store.manifest(snapshot).inventory is None:
        return None
    try:
        return recorded_lock(store, snapshot, timeout=timeout)
    except MlgovError:
        return None
