"""Small clips for tests, made with OpenCV alone; FFmpeg's program, where a test asks for it, is used and its absence said aloud."""

import shutil
import struct
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

RED, BLUE = (220, 20, 20), (20, 20, 220)


def a_clip(path: Path, *, fps: float = 10, colours: tuple[tuple[int, int, int], ...] = (RED,) * 10, fourcc: str = "mp4v") -> Path:
    """One flat picture of 64x48 px per colour (RGB), with a light column that moves, so that no two pictures are equal."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), fps, (64, 48))
    assert writer.isOpened()
    for number, colour in enumerate(colours):
        picture = np.full((48, 64, 3), colour[::-1], np.uint8)
        picture[:, number % 64] = 255
        writer.write(picture)
    writer.release()
    return path


def boxes(data: bytes) -> list[tuple[bytes, int, int]]:
    """The outermost boxes of an MP4: (type, start, end)."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        found.append((name, at, at + size))
        at += size
    return found


def without_index(data: bytes) -> bytes:
    """A recording cut by power loss: everything before `moov`."""
    return data[: next(start for name, start, _ in boxes(data) if name == b"moov")]


def index_first(data: bytes) -> bytes:
    """The same MP4 with `moov` before its pictures ("faststart"): its chunk offsets grow by the length of `moov`."""
    parts = {name: data[start:end] for name, start, end in boxes(data)}
    moov = bytearray(parts[b"moov"])
    at = moov.find(b"stco")
    (count,) = struct.unpack(">I", moov[at + 8 : at + 12])
    for number in range(count):
        place = at + 12 + 4 * number
        moov[place : place + 4] = struct.pack(">I", struct.unpack(">I", moov[place : place + 4])[0] + len(moov))
    rest = b"".join(data[start:end] for name, start, end in boxes(data) if name not in {b"moov", b"ftyp"})
    return parts[b"ftyp"] + bytes(moov) + rest


def ffmpeg(*arguments: str) -> bytes:
    """Run FFmpeg's program -> its stdout. Skips aloud where this machine has none."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("no ffmpeg program here: clips that only it can make are not tested")
    done = subprocess.run([program, "-v", "error", "-y", *arguments], capture_output=True, check=True, timeout=60)
    return done.stdout
