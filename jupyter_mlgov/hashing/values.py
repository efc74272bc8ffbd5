"""Python values in one canonical form of bytes.

Every value starts with a tag for its type and says its length, so ``1``, ``1.0``, ``True`` and ``"1"`` differ,
and so do ``None``, NaN, ``NaT`` and ``NA``. NumPy's scalars count as the Python value that they hold. A list,
a tuple and a one-dimensional array of the same values are one sequence (Parquet gives back arrays for lists),
and a dict is its pairs in any order. Objects of unknown types are never asked for their ``repr``: they raise
``Unhashable``.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import struct
import sys
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from jupyter_mlgov.hashing.digest import Limits, Unhashable

DEPTH = 64
"""How deep values may be nested; a circular list is deeper than that."""

_NAN = struct.pack("<d", math.nan)


_Encode = Callable[["Encoder", Any, bytearray], None]


class Encoder:
    """Appends values to a ``bytearray`` in canonical form; spends ``limits``."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._depth = 0
        self._kinds: dict[type, _Encode | None] = {}

    def encode(self, value: Any, out: bytearray) -> None:
        """Appends ``value``. Raises ``Unhashable``."""
        kind = type(value)
        known = _EXACT.get(kind) or self._inherited(kind)
        if known is not None:
            known(self, value, out)
        else:
            self._foreign(value, out)

    def items(self, values: Iterable[Any], out: bytearray) -> None:
        """Appends each of ``values``, one level deeper."""
        self._depth += 1
        try:
            if self._depth > DEPTH:
                raise Unhashable(f"nested more than {DEPTH} deep, or circular")
            for value in values:
                self.limits.objects -= 1
                if self.limits.objects < 0:
                    self.limits.spend()
                self.encode(value, out)
        finally:
            self._depth -= 1

    def one(self, value: Any) -> bytes:
        """``value`` alone, one level deeper."""
        out = bytearray()
        self.items((value,), out)
        return bytes(out)

    def _inherited(self, kind: type) -> _Encode | None:
        """How a subclass of a known type is written: as that type. Only the type is asked, never the object."""
        if kind not in self._kinds:
            bases = (enum.Enum, *type.mro(kind)) if issubclass(kind, enum.Enum) else type.mro(kind)
            self._kinds[kind] = next((_EXACT[base] for base in bases if base in _EXACT), None)
        return self._kinds[kind]

    def _foreign(self, value: Any, out: bytearray) -> None:
        kind = type(value)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            if issubclass(kind, numpy.ndarray):
                self._array(value, out)
                return
            if issubclass(kind, numpy.generic):
                self._numpy_scalar(numpy, value, out)
                return
        pandas = sys.modules.get("pandas")
        if pandas is not None:
            if value is pandas.NA:
                out += b"A"
                return
            if issubclass(kind, pandas.Period):
                out += b"P"
                _text(f"{value.freqstr}:{value.ordinal}", out)
                return
            if issubclass(kind, pandas.Interval):
                out += b"V"
                _text(value.closed, out)
                self.items((value.left, value.right), out)
                return
        raise Unhashable(f"holds an object of type {class_name(kind)}")

    def _array(self, value: Any, out: bytearray) -> None:
        if value.ndim == 1 and value.dtype.kind in "biufOU":
            if (value.dtype.kind in "iu" and value.dtype.itemsize < 8) or (
                value.dtype.kind == "f" and value.dtype.itemsize != 8
            ):
                out += b"k"
                _text(value.dtype.name, out)
            _sequence(self, value.tolist(), out)
            return
        from jupyter_mlgov.hashing.arrays import array_digest

        out += b"K"
        out += array_digest(value, self.limits)

    def _numpy_scalar(self, numpy: Any, value: Any, out: bytearray) -> None:
        kind = value.dtype.kind
        if kind in "biufcSU" and not isinstance(value, numpy.longdouble | numpy.clongdouble):
            self.encode(value.item(), out)
            return
        self._array(numpy.asarray(value), out)


def class_name(kind: type) -> str:
    """``module.qualified_name``, without the module for builtins."""
    module = type.__getattribute__(kind, "__module__")
    name = type.__getattribute__(kind, "__qualname__")
    return str(name) if module in ("builtins", None) else f"{module}.{name}"


def _text(text: str, out: bytearray) -> None:
    data = str.encode(text, "utf-8", "surrogatepass")
    out += len(data).to_bytes(8, "little")
    out += data


def _none(encoder: Encoder, value: None, out: bytearray) -> None:
    out += b"N"


def _bool(encoder: Encoder, value: bool, out: bytearray) -> None:
    out += b"T" if value else b"F"


