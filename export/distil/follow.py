"""How a student is pulled towards its teacher's word. Three published distances between logits, each the mean of a batch.

kl: Hinton et al., arXiv 1503.02531. dkd: Zhao et al., CVPR 2022 (arXiv 2203.08679). standardised: Sun et al., CVPR 2024 (arXiv 2403.01427).
With two classes the second loses its half over the other classes (a softmax of one), and the third all confidence (every z-score is
+-0.707): `export.recipe` refuses both there.
"""

import torch
from torch import Tensor
from torch.nn import functional as fn

from export.data.table import UNLABELLED
from export.recipe import Distil

__all__ = ["decoupled", "divergence", "follow", "standardise"]

EPS = 1e-7


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(teacher || student) of each row, (n, k) logits -> (n,)."""
    log_s, log_t = fn.log_softmax(student / temperature, 1), fn.log_softmax(teacher / temperature, 1)
    return temperature**2 * fn.kl_div(log_s, log_t, reduction="none", log_target=True).sum(1)


def standardise(logits: Tensor) -> Tensor:
    """Z-score of each row with the unbiased deviation, as published: what is left is the relation of the classes."""
    return (logits - logits.mean(1, keepdim=True)) / (EPS + logits.std(1, keepdim=True))


def decoupled(student: Tensor, teacher: Tensor, y: Tensor, temperature: float, target: float, others: float) -> Tensor:
    """T^2 (target * TCKD + others * NCKD) of each row, (n, k) logits and (n,) labels -> (n,).

    TCKD: KL of (label, not label). NCKD: KL over the classes that are not the label. With 1 and 1 - p_teacher(label) it is `divergence`.
    """
    own = fn.one_hot(y, student.shape[1]).bool()
    pairs = []
    for logits in (student, teacher):
        log_p = fn.log_softmax(logits / temperature, 1)
        label, rest = log_p[own], log_p.masked_fill(own, -torch.inf).logsumexp(1)
        among = (log_p - rest[:, None])[~own].reshape(len(y), -1)
        pairs.append((torch.stack([label, rest], 1), among))
    (two_s, among_s), (two_t, among_t) = pairs
    tckd = fn.kl_div(two_s, two_t, reduction="none", log_target=True).sum(1)
    nckd = fn.kl_div(among_s, among_t, reduction="none", log_target=True).sum(1)
    return temperature**2 * (target * tckd + others * nckd)


def follow(student: Tensor, teacher: Tensor, y: Tensor, how: Distil) -> Tensor:
    """The mean over the batch by the recipe's method. A frame without a label has no target class: dkd takes its plain divergence."""
    t = how.temperature
    if how.method == "kl":
        return divergence(student, teacher, t).mean()
    if how.method == "standardised":
        return divergence(standardise(student), standardise(teacher), t).mean()
    known = y != UNLABELLED
    rows = decoupled(student, teacher, torch.where(known, y, 0), t, how.target_class, how.other_classes)
    return torch.where(known, rows, divergence(student, teacher, t)).mean()
