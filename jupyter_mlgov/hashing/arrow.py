"""Arrow columns: the type and the values, whatever the chunks, offsets and bytes under nulls.

A column is read as streams that may be cut anywhere without changing them: value bytes, string and list
lengths, and the row numbers of nulls. A dictionary's values and their order count (they are the categories);
which chunk holds which part of the dictionary does not. Batches may be fed one at a time, so a file of any
size is hashed in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.hashing.arrays import feed
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, hasher

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 19
"""Rows that are cleaned at a time, where nulls or the layout ask for a copy."""


def chunks_digest(kind: pa.DataType, chunks: Iterable[pa.Array], limits: Limits, *, size: int = 0) -> bytes:
    """32 bytes for the values of ``chunks``, all of type ``kind``; ``size`` is about how many bytes there are."""
    column = column_hasher(kind, limits, size=size)
    for chunk in chunks:
        column.update(chunk)
    return column.digest()


def column_hasher(kind: pa.DataType, limits: Limits, *, size: int = 0) -> ArrowHasher:
    """The hasher for a type. Raises ``Unhashable`` for types without a canonical form."""
    from pyarrow import types

    if isinstance_extension(kind):
        return _Extension(kind, limits, size)
    if types.is_dictionary(kind):
        return _Dictionary(kind, limits, size)
    if types.is_null(kind):
        return ArrowHasher(kind, limits, size)
    if types.is_boolean(kind):
        return _Boolean(kind, limits, size)
    if types.is_struct(kind):
        return _Struct(kind, limits, size)
    if types.is_fixed_size_list(kind):
        return _FixedList(kind, limits, size)
    if types.is_map(kind):
        return _Map(kind, limits, size)
    for is_list in ("is_list", "is_large_list", "is_list_view", "is_large_list_view"):
        if getattr(types, is_list, types.is_list)(kind):
            return _List(kind, limits, size)
    for is_view in ("is_string_view", "is_binary_view"):
        if hasattr(types, is_view) and getattr(types, is_view)(kind):
            return TextHasher(kind, limits, size)
    if (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_large_binary(kind)
        or kind == "binary"
    ):
        return TextHasher(kind, limits, size)
    if types.is_run_end_encoded(kind):
        return _RunEnds(kind, limits, size)
    if types.is_union(kind):
        raise Unhashable(f"Arrow type {kind} has no canonical form")
    if kind.num_buffers == 2 and kind.bit_width % 8 == 0:
        return _Fixed(kind, limits, size)
    raise Unhashable(f"Arrow type {kind} has no canonical form")


def type_label(kind: pa.DataType) -> str:
    """The type's name as Arrow writes it, without what is no content: names of list items, whether nulls may be."""
    from pyarrow import types

    if types.is_struct(kind):
        fields = (kind.field(place) for place in range(kind.num_fields))
        return f"struct<{', '.join(f'{field.name}: {type_label(field.type)}' for field in fields)}>"
    if types.is_map(kind):
        return f"map<{type_label(kind.key_type)}, {type_label(kind.item_type)}>"
    if types.is_fixed_size_list(kind):
        return f"fixed_size_list<{type_label(kind.value_type)}>[{kind.list_size}]"
    name = str(kind)
    if "list" in name.partition("<")[0] and hasattr(kind, "value_type"):
        return f"{name.partition('<')[0]}<{type_label(kind.value_type)}>"
    return name


def isinstance_extension(kind: pa.DataType) -> bool:
    """True for extension types, whose values are those of their storage."""
    import pyarrow as pa

    return isinstance(kind, pa.BaseExtensionType)


