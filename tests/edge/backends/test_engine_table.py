"""The table of engines: readable aloud, imports nothing before it is chosen, and open to other packages."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge.backends.session import Graph, Place
from edge.backends.table import ENGINES, available, engine_named, engines, open_graph, require
from edge.bundle.manifest import Outputs
from edge.errors import MachineLacks, UsageError
from tests.builders import a_spec


def test_the_table_can_be_read_aloud() -> None:
    assert [engine.name for engine in ENGINES] == ["tensorrt", "openvino", "onnxruntime", "null"]
    assert all(engine.install and engine.runs_on for engine in ENGINES)
    assert [engine.name for engine in ENGINES if not engine.for_patients] == ["null"]


def test_asking_what_is_available_imports_no_engine() -> None:
    loaded = "sorted({'onnxruntime', 'openvino', 'tensorrt'} & set(sys.modules))"
    code = f"import sys; from edge.backends.table import available; available(); print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_base_install_has_its_engine_and_says_its_version() -> None:
    found = next(a for a in available() if a.engine.name == "onnxruntime")
    assert found.version is not None
    assert found.version[0].isdigit()


def test_an_unknown_engine_is_wrong_usage_and_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        engine_named("cuda")
    assert "onnxruntime" in caught.value.line()
    assert "null" not in caught.value.line()


def test_a_missing_engine_names_the_line_that_installs_it() -> None:
    if next(a for a in available() if a.engine.name == "tensorrt").is_here:
        pytest.skip("TensorRT is installed here, so that it cannot be missed")
    with pytest.raises(MachineLacks) as caught:
        require("tensorrt")
    assert "docs/jetson.md" in caught.value.line()


def a_package(folder: Path, entry_points: str) -> None:
    metadata = folder / "other_engine-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other_engine\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    (folder / "other_engine.py").write_text("def load(graph, threads, place): raise NotImplementedError\n")


def test_another_package_can_add_an_engine_and_cannot_take_over_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_package(tmp_path, "[sonoderm.backends]\nother = other_engine\nonnxruntime = other_engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {engine.name: engine.module for engine in engines()}
    assert found["other"] == "other_engine"
    assert found["onnxruntime"] == "edge.backends.onnxruntime"
    assert next(a.version for a in available() if a.engine.name == "other") == "1.2"


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("raise ImportError('libx.so')", MachineLacks),
        ("raise OSError('libx.so')", MachineLacks),
        ("raise KeyboardInterrupt", KeyboardInterrupt),
        ("try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt as e:\n    raise ImportError('libx.so') from e", KeyboardInterrupt),
    ],
    ids=["ImportError", "OSError", "Ctrl-C", "Ctrl-C inside a compiled module"],
)
def test_only_an_engine_that_cannot_be_loaded_is_said_to_be_lacking(
    body: str, ends: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_package(tmp_path, "[sonoderm.backends]\nother = other_engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "other_engine", raising=False)
    engine = require("other")
    (tmp_path / "other_engine.py").write_text(body + "\n")
    graph = Graph(b"", "probe.bundle: forms/probe.onnx", "d" * 64, "fp32", "float32", 13, a_spec(), Outputs(), 3)
    with pytest.raises(ends):
        open_graph(graph, engine, 1, Place(None, print))
