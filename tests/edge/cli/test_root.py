"""The root: imports only what is called, turns every error into one line, ends with the documented code."""

import importlib.metadata
import subprocess
import sys

import pytest
import typer

from edge.cli import main as root
from edge.cli.commands import COMMANDS
from edge.cli.failures import SYSTEM_LIBRARIES, missing_module
from edge.errors import MachineLacks, NotTrusted

IMPORTED = """
import sys
from edge.cli.main import main
try:
    main(%r)
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def modules_after(*args: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", IMPORTED % (list(args),)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [("--help",), ("--version",)])
def test_help_and_version_import_no_command_and_no_heavy_library(args: tuple[str, ...]) -> None:
    loaded = modules_after(*args)
    assert not loaded & {"numpy", "cv2", "onnxruntime", "rich", "edge.model", "export", "torch"}
    ours = {f"edge.cli.{name}" for name in ("main", "commands", "failures", "lazy")}
    assert not {name for name in loaded if name.startswith("edge.cli.")} - ours


def test_help_lists_every_command_with_its_line(sonoderm) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm("--help")
    assert ended.code == 0
    found = {point.name for point in importlib.metadata.entry_points(group="sonoderm.commands")}
    for command in COMMANDS:
        assert (f"\n  {command.name} " in ended.out) == (command.name in found)


def test_the_version_is_that_of_the_package(sonoderm) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm("--version")
    assert (ended.code, ended.out) == (0, f"sonoderm {importlib.metadata.version('sonoderm')}\n")


def test_no_command_shows_the_help_as_wrong_usage(sonoderm) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm()
    assert ended.code == 2
    assert "Commands:" in ended.err
    assert ended.out == ""


class Point:
    """An entry point that loads what a test gives it."""

    def __init__(self, name: str, load: object) -> None:
        self.name, self._load, self.value, self.dist = name, load, "x:app", None

    def load(self) -> object:
        if isinstance(self._load, BaseException):
            raise self._load
        return self._load


def command_that(act: object) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def do() -> None:
        if isinstance(act, BaseException):
            raise act

    return app


@pytest.fixture
def with_command(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def give(loaded: object, name: str = "try") -> str:
        monkeypatch.setattr(root, "_entry_points", lambda: {name: Point(name, loaded)})
        return name

    return give


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (NotTrusted("no key\nof ours", do="trust add"), 5, "sonoderm: no key of ours -> trust add"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(28, "No space left on device", "/x"), 6, "sonoderm: /x: No space left on device -> free some space"),
        (PermissionError(13, "Permission denied", "/x"), 6, "sonoderm: /x: Permission denied -> check who"),
        (MemoryError(), 6, "sonoderm: this machine has not enough memory"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 6, "pip install 'sonoderm[export]'"),
        (ValueError("boom\x1b[31m"), 70, "sonoderm: a fault of sonoderm itself: ValueError: boom"),
        (ModuleNotFoundError("No module named 'edge.nothing'", name="edge.nothing"), 70, "a fault of sonoderm itself"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_way_to_fail_is_one_line_with_its_code(sonoderm, with_command, error, code: int, says: str) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm(with_command(command_that(error)))
    assert ended.code == code
    assert says in ended.err
    assert len(ended.said) == (1 if says else 0)
    assert "Traceback" not in ended.err
    assert "\x1b" not in ended.err


def test_debug_adds_the_traceback_wherever_it_stands(sonoderm, with_command) -> None:  # type: ignore[no-untyped-def]
    name = with_command(command_that(NotTrusted("no")))
    for args in ((name, "--debug"), ("--debug", name)):
        ended = sonoderm(*args)
        assert ended.code == 5
        assert "Traceback" in ended.err
        assert ended.said[-1] == "sonoderm: no"


def test_a_command_whose_extra_is_missing_says_the_line_that_installs_it(sonoderm, with_command) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm(with_command(ModuleNotFoundError("No module named 'yaml'", name="yaml"), "export"))
    assert ended.code == 6
    assert ended.said == [
        "sonoderm: 'sonoderm export' needs the package 'yaml', which is not installed here -> pip install 'sonoderm[export]'"
    ]


def test_a_missing_system_library_names_the_packages_of_debian() -> None:
    lacks = missing_module(ImportError("libGL.so.1: cannot open shared object file: No such file or directory", name="cv2"))
    assert isinstance(lacks, MachineLacks)
    assert "libGL.so.1" in lacks.line()
    assert lacks.do == SYSTEM_LIBRARIES


def test_completion_offers_names_without_loading_a_command(sonoderm_process) -> None:  # type: ignore[no-untyped-def]
    env = {"_SONODERM_COMPLETE": "complete_bash", "COMP_WORDS": "sonoderm e", "COMP_CWORD": "1"}
    assert sonoderm_process(env=env).out.split() == ["evaluate", "export"]
    env["COMP_WORDS"], env["COMP_CWORD"] = "sonoderm evaluate --lo", "2"
    assert sonoderm_process(env=env).out.split() == ["--long-side"]


def test_completion_is_installed_once_by_the_root_alone(sonoderm) -> None:  # type: ignore[no-untyped-def]
    assert "--install-completion" in sonoderm("--help").out
    for name in ("run", "trust", "export", "calibrate", "device"):
        assert "--install-completion" not in sonoderm(name, "--help").out


ENDLESS = """
import typer
from edge.cli import main as root
app = typer.Typer()

@app.command()
def do():
    while True:
        print("x" * 999)

class Point:
    name, value, dist = "do", "", None
    def load(self):
        return app

root._entry_points = lambda: {"do": Point()}
root.main(["do"])
"""


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    """`sonoderm … | head`: no traceback, no complaint of the interpreter at its end, and no code that is an answer."""
    line = f'"{sys.executable}" -c "$ENDLESS" | head -c 10; echo " code ${{PIPESTATUS[0]}}"'
    env = {"ENDLESS": ENDLESS, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "x" * 10 + " code 130\n"
    assert done.stderr == ""