class ArrowHasher:
    """Rows and nulls of a column; its subclasses add the values. Also the whole of a column of type null."""

    cuts = True
    """Whether arrays with nulls come in slices of ``ROWS``."""

    def __init__(self, kind: pa.DataType, limits: Limits, size: int) -> None:
        self.kind = kind
        self.limits = limits
        self.rows = 0
        self._nulls = hasher(0)
        self._null_count = 0
        self.start(size)

    def start(self, size: int) -> None:
        """Makes the streams."""

    def update(self, array: pa.Array) -> None:
        """Appends an array of the column's type."""
        self.limits.spend()
        if array.null_count and self.cuts and len(array) > ROWS:
            for start in range(0, len(array), ROWS):
                self._one(array.slice(start, ROWS))
        else:
            self._one(array)

    def _one(self, array: pa.Array) -> None:
        mask = None
        if array.null_count:
            import numpy as np

            mask = array.is_null().to_numpy(zero_copy_only=False)
            places = np.flatnonzero(mask).astype("<i8")
            places += self.rows
            self._nulls.update(places.view(np.uint8).data)
            self._null_count += len(places)
        self.values(array, mask)
        self.rows += len(array)

    def values(self, array: pa.Array, mask: Any) -> None:
        """Appends the values; those under ``mask`` (None: no nulls) count as nothing."""

    def parts(self) -> list[bytes]:
        """The digests of the value streams."""
        return []

    def digest(self) -> bytes:
        """32 bytes for everything that was appended."""
        nulls = self._nulls.digest()
        return combine("arrow", type(self).__name__, self.rows, self._null_count, nulls, *self.parts())


class _Fixed(ArrowHasher):
    """Numbers, dates, times, decimals and binaries of fixed size."""

    def start(self, size: int) -> None:
        from pyarrow import types

        self._values = hasher(size)
        self._width = self.kind.bit_width // 8
        self._floats = f"<f{self._width}" if types.is_floating(self.kind) else None

    def values(self, array: pa.Array, mask: Any) -> None:
        import numpy as np

        buffer = array.buffers()[1]
        if self._width == 0 or buffer is None:
            return
        raw = np.frombuffer(
            buffer, dtype=np.uint8, count=len(array) * self._width, offset=array.offset * self._width
        )
        if mask is not None:
            raw = raw.reshape(-1, self._width).copy()
            raw[mask] = 0
            raw = raw.reshape(-1)
        feed(self._values, raw.view(self._floats) if self._floats else raw, self.limits)

    def parts(self) -> list[bytes]:
        return [self._values.digest()]


class _Boolean(ArrowHasher):
    def start(self, size: int) -> None:
        self._values = hasher(size)

    def values(self, array: pa.Array, mask: Any) -> None:
        import numpy as np

        for start in range(0, len(array), ROWS):
            piece = array.slice(start, ROWS)
            if mask is not None:
                piece = piece.fill_null(False)
            self._values.update(piece.to_numpy(zero_copy_only=False).view(np.uint8).data)

    def parts(self) -> list[bytes]:
        return [self._values.digest()]


class TextHasher(ArrowHasher):
    """Strings and binaries, in any of Arrow's layouts: their lengths, and their bytes end to end."""

    def start(self, size: int) -> None:
        from pyarrow import types

        self._lengths = hasher(size)
        self._bytes = hasher(size)
        name = str(self.kind)
        self._view = name.endswith("_view")
        self._plain = ("large_string" if "string" in name else "large_binary") if self._view else name
        self._offset = (
            "<i8"
            if types.is_large_string(self.kind) or types.is_large_binary(self.kind) or self._view
            else "<i4"
        )

    def values(self, array: pa.Array, mask: Any) -> None:
        if self._view:
            for start in range(0, len(array), ROWS):
                piece = array.slice(start, ROWS)
                self._plain_values(
                    piece.cast(self._plain), None if mask is None else mask[start : start + ROWS]
                )
        else:
            self._plain_values(array, mask)

    def append(self, lengths: Any, data: Any) -> None:
        """Appends strings that are not null: an array of their lengths in bytes, and their bytes end to end."""
        import numpy as np

        self._lengths.update(lengths.astype("<i4", copy=False).view(np.uint8).data)
        self._bytes.update(data)
        self.rows += len(lengths)

    def _plain_values(self, array: pa.Array, mask: Any, *, lengths: bool = True) -> None:
        import numpy as np

        _, offset_buffer, data = array.buffers()
        if offset_buffer is None or not len(array):
            return
        width = int(self._offset[2])
        offsets = np.frombuffer(offset_buffer, self._offset, len(array) + 1, array.offset * width)
        dirty = False
        for start in range(0, len(array) if lengths else 0, ROWS):
            sizes = np.diff(offsets[start : start + ROWS + 1])
            if mask is not None:
                under = sizes * mask[start : start + ROWS]
                if under.any():
                    dirty = True
                    sizes -= under
            if width == 8 and sizes.max() >= 1 << 31:
                raise Unhashable("holds a string of 2 GB or more")
            self._lengths.update(sizes.astype("<i4", copy=False).view(np.uint8).data)
        if dirty:
            self._plain_values(array.drop_null(), None, lengths=False)
        elif data is not None:
            self._bytes.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])

    def parts(self) -> list[bytes]:
        return [self._lengths.digest(), self._bytes.digest()]


