"""What the teacher costs beside the student: MACs and latency in one run, one thread, interleaved rounds.

    taskset -c 0 python -m benchmarks.teacher_cost breast-us --model breast-us [--rounds 60] [--json FILE]

The teacher is the recipe's ensemble with one flip (every member looks twice), FP32 on ONNX Runtime; the student is FP32 on ONNX
Runtime and INT8 on every engine that the bundle has a form for here. Weights do not change a latency: the teacher's graphs are
drawn at random where no member is trained. Ratios are of medians, with the 5th and 95th percentile of the paired ratios.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from edge.backends.session import Place
from edge.backends.table import available, open_session
from edge.bundle.manifest import InputSpec
from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from edge.errors import SonodermError, UsageError
from edge.frame import U8
from export.distil.members import member_recipe
from export.distil.network import Student
from export.recipe import RECIPES, Member, Recipe, read_recipe


def macs_of(student: Student, spec: InputSpec) -> int:
    """Multiply-accumulates of convolutions and linear layers for one picture."""
    counted = 0

    def count(module: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal counted
        if isinstance(module, nn.Conv2d):
            counted += out[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            counted += module.in_features * module.out_features

    hooks = [module.register_forward_hook(count) for module in student.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    with torch.inference_mode():
        student.eval()(torch.zeros((1, spec.height_px, spec.width_px, 3), dtype=torch.uint8))
    for hook in hooks:
        hook.remove()
    return counted


def _float_runner(student: Student, spec: InputSpec, folder: Path) -> Callable[[U8], object]:
    file = folder / f"{student.body.default_cfg['architecture']}-{spec.width_px}x{spec.height_px}.onnx"
    example = torch.zeros((1, spec.height_px, spec.width_px, 3), dtype=torch.uint8)
    torch.onnx.export(student.eval(), (example,), file, dynamo=True, external_data=False, verbose=False, opset_version=18)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x[None]})


@dataclass(frozen=True, slots=True)
class Cost:
    what: str
    mega_macs: float
    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Ratio:
    what: str
    ratio: float
    low: float
    high: float


def _silent(_: str) -> None:
    pass


def _rounds(runners: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    for run in runners.values():
        for _ in range(5):
            run()
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            started = time.perf_counter_ns()
            run()
            taken[name].append((time.perf_counter_ns() - started) / 1e6)
    return {name: np.array(times) for name, times in taken.items()}


def _ratio(what: str, above: np.ndarray, below: np.ndarray) -> Ratio:
    paired = above / below
    return Ratio(what, float(np.median(above) / np.median(below)), float(np.quantile(paired, 0.05)), float(np.quantile(paired, 0.95)))


def measure(recipe: Recipe, model: str, rounds: int) -> tuple[list[Cost], list[Ratio]]:
    if recipe.teacher is None:
        raise UsageError(f"{recipe.model.name}: the recipe names no teacher", do="name derm7 or breast-us")
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    bundle = resolve_model(model, load_trust(None))
    spec, k = recipe.input, len(recipe.labels)
    runners: dict[str, Callable[[], object]] = {}
    macs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        members = []
        for member in recipe.teacher.members:
            if not isinstance(member, Member):
                raise UsageError("what a checkpoint of another's costs is not measured here", do="name derm7 or breast-us")
            own = member_recipe(recipe, member)
            network = Student(member.backbone, k, grey=own.train.grey)
            run = _float_runner(network, own.input, Path(folder))
            picture = rng.integers(0, 256, (own.input.height_px, own.input.width_px, 3), dtype=np.uint8)
            members.append((run, picture, macs_of(network, own.input)))

        def ensemble(times: int) -> Callable[[], object]:
            return lambda: [run(picture) for run, picture, _ in members for _ in range(times)]

        for times, name in ((2, "teacher with its flip, FP32, onnxruntime"), (1, "teacher without, FP32, onnxruntime")):
            runners[name], macs[name] = ensemble(times), times * sum(m for *_, m in members) / 1e6
        student = Student(recipe.train.backbone, k, grey=recipe.train.grey)
        picture = rng.integers(0, 256, (spec.height_px, spec.width_px, 3), dtype=np.uint8)
        float_student = _float_runner(student, spec, Path(folder))
        runners["student, FP32, onnxruntime"] = lambda: float_student(picture)
        own_macs = macs_of(student, spec) / 1e6
        here = {found.engine.name for found in available() if found.is_here}
        pairs = [pair for pair in bundle.manifest.pairs if pair.gate == "passed" and pair.engine in here]
        for pair in pairs:
            session = open_session(bundle, pair.form, pair.engine, 1, Place(None, _silent))
            runners[f"student, {pair.form}, {pair.engine}"] = lambda session=session: session.run(picture)  # type: ignore[misc]
        macs |= {name: own_macs for name in runners if name.startswith("student")}
        taken = _rounds(runners, rounds)
    costs = [Cost(name, macs[name], float(np.median(t)), float(np.quantile(t, 0.99))) for name, t in taken.items()]
    int8 = [name for name in taken if name.startswith("student, ") and "FP32" not in name]
    best = min(int8, key=lambda name: float(np.median(taken[name])))
    with_flip, without, float_name = (taken[name] for name in list(taken)[:3])
    ratios = [
        _ratio(f"teacher with its flip / {best}", with_flip, taken[best]),
        _ratio(f"teacher without / {best}", without, taken[best]),
        *(_ratio(f"student FP32 onnxruntime / {name}", float_name, taken[name]) for name in int8),
    ]
    return costs, ratios


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="derm7 or breast-us")
    parser.add_argument("--model", required=True, help="the student's bundle")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    try:
        costs, ratios = measure(read_recipe(RECIPES / f"{args.recipe}.toml")[0], args.model, args.rounds)
    except SonodermError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    for cost in costs:
        print(f"{cost.what:45} {cost.mega_macs:7.0f} MMAC   median {cost.median_ms:7.2f} ms   p99 {cost.p99_ms:7.2f} ms")
    for ratio in ratios:
        print(f"{ratio.what:60} {ratio.ratio:5.1f} x [{ratio.low:.1f}, {ratio.high:.1f}]")
    if args.json:
        args.json.write_text(json.dumps({"costs": [asdict(c) for c in costs], "ratios": [asdict(r) for r in ratios]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
