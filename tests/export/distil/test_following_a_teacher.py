"""The distances between student and teacher are the published ones; where they break down, they are refused."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from edge.errors import InputRefused
from export.data.table import UNLABELLED
from export.distil.follow import decoupled, divergence, follow, standardise
from export.distil.lesson import Batch
from export.distil.loss import loss_of
from export.distil.pupil import Learned
from export.recipe import Distil, read_recipe

STUDENT = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0]])
TEACHER = torch.tensor([[3.0, 1.0, -2.0], [0.5, 2.5, 2.0]])
Y = torch.tensor([0, 2])


def _softmax(row: list[float]) -> list[float]:
    parts = [math.exp(v) for v in row]
    return [v / sum(parts) for v in parts]


def _kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def _by_hand(t: float, alpha: float, beta: float) -> list[float]:
    """Equation 7 of arXiv 2203.08679, in plain arithmetic."""
    found = []
    for s, te, y in zip(STUDENT.tolist(), TEACHER.tolist(), Y.tolist(), strict=True):
        p, q = _softmax([v / t for v in te]), _softmax([v / t for v in s])
        tckd = _kl([p[y], 1 - p[y]], [q[y], 1 - q[y]])
        rest_p, rest_q = ([v / (1 - x[y]) for i, v in enumerate(x) if i != y] for x in (p, q))
        found.append(t * t * (alpha * tckd + beta * _kl(rest_p, rest_q)))
    return found


@pytest.mark.parametrize(("t", "alpha", "beta"), [(1.0, 1.0, 1.0), (4.0, 1.0, 8.0), (2.0, 0.5, 2.0)])
def test_dkd_is_the_published_formula(t: float, alpha: float, beta: float) -> None:
    np.testing.assert_allclose(decoupled(STUDENT, TEACHER, Y, t, alpha, beta).numpy(), _by_hand(t, alpha, beta), rtol=1e-5)


def test_dkd_agrees_with_the_masked_form_of_its_authors() -> None:
    """They push the target out of the second softmax by -1000, and sum the first by masks."""
    rng = torch.Generator().manual_seed(0)
    s, te = (torch.randn(64, 7, generator=rng) * 3 for _ in range(2))
    y = torch.randint(0, 7, (64,), generator=rng)
    gt = torch.nn.functional.one_hot(y, 7).float()
    p, q = te.div(4).softmax(1), s.div(4).softmax(1)
    two = [torch.stack([(x * gt).sum(1), (x * (1 - gt)).sum(1)], 1) for x in (p, q)]
    tckd = (two[0] * (two[0] / two[1]).log()).sum() * 16 / 64
    p2, q2 = (te / 4 - 1000 * gt).softmax(1), (s / 4 - 1000 * gt).log_softmax(1)
    nckd = torch.nn.functional.kl_div(q2, p2, reduction="sum") * 16 / 64
    torch.testing.assert_close(decoupled(s, te, y, 4.0, 1.0, 8.0).mean(), tckd + 8 * nckd, rtol=1e-4, atol=1e-4)


@given(seed=st.integers(0, 2**31), k=st.integers(3, 9), t=st.floats(0.5, 8.0))
def test_dkd_with_the_weight_of_the_paper_is_plain_kd(seed: int, k: int, t: float) -> None:
    """KD = TCKD + (1 - p_target) NCKD: equation 5."""
    rng = torch.Generator().manual_seed(seed)
    s, te = (torch.randn(1, k, generator=rng, dtype=torch.float64) * 2 for _ in range(2))
    y = torch.randint(0, k, (1,), generator=rng)
    missing = 1 - float((te / t).softmax(1)[0, y])
    torch.testing.assert_close(decoupled(s, te, y, t, 1.0, missing), divergence(s, te, t))


def test_a_standardised_row_has_mean_0_and_unbiased_deviation_1() -> None:
    z = standardise(TEACHER)
    np.testing.assert_allclose(z.numpy(), [[0.9271726, 0.1324532, -1.0596259], [-1.1208971, 0.8006408, 0.3202563]], rtol=1e-5)
    torch.testing.assert_close(standardise(TEACHER * 5 + 3), z)  # scale and shift of the teacher do not matter


def test_the_standardised_distance_is_the_published_one() -> None:
    found = []
    for s, te in zip(STUDENT.tolist(), TEACHER.tolist(), strict=True):
        z = [[(v - np.mean(row)) / np.std(row, ddof=1) / 2 for v in row] for row in (te, s)]
        found.append(4 * _kl(_softmax(z[0]), _softmax(z[1])))
    how = Distil(method="standardised", temperature=2.0)
    np.testing.assert_allclose(float(follow(STUDENT, TEACHER, Y, how)), np.mean(found), rtol=1e-5)


def test_by_default_a_student_follows_as_it_always_did() -> None:
    kl = torch.nn.functional.kl_div((STUDENT / 2).log_softmax(1), (TEACHER / 2).log_softmax(1), reduction="batchmean", log_target=True)
    torch.testing.assert_close(follow(STUDENT, TEACHER, Y, Distil()), 4 * kl)


@pytest.mark.parametrize("method", ["kl", "dkd", "standardised"])
def test_a_student_that_says_what_its_teacher_says_has_nothing_to_learn(method: str) -> None:
    how = msgspec.convert({"method": method}, Distil)
    student = TEACHER.clone().requires_grad_(True)
    loss = follow(student, TEACHER, Y, how)
    loss.backward()  # type: ignore[no-untyped-call]
    assert abs(float(loss.detach())) < 1e-6
    assert student.grad is not None
    assert float(student.grad.abs().max()) < 1e-5


def _batch(y: Tensor) -> Batch:
    return Batch(torch.zeros(2, 4, 4, 3, dtype=torch.uint8), y, y, 1.0, None, (TEACHER, torch.ones(2, 5)))


@pytest.mark.parametrize("method", ["kl", "dkd", "standardised"])
def test_a_frame_without_a_label_learns_from_the_teacher_alone(method: str) -> None:
    how = msgspec.convert({"method": method, "labels": 1.0, "embedding": 0.0}, Distil)
    learned = Learned(STUDENT, None, None)
    none = loss_of(learned, _batch(torch.tensor([UNLABELLED, UNLABELLED])), torch.zeros(3), 0.0, how)
    word = follow(STUDENT, TEACHER, torch.tensor([UNLABELLED, UNLABELLED]), how)
    torch.testing.assert_close(none, word)
    half = loss_of(learned, _batch(torch.tensor([0, UNLABELLED])), torch.zeros(3), 0.0, how)
    own = torch.nn.functional.cross_entropy(STUDENT[:1], Y[:1])
    torch.testing.assert_close(half, own + follow(STUDENT, TEACHER, torch.tensor([0, UNLABELLED]), how))


@pytest.mark.parametrize("method", ["dkd", "standardised"])
def test_two_classes_are_refused_where_the_method_breaks_down(method: str, tmp_path: Path, root: Path) -> None:
    text = (root / "export" / "recipes" / "breast-us.toml").read_text(encoding="utf-8")
    path = tmp_path / "r.toml"
    path.write_text(text.replace("[distil]\n", f'[distil]\nmethod = "{method}"\n'), encoding="utf-8")
    with pytest.raises(InputRefused, match="2 classes"):
        read_recipe(path)


def test_with_two_classes_a_z_score_would_keep_the_label_alone() -> None:
    sure, unsure = standardise(torch.tensor([[9.0, -9.0]])), standardise(torch.tensor([[0.1, 0.0]]))
    torch.testing.assert_close(sure, unsure, rtol=1e-5, atol=1e-5)
