"""Presentation noise: what differs between two runs of the same thing and carries no result.

``RULES`` is the whole list for texts; each rule names what it masks and has a test. Numbers are never masked:
they are compared by value. Clock times are masked only where they lie near the time of the run itself, so a
timestamp that is data stays data.
"""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Closeness = Literal["same", "noise", "equivalent", "different"]
ORDER: tuple[Closeness, ...] = ("same", "noise", "equivalent", "different")

RELATIVE = 1e-9
"""How far two computed numbers may be apart and still be equivalent, relative to the larger."""


@dataclass(frozen=True)
class Rule:
    """One kind of noise in a text: ``pattern`` is replaced by ``mask`` before texts are compared."""

    name: str
    pattern: re.Pattern[str]
    mask: str


def _rule(name: str, pattern: str, mask: str, flags: int = 0) -> Rule:
    return Rule(name, re.compile(pattern, flags), mask)


RULES: tuple[Rule, ...] = (
    _rule("colours and other terminal codes", r"\x1b\[[0-9;?]*[ -/]*[@-~]", ""),
    _rule("text overwritten by a carriage return", r"[^\n]*\r(?!\n)", ""),
    _rule("progress bars", r"^.*\d+%\|.*(?:it/s|s/it|\?it/s|<).*$", "<progress>", re.MULTILINE),
    _rule("memory addresses", r"\b0x[0-9a-fA-F]{6,16}\b", "<address>"),
    _rule("temporary paths", r"(?:/private)?(?:/var/folders/[\w/+-]+|/tmp)/[\w./+-]+", "<temporary>"),
    _rule("the kernel's cell files", r"\bipykernel_\d+(?:/\d+\.py)?", "<cell>"),
    _rule("process ids", r"\b(?P<k>pid|PID|process)([=: ]+)\d+\b", "<pid>"),
    _rule("wall and CPU times of %%time", r"^(?:CPU times:|Wall time:).*$", "<timing>", re.MULTILINE),
    _rule(
        "%timeit's result",
        r"[\d.,]+ (?:ns|µs|μs|us|ms|s) ± [\d.,]+ (?:ns|µs|μs|us|ms|s) per loop[^\n]*",
        "<timing>",
    ),
    _rule(
        "how long something took",
        r"(?i)\b(?:took|elapsed|run ?time|(?:done|finished|completed|fitted|trained|loaded) in)\b[^\n\d]{0,12}"
        r"\d+(?:\.\d+)?\s?(?:ns|µs|μs|us|ms|s|sec|secs|seconds|min|minutes)\b",
        "<duration>",
    ),
    _rule(
        "universally unique ids",
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        "<uuid>",
    ),
    _rule(
        "ids that HTML representations make up",
        r"\b(?:sk-container-id|sk-estimator-id|T_[0-9a-f]{5})[\w-]*",
        "<id>",
    ),
)

