"""Failures that Python or a library raises and that a person can mend: each becomes one of our errors, with what to do."""

import errno
import re

from edge.cli.commands import COMMANDS, PROVIDED_BY, install_line
from edge.errors import MachineLacks, SonodermError

__all__ = ["EXIT_INTERRUPTED", "SYSTEM_LIBRARIES", "as_expected", "missing_module"]

EXIT_INTERRUPTED = 130
SYSTEM_LIBRARIES = "apt-get install libgl1 libglib2.0-0"  # what opencv-python's window system needs on Debian and Ubuntu
_OURS = {"edge", "export", "calibration", "firmware_bridge"}
_LACKING = {  # an operating system's word -> what to do
    errno.ENOSPC: "free some space and run it again",
    errno.EDQUOT: "free some of your quota and run it again",
    errno.EROFS: "name a place that can be written to",
    errno.EACCES: "check who may read and write there",
    errno.EPERM: "check who may read and write there",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs",
    errno.EIO: "check the disk or the cable",
    errno.EISDIR: "name a file in place of a folder",
}


def missing_module(error: ImportError, command: str | None = None) -> SonodermError:
    """An import that failed -> the line that installs what is missing. Raises the error again where it is a fault of our own."""
    top = (error.name or "").partition(".")[0]
    library = re.search(r"(lib[\w.+-]+\.so[.\d]*)", str(error))
    if library:
        return MachineLacks(f"the system library {library[1]} is missing", do=SYSTEM_LIBRARIES)
    if not top or top in _OURS:
        raise error
    who = f"'sonoderm {command}'" if command else "this command"
    extra = next((known.extra for known in COMMANDS if known.name == command and known.extra), None) or PROVIDED_BY.get(top)
    return MachineLacks(f"{who} needs the package '{top}', which is not installed here", do=install_line(extra))


def as_expected(error: OSError | ImportError | MemoryError) -> SonodermError | None:
    """What the machine lacks, in words; None where the error is a fault of our own."""
    if isinstance(error, MemoryError):
        return MachineLacks("this machine has not enough memory for that", do="close other programs, or give a smaller input")
    if isinstance(error, ImportError):
        try:
            return missing_module(error)
        except ImportError:
            return None
    do = _LACKING.get(error.errno or 0)
    if do is None:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return MachineLacks(f"{place}{error.strerror}", do=do)
