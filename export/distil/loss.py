"""What a batch costs: labels, the teacher's word, the lesion's outline."""

import torch
from torch import Tensor
from torch.nn import functional as fn

from export.distil.lesson import Batch
from export.distil.pupil import Learned
from export.recipe import Distil

__all__ = ["loss_of"]


def _labels(learned: Learned, batch: Batch, adjust: Tensor) -> Tensor:
    """Cross entropy with logit adjustment (Menon et al., arXiv 2007.07314), mixed as the pictures are (arXiv 1710.09412)."""
    adjusted = learned.logits + adjust
    loss = batch.share * fn.cross_entropy(adjusted, batch.y)
    if batch.share < 1:
        loss = loss + (1 - batch.share) * fn.cross_entropy(adjusted, batch.other)
    return loss


def _teacher(learned: Learned, logits: Tensor, embedding: Tensor, how: Distil) -> Tensor:
    """KL at temperature T, times T^2 (Hinton et al., arXiv 1503.02531), and 1 - cosine of the embeddings."""
    t = how.temperature
    kl = fn.kl_div(fn.log_softmax(learned.logits / t, 1), fn.log_softmax(logits / t, 1), reduction="batchmean", log_target=True)
    loss = how.kl * t * t * kl
    if learned.embedding is not None:
        loss = loss + how.embedding * (1 - fn.cosine_similarity(learned.embedding, embedding)).mean()
    return loss


def loss_of(learned: Learned, batch: Batch, adjust: Tensor, mask_weight: float, how: Distil) -> Tensor:
    """Mean over the batch, float32. adjust: (k,) log prior of the classes under the sampler."""
    labels = _labels(learned, batch, adjust)
    loss = labels if batch.taught is None else how.labels * labels + _teacher(learned, *batch.taught, how)
    if learned.mask is not None and batch.mask is not None:
        loss = loss + mask_weight * fn.binary_cross_entropy_with_logits(learned.mask, batch.mask)
    return torch.as_tensor(loss)
