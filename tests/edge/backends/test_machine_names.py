"""Names of processors and machines, from copies of the files that Linux shows."""

from pathlib import Path

import pytest

from edge.backends.isa import CLASSES, processor_class, read_flags
from edge.backends.machine import read_machine

X86 = """processor\t: 0
model name\t: Some Xeon
cpu family\t: 6
model\t\t: 143
stepping\t: 8
flags\t\t: sse2 avx2 avx512f avx512bw avx512_vnni amx_int8
"""
ORIN = "processor\t: 0\nFeatures\t: fp asimd aes asimdhp asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n"


def a_root(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("sse2 avx2 avx512f avx512bw avx512_vnni amx_int8", "x86-amx-int8"),
        ("sse2 avx2 avx512f avx512bw avx512_vnni", "x86-avx512-vnni"),
        ("sse2 avx2 avx_vnni", "x86-avx-vnni"),
        ("sse2 avx2 avx512f avx512bw", "x86-avx512"),
        ("sse2 avx2", "x86-avx2"),
        ("sse2", "x86"),
        ("asimd asimddp i8mm", "arm-i8mm"),
        ("asimd asimddp", "arm-dotprod"),
        ("asimd", "arm-neon"),
        ("", "other"),
    ],
)
def test_a_processor_is_of_the_best_class_that_its_flags_allow(flags: str, name: str) -> None:
    assert processor_class(frozenset(flags.split())) == name
    assert name == "other" or name in dict(CLASSES)


def test_an_x86_server_is_named_by_model_and_stepping(tmp_path: Path) -> None:
    machine = read_machine(a_root(tmp_path, {"proc/cpuinfo": X86, "etc/machine-id": "0123456789abcdef0123456789abcdef\n"}))
    assert machine.cpu == "Some Xeon (6/143/8)"
    assert machine.isa == "x86-amx-int8"
    assert machine.key() == f"Some Xeon (6/143/8) [x86-amx-int8, {machine.cores} cores]"
    assert machine.processor("openvino") == machine.key()


def test_a_jetson_is_named_by_board_and_release(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": ORIN,
        "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
        "etc/nv_tegra_release": "# R39 (release), REVISION: 2.0, GCID: 1, BOARD: generic\n",
    }
    machine = read_machine(a_root(tmp_path, files))
    assert machine.board == "NVIDIA Jetson Orin Nano Developer Kit"
    assert machine.l4t == "R39 (release), REVISION: 2.0, GCID: 1, BOARD: generic"
    assert machine.isa == "arm-dotprod"
    assert "Orin Nano" in machine.processor("tensorrt")
    assert "R39" in machine.processor("tensorrt")


def test_a_gpu_is_named_with_its_driver(tmp_path: Path) -> None:
    files = {
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H100\nIRQ: 1\n",
        "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.10  Thu\nGCC\n",
    }
    assert read_machine(a_root(tmp_path, files)).gpu == "NVIDIA H100 (580.10)"


def test_the_raw_machine_id_is_never_kept_and_two_machines_differ(tmp_path: Path) -> None:
    one = read_machine(a_root(tmp_path / "1", {"etc/machine-id": "0123456789abcdef0123456789abcdef\n"}))
    two = read_machine(a_root(tmp_path / "2", {"etc/machine-id": "1123456789abcdef0123456789abcdef\n"}))
    assert one.id != two.id
    assert "0123456789" not in one.id


def test_an_empty_tree_is_a_machine_without_names(tmp_path: Path) -> None:
    machine = read_machine(tmp_path)
    assert (machine.id, machine.cpu, machine.isa, machine.board, machine.gpu) == ("unknown", "unknown processor", "other", None, None)


def test_this_machine_has_flags() -> None:
    assert processor_class(read_flags()) != "other"
