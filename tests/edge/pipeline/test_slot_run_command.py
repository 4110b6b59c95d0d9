"""`sonoderm run --model slot:DIR` in a process of its own: trial, confirm, revert with its reason, swap, rescue."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.slotfiles import DiskFiles, load_record, writing
from edge.bundle.slotrun import is_alive, read_run
from edge.bundle.slots import Record, Slot
from firmware_bridge.device.slots import SlotStore
from tests.builders import BuiltBundle, a_bundle, a_key, an_onnx
from tests.fake_driver import World, install
from tests.run_log import first_line

AT = "2026-01-01T00:00:00Z"
KEY = a_key()


class Device:
    """A slots folder, the bundles made for it, and `run` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.slots = folder, folder / "slots"
        self.slots.mkdir()
        self.built: dict[int, BuiltBundle] = {}
        self.world = World(folder / "world")
        self.path = os.pathsep.join([install(folder / "driver"), os.environ.get("PYTHONPATH", "")])

    def make(self, counter: int, graph: bytes | None = None) -> BuiltBundle:
        forms = {"fp32": graph} if graph is not None else None
        folder = self.folder / f"made-{counter}"
        self.built[counter] = a_bundle(folder, key=KEY, security_counter=counter, version=f"1.0.{counter}", forms=forms)
        return self.built[counter]

    def store(self) -> SlotStore:
        return SlotStore(DiskFiles(self.slots), next(iter(self.built.values())).trust, lock=lambda: writing(self.slots))

    def flash(self, counter: int, graph: bytes | None = None) -> None:
        data = self.make(counter, graph).data
        store = self.store()
        at_b = store.begin(hashlib.sha256(data).hexdigest(), len(data))
        while at_b < len(data):
            at_b = store.chunk(at_b, data[at_b : at_b + 65_000])
        store.install(AT)
        store.test(AT)

    def record(self) -> Record:
        return load_record(DiskFiles(self.slots))

    @property
    def active(self) -> Slot:
        slot = self.record().slot(self.record().active)
        assert slot is not None
        return slot

    @contextmanager
    def runs(self, *extra: str, source: str | None = None, age_limit_ms: int = 2000) -> Iterator["Run"]:
        """age_limit_ms: by default the longest, for the machine that runs the tests may be busy."""
        log = self.folder / f"log-{time.monotonic_ns()}.jsonl"
        trust = str(next(iter(self.built.values())).trust_dir)
        words = ["run", source or self.world.uri, "--model", f"slot:{self.slots}", "--trust", trust, "--threads", "1"]
        words += ["--age-limit-ms", str(age_limit_ms)]
        process = subprocess.Popen(
            [sys.executable, "-m", "edge.cli.main", *words, "--sink", f"jsonl:{log}", *extra],
            env={**os.environ, "PYTHONPATH": self.path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield Run(process, log)
        finally:
            process.kill()
            process.communicate()


class Run:
    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log, self.said = process, log, ""

    def line(self, found: Callable[[dict[str, Any]], bool], timeout_s: float = 60.0) -> dict[str, Any]:
        line = first_line(self.log, found, timeout_s)
        assert line is not None, f"not within {timeout_s} s: {self.ends()}"
        return line

    def says(self, words: str) -> None:
        """Reads what the command says until these words."""
        assert self.process.stderr is not None
        for text in self.process.stderr:
            self.said += text
            if words in text:
                return
        raise AssertionError(f"it never said '{words}': {self.said}")

    def ends(self) -> str:
        self.process.terminate()
        return self.said + self.process.communicate(timeout=20)[1]


def speaks(version: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["version"] == version and line["state"] in ("UNSURE", "READY")


def a_graph(nodes: Sequence[onnx.NodeProto], constants: dict[str, np.ndarray[Any, Any]]) -> bytes:
    """P-colour with something added to its logits: `nodes` make `extra` from `pooled` (1, 3), the mean colour of 0..1."""
    model = onnx.load_from_string(an_onnx("p-colour"))
    graph = model.graph
    last = graph.node.pop()
    graph.node.extend([*nodes, helper.make_node(last.op_type, list(last.input), ["plain"])])
    graph.node.append(helper.make_node("Add", ["plain", "extra"], ["logits"]))
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def a_slow_graph(products: int = 24, side: int = 512) -> bytes:
    """The same answer after some gigaflops."""
    nodes = [
        helper.make_node("ReduceMean", ["pooled"], ["level"], axes=[0, 1], keepdims=1),
        helper.make_node("Expand", ["level", "square"], ["m0"]),
    ]
    nodes += [helper.make_node("MatMul", [f"m{i}", "even"], [f"m{i + 1}"]) for i in range(products)]
    nodes += [helper.make_node("ReduceMean", [f"m{products}"], ["mean"], keepdims=1), helper.make_node("Mul", ["mean", "none"], ["extra"])]
    even = np.full((side, side), 1 / side, np.float32)
    return a_graph(nodes, {"even": even, "square": np.array([side, side], np.int64), "none": np.zeros((1, 1), np.float32)})


def a_greedy_graph(mib: int = 160) -> bytes:
    """The same answer, by way of a very large tensor."""
    nodes = [
        helper.make_node("ReduceMean", ["pooled"], ["level"], axes=[0, 1], keepdims=1),
        helper.make_node("Expand", ["level", "much"], ["large"]),
        helper.make_node("ReduceMean", ["large"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "none"], ["extra"]),
    ]
    return a_graph(nodes, {"much": np.array([mib, 2**18], np.int64), "none": np.zeros((1, 1), np.float32)})


def a_graph_that_fails_on_blue() -> bytes:
    """Looks up a row that only pictures without much blue have; no golden frame has it."""
    nodes = [
        helper.make_node("Gather", ["pooled", "third"], ["blue"], axis=1),
        helper.make_node("Div", ["blue", "much"], ["share"]),
        helper.make_node("Cast", ["share"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["rows", "row"], ["found"], axis=0),
        helper.make_node("ReduceMean", ["found"], ["extra"], keepdims=0),
    ]
    return a_graph(
        nodes, {"third": np.array([2], np.int64), "much": np.full((1, 1), 0.7, np.float32), "rows": np.zeros((1, 1), np.float32)}
    )


def a_growing_graph(mib: int = 128) -> bytes:
    """The same answer, by way of a tensor that is very large where a picture has much blue; no golden frame has it."""
    nodes = [
        helper.make_node("Gather", ["pooled", "third"], ["blue"], axis=1),
        helper.make_node("Div", ["blue", "much"], ["share"]),
        helper.make_node("Cast", ["share"], ["is_blue"], to=TensorProto.INT64),
        helper.make_node("Mul", ["is_blue", "large"], ["more"]),
        helper.make_node("Add", ["more", "one"], ["rows"]),
        helper.make_node("Reshape", ["rows", "flat"], ["rows_1d"]),
        helper.make_node("Concat", ["rows_1d", "columns"], ["shape"], axis=0),
        helper.make_node("Expand", ["blue", "shape"], ["tensor"]),
        helper.make_node("ReduceMean", ["tensor"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "none"], ["extra"]),
    ]
    whole = {"third": [2], "large": [[mib]], "one": [[1]], "flat": [1], "columns": [2**18]}
    constants: dict[str, np.ndarray[Any, Any]] = {name: np.array(value, np.int64) for name, value in whole.items()}
    return a_graph(nodes, constants | {"much": np.full((1, 1), 0.7, np.float32), "none": np.zeros((1, 1), np.float32)})


def blue_pictures(folder: Path, n: int = 20) -> Path:
    """As `dir:` each stands for a second."""
    folder.mkdir()
    for i in range(n):
        noise = np.random.default_rng(i).integers(-15, 16, (240, 320, 3)) + 15 * np.sin(np.arange(320) / 6)[None, :, None]
        cv2.imwrite(str(folder / f"{i:02}.png"), np.clip(np.array((215, 20, 20)) + noise, 0, 255).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Device:
    """Runs 7, confirmed by a whole trial."""
    made = Device(tmp_path_factory.mktemp("first"))
    made.make(7)
    made.store().init(made.built[7].manifest.name)
    made.flash(7)
    with made.runs() as run:
        run.line(speaks("1.0.7"))
        run.says("on trial: confirmed")
    assert (made.active.version, made.active.confirmed, made.record().pending) == ("1.0.7", True, None)
    assert made.active.memory_b is not None
    return made


@pytest.fixture
def device(first: Device, tmp_path: Path) -> Device:
    """As `first`."""
    made = Device(tmp_path)
    shutil.copytree(first.slots, made.slots, dirs_exist_ok=True)
    made.built.update(first.built)
    return made


def test_a_trial_that_a_person_stops_keeps_its_tries(device: Device) -> None:
    device.flash(8)
    with device.runs() as run:
        run.line(speaks("1.0.8"))
        state = read_run(device.slots)
        assert is_alive(state, time.monotonic_ns())
        assert state is not None
        assert state.version == "1.0.8"
        run.ends()
    assert (device.record().pending, device.record().tries_left) == ("test", 3)


def test_a_model_that_is_right_but_too_slow_is_reverted(device: Device) -> None:
    device.flash(8, a_slow_graph())
    with device.runs(age_limit_ms=100) as run:
        run.says("reverted: golden frames pass but too slow")
        run.line(lambda line: line["version"] == "1.0.7")
    assert (device.record().last_revert or "").startswith("golden frames pass but too slow")


def test_a_model_that_is_right_but_takes_too_much_memory_is_reverted(device: Device) -> None:
    device.flash(8, a_greedy_graph())
    with device.runs() as run:
        run.says("reverted: golden frames pass but memory grows")
        run.line(speaks("1.0.7"))
    with device.runs() as run:
        run.says("the last flash was reverted: golden frames pass but memory grows")


def test_a_model_whose_memory_grows_while_it_lives_is_reverted(device: Device) -> None:
    device.flash(8, a_growing_graph())
    with device.runs(source=f"dir:{blue_pictures(device.folder / 'blue', 60)}") as run:
        run.line(speaks("1.0.8"))
        run.says("reverted: golden frames pass but memory grows")
        run.says("version 1.0.7 waits")  # said once the record is saved
    record, history = device.record(), [line.what for line in device.store().history()]
    assert (device.active.version, record.pending, record.trying) == ("1.0.7", None, False)
    spare = record.slot(record.spare)
    assert spare is not None
    assert spare.memory_b is not None, "its check had passed: it grew afterwards"
    assert history[-2:] == ["trial starts, 2 tries left", f"reverted: {record.last_revert}"]
    assert (record.last_revert or "").startswith("golden frames pass but memory grows")


def test_a_model_that_is_right_but_fails_on_a_real_picture_is_reverted_in_the_same_run(device: Device) -> None:
    device.flash(8, a_graph_that_fails_on_blue())
    with device.runs(source=f"dir:{blue_pictures(device.folder / 'blue')}") as run:
        run.says("reverted: golden frames pass but run crashes: the model cannot run")
        run.line(speaks("1.0.7"))
    assert device.active.version == "1.0.7"


def test_a_run_that_is_killed_in_every_trial_goes_back_after_three(device: Device) -> None:
    device.flash(8)
    for _ in range(3):
        with device.runs() as run:
            run.line(speaks("1.0.8"))
            run.process.send_signal(signal.SIGKILL)
            run.process.wait()
    with device.runs() as run:
        run.line(speaks("1.0.7"))
    assert (device.record().last_revert or "").startswith("golden frames pass but run crashes")


def test_a_new_model_is_taken_when_the_probe_is_put_down_and_not_before(device: Device) -> None:
    with device.runs() as run:
        run.line(speaks("1.0.7"))
        device.flash(8)
        run.says("version 1.0.8 waits")
        state = read_run(device.slots)
        assert state is not None
        assert (state.version, state.waiting, state.in_examination) == ("1.0.7", True, True)
        device.world.set("gone")
        run.line(lambda line: line["state"] == "NO SIGNAL")
        run.says("1.0.8: on trial")
        device.world.set("ok")
        run.line(speaks("1.0.8"))
    versions = [json.loads(text)["version"] for text in run.log.read_text().splitlines()]
    assert versions.index("1.0.8") > len(versions) - 1 - versions[::-1].index("1.0.7"), "one after the other, never in turns"


def test_a_manual_trial_waits_for_the_tool_and_the_profile_in_use_is_told(device: Device) -> None:
    device.flash(8)
    profile = device.folder / "profile.json"
    profile.write_text(json.dumps({"schema": 1, "name": "clinic-1", "made_at": AT}))
    with device.runs("--confirm", "manual", "--profile", str(profile)) as run:
        run.line(speaks("1.0.8"))
        assert device.record().trying
        device.store().confirm(AT)
        run.says("on trial: confirmed")
        state = read_run(device.slots)
        assert state is not None
        assert state.profile == "clinic-1"
    assert device.active.version == "1.0.8"


def test_a_device_with_both_slots_bad_says_so_and_takes_the_next_flash(device: Device) -> None:
    for which in "ab":
        (device.slots / which).write_bytes(b"rotten")
    with device.runs() as run:
        fault = run.line(lambda line: line["state"] == "FAULT")
        assert fault["label"] is None
        device.flash(9)
        run.line(speaks("1.0.9"))


def test_after_a_rollback_a_corrupt_active_slot_leaves_the_other_running(device: Device) -> None:
    device.flash(8)
    with device.runs("--confirm", "manual") as run:
        run.line(speaks("1.0.8"))
        device.store().confirm(AT)
        run.says("on trial: confirmed")
    device.store().rollback(AT)
    (device.slots / device.record().active).write_bytes(b"rotten")
    with device.runs() as run:
        run.line(speaks("1.0.7"))
