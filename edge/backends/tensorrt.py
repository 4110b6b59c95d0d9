"""TensorRT on an NVIDIA GPU: builds the engine on this very board, keeps the plan, and runs it on one stream.

Written against tensorrt 10 (JetPack 7.2 has 10.16). What runs without a GPU is tested: the build (with tensorrt_rtx), the plan
cache, the memory calls against a stand-in. Execution on a real GPU is unrun, so every pair of it has the gate `unrun` until
`sonoderm check --accept` has passed on the board. INT8 needs compute capability 6.1 or 7.x with tensor cores: a GPU without
it (Jetson Nano, TX2) is refused, never given another precision in silence.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.backends import plan_cache
from edge.backends.cuda import Cuda, DeviceArray, Gpu
from edge.backends.machine import read_machine
from edge.backends.onnx_rules import check_graph
from edge.backends.plan_cache import PlanFault, PlanKey
from edge.backends.session import Graph, Loaded, Place, wanted_outputs
from edge.backends.signature import Port, Signature
from edge.backends.tensor import graph_shape
from edge.backends.tensorrt_build import build_plan, make_logger
from edge.errors import BackendFault, MachineLacks

__all__ = ["has_int8", "load", "load_with", "plan_key"]

INT8_SCHEMES: Final = ("trt_in", "u8s8")
NO_INT8: Final = ("5.3", "6.2", "6.0", "5.0", "5.2")  # Jetson Nano / TX1, TX2, and older cards (CUDA guide, arithmetic throughput)
KERNEL_MODULE: Final = Path("/proc/driver/nvidia/version")


def has_int8(gpu: Gpu) -> bool:
    """Does this GPU multiply 8-bit numbers? Jetson Nano (5.3) and TX2 (6.2) do not."""
    return gpu.sm not in NO_INT8 and float(gpu.sm) >= 6.1


def plan_key(graph: Graph, gpu: Gpu, tensorrt: str, *, module: str = "", l4t: str = "") -> PlanKey:
    """module: the line of the kernel module's version, "" where there is none (a Jetson's driver is part of its L4T)."""
    return PlanKey(graph.bundle_digest, graph.form, gpu.name, gpu.sm, f"{gpu.driver} {module}".strip(), tensorrt, l4t)


def load(graph: Graph, threads: int, place: Place) -> Loaded:  # noqa: ARG001 - the GPU does the work
    """Raises MachineLacks without TensorRT or GPU, BackendFault where TensorRT refuses the graph."""
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError as error:
        raise MachineLacks(f"TensorRT cannot be loaded: {error}", do="see docs/jetson.md") from error
    cuda = Cuda()
    try:
        return load_with(trt, cuda, graph, place)
    except BaseException:
        cuda.close()
        raise


def load_with(trt: ModuleType, cuda: Cuda, graph: Graph, place: Place) -> Loaded:
    """As `load`, with the module and the GPU at hand."""
    gpu = cuda.gpu()
    name = f"tensorrt {trt.__version__}"
    check_graph(graph, name)
    if graph.scheme in INT8_SCHEMES and not has_int8(gpu):
        raise MachineLacks(f"{gpu.name} (compute capability {gpu.sm}) has no INT8 arithmetic", do="use a form of scheme float16")
    logger = make_logger(trt, place.say)
    engine = _engine(trt, logger, graph, gpu, place)
    context = engine.create_execution_context()
    if context is None:
        raise BackendFault(f"{graph.origin}: {name} made no execution context (often too little GPU memory)", do="close other programs")
    signature = _signature(trt, engine)
    arrays = _bind(trt, engine, context, cuda, graph)
    missing = [wanted for wanted in (graph.spec.name, *wanted_outputs(graph.outputs)) if wanted not in arrays]

    def run(array: NDArray[Any]) -> Sequence[NDArray[Any]]:
        if missing:  # the check of the signature has said so already
            raise BackendFault(f"{graph.origin}: no tensor {missing[0]}")
        cuda.make_current()
        cuda.upload(arrays[graph.spec.name], array)
        if not context.execute_async_v3(cuda.stream):
            raise BackendFault(f"{graph.origin}: {name} failed while running", do="sonoderm check")
        wanted = [arrays[output] for output in wanted_outputs(graph.outputs)]
        for output in wanted:
            cuda.download(output)
        cuda.wait()
        return [output.host.copy() for output in wanted]

    return Loaded(trt.__version__, signature, run, close=_closer(cuda))


def _closer(cuda: Cuda) -> Callable[[], None]:
    return cuda.close


def _engine(trt: ModuleType, logger: Any, graph: Graph, gpu: Gpu, place: Place) -> Any:
    runtime = trt.Runtime(logger)
    module = KERNEL_MODULE.read_text("utf-8", "replace").splitlines()[0] if KERNEL_MODULE.exists() else ""
    key = plan_key(graph, gpu, trt.__version__, module=module, l4t=read_machine().l4t or "")
    found = plan_cache.read(place.folder, key) if place.folder else PlanFault.ABSENT
    if isinstance(found, bytes):
        engine = runtime.deserialize_cuda_engine(found)
        if engine is not None:
            return engine
        found = PlanFault.STALE
    place.say(f"building the TensorRT engine for {gpu.name}: {found.value} (minutes, once)")
    plan = build_plan(trt, logger, graph, graph_shape(graph.spec), place.say)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:  # TensorRT's way to say no: it raises nothing
        raise BackendFault(f"{graph.origin}: TensorRT {trt.__version__} cannot load the engine that it built", do="sonoderm doctor")
    if place.folder and (warning := plan_cache.write(place.folder, key, plan)):
        place.say(warning)
    return engine


def _names(trt: ModuleType, engine: Any) -> list[tuple[str, bool]]:
    """(name, is it an input) of every tensor that goes in or out."""
    names = [engine.get_tensor_name(at) for at in range(engine.num_io_tensors)]
    return [(name, engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT) for name in names]


def _dtype(trt: ModuleType, kind: Any) -> str:
    return {trt.float32: "float32", trt.float16: "float16", trt.uint8: "uint8", trt.int8: "int8"}.get(kind, str(kind))


def _signature(trt: ModuleType, engine: Any) -> Signature:
    inputs: list[Port] = []
    outputs: list[Port] = []
    for name, is_input in _names(trt, engine):
        shape = tuple(int(size) if size >= 0 else None for size in engine.get_tensor_shape(name))
        (inputs if is_input else outputs).append(Port(name, shape, _dtype(trt, engine.get_tensor_dtype(name))))
    return Signature(tuple(inputs), tuple(outputs))


def _bind(trt: ModuleType, engine: Any, context: Any, cuda: Cuda, graph: Graph) -> dict[str, DeviceArray]:
    """Memory for every tensor, its address told to the context."""
    arrays: dict[str, DeviceArray] = {}
    for name, is_input in _names(trt, engine):
        if is_input and any(size < 0 for size in engine.get_tensor_shape(name)):
            context.set_input_shape(name, graph_shape(graph.spec))
    for name, _ in _names(trt, engine):
        kind = _dtype(trt, engine.get_tensor_dtype(name))
        if kind not in ("float32", "float16", "uint8", "int8"):
            raise BackendFault(f"{graph.origin}: the tensor '{name}' is {kind}, which no picture or label is", do="export the bundle again")
        arrays[name] = cuda.allocate(tuple(int(size) for size in context.get_tensor_shape(name)), np.dtype(kind))
        context.set_tensor_address(name, arrays[name].address)
    return arrays
