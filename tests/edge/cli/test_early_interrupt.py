"""Ctrl-C is answered from the first moment on, while the command line itself is still being imported."""

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


def test_the_installed_command_starts_there(root: Path) -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="sonoderm")
    assert script.value == "edge.cli.start:main"
    assert 'sonoderm = "edge.cli.start:main"' in (root / "pyproject.toml").read_text("utf-8")
