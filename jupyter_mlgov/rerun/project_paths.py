"""Where a project lies is no result: paths into it are compared from its folder.

Of the candidate the folder is known. A record does not say where its project lay, but a text does that names the same
file: what stands there before the part that both paths share was the folder then, and has to be it everywhere.
"""

from __future__ import annotations

import re

MASK = "<project>"
_PATH = re.compile(r"(?<![\w.<>])/(?:[^\s'\"<>|:,;()\[\]{}]|(?<=\w) (?=[\w.-]+/))*[^\s'\"<>|:,;()\[\]{}.]")


def of_one_project(before: str, after: str, root: str) -> tuple[str, str]:
    """Both texts with ``<project>`` for the project's folder, which is ``root`` in ``after``; as they are where that
    does not fit."""
    if len(root) < 2 or root not in after or root in before:
        return before, after
    now = re.sub(rf"{re.escape(root)}(?=[/\\\s'\"<>|:,;()\[\]{{}}]|$)", MASK, after)
    for rest in dict.fromkeys(re.findall(rf"{MASK}(/[^\s'\"<>|:,;()\[\]{{}}]*)?", now)):
        for path in _PATH.findall(before):
            folder = path.removesuffix(rest) if rest and path.endswith(rest) else "" if rest else path
            if len(folder) > 1:
                then = re.sub(rf"{re.escape(folder)}(?=[/\\\s'\"<>|:,;()\[\]{{}}]|$)", MASK, before)
                if then.count(MASK) == now.count(MASK):
                    return then, now
    return before, after
