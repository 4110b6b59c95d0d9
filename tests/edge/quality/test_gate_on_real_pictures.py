"""A sample of real pictures of the train folds: good ones pass, severe degradations are named.

benchmarks/quality_gate.py has the full table.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks import degrade
from benchmarks.quality_gate import SPECS, judge
from benchmarks.quality_sets import DERM, US, QualitySet, pictures
from edge.frame import U8

SAMPLE = 40


@pytest.fixture(scope="module", params=[DERM, US], ids=lambda source: source.folder)
def sample(request: pytest.FixtureRequest, shared: Path) -> tuple[QualitySet, list[U8]]:
    source: QualitySet = request.param
    every = 1000 // SAMPLE
    return source, list(islice(pictures(source, source.train_folds[:1], shared / "data"), 0, every * SAMPLE, 9))[:SAMPLE]


def test_good_pictures_pass(sample: tuple[QualitySet, list[U8]]) -> None:
    source, many = sample
    refused = [reason for pixels in many if (reason := judge(pixels, SPECS[source.folder])) is not None]
    assert len(many) == SAMPLE
    assert len(refused) <= 1


@pytest.mark.parametrize("kind", [kind for kind in degrade.KINDS if kind.target is not None], ids=lambda kind: kind.name)
def test_severe_degradations_are_named(sample: tuple[QualitySet, list[U8]], kind: degrade.Kind) -> None:
    source, many = sample
    degraded = [kind.apply(pixels, source is US, np.random.default_rng(index)) for index, pixels in enumerate(many)]
    named = [judge(pixels, SPECS[source.folder]) is kind.reason for pixels in degraded]
    assert sum(named) >= 0.95 * SAMPLE
