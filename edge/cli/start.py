"""The console's entry: so thin that Ctrl-C and SIGTERM are answered before the command line itself has been imported."""

import signal
import sys
from types import FrameType

__all__ = ["main"]

INTERRUPTED = 130  # failures.EXIT_INTERRUPTED, whose module may be the one that was not imported


def main() -> None:
    """Runs `sonoderm` and ends the process; an interrupt at any moment, imports included, ends it silently with exit code 130.

    So does SIGTERM until a command installs its own handler; `run`, which SIGTERM ends well at any moment, then ends with 0.
    """
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # whoever made us deaf to it meant it
            signal.signal(signal.SIGTERM, _leave)
        from edge.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """As an exit, so that what was begun (a file beside its final name, a capture process) is tidied up on the way out."""
    sys.exit(0 if sys.argv[1:2] == ["run"] else INTERRUPTED)


if __name__ == "__main__":
    main()
