"""Text as XML 1.0 can hold it: the JUnit files of verdicts, gates, assessments and monitor runs."""

from __future__ import annotations

import re

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """``text`` with a replacement character for each that XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)
