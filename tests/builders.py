"""What tests build on: real tiny models, manifests and signed bundles, each with sane defaults and one keyword per thing to change.

P-colour says which of red, green and blue a picture is; P-corner says which quarter of it is bright. Both are real ONNX files whose
right answer a person can see. `a_bundle` signs with a throw-away key and makes the trust folder that believes it:

    built = a_bundle(tmp_path)                           # P-colour, one form (fp32), proven on onnxruntime
    bundle = open_bundle(built.path, built.trust)

Model files and golden outputs are computed once per process and kept (the functions with `cache`): a bundle costs about a millisecond.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import cv2
import msgspec
import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.manifest import Decision, Form, Golden, InputSpec, Label, Manifest, Member, Outputs, Pair, Provenance, Scope, parse
from edge.bundle.pack import build_payload
from edge.bundle.trust import Role, Trust, TrustedKey
from edge.frame import F32, U8
from edge.preprocess.fit import fit

ModelName = Literal["p-colour", "p-corner"]
Dtype = Literal["uint8", "float32", "float16"]
Layout = Literal["nhwc", "nchw"]

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)
SIDE_PX = 64
LABELS: dict[ModelName, tuple[Label, ...]] = {
    "p-colour": tuple(Label(code=c, name=c.capitalize()) for c in ("red", "green", "blue")),
    "p-corner": tuple(
        Label(code=c, name=n) for c, n in (("tl", "Top left"), ("tr", "Top right"), ("bl", "Bottom left"), ("br", "Bottom right"))
    ),
}
TOLERANCE = 1e-4


def a_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def a_picture(colour: tuple[int, int, int] = RED, *, width_px: int = SIDE_PX, height_px: int = SIDE_PX) -> U8:
    """(height_px, width_px, 3) uint8 RGB of one colour."""
    return np.full((height_px, width_px, 3), colour, np.uint8)


def a_corner_picture(code: str = "tl", *, width_px: int = SIDE_PX, height_px: int = SIDE_PX) -> U8:
    """Black, with one white quarter: tl, tr, bl or br."""
    picture = a_picture((0, 0, 0), width_px=width_px, height_px=height_px)
    rows = slice(0, height_px // 2) if code[0] == "t" else slice(height_px // 2, None)
    columns = slice(0, width_px // 2) if code[1] == "l" else slice(width_px // 2, None)
    picture[rows, columns] = 255
    return picture


@cache
def an_onnx(
    model: ModelName = "p-colour",
    *,
    dtype: Dtype = "float32",
    layout: Layout = "nchw",
    batch: int | str = 1,
    side_px: int | str = SIDE_PX,
    embedding: bool = False,
    gate: bool = False,
    ir_version: int = 8,
    opset: int = 13,
) -> bytes:
    """A probe model as ONNX. Takes 0..255 as uint8, else 0..1; computes in float32 (float16 throughout for float16).

    embedding: also the mean colour, L2-normalised, as `embedding` (1, 3). gate: also mean brightness x 20 - 4 as `gate` (1, 1),
    so that a dark picture is out of scope. batch and side_px may be names of open dimensions.
    """
    kind = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}[dtype]
    real = TensorProto.FLOAT16 if dtype == "float16" else TensorProto.FLOAT
    number = np.float16 if dtype == "float16" else np.float32
    nodes, at = [], "input"
    if dtype == "uint8":
        nodes += [helper.make_node("Cast", [at], ["cast"], to=real), helper.make_node("Div", ["cast", "full"], ["unit"])]
        at = "unit"
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [at], ["planes"], perm=[0, 3, 1, 2]))
        at = "planes"
    if model == "p-colour":
        nodes += [helper.make_node("ReduceMean", [at], ["pooled"], axes=[2, 3], keepdims=0)]
    else:
        nodes += [
            helper.make_node("ReduceMean", [at], ["luma"], axes=[1], keepdims=1),
            helper.make_node("AveragePool", ["luma"], ["quarters"], kernel_shape=[32, 32], strides=[32, 32]),
            helper.make_node("Flatten", ["quarters"], ["pooled"]),
        ]
    nodes.append(helper.make_node("Mul", ["pooled", "ten"], ["logits"]))
    outputs = [helper.make_tensor_value_info("logits", real, [batch, len(LABELS[model])])]
    if embedding:
        nodes.append(helper.make_node("ReduceMean", [at], ["colour"], axes=[2, 3], keepdims=0))
        nodes.append(helper.make_node("LpNormalization", ["colour"], ["embedding"], axis=1, p=2))
        outputs.append(helper.make_tensor_value_info("embedding", real, [batch, 3]))
    if gate:
        nodes.append(helper.make_node("ReduceMean", [at], ["level3"], axes=[1, 2, 3], keepdims=1))
        nodes.append(helper.make_node("Flatten", ["level3"], ["level"]))
        nodes += [helper.make_node("Mul", ["level", "twenty"], ["steep"]), helper.make_node("Sub", ["steep", "four"], ["gate"])]
        outputs.append(helper.make_tensor_value_info("gate", real, [batch, 1]))
    shape = [batch, 3, side_px, side_px] if layout == "nchw" else [batch, side_px, side_px, 3]
    constants = {"full": 255.0, "ten": 10.0, "twenty": 20.0, "four": 4.0}
    used = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(np.array(v, number), n) for n, v in constants.items() if n in used]
    graph = helper.make_graph(nodes, model, [helper.make_tensor_value_info("input", kind, shape)], outputs, weights)
    proto = helper.make_model(graph, ir_version=ir_version, opset_imports=[helper.make_opsetid("", opset)], producer_name="sonoderm tests")
    if ir_version == 8 and opset == 13:
        onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


def a_spec(**changes: Any) -> InputSpec:
    """64 x 64, squash, no field detector, float32 nchw of 0..1."""
    spec = InputSpec(width_px=SIDE_PX, height_px=SIDE_PX, fit="squash", field="none", dtype="float32", layout="nchw")
    return msgspec.structs.replace(spec, **changes)


@cache
def golden_frames(model: ModelName = "p-colour") -> tuple[tuple[str, U8], ...]:
    """(note, frame) of two rendered frames, 120 x 160 RGB: a clear answer, and a texture (seeded)."""
    texture = np.random.default_rng(7).integers(0, 256, (15, 20, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    clear = a_picture(RED, width_px=160, height_px=120) if model == "p-colour" else a_corner_picture("tr", width_px=160, height_px=120)
    return (("one clear answer", clear), ("seeded blocks, seed 7", np.ascontiguousarray(texture)))


def as_png(pixels: U8) -> bytes:
    """RGB uint8 -> PNG."""
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


def as_model_input(tensor: U8, spec: InputSpec) -> NDArray[Any]:
    """(h, w, 3) uint8 -> what the graph takes by the words of InputSpec, repeated to its batch."""
    batch = tensor[np.newaxis]
    if spec.dtype == "uint8":
        planes: NDArray[Any] = batch
    else:
        scaled = (batch.astype(np.float32) / 255 - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
        planes = scaled.astype(np.dtype(spec.dtype))
    if spec.layout == "nchw":
        planes = planes.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(np.repeat(planes, spec.batch, axis=0))


def golden_outputs(onnx_bytes: bytes, spec: InputSpec, model: ModelName) -> tuple[tuple[float, ...], ...]:
    """What ONNX Runtime says of the golden frames, as the manifest keeps it."""
    return _golden_outputs(onnx_bytes, msgspec.json.encode(spec), model)


@cache
def _golden_outputs(onnx_bytes: bytes, spec_json: bytes, model: ModelName) -> tuple[tuple[float, ...], ...]:
    import onnxruntime

    spec = msgspec.json.decode(spec_json, type=InputSpec)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])
    rows: list[tuple[float, ...]] = []
    for _, frame in golden_frames(model):
        out: F32 = np.asarray(session.run(["logits"], {spec.name: as_model_input(fit(frame, spec), spec)})[0], np.float32)
        rows.append(tuple(float(v) for v in out[0]))
    return tuple(rows)


def a_decision(model: ModelName = "p-colour", **changes: Any) -> Decision:
    """Temperature 1, no bias, a class is in the set from 0.25 on, no scope check."""
    k = len(LABELS[model])
    return msgspec.structs.replace(Decision(bias=(0.0,) * k, set_at=(0.25,) * k), **changes)


@dataclass(frozen=True)
class Content:
    """A manifest that still lists no members, and the members in their order."""

    manifest: Manifest
    members: dict[str, bytes]


def a_content(
    *,
    model: ModelName = "p-colour",
    spec: InputSpec | None = None,
    forms: Mapping[str, bytes] | None = None,
    engines: tuple[str, ...] = ("onnxruntime",),
    unrun: tuple[str, ...] = (),
    pairs: tuple[Pair, ...] = (),
    decision: Decision | None = None,
    outputs: Outputs | None = None,
    scope: Scope | None = None,
    bank: bytes | None = None,
    tolerance: float = TOLERANCE,
    members: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Content:
    """The parts of a bundle before packing; the keywords are those of `a_bundle`."""
    spec = spec or a_spec()
    outputs = outputs or Outputs()
    if forms is None:
        batch = spec.batch
        wants = {"embedding": outputs.embedding is not None, "gate": outputs.gate is not None}
        forms = {"fp32": an_onnx(model, dtype=spec.dtype, layout=spec.layout, batch=batch, **wants)}
    decision = decision or a_decision(model)
    proven = {form: golden_outputs(data, spec, model) for form, data in forms.items() if any(engine not in unrun for engine in engines)}
    made = [
        Pair(form=form, engine=engine, gate="unrun", decision=decision)  # type: ignore[arg-type]
        if engine in unrun
        else Pair(form=form, engine=engine, gate="passed", decision=decision, golden_outputs=proven[form], tolerance=tolerance)  # type: ignore[arg-type]
        for form in forms
        for engine in engines
    ]
    golden = tuple(
        Golden(frame=f"golden/{i}.png", tensor=f"golden/{i}.tensor.png", note=n) for i, (n, _) in enumerate(golden_frames(model))
    )
    content = {f"forms/{form}.onnx": data for form, data in forms.items()}
    for i, (_, frame) in enumerate(golden_frames(model)):
        content |= {f"golden/{i}.png": as_png(frame), f"golden/{i}.tensor.png": as_png(fit(frame, spec))}
    content["card.md"] = f"# {model}\n\nA probe for tests: its right answer can be seen.\n".encode()
    if bank is not None:
        content["scope/bank.i8"] = bank
        scope = msgspec.structs.replace(scope or Scope(), bank="scope/bank.i8")
    manifest = Manifest(
        name=model,
        version="1.0.0",
        modality="other",
        labels=LABELS[model],
        input=spec,
        outputs=outputs,
        forms=tuple(Form(id=form, scheme="float32", member=f"forms/{form}.onnx", opset=13) for form in forms),
        pairs=(*made, *pairs),
        scope=scope,
        golden=golden,
        licence="Apache-2.0",
        intended_use="Tests of sonoderm. Never for a patient.",
        provenance=Provenance(recipe="tests/builders.py", made_at="2026-01-01T00:00:00Z"),
        card="card.md",
        members=(),
    )
    return Content(msgspec.structs.replace(manifest, **changes), content | dict(members or {}))


def a_manifest(**changes: Any) -> Manifest:
    """The manifest of a P-colour bundle, members listed, as a reader gets it. Takes what `a_content` takes."""
    content = a_content(**changes)
    listed = [Member(name=n, sha256=hashlib.sha256(d).hexdigest(), size_b=len(d)) for n, d in content.members.items()]
    return parse(msgspec.json.encode(msgspec.structs.replace(content.manifest, members=tuple(listed))))


@dataclass(frozen=True)
class BuiltBundle:
    """A signed bundle on disk, the key that signed it, and the folder (and the value) that trusts that key."""

    path: Path
    trust_dir: Path
    trust: Trust
    manifest: Manifest
    key: Ed25519PrivateKey

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()


def a_bundle(
    folder: Path,
    *,
    key: Ed25519PrivateKey | None = None,
    security_counter: int = 1,
    vendor_id: UUID | None = None,
    class_id: UUID | None = None,
    **content: Any,
) -> BuiltBundle:
    """folder/NAME-VERSION.bundle, signed, and folder/trust which believes it. Real ONNX, real golden outputs, seeded.

    content, as in `a_content`: model ("p-colour", "p-corner"), spec (InputSpec), forms ({id: onnx}), engines (proven pairs for each
    form), unrun (engines whose gate is unrun), pairs (extra ones), decision, outputs (asks for embedding and gate), scope, bank
    (bytes), tolerance, members (extra ones), and any field of the manifest (name=, version=, modality=, aggregation=, …).
    """
    key = key or a_key()
    made = a_content(**content)
    payload = build_payload(made.manifest, made.members)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made.manifest.name}-{made.manifest.version}.bundle"
    version = made.manifest.version
    image = sign_image(payload, key, version=version, security_counter=security_counter, vendor_id=vendor_id, class_id=class_id)
    path.write_bytes(image)
    trust_dir = a_trust_folder(folder / "trust", key)
    listed = a_manifest(**content)
    return BuiltBundle(path, trust_dir, a_trust(key), listed, key)


def key_hash(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def a_trust(*keys: Ed25519PrivateKey, role: Role = Role.BUNDLE, revoked: tuple[str, ...] = (), pinned: tuple[str, ...] = ()) -> Trust:
    """The value that believes these keys."""
    known = tuple(TrustedKey(key_hash(key), role, Path("test.pub"), key.public_key().public_bytes_raw()) for key in keys)
    return Trust(known, frozenset(revoked), frozenset(pinned))


def a_trust_folder(folder: Path, *keys: Ed25519PrivateKey, role: Role = Role.BUNDLE) -> Path:
    """A folder with one NAME.ROLE.pub per key."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for key in keys:
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{key_hash(key)[:8]}.{role}.pub").write_bytes(pem)
    return folder


