"""Pixels between two processes: a few slots in anonymous shared memory, written by one, read by one.

The memory is a memfd that the writer makes, seals against change of size, and hands over as a file descriptor. So it has no name that
could be left behind, no resource tracker that could unlink it, it does not count against a container's 64 MB /dev/shm, a crash on either
side frees it, and a writer that goes wild cannot shrink it under the reader (which would be a SIGBUS in the process that owns the display).

Torn pictures: the writer marks a slot as empty, writes, then puts the sequence number; the reader compares it before and after its copy
(a sequence lock). Both sides cross a system call between writing and reading, which orders memory on every processor we run on.
"""

import fcntl
import mmap
import os
import struct
from dataclasses import dataclass

import numpy as np

from edge.errors import InputRefused
from edge.frame import U8

__all__ = ["MAX_PICTURE_B", "SLOTS", "RingReader", "RingWriter"]

SLOTS = 3  # one being written, one being read, one to spare: at 30 fps a reader has 66 ms for a copy of 0.1 ms
MAX_PICTURE_B = 3 * 64_000_000  # as the clip reader's limit; above it a header is forged

_SEQUENCE = struct.Struct("=Q")
_HEAD_B = 64  # a cache line, so that the mark and the pixels do not share one
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_EMPTY = 0


@dataclass(frozen=True, slots=True)
class _Layout:
    slots: int
    slot_b: int  # pixels only

    @property
    def total_b(self) -> int:
        return self.slots * self.stride_b

    @property
    def stride_b(self) -> int:
        return -(-(_HEAD_B + self.slot_b) // mmap.PAGESIZE) * mmap.PAGESIZE

    def start_b(self, seq: int) -> int:
        return (seq % self.slots) * self.stride_b


class RingWriter:
    """The capture process's side. One ring holds pictures up to slot_b bytes; a larger one needs a new ring."""

    def __init__(self, slot_b: int, slots: int = SLOTS) -> None:
        if not 0 < slot_b <= MAX_PICTURE_B:
            raise InputRefused(f"a picture of {slot_b} bytes is larger than any source we know", do="check the source's picture size")
        self._layout = _Layout(slots, slot_b)
        self.fd = os.memfd_create("sonoderm-ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self._layout.total_b)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SEALS)
        self._memory = mmap.mmap(self.fd, self._layout.total_b)
        self._seq = 0

    @property
    def slots(self) -> int:
        return self._layout.slots

    @property
    def slot_b(self) -> int:
        return self._layout.slot_b

    def write(self, pixels: U8) -> int:
        """Copy (h, w, 3) uint8 into the oldest slot -> its sequence number (1, 2, …). The picture must fit."""
        if pixels.nbytes > self._layout.slot_b:
            raise ValueError(f"{pixels.nbytes} bytes do not fit a slot of {self._layout.slot_b}")
        self._seq += 1
        start_b = self._layout.start_b(self._seq)
        _SEQUENCE.pack_into(self._memory, start_b, _EMPTY)
        place = np.frombuffer(self._memory, np.uint8, pixels.nbytes, start_b + _HEAD_B).reshape(pixels.shape)
        np.copyto(place, pixels)
        _SEQUENCE.pack_into(self._memory, start_b, self._seq)
        return self._seq

    def close(self) -> None:
        """Give the memory back (the reader keeps its own mapping)."""
        self._memory.close()
        os.close(self.fd)


class RingReader:
    """The parent's side: maps the descriptor it was sent, and believes nothing else of it."""

    def __init__(self, fd: int, slots: int, slot_b: int) -> None:
        """Takes over fd. Raises ValueError when the memory is not what was announced."""
        try:
            layout = _Layout(slots, slot_b)
            if not (0 < slots <= 16 and 0 < slot_b <= MAX_PICTURE_B and os.fstat(fd).st_size == layout.total_b):
                raise ValueError("a ring of another size than announced")
            if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
                raise ValueError("a ring that could shrink while it is read")
            self._memory = mmap.mmap(fd, layout.total_b, prot=mmap.PROT_READ)
            self._layout = layout
        finally:
            os.close(fd)

    def read(self, seq: int, height: int, width: int) -> U8 | None:
        """A copy of picture `seq`, (height, width, 3) uint8; None when it was overwritten, before or during the copy.

        Raises ValueError for a picture that does not fit a slot.
        """
        size_b = height * width * 3
        if not (seq > 0 and height > 0 and width > 0 and size_b <= self._layout.slot_b):
            raise ValueError("a picture that does not fit its ring")
        start_b = self._layout.start_b(seq)
        if self._mark(start_b) != seq:
            return None
        pixels = np.frombuffer(self._memory, np.uint8, size_b, start_b + _HEAD_B).reshape(height, width, 3).copy()
        return pixels if self._mark(start_b) == seq else None

    def _mark(self, start_b: int) -> int:
        mark: int = _SEQUENCE.unpack_from(self._memory, start_b)[0]
        return mark

    def close(self) -> None:
        """Unmap. Copies that were handed out stay valid."""
        self._memory.close()
