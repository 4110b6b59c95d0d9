"""A path that must name one file that can be opened and ends by itself; whatever else it names is refused in words."""

import os
import stat
from pathlib import Path

from edge.errors import InputRefused

__all__ = ["require_file"]


def require_file(path: Path, *, do: str) -> None:
    """Raises InputRefused: not there, no regular file, empty, or the system will not say (name too long, no permission, loop of links).

    What the system makes up while it is read (/proc/kmsg, which never ends) calls itself a regular file of no size: refused as empty,
    before it is opened. do: what to give instead of something that is no file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputRefused(f"{path}: no such file", do="check the name") from error
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({error.strerror})", do="check the name and its permissions") from error
    except ValueError as error:  # a zero byte in the name
        raise InputRefused(f"{path}: can be the name of no file", do="check the name") from error
    mode = status.st_mode
    if stat.S_ISDIR(mode) and not os.access(path, os.R_OK | os.X_OK):
        raise InputRefused(f"{path}: the folder cannot be read", do="check its permissions")
    if not stat.S_ISREG(mode):
        raise InputRefused(f"{path}: is no file" + (" but a folder" if stat.S_ISDIR(mode) else ""), do=do)
    if status.st_size == 0:
        raise InputRefused(f"{path}: is empty (0 bytes)", do="copy it again from where it came from")
