"""The few calls of the CUDA driver that one picture needs, through ctypes: no toolkit, no wheel, one ABI for CUDA 11 to 13.

`libcuda.so.1` comes with the driver itself, on a Jetson with the board's Linux. Names and meanings: CUDA Driver API, cuda.h.
A context belongs to a thread, so each call that touches the GPU makes it current first. Not run for want of a GPU here
beyond a stand-in of the library (tests/edge/backends): docs/jetson.md says so.
"""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import BackendFault, MachineLacks

__all__ = ["Cuda", "DeviceArray", "Gpu"]

LIBRARY: Final = "libcuda.so.1"
ATTRIBUTE_SM_MAJOR, ATTRIBUTE_SM_MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
NAME_B: Final = 256
POINTER = ctypes.c_uint64  # CUdeviceptr
# name -> argument types; every one returns CUresult
CALLS: Final[dict[str, list[Any]]] = {
    "cuInit": [ctypes.c_uint],
    "cuDriverGetVersion": [ctypes.POINTER(ctypes.c_int)],
    "cuDeviceGet": [ctypes.POINTER(ctypes.c_int), ctypes.c_int],
    "cuDeviceGetName": [ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    "cuDeviceGetAttribute": [ctypes.POINTER(ctypes.c_int), ctypes.c_int, ctypes.c_int],
    "cuDevicePrimaryCtxRetain": [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int],
    "cuDevicePrimaryCtxRelease_v2": [ctypes.c_int],
    "cuCtxSetCurrent": [ctypes.c_void_p],
    "cuStreamCreate": [ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint],
    "cuStreamDestroy_v2": [ctypes.c_void_p],
    "cuStreamSynchronize": [ctypes.c_void_p],
    "cuMemAlloc_v2": [ctypes.POINTER(POINTER), ctypes.c_size_t],
    "cuMemFree_v2": [POINTER],
    "cuMemcpyHtoDAsync_v2": [POINTER, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p],
    "cuMemcpyDtoHAsync_v2": [ctypes.c_void_p, POINTER, ctypes.c_size_t, ctypes.c_void_p],
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """sm: compute capability, "8.7". driver: the CUDA version that the driver speaks, "13.2"."""

    name: str
    sm: str
    driver: str


@dataclass(frozen=True, slots=True, eq=False)
class DeviceArray:
    """Memory on the GPU and its mirror on the host. address: CUdeviceptr."""

    address: int
    host: NDArray[Any]


class Cuda:
    """The first GPU, its primary context (TensorRT uses the same one) and one stream."""

    def __init__(self, library: str = LIBRARY) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            raise MachineLacks("there is no NVIDIA driver on this machine", do="choose another engine, or see docs/jetson.md") from error
        for name, arguments in CALLS.items():
            function = getattr(self._library, name, None)
            if function is None:
                raise MachineLacks(f"{library} has no {name}: the NVIDIA driver is too old", do="update the driver")
            function.argtypes, function.restype = arguments, ctypes.c_int
        self._device = ctypes.c_int()
        self._context, self._stream = ctypes.c_void_p(), ctypes.c_void_p()
        self._addresses: list[int] = []
        if self._library.cuInit(0) or self._library.cuDeviceGet(ctypes.byref(self._device), 0):
            raise MachineLacks("the NVIDIA driver is here, and no GPU answers", do="choose another engine, or see docs/jetson.md")
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self.make_current()
        self._call("cuStreamCreate", ctypes.byref(self._stream), 1)  # CU_STREAM_NON_BLOCKING

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise BackendFault(f"the GPU failed: {name} gave error {code}", do="sonoderm doctor")

    @property
    def stream(self) -> int:
        return self._stream.value or 0

    def make_current(self) -> None:
        """For the calling thread: a model may be opened on one thread and run on another."""
        self._call("cuCtxSetCurrent", self._context)

    def gpu(self) -> Gpu:
        name = ctypes.create_string_buffer(NAME_B)
        self._call("cuDeviceGetName", name, NAME_B, self._device)
        major, minor, driver = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(major), ATTRIBUTE_SM_MAJOR, self._device)
        self._call("cuDeviceGetAttribute", ctypes.byref(minor), ATTRIBUTE_SM_MINOR, self._device)
        self._call("cuDriverGetVersion", ctypes.byref(driver))
        version = f"{driver.value // 1000}.{driver.value % 1000 // 10}"
        return Gpu(name.value.decode("utf-8", "replace"), f"{major.value}.{minor.value}", version)

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        host = np.zeros(shape, dtype)
        address = POINTER()
        self._call("cuMemAlloc_v2", ctypes.byref(address), host.nbytes)
        self._addresses.append(address.value)
        return DeviceArray(address.value, host)

    def upload(self, array: DeviceArray, values: NDArray[Any]) -> None:
        """Queues the copy of `values` (same shape and dtype) to the GPU."""
        np.copyto(array.host, values, casting="no")
        self._call("cuMemcpyHtoDAsync_v2", array.address, array.host.ctypes.data, array.host.nbytes, self._stream)

    def download(self, array: DeviceArray) -> None:
        """Queues the copy to `array.host`, which holds the values after `wait`."""
        self._call("cuMemcpyDtoHAsync_v2", array.host.ctypes.data, array.address, array.host.nbytes, self._stream)

    def wait(self) -> None:
        self._call("cuStreamSynchronize", self._stream)

    def close(self) -> None:
        """Frees everything. A second call does nothing."""
        if not self._context.value:
            return
        self.make_current()
        for address in self._addresses:
            self._call("cuMemFree_v2", address)
        self._addresses.clear()
        self._call("cuStreamDestroy_v2", self._stream)
        self._call("cuDevicePrimaryCtxRelease_v2", self._device)
        self._context = ctypes.c_void_p()