def sign_image(
    payload: bytes,
    key: Ed25519PrivateKey,
    *,
    version: str = "1.0.0",
    security_counter: int = 1,
    vendor_id: UUID | None = None,
    class_id: UUID | None = None,
    header_b: int = 32,
) -> bytes:
    """A second signer, from docs/bundle.md alone; tests/export/bundle proves it byte-equal to imgtool."""
    protected = struct.pack("<BBHI", 0x50, 0, 4, security_counter)
    protected += b"".join(struct.pack("<BBH", t, 0, 16) + i.bytes for t, i in ((0x74, vendor_id), (0x75, class_id)) if i)
    protected = struct.pack("<HH", 0x6908, len(protected) + 4) + protected
    major, minor, revision = (int(n) for n in version.split("."))
    header = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, header_b, len(protected), len(payload), 0, major, minor, revision, 0, 0)
    signed = header.ljust(header_b, b"\0") + payload + protected
    digest = hashlib.sha256(signed).digest()
    values = ((0x10, digest), (0x01, bytes.fromhex(key_hash(key))), (0x24, key.sign(digest)))
    trailing = b"".join(struct.pack("<BBH", t, 0, len(v)) + v for t, v in values)
    return signed + struct.pack("<HH", 0x6907, len(trailing) + 4) + trailing
