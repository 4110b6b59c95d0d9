"""No engine reports home: an empty home folder is as empty after a picture was classified."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import a_bundle

LOOKS_AT_ONE_PICTURE = """
import sys
from pathlib import Path
import numpy as np
from edge.backends.session import Place
from edge.backends.table import open_session
from edge.bundle.open import open_bundle
from edge.bundle.trust import load_trust
path, trust, engine = sys.argv[1:]
session = open_session(open_bundle(Path(path), load_trust(Path(trust))), "fp32", engine, 1, Place(None, print))
session.run(np.full((64, 64, 3), 200, np.uint8))
session.close()
"""


def at_home(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python in a process whose home folder this is; nothing in its surroundings has switched telemetry off for it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_")) and name != "CI"}
    line = [sys.executable, *words]
    return subprocess.run(line, env={**env, "HOME": str(home)}, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_leaves_nothing_in_the_home_folder(engine: str, tmp_path: Path) -> None:
    pytest.importorskip(engine, reason=f"{engine} is not installed: its promises are not tested here")
    built = a_bundle(tmp_path, engines=(engine,))
    home = tmp_path / "home"
    home.mkdir()
    done = at_home(home, "-c", LOOKS_AT_ONE_PICTURE, str(built.path), str(built.trust_dir), engine)
    assert (done.returncode, done.stderr) == (0, "")
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == []


def test_the_doctor_who_imports_every_engine_leaves_nothing_either(tmp_path: Path) -> None:
    done = at_home(tmp_path, "-m", "edge.cli.start", "doctor")
    assert "onnxruntime" in done.stdout
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == []
