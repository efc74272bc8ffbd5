"""Asks the validator of RO-Crate about crates: runs in the peers' environment, ``python crate_checked.py FOLDER...``.

Prints a JSON list of ``[folder, severity, check, message]`` of the profile Workflow Run Crate. The two JSON-LD contexts
are fetched once and kept beside the environment; where they cannot be had it ends with status 3.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from rocrate_validator import models, services
from urllib3.response import HTTPResponse

PROFILE = "workflow-run-crate-0.5"
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": "ro-crate-1.1.json",
    "https://w3id.org/ro/terms/workflow-run/context": "workflow-run.json",
}
KEPT = Path(sys.prefix) / "contexts"


def fetch() -> None:
    """Has the contexts in ``KEPT``. Raises ``requests.RequestException``."""
    KEPT.mkdir(exist_ok=True)
    for url, name in CONTEXTS.items():
        if not (KEPT / name).exists():
            answer = requests.get(url, headers={"Accept": "application/ld+json"}, timeout=30)
            answer.raise_for_status()
            (KEPT / name).write_bytes(answer.content)


def serve_kept(self: HTTPAdapter, request: Any, **_: Any) -> Any:
    """Whatever is asked for comes from ``KEPT``, or not at all."""
    if request.url not in CONTEXTS:
        raise requests.ConnectionError(request.url)
    body = io.BytesIO((KEPT / CONTEXTS[request.url]).read_bytes())
    kind = {"Content-Type": "application/ld+json"}
    return self.build_response(
        request, HTTPResponse(body=body, headers=kind, status=200, preload_content=False)
    )


def main() -> int:
    try:
        fetch()
    except requests.RequestException as error:
        print(f"the contexts of RO-Crate cannot be fetched: {error}", file=sys.stderr)
        return 3
    HTTPAdapter.send = serve_kept
    found = []
    for folder in sys.argv[1:]:
        settings = services.ValidationSettings(
            rocrate_uri=folder,
            requirement_severity=models.Severity.RECOMMENDED,
            no_cache=True,
            profile_identifier=PROFILE,
        )
        for issue in services.validate(settings).get_issues():
            found.append([folder, issue.severity.name, issue.check.identifier, str(issue.message)])
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
