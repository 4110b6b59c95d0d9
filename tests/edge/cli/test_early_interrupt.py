"""Ctrl-C and SIGTERM are answered from the first moment on, while the command line itself is still being imported."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

# A shell starts what it puts in the background deaf to the signal, and so it may have started us.
INTERRUPTED = "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nos.kill(os.getpid(), signal.SIGINT)\n"


@pytest.mark.parametrize("imported", ["typer", "edge_probe_of_nothing"])
def test_ctrl_c_during_the_imports_ends_silently_with_130(imported: str, tmp_path: Path) -> None:
    """A module that the command line imports is interrupted; the other case proves that it is this that ends it."""
    (tmp_path / f"{imported}.py").write_text(INTERRUPTED)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    line = [sys.executable, "-m", "edge.cli.start", "--version"]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == ((130, "") if imported == "typer" else (0, ""))


TERMINATED = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhile True: pass\n"


@pytest.mark.parametrize(("words", "code"), [(("run", "phantom:derm", "--model", "phantom"), 0), (("--version",), 130)])
def test_sigterm_during_the_imports_is_an_end_and_no_death(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """A supervisor that stops `run` before it began sees the same 0 as later; any other command was not done: 130, never -15."""
    (tmp_path / "typer.py").write_text(TERMINATED)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    line = [sys.executable, "-m", "edge.cli.start", *words]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_command_that_was_made_deaf_to_sigterm_stays_so(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nraise KeyboardInterrupt\n")
    deaf = f"import signal, runpy, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.path.insert(0, {str(tmp_path)!r}); "
    line = [sys.executable, "-c", deaf + "runpy.run_module('edge.cli.start', run_name='__main__')", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130


def test_the_installed_command_starts_there(root: Path) -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="sonoderm")
    assert script.value == "edge.cli.start:main"
    assert 'sonoderm = "edge.cli.start:main"' in (root / "pyproject.toml").read_text("utf-8")
