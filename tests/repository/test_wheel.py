"""What people install: the wheel, built from the repository's own files, installed outside it, run there."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import cv2
import pytest

from edge.bundle.shipped import read_pins
from tests.builders import RED, a_bundle, a_picture

LEFT_OUT = (".git", ".venv*", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "runs")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Built without isolation and without the network, from a copy: nothing left over from an older build gets in."""
    copy = tmp_path_factory.mktemp("source") / "sonoderm"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--wheel-dir", str(copy / "out"), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (built,) = (copy / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the clone with the wheel alone; libraries are those of this environment, sonoderm is not."""
    place = tmp_path_factory.mktemp("outside") / "venv"
    venv.create(place, symlinks=True)
    (packages,) = (place / "lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(place / "bin/python"),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def run(outside: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(
        [str(outside / "bin" / args[0]), *args[1:]], cwd=outside, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_wheel_holds_bundles_page_and_types_and_no_test(wheel: Path, root: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("edge", "export", "calibration", "firmware_bridge"):
        assert f"{package}/py.typed" in names
    assert any(name.startswith("edge/sinks/page/") for name in names)
    for kind in ("edge/models", "export/recipes"):
        for file in (root / kind).glob("*"):
            if file.is_file() and not file.name.endswith(".pyc"):
                assert f"{kind}/{file.name}" in names
    assert {pin.file for pin in read_pins()} <= {name.removeprefix("edge/models/") for name in names}
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "docs")) or "/test" in name]
    for file in [file for package in ("edge", "export") for file in (root / package).rglob("*.py")]:
        assert str(file.relative_to(root)) in names


def test_the_wheel_says_its_licences_and_carries_their_texts(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    assert "License-Expression: Apache-2.0" in text
    assert "License-File: LICENSE" in text
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def test_what_runs_outside_is_what_was_installed_there(outside: Path) -> None:
    done = run(outside, "python", "-c", "import edge, sys; print(edge.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(outside)


def test_the_installed_command_says_its_version_and_lists_its_models(outside: Path) -> None:
    assert run(outside, "sonoderm", "--version").stdout.startswith("sonoderm ")
    listed = run(outside, "sonoderm", "models", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    for pin in read_pins():
        assert pin.payload_sha256 in json.dumps(json.loads(listed.stdout))


def test_the_installed_command_classifies_a_picture(outside: Path, tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    picture = a_picture(RED, width_px=160, height_px=120)
    cv2.imwrite(str(tmp_path / "red.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    done = run(
        outside, "sonoderm", "classify", str(tmp_path / "red.png"), "--model", str(built.path), "--trust", str(built.trust_dir), "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert max(found["probabilities"], key=found["probabilities"].get) == "red"
