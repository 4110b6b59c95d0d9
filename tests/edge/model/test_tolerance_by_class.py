"""Golden outputs are held tightly on the class of processor that was tested, and by the measured spread on any other."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from edge.backends.session import RawOutput
from edge.bundle.open import open_bundle
from edge.frame import U8
from edge.model.golden import compare_outputs, read_golden
from tests.builders import a_bundle

DRIFT = 0.05


@dataclass(frozen=True)
class OffBy:
    """A session of one class of processor whose every output is DRIFT above the golden one."""

    isa: str
    expected: tuple[float, ...]
    engine: str = "onnxruntime"
    engine_version: str = "1"
    form: str = "fp32"
    threads: int = 1

    def run(self, tensor: U8) -> RawOutput:
        return RawOutput(np.asarray(self.expected, np.float32) + DRIFT)

    def close(self) -> None:
        return


@pytest.mark.parametrize(("isa", "holds"), [("x86-avx512-vnni", False), ("x86-avx2", True)])
def test_the_tolerance_is_that_of_the_processor_class(tmp_path: Path, isa: str, holds: bool) -> None:
    built = a_bundle(tmp_path)
    bundle = open_bundle(built.path, built.trust)
    pair = replace(bundle.manifest.pairs[0], isa=("x86-avx512-vnni",), tolerance=DRIFT / 2, tolerance_elsewhere=DRIFT * 2)
    golden = read_golden(bundle)[:1]
    drifts = compare_outputs(OffBy(isa, pair.golden_outputs[0]), golden, pair)
    assert [drift.holds for drift in drifts] == [holds]
