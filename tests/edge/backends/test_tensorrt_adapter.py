"""The TensorRT adapter without a GPU: its calls of the driver against a C stand-in, its calls of TensorRT against a Python one.

What this proves: names, shapes, addresses, copies, contexts per thread, the plan cache, and that everything is freed. What it does
not: that a real GPU gives the right numbers. That is what `sonoderm check --accept` is for.
"""

import ctypes
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.backends import plan_cache
from edge.backends.cuda import Cuda, Gpu
from edge.backends.session import EngineSession, Graph, Place
from edge.backends.tensorrt import has_int8, load_with, plan_key
from edge.bundle.manifest import Outputs
from edge.errors import BackendFault, MachineLacks
from tests.builders import BLUE, RED, a_picture, a_spec, an_onnx
from tests.edge.backends import standin_tensorrt

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: the stand-in of the CUDA driver cannot be built, its calls are not tested here")
    path = tmp_path_factory.mktemp("cuda") / "libcuda-standin.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(path), str(HERE / "standin_cuda.c")], check=True, timeout=60)
    return path


@pytest.fixture
def cuda(library: Path) -> Iterator[Cuda]:
    opened = Cuda(str(library))
    yield opened
    opened.close()
    assert ctypes.CDLL(str(library)).standin_live() == 0, "everything that was allocated on the GPU is freed"


def a_graph(*, scheme: str = "float32", outputs: Outputs | None = None) -> Graph:
    outputs = outputs or Outputs()
    data = an_onnx(dtype="uint8", layout="nhwc", embedding=outputs.embedding is not None, gate=outputs.gate is not None)
    return Graph(data, "probe.bundle: forms/trt.onnx", "d" * 64, "trt-in", scheme, 13, a_spec(dtype="uint8", layout="nhwc"), outputs, 3)


def opened(cuda: Cuda, graph: Graph, folder: Path | None, said: list[str]) -> EngineSession:
    return EngineSession(graph, "tensorrt", load_with(standin_tensorrt, cuda, graph, Place(folder, said.append)), 1, "none")


def builds() -> int:
    return standin_tensorrt.Builder.builds


def test_the_gpu_says_its_name_capability_and_driver(cuda: Cuda) -> None:
    assert cuda.gpu() == Gpu("Stand-in", "8.7", "13.2")


def test_a_picture_goes_to_the_gpu_and_its_outputs_come_back(cuda: Cuda) -> None:
    session = opened(cuda, a_graph(outputs=Outputs(embedding="embedding", gate="gate")), None, [])
    for colour, best in ((RED, 0), (BLUE, 2), (RED, 0)):
        raw = session.run(a_picture(colour))
        assert int(raw.classes.argmax()) == best
    assert raw.embedding is not None
    assert raw.gate is not None
    assert np.linalg.norm(raw.embedding) == pytest.approx(1.0, abs=1e-4)


def test_a_model_may_be_opened_on_one_thread_and_run_on_another(cuda: Cuda) -> None:
    session = opened(cuda, a_graph(), None, [])
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(int(session.run(a_picture(BLUE)).classes.argmax())))
    thread.start()
    thread.join(20)
    assert found == [2]


def test_the_engine_is_built_once_and_its_plan_is_kept(cuda: Cuda, tmp_path: Path) -> None:
    said: list[str] = []
    before = builds()
    opened(cuda, a_graph(), tmp_path, said)
    assert builds() == before + 1
    assert "there is none yet" in said[0]
    again: list[str] = []
    assert int(opened(cuda, a_graph(), tmp_path, again).run(a_picture(RED)).classes.argmax()) == 0
    assert (builds(), again) == (before + 1, [])


@pytest.mark.parametrize("content", [b"random bytes" * 99, b""], ids=["noise", "empty"])
def test_a_broken_plan_is_built_anew_and_said_in_one_line(cuda: Cuda, tmp_path: Path, content: bytes) -> None:
    opened(cuda, a_graph(), tmp_path, [])
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    said: list[str] = []
    assert int(opened(cuda, a_graph(), tmp_path, said).run(a_picture(RED)).classes.argmax()) == 0
    assert [line for line in said if "damaged or half written" in line] == said


def test_a_plan_that_the_runtime_no_longer_loads_is_built_anew(cuda: Cuda, tmp_path: Path) -> None:
    opened(cuda, a_graph(), tmp_path, [])
    (path,) = tmp_path.iterdir()
    _, header, _ = path.read_bytes().split(b"\n", 2)
    key = msgspec.convert(msgspec.json.decode(header)["key"], plan_cache.PlanKey)
    path.write_bytes(plan_cache.pack(key, b"a plan of another runtime"))
    said: list[str] = []
    opened(cuda, a_graph(), tmp_path, said)
    assert "built for something else" in said[0]


def test_a_folder_that_cannot_hold_the_plan_is_only_a_warning(cuda: Cuda, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    said: list[str] = []
    assert int(opened(cuda, a_graph(), blocked / "plans", said).run(a_picture(RED)).classes.argmax()) == 0
    assert "builds it again" in said[-1]


def test_names_that_do_not_fit_are_refused_before_any_picture(cuda: Cuda) -> None:
    with pytest.raises(BackendFault, match="names the output 'scores'"):
        opened(cuda, a_graph(outputs=Outputs(classes="scores")), None, [])


@pytest.mark.parametrize(("sm", "able"), [("5.3", False), ("6.2", False), ("6.1", True), ("7.2", True), ("8.7", True), ("11.0", True)])
def test_int8_is_refused_on_gpus_that_have_none(sm: str, able: bool) -> None:
    assert has_int8(Gpu("a GPU", sm, "13.2")) is able


def test_int8_on_a_gpu_without_it_is_said_and_nothing_else_is_used(cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cuda, "gpu", lambda self: Gpu("Jetson Nano", "5.3", "10.2"))
    with pytest.raises(MachineLacks) as caught:
        opened(cuda, a_graph(scheme="trt_in"), None, [])
    assert "no INT8" in caught.value.line()
    assert "float16" in caught.value.line()


def test_the_key_of_a_plan_names_everything_that_it_depends_on() -> None:
    key = plan_key(a_graph(), Gpu("Orin", "8.7", "13.2"), "10.16.1.11", module="580.10", l4t="R39.2")
    assert key == plan_cache.PlanKey("d" * 64, "trt-in", "Orin", "8.7", "13.2 580.10", "10.16.1.11", "R39.2")


def test_a_machine_without_a_driver_is_told_so() -> None:
    with pytest.raises(MachineLacks, match="no NVIDIA driver"):
        Cuda("libcuda-that-is-not-there.so.1")


def test_a_library_without_the_calls_is_told_so() -> None:
    with pytest.raises(MachineLacks, match="has no cuInit"):
        Cuda("libm.so.6" if sys.platform == "linux" else "libSystem.dylib")
