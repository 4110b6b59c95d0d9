"""What is trained: the student and the heads that help it learn and are left behind."""

from dataclasses import dataclass

from torch import Tensor, nn

from export.distil.network import Student

__all__ = ["Learned", "Pupil"]

STRIDE_16 = 3  # place in timm's feature_info, whose reductions are 2, 4, 8, 16, 32


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """logits (n, k); mask (n, 1, h/16, w/16) logits of the lesion; embedding (n, d) in the teacher's space. None: no such head."""

    logits: Tensor
    mask: Tensor | None
    embedding: Tensor | None


class Pupil(nn.Module):
    """masked: learns to draw the lesion too. embedded: dimensions of the teacher's embedding that it learns to meet, 0: none."""

    def __init__(self, student: Student, *, masked: bool, embedded: int) -> None:
        super().__init__()
        self.student = student
        body = student.body
        self.mask_head = nn.Conv2d(body.feature_info[STRIDE_16]["num_chs"], 1, 1) if masked else None
        self.projector = nn.Linear(body.get_classifier().in_features, embedded) if embedded else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """uint8 (n, h, w, 3) -> logits, mask, embedding as in `Learned` (a tuple, since distributed wrappers want one)."""
        body, seen = self.student.body, self.student.seen(x)
        mask = None
        if self.mask_head is None:
            final = body.forward_features(seen)
        else:
            final, (middle,) = body.forward_intermediates(seen, indices=[STRIDE_16])
            mask = self.mask_head(middle)
        pooled = body.forward_head(final, pre_logits=True)
        return body.get_classifier()(pooled), mask, None if self.projector is None else self.projector(pooled)
