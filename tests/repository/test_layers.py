"""The device stands alone: its every module loads where the workstation's libraries never were."""

import subprocess
import sys
from pathlib import Path

WITHOUT = """
import importlib, pkgutil, sys

class Absent:
    names = {"torch", "torchvision", "timm", "onnx", "onnxscript", "scipy", "sklearn", "matplotlib", "serial", "imgtool", "PIL",
             "export", "calibration", "firmware_bridge", "tests"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
import edge
for module in pkgutil.walk_packages(edge.__path__, "edge."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for name in edge.__all__:
    getattr(edge, name)
print(sum(name.startswith("edge") for name in sys.modules))
"""


def test_the_device_starts_where_torch_never_was(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 50


def test_no_module_does_work_when_it_is_imported(root: Path) -> None:
    """`import edge` loads no library at all: names are loaded when they are first used."""
    code = "import sys, edge; print(sorted(m for m in sys.modules if m.split('.')[0] in {'numpy', 'cv2', 'onnxruntime', 'openvino'}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
