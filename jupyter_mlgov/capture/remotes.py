"""URLs as they may be written down: without what logs in."""

from __future__ import annotations

import re

_LOGIN = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/@\s:]*)(?P<rest>:[^/\s]*)?@(?=[^/@\s])"
)


def without_credentials(url: str) -> str:
    """``url`` without user and password; an SSH user stays (``git@`` is an address, and no secret)."""

    def keep(match: re.Match[str]) -> str:
        scheme = match["scheme"]
        if match["rest"] is None and "ssh" in scheme.lower():
            return match[0]
        user = f"{match['user']}@" if "ssh" in scheme.lower() and match["user"] else ""
        return scheme + user

    return _LOGIN.sub(keep, url)
