"""Decodes a JPEG with OpenCV and hears what libjpeg has to say of it.

Where the coded data of a JPEG are damaged, libjpeg paints something and complains on file descriptor 2; no decoder that we ship hands
that complaint on. So the descriptor points to memory while the picture is decoded (2 system calls before, 4 after: no cost that can be
measured beside the decoding). Whatever else is written there meanwhile, by another thread, is passed on afterwards.

Not all damage is heard: a flipped bit that still makes a valid code is a wrong picture of the right length, and only a decoder with
checksums could know.
"""

import os
import re
import threading

import cv2
import numpy as np

from edge.frame import U8

__all__ = ["decode_jpeg"]

_LIBJPEG = re.compile(
    rb"^(?:Corrupt JPEG data|Premature end of JPEG file|Warning: |Inconsistent progression|Invalid SOS).*\n?", re.MULTILINE
)
_DAMAGE = re.compile(rb"^(?:Corrupt JPEG data: (?!\d+ extraneous bytes)|Premature end of JPEG)", re.MULTILINE)
_EXTRA = re.compile(rb"^Corrupt JPEG data: (\d+) extraneous bytes", re.MULTILINE)
PADDING_B = 8  # some cameras fill up to a word before the end marker: their pictures are whole
_one_at_a_time = threading.Lock()


def decode_jpeg(data: bytes, flags: int) -> tuple[U8 | None, bool]:
    """-> (pixels as `cv2.imdecode` gives them, or None; whether libjpeg found its data damaged). Raises cv2.error as that does."""
    coded = np.frombuffer(data, np.uint8)
    with _one_at_a_time:
        if not hasattr(os, "memfd_create"):  # not Linux: no file in memory to hear with, and damage is not told apart there
            return _as_u8(cv2.imdecode(coded, flags)), False
        ear = os.memfd_create("sonoderm-jpeg", os.MFD_CLOEXEC)
        try:
            before = os.dup(2)
        except OSError:  # nobody listens to this process: there is nothing to keep quiet
            os.close(ear)
            return _as_u8(cv2.imdecode(coded, flags)), False
        heard = b""
        try:
            os.dup2(ear, 2)
            try:
                picture = cv2.imdecode(coded, flags)
            finally:
                os.dup2(before, 2)
            if size_b := os.fstat(ear).st_size:
                heard = os.pread(ear, size_b, 0)
        finally:
            os.close(ear)
            os.close(before)
    if others := _LIBJPEG.sub(b"", heard):
        os.write(2, others)
    return _as_u8(picture), is_damage(heard)


def is_damage(heard: bytes) -> bool:
    """True when these lines of libjpeg speak of lost or wrong data, and not only of padding."""
    return bool(_DAMAGE.search(heard)) or any(int(found[1]) > PADDING_B for found in _EXTRA.finditer(heard))


def _as_u8(picture: cv2.typing.MatLike | None) -> U8 | None:
    return None if picture is None else np.asarray(picture)
