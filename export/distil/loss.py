"""What a batch costs: labels, the teacher's word, the lesion's outline."""

import torch
from torch import Tensor
from torch.nn import functional as fn

from export.data.table import UNLABELLED
from export.distil.follow import follow
from export.distil.lesson import Batch
from export.distil.pupil import Learned
from export.recipe import Distil

__all__ = ["loss_of"]


def _labels(learned: Learned, batch: Batch, adjust: Tensor) -> Tensor:
    """Cross entropy with logit adjustment (Menon et al., arXiv 2007.07314), mixed as the pictures are (arXiv 1710.09412).

    Frames without a label are left out of the mean; a batch of nothing else costs 0.
    """
    adjusted = learned.logits + adjust
    if bool((batch.y == UNLABELLED).all()):
        return adjusted.sum() * 0
    loss = batch.share * fn.cross_entropy(adjusted, batch.y)
    if batch.share < 1:
        loss = loss + (1 - batch.share) * fn.cross_entropy(adjusted, batch.other)
    return loss


def _teacher(learned: Learned, logits: Tensor, embedding: Tensor, y: Tensor, how: Distil) -> Tensor:
    """What the recipe's method says of the logits, and 1 - cosine of the embeddings."""
    loss = how.kl * follow(learned.logits, logits, y, how)
    if learned.embedding is not None:
        loss = loss + how.embedding * (1 - fn.cosine_similarity(learned.embedding, embedding)).mean()
    return loss


def loss_of(learned: Learned, batch: Batch, adjust: Tensor, mask_weight: float, how: Distil) -> Tensor:
    """Mean over the batch, float32. adjust: (k,) log prior of the classes under the sampler."""
    labels = _labels(learned, batch, adjust)
    loss = labels if batch.taught is None else how.labels * labels + _teacher(learned, *batch.taught, batch.y, how)
    if learned.mask is not None and batch.mask is not None:
        loss = loss + mask_weight * fn.binary_cross_entropy_with_logits(learned.mask, batch.mask)
    return torch.as_tensor(loss)
