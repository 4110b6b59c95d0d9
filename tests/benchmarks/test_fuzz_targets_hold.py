"""The targets of `benchmarks.fuzz` on their seeds and a few hundred mutations; the long runs are the benchmark's."""

import pytest

from benchmarks.fuzz_mutate import fuzz
from benchmarks.fuzz_targets import TARGETS, Target


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_hundred_inputs_find_nothing(name: str) -> None:
    done, kept = fuzz(TARGETS[name], 300, seed=7, seconds=30)
    assert done == 300
    assert kept >= len(TARGETS[name].seeds)


def test_a_planted_fault_is_found_and_its_input_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def faulty(data: bytes) -> None:
        if data[:1] == b"\xff":
            raise KeyError("planted")

    with pytest.raises(KeyError):
        fuzz(Target(faulty, (b"\x00\x01",), ("benchmarks.fuzz_targets",)), 5_000, seed=1, seconds=30)
    assert "input" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        fuzz(Target(seen.append, (b"abc", b"de"), ("benchmarks.fuzz_targets",)), 50, seed=seed, seconds=30)
        return seen

    assert inputs(3) == inputs(3) != inputs(4)
