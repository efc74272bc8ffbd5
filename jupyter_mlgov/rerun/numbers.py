"""Numbers compared by value: equal, equal but for the low bits, or different.

Floating-point results depend in their last bits on the order of additions, which libraries and processors
choose. ``RELATIVE`` is what such a reordering can do to a well-conditioned computation, with room to spare, and
far less than any result that is reported; a declared tolerance is absolute and takes its place.
"""

from __future__ import annotations

import math
from typing import Literal

Closeness = Literal["same", "noise", "equivalent", "different"]

RELATIVE = 1e-9
"""How far two computed numbers may be apart and still be equivalent, relative to the larger."""

ZERO = 1e-15
"""Both numbers below this are what is left of a sum that cancels out."""

_ORDER: tuple[Closeness, ...] = ("same", "noise", "equivalent", "different")


def worst(*found: Closeness) -> Closeness:
    """The one that weighs most; ``same`` of none."""
    return max(found, key=_ORDER.index, default="same")


def compare_numbers(one: float, other: float, *, tolerance: float | None = None) -> Closeness:
    """Two numbers. ``tolerance`` is absolute; without one, ``RELATIVE`` of the larger counts, and of two ``int`` nothing."""
    if one == other or (one != one and other != other):
        return "same"
    if isinstance(one, int) and isinstance(other, int):
        # Past 2**53 a float holds no whole number exactly.
        return "equivalent" if tolerance and abs(one - other) <= tolerance else "different"
    try:
        one, other = float(one), float(other)
    except OverflowError:
        return "different"
    if not (math.isfinite(one) and math.isfinite(other)):
        return "different"
    larger = max(abs(one), abs(other))
    if tolerance is not None:
        # A tolerance as written (1e-3) has to hold for numbers as written (0.830, 0.831).
        allowed = tolerance + (RELATIVE * tolerance + 4 * math.ulp(larger) if tolerance else 0.0)
    else:
        allowed = max(RELATIVE * larger, ZERO if larger < ZERO else 0.0)
    return "equivalent" if abs(one - other) <= allowed else "different"
