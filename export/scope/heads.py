"""Fit the two scope heads on pooled activations: PCA basis of the embedding, and the input gate's logistic regression."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from edge.frame import F32
from export.distil.deployed import Heads

__all__ = ["BANK_MAX", "EMBEDDING_DIM", "choose_bank", "fit_heads"]

EMBEDDING_DIM = 128
BANK_MAX = 2000
GATE_C = 0.01  # strong L2: a thousand pooled features and rendered negatives; the gate must not lean on one of them


def fit_heads(inside_all: F32, inside_late: F32, outside_all: F32) -> Heads:
    """inside_*: features of in-domain train pictures; outside_all: of negatives. Shapes (n, f) and (n, d)."""
    centre = inside_late.mean(0)
    _, _, axes = np.linalg.svd(inside_late - centre, full_matrices=False)
    x = np.concatenate([inside_all, outside_all]).astype(np.float64)
    y = np.concatenate([np.ones(len(inside_all)), np.zeros(len(outside_all))])
    mean, sd = x.mean(0), x.std(0) + 1e-6
    gate = LogisticRegression(C=GATE_C, class_weight="balanced", max_iter=2000).fit((x - mean) / sd, y)
    weight = gate.coef_[0] / sd
    return Heads(
        centre=centre.astype(np.float32),
        basis=np.ascontiguousarray(axes[:EMBEDDING_DIM].T, np.float32),
        gate_weight=weight.astype(np.float32),
        gate_bias=float(gate.intercept_[0] - weight @ mean),
    )


def choose_bank(embeddings: F32, labels: NDArray[np.int64], groups: list[str], seed: int) -> NDArray[np.int8]:
    """(n, 128) L2-normalised float -> (<= BANK_MAX, 128) int8, one picture per lesion or patient, classes as equal as they allow."""
    rng = np.random.default_rng(seed)
    first = {group: i for i, group in reversed([*enumerate(groups)])}
    unique = np.array(sorted(first.values()))
    per_class = [rng.permutation(unique[labels[unique] == c]) for c in range(int(labels.max()) + 1)]
    chosen: list[int] = []
    for rank in range(max(len(members) for members in per_class)):
        chosen += [int(members[rank]) for members in per_class if rank < len(members)]
    return np.clip(np.rint(embeddings[chosen[:BANK_MAX]] * 127), -127, 127).astype(np.int8)
