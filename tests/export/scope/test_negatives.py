"""Rendered negatives: fixed by their seed, of the size asked for, and different from each other."""

import numpy as np
import pytest

from export.scope.heads import choose_bank
from export.scope.negatives import KINDS, render


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0])
def test_a_kind_is_fixed_by_its_seed_and_has_content(kind: tuple[str, object, int]) -> None:
    make = kind[1]
    first, again, other = (make(np.random.default_rng(seed), 60, 80) for seed in (1, 1, 2))  # type: ignore[operator]
    assert first.shape == (60, 80, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_longer_series_begins_with_the_shorter() -> None:
    assert np.array_equal(render(6, 3, 32, 40), render(12, 3, 32, 40)[:6])


def test_the_bank_takes_one_picture_of_a_lesion_and_all_of_the_rare_class() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((3000, 128)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = np.array([1] * 20 + [0] * 2980)
    groups = [f"l{i // 2}" for i in range(3000)]
    bank = choose_bank(embeddings, labels, groups, seed=1)
    assert bank.shape == (1500, 128)
    assert bank.dtype == np.int8
    rare = {tuple(np.rint(embeddings[i] * 127).astype(int)) for i in range(0, 20, 2)}
    assert rare <= {tuple(row.astype(int)) for row in bank}
