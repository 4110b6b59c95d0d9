"""`export bundle --pictures`: INT8 held against FP32, a scope check made of the pictures; or one line, and no bundle."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.open import open_bundle
from edge.bundle.trust import load_trust
from edge.cli.main import main
from edge.frame import U8
from export.bundle.keys import keygen

SIDE_PX = 32
COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 210)}


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def a_picture_of(colour: str, rng: np.random.Generator) -> U8:
    """A disc of the colour on grey, with noise."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    cv2.circle(picture, tuple(map(int, rng.integers(12, 20, 2))), int(rng.integers(7, 11)), COLOURS[colour], -1)
    return np.asarray(np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255), np.uint8)


def a_conv_net(damage: float = 0.0, opset: int = 17) -> onnx.ModelProto:
    """Colour against grey: conv 3x3, relu, conv 1x1, mean, Gemm. damage: in weights that 8 bits cannot hold."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, 0.02, (12, 3, 3, 3)).astype(np.float32)
    for i in range(12):
        first[i, i % 3] += 0.1
        first[i, (i + 1) % 3] -= 0.05
        first[i, (i + 2) % 3] -= 0.05
    second = np.eye(12, dtype=np.float32)[:, :, None, None] + rng.normal(0, 0.01, (12, 12, 1, 1)).astype(np.float32)
    if damage:
        second[:, 0] += damage
        second[:, 3] -= damage
    head = np.array([[6.0 if i % 3 == c else -3.0 for i in range(12)] for c in range(3)], np.float32)
    stored = {"w1": first, "w2": second, "head": head, "b": np.zeros(3, np.float32)}
    nodes = [
        helper.make_node("Conv", ["input", "w1"], ["c1"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="second"),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "head", "b"], ["scores"], name="gemm", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    """Folder with key.pem, trust/ and 150 pictures in shown/."""
    pair = keygen(tmp_path / "key.pem")
    (tmp_path / "trust").mkdir(mode=0o755)
    (tmp_path / "trust" / "key.pub").write_bytes(pair.public.read_bytes())
    rng = np.random.default_rng(1)
    for i in range(150):
        colour = list(COLOURS)[i % 3]
        folder = tmp_path / "shown" / colour
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), a_picture_of(colour, rng)[..., ::-1])
    return tmp_path


def bundle(owner: Path, model: onnx.ModelProto) -> int:
    onnx.save(model, owner / "m.onnx")
    words = ("--onnx", owner / "m.onnx", "--labels", "red,green,blue", "--key", owner / "key.pem", "--out", owner / "m.bundle")
    return run("export", "bundle", *words, "--pictures", owner / "shown", "--fit", "squash")


def test_it_is_quantized_proven_and_knows_what_it_was_not_made_for(owner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(owner, a_conv_net()) == 0, capsys.readouterr().err
    manifest = open_bundle(owner / "m.bundle", load_trust(owner / "trust")).manifest
    gates = {(pair.form, pair.engine): pair.gate for pair in manifest.pairs}
    assert gates["u8s8", "onnxruntime"] == "passed"
    assert gates["trt-in", "tensorrt"] == "unrun"
    assert manifest.scope is not None
    capsys.readouterr()
    noise = np.random.default_rng(3).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    cv2.imwrite(str(owner / "noise.png"), noise)
    cv2.imwrite(str(owner / "blue.png"), a_picture_of("blue", np.random.default_rng(9))[..., ::-1])
    found = {}
    for name in ("noise", "blue"):
        words = ("--model", owner / "m.bundle", "--trust", owner / "trust", "--engine", "onnxruntime", "--json")
        assert run("classify", owner / f"{name}.png", *words) == 0
        found[name] = json.loads(capsys.readouterr().out.splitlines()[0])
    assert found["noise"]["state"] == "OUT OF SCOPE"
    assert max(found["blue"]["probabilities"], key=found["blue"]["probabilities"].get) == "blue"
    assert found["blue"]["state"] != "OUT OF SCOPE"


@pytest.mark.parametrize(
    ("change", "said"),
    [("few", "each half needs 60"), ("stray", "these are not: other"), ("gone", "is no folder"), ("old", "INT8 needs 13")],
)
def test_what_cannot_prove_anything_is_one_line_and_no_bundle(
    change: str, said: str, owner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = owner / "shown"
    if change == "few":
        for file in sorted(shown.rglob("*.png"))[:100]:
            file.unlink()
    elif change == "stray":
        (shown / "other").mkdir()
        cv2.imwrite(str(shown / "other" / "x.png"), np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
    elif change == "gone":
        shown.rename(owner / "elsewhere")
    assert bundle(owner, a_conv_net(opset=11 if change == "old" else 17)) != 0
    err = capsys.readouterr().err.strip()
    assert said in err
    assert not (owner / "m.bundle").exists()