_CLOCK = re.compile(
    r"\b(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_TOKEN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\w+|[^\w\s]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_MEDIA = re.compile(r"""src\s*=\s*["']data:([^"']+)["']""", re.IGNORECASE)
_UNCOMPARED = ("application/vnd.jupyter.widget-view+json", "application/javascript")


def mask(text: str, *, when: str | None = None) -> str:
    """``text`` without its noise. ``when`` is the time of the run (ISO 8601)."""
    text = text.replace("\r\n", "\n")
    for rule in RULES:
        text = rule.pattern.sub(rule.mask, text)
    if when is not None:
        run = datetime.fromisoformat(when.replace("Z", "+00:00")).replace(tzinfo=None)
        text = _CLOCK.sub(lambda found: _masked_clock(found, run), text)
    return text


def _masked_clock(found: re.Match[str], run: datetime) -> str:
    try:
        day = datetime.fromisoformat(found[1])
    except ValueError:
        return found[0]
    near = abs(day - run) <= timedelta(days=2)
    return "<time>" if near else found[0]


def compare_text(one: str, other: str, *, when: tuple[str | None, str | None] = (None, None)) -> Closeness:
    """How two texts compare: equal, equal but for noise, equal but for low digits, or different."""
    if one == other:
        return "same"
    first, second = mask(one, when=when[0]).strip(), mask(other, when=when[1]).strip()
    if first == second or first.split() == second.split():
        return "noise"
    tokens, others = _TOKEN.findall(first), _TOKEN.findall(second)
    if len(tokens) == len(others):
        closeness = _compare_tokens(tokens, others)
        if closeness != "different":
            return closeness
        if _only_order_in_braces(first, second):
            return "noise"
    return "different"


def _compare_tokens(tokens: list[str], others: list[str]) -> Closeness:
    worst: Closeness = "noise"
    for token, other in zip(tokens, others, strict=True):
        if token == other:
            continue
        if not (_NUMBER.fullmatch(token) and _NUMBER.fullmatch(other)):
            return "different"
        near = compare_numbers(float(token), float(other))
        if near == "different":
            return "different"
        if near == "equivalent":
            worst = "equivalent"
    return worst


def compare_numbers(one: float, other: float, *, tolerance: float | None = None) -> Closeness:
    """Two numbers. ``tolerance`` is absolute; without one, ``RELATIVE`` of the larger counts."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return "same"
    if math.isnan(one) or math.isnan(other) or math.isinf(one) or math.isinf(other):
        return "different"
    allowed = tolerance if tolerance is not None else RELATIVE * max(abs(one), abs(other))
    return "equivalent" if abs(one - other) <= allowed else "different"


_BRACES = re.compile(r"\{[^{}]*\}")


def _only_order_in_braces(one: str, other: str) -> bool:
    """True when the texts are the same but for the order of the items of sets and dicts in them."""

    def settled(text: str) -> str:
        return _BRACES.sub(
            lambda found: "{" + ",".join(sorted(p.strip() for p in found[0][1:-1].split(","))) + "}", text
        )

    return "{" in one and settled(one) == settled(other)


def compare_html(one: str, other: str, *, when: tuple[str | None, str | None] = (None, None)) -> Closeness:
    """Two pieces of HTML by what a reader sees: texts, cell by cell, and embedded pictures."""
    if one == other:
        return "same"
    if Counter(_MEDIA.findall(one)) != Counter(_MEDIA.findall(other)):
        return "different"
    seen = compare_text(
        html.unescape(_TAG.sub(" \n ", one)), html.unescape(_TAG.sub(" \n ", other)), when=when
    )
    return "noise" if seen == "same" else seen


def compare_png(one: str, other: str) -> Closeness:
    """Two PNG images (base64) by their pixels; metadata and compression are noise."""
    if one.split() == other.split():
        return "same"
    import base64
    import io

    try:
        from PIL import Image, ImageChops

        first, second = (
            Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA") for data in (one, other)
        )
    except (ImportError, OSError, ValueError):
        return "different"
    if first.size != second.size:
        return "different"
    return "noise" if ImageChops.difference(first, second).getbbox(alpha_only=False) is None else "different"


def compare_outputs(
    one: list[dict[str, Any]],
    other: list[dict[str, Any]],
    *,
    when: tuple[str | None, str | None] = (None, None),
) -> tuple[Closeness, str]:
    """Two cells' outputs: how they compare, and what differs, in words."""
    first, second = _relevant(one), _relevant(other)
    if len(first) != len(second):
        kinds = f"{_kinds(first)} before, {_kinds(second)} now"
        return "different", f"it shows something else: {kinds}"
    worst: Closeness = "same" if one == other else "noise"
    note = ""
    for left, right in zip(first, second, strict=True):
        found, what = _compare_output(left, right, when)
        if ORDER.index(found) > ORDER.index(worst):
            worst, note = found, what
    if not first and worst == "noise" and not one and not other:
        worst = "same"
    return worst, note


def _relevant(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs that can carry a result: without stderr and widgets, consecutive printed text as one."""
    kept: list[dict[str, Any]] = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            if output.get("name") == "stderr":
                continue
            if kept and kept[-1].get("output_type") == "stream":
                kept[-1] = {**kept[-1], "text": _joined(kept[-1]["text"]) + _joined(output.get("text", ""))}
                continue
        elif kind in ("display_data", "execute_result") and _UNCOMPARED[0] in output.get("data", {}):
            continue
        kept.append(output)
    return [
        output for output in kept if output.get("output_type") != "stream" or _joined(output["text"]).strip()
    ]


def _kinds(outputs: list[dict[str, Any]]) -> str:
    if not outputs:
        return "nothing"
    counted = Counter(str(output.get("output_type")).replace("_", " ") for output in outputs)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _compare_output(
    one: dict[str, Any], other: dict[str, Any], when: tuple[str | None, str | None]
) -> tuple[Closeness, str]:
    kind = one.get("output_type")
    if kind != other.get("output_type"):
        return "different", f"{_kinds([one])} before, {_kinds([other])} now"
    if kind == "stream":
        return compare_text(_joined(one["text"]), _joined(other["text"]), when=when), "the printed text"
    if kind == "error":
        same = one.get("ename") == other.get("ename")
        near = (
            compare_text(str(one.get("evalue")), str(other.get("evalue")), when=when) if same else "different"
        )
        return (
            near,
            f"raises {other.get('ename')} instead of {one.get('ename')}"
            if not same
            else "the error's message",
        )
    left, right = one.get("data", {}), other.get("data", {})
    worst: Closeness = "same"
    note = ""
    for mime in sorted((set(left) | set(right)) - set(_UNCOMPARED)):
        if mime not in left or mime not in right:
            found: Closeness = "different"
        else:
            found = _compare_data(mime, left[mime], right[mime], when)
        if mime == "text/plain" and len(left) > 1 and len(right) > 1 and found == "different":
            # The rich form decides: the plain text beside it is often only a name and an address.
            continue
        if ORDER.index(found) > ORDER.index(worst):
            worst, note = (
                found,
                {"image/png": "the picture", "text/html": "the table or HTML"}.get(mime, "the result"),
            )
    return worst, note


def _compare_data(mime: str, one: Any, other: Any, when: tuple[str | None, str | None]) -> Closeness:
    if mime == "image/png":
        return compare_png(_joined(one), _joined(other))
    if mime == "image/svg+xml":
        return compare_html(_joined(one), _joined(other), when=when)
    if mime == "text/html":
        return compare_html(_joined(one), _joined(other), when=when)
    if mime.startswith("text/"):
        return compare_text(_joined(one), _joined(other), when=when)
    return "same" if one == other else "different"
