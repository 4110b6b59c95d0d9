"""Which engine and form runs: what was asked for, else what was tuned, else the best that is proven. Never another one in silence."""

import msgspec
import pytest

from edge.backends.choose import Asked, Choice, Why, choose
from edge.backends.table import ENGINES, Availability
from edge.backends.tuning import Tuned
from edge.bundle.manifest import Form, Manifest, Pair
from edge.errors import MachineLacks, UsageError
from tests.builders import a_decision, a_manifest

ALL = ("tensorrt", "openvino", "onnxruntime", "null")
CPU_ENGINES = ("openvino", "onnxruntime", "null")


def here(*names: str) -> tuple[Availability, ...]:
    return tuple(Availability(engine, "1.0" if engine.name in names else None) for engine in ENGINES)


def two_forms(*pairs: tuple[str, str, str]) -> Manifest:
    """pairs: (form, engine, gate); forms u8s8 and trt-in."""
    made = tuple(Pair(form=f, engine=e, gate=g, decision=a_decision()) for f, e, g in pairs)  # type: ignore[arg-type]
    forms = tuple(
        Form(id=name, scheme=scheme, member=f"forms/{name}.onnx", opset=13) for name, scheme in (("u8s8", "u8s8"), ("trt-in", "trt_in"))
    )
    return msgspec.structs.replace(a_manifest(), forms=forms, pairs=made)


SHIPPED = two_forms(
    ("u8s8", "onnxruntime", "passed"), ("trt-in", "openvino", "passed"), ("u8s8", "openvino", "passed"), ("trt-in", "tensorrt", "unrun")
)


def passed(pair: Pair) -> bool:
    return pair.gate == "passed"


def everything(pair: Pair) -> bool:
    return True


def tuned(**changes: object) -> Tuned:
    base = Tuned("cpu", "d" * 64, "onnxruntime", "1.0", "u8s8", 2, 3.0, 4.0, "2026-01-01T00:00:00Z")
    return msgspec.structs.replace(base, **changes)


def test_the_best_proven_pair_runs_where_nothing_was_asked_for() -> None:
    assert choose(SHIPPED, here(*CPU_ENGINES), Asked(), None, passed) == Choice("openvino", "u8s8", 1, Why.DEFAULT)
    assert choose(SHIPPED, here("onnxruntime"), Asked(), None, passed) == Choice("onnxruntime", "u8s8", 1, Why.DEFAULT)


def test_an_unproven_pair_never_wins_over_a_proven_one() -> None:
    assert choose(SHIPPED, here(*ALL), Asked(), None, passed).engine == "openvino"


def test_a_pair_accepted_on_this_board_counts_as_proven() -> None:
    assert choose(SHIPPED, here(*ALL), Asked(), None, everything) == Choice("tensorrt", "trt-in", 1, Why.DEFAULT)


def test_tuning_decides_where_nothing_was_asked_for() -> None:
    assert choose(SHIPPED, here(*CPU_ENGINES), Asked(), tuned(), passed) == Choice("onnxruntime", "u8s8", 2, Why.TUNED)


@pytest.mark.parametrize(
    "stale",
    [{"engine_version": "0.9"}, {"form": "gone"}, {"engine": "tensorrt", "form": "trt-in"}, {"engine": "nobody"}],
    ids=["another version", "no such form", "unproven pair", "no such engine"],
)
def test_tuning_that_no_longer_fits_is_not_followed(stale: dict[str, object]) -> None:
    assert choose(SHIPPED, here(*ALL), Asked(), tuned(**stale), passed).why is Why.DEFAULT


def test_what_was_asked_for_wins_over_tuning() -> None:
    assert choose(SHIPPED, here(*CPU_ENGINES), Asked(engine="openvino"), tuned(), passed) == Choice("openvino", "u8s8", 1, Why.ASKED)
    assert choose(SHIPPED, here(*CPU_ENGINES), Asked(form="trt-in"), tuned(), passed) == Choice("openvino", "trt-in", 1, Why.ASKED)
    assert choose(SHIPPED, here(*CPU_ENGINES), Asked(threads=4), tuned(), passed).threads == 4


def test_an_engine_that_was_asked_for_and_is_missing_stops_with_its_install_line() -> None:
    with pytest.raises(MachineLacks) as caught:
        choose(SHIPPED, here("onnxruntime"), Asked(engine="openvino"), None, passed)
    assert "pip install 'sonoderm[openvino]'" in caught.value.line()


def test_an_unproven_engine_runs_only_where_it_was_asked_for_by_name() -> None:
    assert choose(SHIPPED, here(*ALL), Asked(engine="tensorrt"), None, passed).engine == "tensorrt"
    assert choose(SHIPPED, here(*ALL), Asked(engine="null"), None, passed).engine == "null"
    only_unrun = two_forms(("trt-in", "tensorrt", "unrun"))
    with pytest.raises(MachineLacks, match="tensorrt"):
        choose(only_unrun, here("onnxruntime", "null"), Asked(), None, passed)


@pytest.mark.parametrize("asked", [Asked(engine="cuda"), Asked(form="int4"), Asked(threads=0), Asked(threads=1000)])
def test_what_does_not_exist_is_wrong_usage(asked: Asked) -> None:
    with pytest.raises(UsageError) as caught:
        choose(SHIPPED, here(*ALL), asked, None, passed)
    assert "choose" in (caught.value.do or "")


def test_nothing_that_can_run_names_what_the_model_was_made_for() -> None:
    with pytest.raises(MachineLacks) as caught:
        choose(SHIPPED, here(), Asked(), None, passed)
    assert "pip install 'sonoderm[openvino]'" in caught.value.line()
