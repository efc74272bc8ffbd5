"""Secrets are taken out before anything is hashed or written.

The patterns name forms that are unmistakable (cloud keys, tokens with a known prefix, private keys, passwords in
URLs) and assignments whose name says what they hold. What is replaced is replaced everywhere: in sources,
outputs, URLs and environment variables.
"""

from __future__ import annotations

import re

REDACTED = "<redacted>"

_WHOLE = re.compile(
    r"""
    \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                                   # AWS access key id
    | \bgh[pousr]_[A-Za-z0-9]{36,}\b                                # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{22,}\b
    | \bglpat-[A-Za-z0-9_-]{20,}\b                                  # GitLab
    | \bxox[abposr]-[A-Za-z0-9-]{10,}\b                             # Slack
    | \bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}                           # OpenAI and its like
    | \bhf_[A-Za-z0-9]{30,}\b                                       # Hugging Face
    | \bAIza[0-9A-Za-z_-]{35}\b                                     # Google
    | \bpypi-[A-Za-z0-9_-]{50,}                                     # PyPI
    | \beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}   # JSON web token
    | -----BEGIN[ ](?:[A-Z]+[ ])*PRIVATE[ ]KEY-----[\s\S]*?-----END[ ](?:[A-Z]+[ ])*PRIVATE[ ]KEY-----
    """,
    re.VERBOSE,
)
_IN_URL = re.compile(r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@'\"]{0,200}:)[^\s/@'\"]{1,200}(?=@)")
_ASSIGNED = re.compile(
    r"""(?P<head>\b\w*(?:password|passwd|secret|api_?key|access_?key|auth_?token|access_?token|private_?key)\w*
    ["']?\s*[:=]\s*)(?P<quote>["'])(?P<value>[^"'\n{}]{4,400})(?P=quote)""",
    re.VERBOSE | re.IGNORECASE,
)
_HINTS = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|sk-|hf_|AIza|pypi-|eyJ|PRIVATE KEY|://|passw|secret|key|token",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """``text`` without its secrets; the same text where there is none."""
    if not _HINTS.search(text):
        return text
    text = _WHOLE.sub(REDACTED, text)
    text = _IN_URL.sub(lambda match: match["head"] + REDACTED, text)
    return _ASSIGNED.sub(lambda match: match["head"] + match["quote"] + REDACTED + match["quote"], text)


def redact_bytes(data: bytes) -> bytes:
    """The same for bytes that are text; other bytes come back as they are."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    clean = redact(text)
    return data if clean is text else clean.encode("utf-8")
