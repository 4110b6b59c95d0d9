"""RLE Lossless: PackBits, one segment per byte plane. PS3.5, annex G."""

import struct

import numpy as np

from edge.frame import U8
from edge.sources.picture_header import BrokenPictureError

__all__ = ["decode_rle"]


def decode_rle(data: bytes, rows: int, columns: int, samples: int, bytes_each: int) -> U8:
    """One frame -> (samples, rows, columns, bytes_each) uint8, the bytes of a sample from low to high. Raises BrokenPictureError."""
    planes = samples * bytes_each
    if len(data) < 64:
        raise BrokenPictureError("a run-length frame is cut off")
    count, *offsets = struct.unpack_from("<16I", data)
    if count != planes:
        raise BrokenPictureError("a run-length frame has the wrong number of segments")
    ends = [*offsets[1:count], len(data)]
    out = np.empty((planes, rows * columns), np.uint8)
    for plane, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        out[plane] = _unpack(data[start:end], rows * columns)
    stacked = out.reshape(samples, bytes_each, rows, columns)[:, ::-1]  # segments come from high byte to low
    return np.ascontiguousarray(np.moveaxis(stacked, 1, 3))


def _unpack(packed: bytes, size: int) -> U8:
    """PackBits of at most `size` bytes."""
    out = bytearray()
    at, end = 0, len(packed)
    while at < end and len(out) < size:
        head = packed[at]
        if head < 128:
            out += packed[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > 128:
            out += packed[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    if len(out) < size:
        raise BrokenPictureError("a run-length segment is cut off")
    return np.frombuffer(bytes(out[:size]), np.uint8)