class _List(ArrowHasher):
    """Lists of any layout: their lengths, and their items end to end."""

    def start(self, size: int) -> None:
        self._lengths = hasher(size)
        self._items = column_hasher(self.kind.value_type, self.limits, size=size)

    def values(self, array: pa.Array, mask: Any) -> None:
        import numpy as np

        lengths = array.value_lengths()
        if mask is not None:
            lengths = lengths.fill_null(0)
        self._lengths.update(lengths.to_numpy(zero_copy_only=False).astype("<i8").view(np.uint8).data)
        self._items.update(array.flatten())

    def parts(self) -> list[bytes]:
        return [self._lengths.digest(), self._items.digest()]


class _FixedList(_List):
    def values(self, array: pa.Array, mask: Any) -> None:
        self._items.update(array.flatten())


class _Map(ArrowHasher):
    def start(self, size: int) -> None:
        import pyarrow as pa

        pair = pa.struct([("key", self.kind.key_type), ("value", self.kind.item_type)])
        self._lists = _List(pa.list_(pair), self.limits, size)

    def values(self, array: pa.Array, mask: Any) -> None:
        self._lists.update(array.cast(self._lists.kind))

    def parts(self) -> list[bytes]:
        return [self._lists.digest()]


class _Struct(ArrowHasher):
    def start(self, size: int) -> None:
        fields = [self.kind.field(index) for index in range(self.kind.num_fields)]
        self._fields = [column_hasher(field.type, self.limits, size=size) for field in fields]

    def values(self, array: pa.Array, mask: Any) -> None:
        for field, values in zip(self._fields, array.flatten(), strict=True):
            field.update(values)

    def parts(self) -> list[bytes]:
        return [field.digest() for field in self._fields]


class _Extension(ArrowHasher):
    cuts = False

    def start(self, size: int) -> None:
        self._storage = column_hasher(self.kind.storage_type, self.limits, size=size)

    def values(self, array: pa.Array, mask: Any) -> None:
        self._storage.update(array.storage)

    def parts(self) -> list[bytes]:
        return [self._storage.digest()]


class _RunEnds(ArrowHasher):
    def start(self, size: int) -> None:
        self._decoded = column_hasher(self.kind.value_type, self.limits, size=size)

    def update(self, array: pa.Array) -> None:
        import pyarrow.compute as pc

        for start in range(0, len(array), ROWS):
            self._decoded.update(pc.run_end_decode(array.slice(start, ROWS)))

    def parts(self) -> list[bytes]:
        return [self._decoded.digest()]


class _Dictionary(ArrowHasher):
    """Categories in their order and the code of every row; dictionaries of later chunks are laid onto the first."""

    def start(self, size: int) -> None:
        self._categories: pa.Array | None = None
        self._codes = hasher(size)

    def values(self, array: pa.Array, mask: Any) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        dictionary = array.dictionary
        recode = None
        if self._categories is None:
            self._categories = dictionary
        elif not self._categories.equals(dictionary):
            places = pc.index_in(dictionary, value_set=self._categories)
            fresh = dictionary.filter(places.is_null())
            if len(fresh):
                self._categories = pa.concat_arrays([self._categories, fresh])
                places = pc.index_in(dictionary, value_set=self._categories)
            # One more place at the end, for the code -1 of a null: this chunk's dictionary may be empty.
            recode = np.append(places.to_numpy(zero_copy_only=False), -1).astype("<i4")
        codes = array.indices
        if mask is not None:
            codes = codes.fill_null(0)
        numbers = codes.to_numpy(zero_copy_only=False)
        for start in range(0, len(numbers), ROWS):
            piece = numbers[start : start + ROWS].astype("<i4")
            if mask is not None:
                piece[mask[start : start + ROWS]] = -1
            if recode is not None:
                piece = recode[piece]
            self._codes.update(piece.view(np.uint8).data)

    def parts(self) -> list[bytes]:
        found = self._categories
        categories = b"" if found is None else chunks_digest(found.type, [found], self.limits)
        return [categories, self._codes.digest()]