def _int(encoder: Encoder, value: int, out: bytearray) -> None:
    data = int.to_bytes(value, (int.bit_length(value) + 8) // 8, "little", signed=True)
    out += b"i"
    out += len(data).to_bytes(4, "little")
    out += data


def _float(encoder: Encoder, value: float, out: bytearray) -> None:
    out += b"f"
    out += struct.pack("<d", value) if value == value else _NAN


def _complex(encoder: Encoder, value: complex, out: bytearray) -> None:
    out += b"c"
    _float(encoder, value.real, out)
    _float(encoder, value.imag, out)


def _str(encoder: Encoder, value: str, out: bytearray) -> None:
    out += b"s"
    _text(value, out)


def _bytes(encoder: Encoder, value: bytes | bytearray, out: bytearray) -> None:
    out += b"b"
    out += len(value).to_bytes(8, "little")
    out += value


def _decimal(encoder: Encoder, value: Decimal, out: bytearray) -> None:
    sign, digits, exponent = Decimal.as_tuple(value)
    out += b"d"
    if not isinstance(exponent, int):
        _text("NaN" if exponent in ("n", "N") else f"{sign}{exponent}", out)
        return
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    _text(f"{sign}:{kept}:{exponent + len(text) - len(kept)}" if kept else "0", out)


def _fraction(encoder: Encoder, value: Fraction, out: bytearray) -> None:
    out += b"q"
    _text(f"{value.numerator}/{value.denominator}", out)


def _zone(zone: dt.tzinfo | None, moment: dt.datetime | None) -> str:
    if zone is None:
        return ""
    for name in ("key", "zone"):
        found = getattr(zone, name, None)
        if isinstance(found, str):
            return found
    offset = zone.utcoffset(moment)
    return "UTC" if offset == dt.timedelta(0) else str(offset)


def _datetime(encoder: Encoder, value: dt.datetime, out: bytearray) -> None:
    if value != value:  # NaT
        out += b"Z"
        return
    out += b"t"
    nanoseconds = getattr(value, "nanosecond", 0)
    zone = _zone(value.tzinfo, value)
    fields = (*value.timetuple()[:6], value.microsecond, nanoseconds)
    # The offset says what ``fold`` would; where there is none, moments that differ in it are equal.
    offset = "" if value.tzinfo is None else str(value.utcoffset())
    _text(f"{fields}{zone}{offset}", out)


def _date(encoder: Encoder, value: dt.date, out: bytearray) -> None:
    out += b"y"
    _text(f"{value.year}-{value.month}-{value.day}", out)


def _time(encoder: Encoder, value: dt.time, out: bytearray) -> None:
    out += b"h"
    fields = (value.hour, value.minute, value.second, value.microsecond)
    _text(f"{fields}{_zone(value.tzinfo, None)}", out)


def _timedelta(encoder: Encoder, value: dt.timedelta, out: bytearray) -> None:
    if value != value:
        out += b"Z"
        return
    out += b"e"
    _text(f"{value.days}:{value.seconds}:{value.microseconds}:{getattr(value, 'nanoseconds', 0)}", out)


def _uuid(encoder: Encoder, value: uuid.UUID, out: bytearray) -> None:
    out += b"u"
    out += value.bytes


def _path(encoder: Encoder, value: PurePath, out: bytearray) -> None:
    out += b"p"
    _text(value.as_posix(), out)


def _enum(encoder: Encoder, value: enum.Enum, out: bytearray) -> None:
    out += b"E"
    _text(f"{class_name(type(value))}.{value._name_}", out)


def _sequence(encoder: Encoder, value: list[Any] | tuple[Any, ...], out: bytearray) -> None:
    out += b"L"
    out += len(value).to_bytes(8, "little")
    encoder.items(value, out)


def _mapping(encoder: Encoder, value: dict[Any, Any], out: bytearray) -> None:
    pairs = sorted((encoder.one(key), encoder.one(item)) for key, item in dict.items(value))
    out += b"M"
    out += len(pairs).to_bytes(8, "little")
    for key, item in pairs:
        out += len(key).to_bytes(8, "little")
        out += key
        out += item


def _set(encoder: Encoder, value: set[Any] | frozenset[Any], out: bytearray) -> None:
    out += b"S"
    out += len(value).to_bytes(8, "little")
    for item in sorted(encoder.one(item) for item in value):
        out += len(item).to_bytes(8, "little")
        out += item


def _range(encoder: Encoder, value: range, out: bytearray) -> None:
    out += b"r"
    encoder.items((value.start, value.stop, value.step), out)


def _slice(encoder: Encoder, value: slice, out: bytearray) -> None:
    out += b"x"
    encoder.items((value.start, value.stop, value.step), out)


def _class(encoder: Encoder, value: type, out: bytearray) -> None:
    out += b"C"
    _text(class_name(value), out)


_EXACT: dict[type, _Encode] = {
    type(None): _none, bool: _bool, int: _int, float: _float, str: _str, bytes: _bytes, list: _sequence,
    tuple: _sequence, dict: _mapping, complex: _complex, bytearray: _bytes, Decimal: _decimal,
    Fraction: _fraction, set: _set, frozenset: _set, range: _range, slice: _slice, uuid.UUID: _uuid,
    dt.datetime: _datetime, dt.date: _date, dt.time: _time, dt.timedelta: _timedelta, enum.Enum: _enum,
    PurePath: _path, type: _class,
}  # fmt: skip
