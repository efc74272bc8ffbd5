"""A large file is mapped and hashed in a process of its own.

To map a file saves the copy that reading it makes, which is much of what hashing costs where BLAKE3 is as fast as copying.
But a mapped file that somebody cuts off meanwhile, or whose disk fails, kills the process: so it is another one than
the user's, and the file is read where that one ended without an answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import blake3

LARGE = 1 << 28
"""Bytes from which this pays for the process, which takes some 13 ms."""
_SAMPLE = 1 << 24
_PROGRAM = """
import sys
sys.path.append(sys.argv[1])
import mmap
from blake3 import blake3
with mmap.mmap(0, 0, access=mmap.ACCESS_READ) as memory:
    sys.stdout.write(f"{len(memory)} {blake3(memory, max_threads=blake3.AUTO).hexdigest()}")
"""


def hash_mapped(descriptor: int, size: int) -> tuple[bytes, int] | None:
    """The BLAKE3 digest of the open file's bytes, and how many they are; ``None`` where it has to be read.

    That is where its ``size`` is not worth it, and where a part of it is not in memory yet: a disk is asked for it
    better in the order of the file.
    """
    if size < LARGE or not sys.platform.startswith("linux") or not _in_memory(descriptor, size):
        return None
    # What only contains Python starts itself, or is not known at all.
    if not sys.executable or not Path(sys.executable).name.startswith("python"):
        return None
    packages = str(Path(blake3.__file__).parents[1])
    with suppress(OSError, ValueError):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", "-c", _PROGRAM, packages],
            check=False, cwd="/", stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode == 0:
            total, digest = done.stdout.split()
            return bytes.fromhex(digest.decode()), int(total)
    return None


def _in_memory(descriptor: int, size: int) -> bool:
    """Whether the file's bytes are in the page cache, as far as samples say."""
    byte = bytearray(1)
    at_once = getattr(os, "RWF_NOWAIT", None)
    if at_once is None or not hasattr(os, "preadv"):  # Python was built against an old C library
        return False
    try:
        return all(
            os.preadv(descriptor, [byte], place, at_once) == 1
            for place in (*range(0, size, _SAMPLE), size - 1)
        )
    except (OSError, NotImplementedError):  # it would have to wait, or the file system or Python cannot say
        return False
