"""Keeps OpenCV and FFmpeg from talking on stderr: what a person must know is said in our own line, once."""

import os

import cv2

__all__ = ["quiet_decoders"]


def quiet_decoders() -> None:
    """Call before the first capture of a process: FFmpeg's level is read once, from the environment (AV_LOG_QUIET = -8).

    A person who debugs a stream sets OPENCV_FFMPEG_LOGLEVEL=48 themselves and is left alone.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
