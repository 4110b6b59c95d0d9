"""The console's entry: so thin that Ctrl-C is answered before the command line itself has been imported."""

import sys

__all__ = ["main"]


def main() -> None:
    """Runs `sonoderm` and ends the process; an interrupt at any moment, imports included, ends it silently with exit code 130."""
    try:
        from edge.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # failures.EXIT_INTERRUPTED, whose module may be the one that was not imported


if __name__ == "__main__":
    main()
