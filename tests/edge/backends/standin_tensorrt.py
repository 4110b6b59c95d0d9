"""A stand-in for the module `tensorrt`: its names, its order of calls, and ONNX Runtime behind them. A "plan" is the ONNX file itself.

It shows that our adapter binds memory, names and shapes as the API wants them. It shows nothing about a real GPU.
"""

import ctypes
from enum import Enum, IntEnum
from typing import Any

import numpy as np
import onnxruntime

__version__ = "10.16.1.11"
PLAN = b"standin-plan:"
NUMPY = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}


class DataType(Enum):
    FLOAT = "float32"
    HALF = "float16"
    UINT8 = "uint8"
    INT8 = "int8"


float32, float16, uint8, int8 = DataType.FLOAT, DataType.HALF, DataType.UINT8, DataType.INT8


class TensorIOMode(Enum):
    INPUT = 1
    OUTPUT = 2


class NetworkDefinitionCreationFlag(IntEnum):
    STRONGLY_TYPED = 1


class MemoryPoolType(Enum):
    WORKSPACE = 0


class BuilderFlag(Enum):
    TF32 = 0


class ILogger:
    ERROR, INTERNAL_ERROR, WARNING, INFO = range(4)


class IProgressMonitor:
    pass


class Config:
    progress_monitor: Any = None

    def set_memory_pool_limit(self, pool: MemoryPoolType, size_b: int) -> None:
        assert size_b > 0

    def clear_flag(self, flag: BuilderFlag) -> None:
        assert flag is BuilderFlag.TF32

    def add_optimization_profile(self, profile: Any) -> int:
        return 0


class Profile:
    def set_shape(self, name: str, least: tuple[int, ...], best: tuple[int, ...], most: tuple[int, ...]) -> None:
        assert least == best == most


class Network:
    data = b""
    num_inputs = 0


class Builder:
    builds = 0

    def __init__(self, logger: ILogger) -> None:
        assert isinstance(logger, ILogger)

    def create_network(self, flags: int) -> Network:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return Network()

    def create_builder_config(self) -> Config:
        return Config()

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Network, config: Config) -> bytes:
        type(self).builds += 1
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, 1)
        assert monitor.step_complete("Building", 0) is True
        monitor.phase_finish("Building")
        return PLAN + network.data


class OnnxParser:
    num_errors = 0

    def __init__(self, network: Network, logger: ILogger) -> None:
        self._network = network

    def parse(self, data: bytes) -> bool:
        self._network.data = data
        return True


class Context:
    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._addresses: dict[str, int] = {}

    def get_tensor_shape(self, name: str) -> list[int]:
        return [int(size) for size in _port(self._session, name).shape]

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        return True

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream
        inputs = {port.name: self._memory(port) for port in self._session.get_inputs()}
        ports = self._session.get_outputs()
        for port, value in zip(ports, self._session.run([port.name for port in ports], inputs), strict=True):
            self._memory(port)[...] = value
        return True

    def _memory(self, port: Any) -> Any:
        kind = np.dtype(NUMPY[port.type])
        size = int(np.prod(port.shape)) * kind.itemsize
        held = (ctypes.c_char * size).from_address(self._addresses[port.name])
        return np.frombuffer(held, kind).reshape(port.shape)


class Engine:
    def __init__(self, data: bytes) -> None:
        self._session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        self._names = [port.name for port in (*self._session.get_inputs(), *self._session.get_outputs())]
        self.num_io_tensors = len(self._names)

    def get_tensor_name(self, at: int) -> str:
        return self._names[at]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if any(port.name == name for port in self._session.get_inputs()) else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType(NUMPY[_port(self._session, name).type])

    def get_tensor_shape(self, name: str) -> list[int]:
        return [int(size) for size in _port(self._session, name).shape]

    def create_execution_context(self) -> Context:
        return Context(self._session)


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        pass

    def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
        """None for what it cannot load, as TensorRT does: it raises nothing."""
        return Engine(plan[len(PLAN) :]) if plan.startswith(PLAN) else None


def _port(session: onnxruntime.InferenceSession, name: str) -> Any:
    return next(port for port in (*session.get_inputs(), *session.get_outputs()) if port.name == name)
