"""Quantiles, never a mean; and two results compared with a verdict only beyond the noise and under equal conditions."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bench.compare import compare
from edge.bench.quantiles import BLOCKS, stage_of
from edge.bench.result import BenchResult, Conditions, Run, parse_result
from edge.errors import InputRefused

CONDITIONS = Conditions(
    cpu="a cpu",
    isa="x86-avx2",
    cores=2,
    board=None,
    l4t=None,
    gpu=None,
    kernel="6",
    python="3.12",
    governors=("performance",),
    cpu_mhz=(),
    cpu_max_mhz=(),
    gpu_mhz=None,
    power_mode=None,
    load_1m=0.0,
    celsius_before=(),
    celsius_after=(),
    throttled=None,
    warnings=(),
)


def a_result(p50_ms: float = 5.0, spread: float = 0.005, seed: int = 1, **changes: object) -> BenchResult:
    times = np.random.default_rng(seed).lognormal(np.log(p50_ms * 1e6), spread, 400)
    stages = (stage_of("infer", [int(t) for t in times]),)
    run = Run(mode="paced", fps=30.0, frames=400, seconds=13.0, late=0, stages=stages, cpu_share=0.2, others_share=0.0)
    result = BenchResult(
        at="2026-01-01T00:00:00+00:00",
        sonoderm="0.1.0",
        model="derm7",
        version="1.0.0",
        digest="d" * 64,
        engine="openvino",
        engine_version="2026.4.1",
        form="u8s8",
        threads=1,
        picture="640x480",
        conditions=CONDITIONS,
        runs=(run,),
    )
    return msgspec.structs.replace(result, **changes)


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=300))
def test_quantiles_are_ordered_and_every_frame_is_in_the_histogram(times_ns: list[int]) -> None:
    stage = stage_of("all", times_ns)
    order = [stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.p999_ms, stage.max_ms]
    assert order == sorted(order)
    assert stage.max_ms == pytest.approx(max(times_ns) / 1e6, abs=1e-4)
    assert sum(n for _, n in stage.histogram) == len(times_ns)
    assert 1 <= len(stage.blocks_p50_ms) <= BLOCKS


def test_each_bin_holds_what_lies_below_its_edge() -> None:
    assert stage_of("all", [1_000_000, 1_000_001, 8_000_000]).histogram == ((1.0, 1), (1.1892, 1), (8.0, 1))


@pytest.mark.parametrize(("now_ms", "verdict"), [(5.0, "no difference"), (5.1, "no difference"), (6.0, "slower"), (4.0, "faster")])
def test_a_verdict_needs_more_than_the_noise(now_ms: float, verdict: str) -> None:
    (change,) = compare(a_result(), a_result(now_ms, seed=2)).changes
    assert change.verdict == verdict
    assert change.ratio == pytest.approx(now_ms / 5.0, rel=0.01)


def test_a_noisy_run_gives_no_verdict_where_a_calm_one_does() -> None:
    calm, noisy = compare(a_result(), a_result(6.0)), compare(a_result(spread=1.5), a_result(6.0, spread=1.5, seed=2))
    assert calm.is_slower
    assert not noisy.is_slower
    assert noisy.changes[0].noise > calm.changes[0].noise


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"engine": "onnxruntime"}, "engine"),
        ({"form": "trt-in"}, "form"),
        ({"threads": 2}, "threads"),
        ({"picture": "1280x720"}, "picture"),
        ({"conditions": msgspec.structs.replace(CONDITIONS, cpu="another")}, "cpu"),
        ({"conditions": msgspec.structs.replace(CONDITIONS, power_mode="15W")}, "power_mode"),
    ],
)
def test_under_other_conditions_there_is_a_ratio_and_no_verdict(changes: dict[str, object], word: str) -> None:
    found = compare(a_result(), a_result(9.0, **changes))
    assert found.changes[0].verdict is None
    assert found.changes[0].ratio > 1.5
    assert not found.is_slower
    assert any(word in text for text in found.differences)


def test_a_result_is_read_as_it_was_written() -> None:
    result = a_result()
    assert parse_result(msgspec.json.encode(result), "x.json") == result


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff\xfe", msgspec.json.encode({"v": 1, "model": 3})])
def test_what_is_no_result_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputRefused, match=r"old\.json"):
        parse_result(data, "old.json")


def test_a_result_of_another_version_is_refused() -> None:
    with pytest.raises(InputRefused, match="version 2"):
        parse_result(msgspec.json.encode(a_result(v=2)), "old.json")
