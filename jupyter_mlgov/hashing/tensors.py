"""torch tensors: dtype, shape and elements, whatever the device, strides and gradient settings."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_mlgov.hashing.arrays import content_digest
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, hasher

PIECE = 1 << 24
"""Bytes that are fetched from a device at a time."""


def tensor_digest(tensor: Any, limits: Limits) -> bytes:
    """32 bytes for a dense tensor. Raises ``Unhashable`` for sparse, quantized and meta tensors."""
    torch = sys.modules["torch"]
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        raise Unhashable("only dense tensors that hold data have a canonical form")
    shape = ",".join(str(int(size)) for size in tensor.shape)
    flat = tensor.detach().resolve_conj().resolve_neg()
    state = hasher(flat.numel() * flat.element_size())
    for piece in _pieces(flat):
        array = piece.cpu().contiguous().reshape(-1)
        if array.dtype == torch.bfloat16 or str(array.dtype).startswith("torch.float8"):
            array = array.to(torch.float32)  # exact, and NumPy knows it
        state.update(content_digest(array.numpy(), limits))
    return combine("mlgov.tensor.1", str(tensor.dtype), shape, state.digest())


def _pieces(tensor: Any) -> Any:
    """The elements in C order, some at a time: where the cuts are depends on the shape only."""
    if tensor.dim() == 0 or tensor.numel() * tensor.element_size() <= PIECE:
        yield tensor
        return
    each = max(1, tensor[0].numel() * tensor.element_size())
    if each > PIECE and tensor.dim() > 1:
        for row in tensor:
            yield from _pieces(row)
    else:
        step = max(1, PIECE // each)
        for start in range(0, len(tensor), step):
            yield tensor[start : start + step]
