"""ONNX -> a serialised TensorRT plan. The same calls work with `tensorrt` (10 and later) and `tensorrt_rtx`, which can parse and
build without a GPU: so the parser's acceptance of a form is an ordinary test.

The network is strongly typed: precision is what the graph says (Q/DQ int8, the rest float32), never what the builder fancies.
"""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from edge.backends.session import Graph
from edge.errors import BackendFault

__all__ = ["WORKSPACE_B", "build_plan", "make_logger"]

WORKSPACE_B: Final = 512 << 20  # scratch memory that a kernel may ask for: a board of 8 GB shares it with the picture and the page
EVERY_S: Final = 1.0


def make_logger(trt: ModuleType, say: Callable[[str], None]) -> Any:
    """One logger for a process: TensorRT warns of a second one. Errors are told, warnings are kept for us to read; the rest is noise."""

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(text)
                say(f"TensorRT: {text}")
            elif severity == trt.ILogger.WARNING:
                self.warnings.append(text)

    return Logger()


def _monitor(trt: ModuleType, say: Callable[[str], None]) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        """Says once a second how far the build is."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}
            self._said = time.monotonic()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:  # noqa: ARG002
            self._steps[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            now = time.monotonic()
            if now - self._said >= EVERY_S:
                self._said = now
                say(f"building the engine: {phase_name}, step {step + 1} of {self._steps.get(phase_name, 0)}")
            return True  # False would cancel the build

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

    return Monitor()


def build_plan(trt: ModuleType, logger: Any, graph: Graph, shape: tuple[int, ...], say: Callable[[str], None]) -> bytes:
    """Raises BackendFault with the parser's or the builder's own words. shape: for an input whose sizes the graph leaves open."""
    name = f"{trt.__name__} {trt.__version__}"
    before = len(logger.warnings)
    builder = trt.Builder(logger)
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # a version without it has no other kind of network
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph.data):
        faults = [_parser_fault(parser.get_error(at)) for at in range(parser.num_errors)]
        why = "; ".join(faults[:3]) or "no reason given"
        raise BackendFault(f"{graph.origin}: {name} refuses the graph: {why}", do="use a form of scheme trt_in")
    halved = [text for text in logger.warnings[before:] if "UINT8" in text and "zero_point" in text.lower()]
    if halved:  # it takes 0..255 for -128..127 and goes on: half of every range would be lost without a word
        raise BackendFault(f"{graph.origin}: {name} would halve the ranges of its uint8 activations", do="use a form of scheme trt_in")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_B)
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)  # float32 means float32: goldens are held to it
    if hasattr(config, "progress_monitor"):
        config.progress_monitor = _monitor(trt, say)
    _fix_open_sizes(builder, config, network, shape)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        why = "; ".join(logger.errors[-2:]) or "no reason given (often too little memory)"
        raise BackendFault(f"{graph.origin}: {name} built no engine: {why}", do="close other programs, or choose another engine")
    return bytes(plan)


def _fix_open_sizes(builder: Any, config: Any, network: Any, shape: tuple[int, ...]) -> None:
    profile, is_open = builder.create_optimization_profile(), False
    for at in range(network.num_inputs):
        tensor = network.get_input(at)
        if any(size < 0 for size in tensor.shape):
            profile.set_shape(tensor.name, shape, shape, shape)
            is_open = True
    if is_open:
        config.add_optimization_profile(profile)


def _parser_fault(error: Any) -> str:
    node = f" ({error.node_operator()} {error.node_name()})" if hasattr(error, "node_operator") else ""
    return " ".join(f"{error.desc()}{node}".split())[:200]
