"""What each step of quantization is worth: labels as FP32, and signal to noise of the logits, on the tenth kept for choices.

    python -m benchmarks.int8_steps breast-us [--data DIR] [--runs DIR]

It begins from `RUNS/NAME/float.onnx`, which `sonoderm export run` leaves; pictures are of that graph's size. No label is looked at, and
neither dev nor a report set is opened.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from msgspec import structs

from edge.errors import InputRefused, SonodermError
from edge.frame import F32, U8
from export.build import quantizer_pictures
from export.pictures import Places, in_domain
from export.quantize.bias import mean_errors
from export.quantize.fake import convolutions, rounded_weights
from export.quantize.mixed import Mixed, choose_float
from export.quantize.ptq import Measured, measure, write_form
from export.quantize.ranges import choose, sample, write
from export.quantize.sensitivity import run_logits, scan, sqnr_db
from export.recipe import RECIPES, Recipe, read_recipe
from export.work import SCHEMES, Work

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[[Path, U8], F32]


def run_as_ort_would(form: Path, pictures: U8) -> F32:
    """With every optimisation that ONNX Runtime makes by itself: WeightBiasQuantization rounds the weights that were left in float."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(form, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["logits"], {"input": picture[None]})[0] for picture in pictures])


def _silent(_: Mixed) -> None:
    pass


def steps(recipe: Recipe, graph: Path, places: Places, folder: Path) -> None:
    work = Work(recipe, folder, in_domain(recipe, places), print)
    pictures, asked = quantizer_pictures(work)
    wanted = run_logits(graph, asked)
    full = measure(graph, pictures, folder)
    layers = convolutions(onnx.load(full.graph))
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(full.graph).graph.initializer}
    nearest = {layer.name: rounded_weights(np.asarray(tensors[layer.weight], np.float32)) for layer in layers}
    widest, cache = choose(sample(full.graph, pictures), "minmax"), folder / "widest.json"
    write(widest, cache)
    first = tuple(layer.name for layer in layers[: recipe.quantize.float_first])
    print(f"{recipe.model.name}: {len(pictures)} train pictures measured, {len(asked)} frames asked, {len(layers)} convolutions")

    def show(what: str, measured: Measured, in_float: Collection[str] = (), run: Run = run_logits) -> None:
        row = []
        for scheme in SCHEMES.values():
            write_form(measured, scheme, folder / "form.onnx", in_float)
            found = run(folder / "form.onnx", asked)
            row.append(f"{scheme} {np.mean(found.argmax(1) == wanted.argmax(1)):7.2%} {sqnr_db(wanted, found):5.1f} dB")
        print(f"{what:64} {'   '.join(row)}", flush=True)

    show("nearest weights, ranges from the extremes", Measured(full.graph, cache, widest, nearest, {}))
    plain = replace(full, weights=nearest, errors={})
    show("ranges of least squared error", plain)
    show("bias corrected", replace(plain, errors=mean_errors(full.graph, pictures[::4], nearest)))
    show("weights rounded by their inputs (GPTQ), bias corrected", full)
    show(f"first {len(first)} convolutions in float", full, first)
    how = recipe.quantize
    effects = scan(full, asked[:: max(1, len(asked) // 100)])
    mixed = choose_float(full, effects, [*SCHEMES.values()], asked, folder, first=how.float_first, most=how.float_most, said=_silent)
    show(f"searched: {len(mixed.in_float)} in float, {mixed.share:.0%} of the MACs", full, mixed.in_float)
    show("the same, with ONNX Runtime's own WeightBiasQuantization", full, mixed.in_float, run_as_ort_would)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="derm7, breast-us or phantom")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data sets")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="where the graph and the cache of pictures lie")
    args = parser.parse_args()
    try:
        recipe, _ = read_recipe(RECIPES / f"{args.recipe}.toml")
        graph = args.runs / recipe.model.name / "float.onnx"
        if not graph.is_file():
            raise InputRefused(f"{graph} is not there", do=f"sonoderm export run {args.recipe} leaves it")
        with tempfile.TemporaryDirectory() as folder:
            steps(_of_size(recipe, graph), graph, Places(args.data, args.runs), Path(folder))
    except SonodermError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    return 0


def _of_size(recipe: Recipe, graph: Path) -> Recipe:
    """The recipe with the size of the graph, which may be that of an earlier version."""
    _, height, width, _ = (d.dim_value for d in onnx.load(graph).graph.input[0].type.tensor_type.shape.dim)
    return structs.replace(recipe, input=structs.replace(recipe.input, width_px=width, height_px=height))


if __name__ == "__main__":
    sys.exit(main())
