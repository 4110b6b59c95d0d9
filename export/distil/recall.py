"""A teacher that exists as stored embeddings alone (Derm Foundation): what it knows of a picture, it says of every crop of it."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as fn

from export.distil.ask import Answers
from export.teach.adapt import I64, Judged
from export.teach.probe import balanced, linear_probe
from export.teach.teacher import NamedTeacher

__all__ = ["Recalled", "recall"]

Named = tuple[tuple[str, ...], I64]  # names of pictures as the label table writes them, and their labels


class Recalled:
    """Embeddings with a probe upon them."""

    def __init__(self, teacher: NamedTeacher, head: nn.Linear) -> None:
        self._teacher, self._head = teacher, head

    def answers(self, names: tuple[str, ...], crops: int) -> Answers:
        """The same word for each of `crops`. Raises InputRefused for a picture that has no embedding."""
        features = self._teacher.named(names)
        with torch.inference_mode():
            log_p = fn.log_softmax(self._head(features), 1)
        both = (np.repeat(part.numpy()[:, None], crops, axis=1).astype(np.float32) for part in (log_p, features))
        return Answers(*both)


def recall(teacher: NamedTeacher, train: Named, choice: Named, k: int, l2: float) -> tuple[Recalled, Judged]:
    """Fits the probe on train, and judges it on the tenth kept for choices (class-balanced negative log-likelihood)."""
    head = linear_probe(teacher.named(train[0]), torch.from_numpy(np.array(train[1])), k, l2).requires_grad_(False)
    truth = torch.from_numpy(np.array(choice[1]))
    loss = fn.cross_entropy(head(teacher.named(choice[0])), truth, reduction="none")
    return Recalled(teacher, head), Judged("probe", (("probe", float((loss * balanced(truth, k)).mean())),))
