"""Files that are kept for the secrets in them, told by their names: they are never copied, and no change of them either."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

from jupyter_mlgov.records.secrets import REDACTED

_SECRET_FILES = re.compile(
    r"(?i)\.env(?:\..+)?|.+\.env|\.?netrc|_netrc|\.pgpass|\.pypirc|\.npmrc|\.htpasswd|\.my\.cnf|\.git-credentials|\.dockercfg|"
    r"id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|pfx|p12|jks|keystore|kdbx|ppk|asc|gpg)|kaggle\.json|credentials(?:\.\w+)?|"
    r"(?:client_)?secrets?\.(?:json|ya?ml|toml|ini|env|txt)|.*service[_-]?account.*\.json"
)


def is_secret_file(path: PurePath) -> bool:
    """Whether a file of that name is kept for the secrets in it: it is never copied, and no change of it either."""
    return _SECRET_FILES.fullmatch(path.name) is not None


_FILE_OF_DIFF = re.compile(rb"^diff --git \"?a/.*?\"? \"?b/(.+?)\"?$", re.MULTILINE)


def without_secret_files(diff: bytes) -> bytes:
    """A ``git diff`` in which the changes of files like ``.env`` are left out; that they changed stays."""
    heads = list(_FILE_OF_DIFF.finditer(diff))
    if not any(is_secret_file(PurePath(os.fsdecode(head[1]))) for head in heads):
        return diff
    parts = [diff[: heads[0].start()]]
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        end = following.start() if following is not None else len(diff)
        secret = is_secret_file(PurePath(os.fsdecode(head[1])))
        parts.append(head[0] + b"\n" + REDACTED.encode() + b"\n" if secret else diff[head.start() : end])
    return b"".join(parts)
