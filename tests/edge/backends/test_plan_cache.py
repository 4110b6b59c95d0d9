"""A cached plan is used only when it is whole and was built for this very model, GPU, driver and TensorRT (cases O16, C20)."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backends import plan_cache
from edge.backends.plan_cache import PlanFault, PlanKey, pack, unpack

KEY = PlanKey("a" * 64, "trt-in", "Orin", "8.7", "13.2", "10.16.1.11", "R39 (release), REVISION: 2.0")
PLAN = bytes(range(256)) * 8


@dataclass(frozen=True)
class Change:
    field: str
    value: str


CHANGES = [
    Change("bundle", "b" * 64),
    Change("form", "fp16"),
    Change("gpu", "Thor"),
    Change("sm", "11.0"),
    Change("driver", "13.3"),
    Change("tensorrt", "10.17.0.1"),
    Change("l4t", "R40"),
]


def another(change: Change) -> PlanKey:
    return msgspec.structs.replace(KEY, **{change.field: change.value})


@given(st.binary(max_size=2000))
def test_what_was_written_is_read_again(plan: bytes) -> None:
    assert unpack(pack(KEY, plan), KEY) == plan


@given(st.binary(max_size=300))
def test_noise_is_never_taken_for_a_plan(data: bytes) -> None:
    assert unpack(data, KEY) is PlanFault.BROKEN
    assert unpack(plan_cache.MAGIC + data, KEY) is PlanFault.BROKEN


def test_half_a_plan_is_never_used() -> None:
    whole = pack(KEY, PLAN)
    assert {unpack(whole[:cut], KEY) for cut in range(len(whole))} == {PlanFault.BROKEN}


def test_a_plan_with_one_changed_byte_is_never_used() -> None:
    whole = pack(KEY, PLAN)
    for at in range(0, len(whole), 3):
        damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert isinstance(unpack(damaged, KEY), PlanFault)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.field)
def test_a_plan_of_anything_else_is_stale(change: Change) -> None:
    assert unpack(pack(another(change), PLAN), KEY) is PlanFault.STALE


def test_every_part_of_the_key_gives_another_file() -> None:
    names = {plan_cache.file_name(another(change)) for change in CHANGES} | {plan_cache.file_name(KEY)}
    assert len(names) == len(CHANGES) + 1


def test_a_plan_is_kept_privately_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    assert plan_cache.read(folder, KEY) is PlanFault.ABSENT
    assert plan_cache.write(folder, KEY, PLAN) is None
    assert plan_cache.read(folder, KEY) == PLAN
    path = folder / plan_cache.file_name(KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, PLAN, pack(KEY, PLAN)[:-1]], ids=["empty", "zeros", "bare plan", "cut"])
def test_what_lies_under_the_expected_name_is_rebuilt_when_it_is_broken(tmp_path: Path, content: bytes) -> None:
    assert plan_cache.write(tmp_path, KEY, PLAN) is None
    path = tmp_path / plan_cache.file_name(KEY)
    path.write_bytes(content)
    path.chmod(0o600)
    assert plan_cache.read(tmp_path, KEY) is PlanFault.BROKEN
    assert plan_cache.write(tmp_path, KEY, PLAN) is None
    assert plan_cache.read(tmp_path, KEY) == PLAN


def test_a_plan_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    assert plan_cache.write(tmp_path, KEY, PLAN) is None
    (tmp_path / plan_cache.file_name(KEY)).chmod(0o666)
    assert plan_cache.read(tmp_path, KEY) is PlanFault.NOT_OURS


def test_a_folder_that_cannot_be_written_to_is_only_a_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"in the way")  # a folder of mode 0500 would not stop a test that runs as root
    warning = plan_cache.write(blocked / "plans", KEY, PLAN)
    assert warning is not None
    assert "builds it again" in warning
    assert plan_cache.read(blocked / "plans", KEY) is PlanFault.ABSENT
