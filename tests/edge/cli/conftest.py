"""The real command line: in this process for speed, or in one of its own where the process itself is under test."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from edge.cli.main import main
from tests.builders import BuiltBundle, a_bundle


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """Lines of talk on standard error."""
        return [line for line in self.err.splitlines() if line.strip()]


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """A signed bundle that tells red, green and blue apart."""
    return a_bundle(tmp_path_factory.mktemp("colour"))


@pytest.fixture(scope="session")
def corner(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """A signed bundle that tells in which corner the picture is bright."""
    return a_bundle(tmp_path_factory.mktemp("corner"), model="p-corner")


@pytest.fixture
def sonoderm(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `sonoderm ARGS…` in this process, with what it wrote to its file descriptors."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(logging.getLogger("sonoderm"), "handlers", [])

    def run(*args: str) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture
def sonoderm_process() -> Run:
    """Runs `sonoderm ARGS…` in a process of its own, under a time limit."""

    def run(*args: str, stdin: str = "", env: dict[str, str] | None = None, timeout_s: float = 60) -> Ended:
        command = [sys.executable, "-m", "edge.cli.main", *map(str, args)]
        done = subprocess.run(
            command, input=stdin, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run
