"""The root of `sonoderm`: finds commands by entry point, imports only the one that is called, and turns every error into one line.

Exit codes: 0 done, 1 the answer is no, 2 usage, 3 input, 4 source or device, 5 trust, 6 machine, 130 interrupted (also by a reader
that left), 70 a fault of our own (docs/decisions/0002-exit-codes.md).
"""

import contextlib
import importlib.metadata
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
import typer.main

from edge.cli.commands import COMMANDS
from edge.cli.failures import EXIT_INTERRUPTED, as_expected
from edge.cli.lazy import LazyGroup, Row
from edge.errors import SonodermError, UsageError

__all__ = ["EXIT_OWN_FAULT", "main"]

GROUP = "sonoderm.commands"
EXIT_OWN_FAULT = 70  # EX_SOFTWARE of sysexits.h: no documented answer of a command is mistaken for a crash


class _ReaderLeftError(Exception):
    """The reader of our standard output is gone; Typer would turn the BrokenPipeError itself into exit code 1, an answer."""


class _Root(LazyGroup):
    """The commands of the entry-point group: ours in their order, then those of other packages by name."""

    def rows(self) -> tuple[Row, ...]:
        points = _entry_points()
        ours = tuple(Row(c.name, c.help, points.pop(c.name).load) for c in COMMANDS if c.name in points)
        return ours + tuple(Row(name, _origin(point), point.load) for name, point in sorted(points.items()))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeftError from error


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return f"From the package {point.dist.name if point.dist else point.value}."


def _print_version(asked: bool) -> None:
    if asked:
        print(f"sonoderm {importlib.metadata.version('sonoderm')}")
        raise typer.Exit


app = typer.Typer(
    cls=_Root,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Research software, not a medical device.",
)


@app.callback(no_args_is_help=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Add the traceback to an error; may stand anywhere on the line.")] = False,
) -> None:
    """A label that can be trusted, or the reason why there is none: models on ultrasound and dermoscopy devices."""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs one command line and ends the process with its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    ours = args[: args.index("--")] if "--" in args else args
    debug = "--debug" in ours
    if debug:
        args = [arg for arg in ours if arg != "--debug"] + args[len(ours) :]
    _calm_the_libraries(debug)
    code = _run(args, debug)
    if argv is None and any(thread.daemon for thread in threading.enumerate()):
        _leave_at_once(code)
    sys.exit(code)


def _leave_at_once(code: int) -> NoReturn:
    """Ends the process where an engine may still be compiling on a thread that nobody waits for.

    The interpreter would tear its library down under it, which OpenVINO answers with an abort (exit 134).
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _run(args: list[str], debug: bool) -> int:
    try:
        code = typer.main.get_command(app).main(args=args, prog_name="sonoderm", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SonodermError as error:
        return _say(error, debug)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (BrokenPipeError, _ReaderLeftError):
        return _reader_left()
    except typer.Abort:
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        return _say_usage(error)
    except (OSError, ImportError, MemoryError) as error:
        known = as_expected(error)
        return _say(known, debug) if known else _say_own_fault(error, debug)
    except Exception as error:  # noqa: BLE001 - the one place where a fault of our own ends as one line instead of a page
        return _say_own_fault(error, debug)


def _say(error: SonodermError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"sonoderm: {error.line()}", file=sys.stderr)
    return error.exit_code


def _say_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    path = getattr(getattr(error, "ctx", None), "command_path", "sonoderm")
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
    else:
        _say(UsageError(message.rstrip("."), do=f"{path} --help"), debug=False)
    return UsageError.exit_code


def _say_own_fault(error: BaseException, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    do = "please report it with the output of the same line and --debug" if not debug else "please report it with the lines above"
    fault = SonodermError(f"a fault of sonoderm itself: {type(error).__name__}: {error}", do=do)
    print(f"sonoderm: {fault.line()}", file=sys.stderr)
    return EXIT_OWN_FAULT


def _reader_left() -> int:
    """The reader of our standard output is gone (`| head`): nothing more can be said there, and Python must not try at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_INTERRUPTED


def _calm_the_libraries(debug: bool) -> None:
    """stderr is our talk: decoders' own lines go there under --debug only, and never pydicom's, which quote the patient's fields."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name may hold bytes that are no UTF-8
    talk = logging.StreamHandler()
    talk.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("sonoderm")
    ours.handlers = [talk]
    ours.setLevel(logging.DEBUG if debug else logging.WARNING)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    if not debug:
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        warnings.simplefilter("ignore")
    warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")


if __name__ == "__main__":
    main()
