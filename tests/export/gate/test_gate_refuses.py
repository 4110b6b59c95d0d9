"""A form that loses too much is stopped, and one that does not passes: the gate can do both."""

import pytest

from edge.errors import CheckFailed
from export.card import PairFigures
from export.gate.pairs import MAY_LOSE, MUST_AGREE, _refuse_loss


def found(*, agreement: float = 1.0, loss: float = 0.0) -> PairFigures:
    return PairFigures("u8s8", "onnxruntime", 1000, agreement, 0.8 - loss, 0.8, 0.9)


@pytest.mark.parametrize("figures", [found(), found(agreement=MUST_AGREE), found(loss=MAY_LOSE - 0.001), found(loss=-0.05)])
def test_a_form_within_the_limits_passes(figures: PairFigures) -> None:
    _refuse_loss(figures)


@pytest.mark.parametrize("figures", [found(agreement=MUST_AGREE - 0.001), found(loss=MAY_LOSE + 0.001), found(loss=0.03)])
def test_a_student_damaged_by_more_is_stopped_and_no_bundle_is_written(figures: PairFigures) -> None:
    with pytest.raises(CheckFailed, match="loses") as stopped:
        _refuse_loss(figures)
    assert "no bundle was written" in stopped.value.line()
