"""Pictures with their labels, as one engine answered: what every fit and every check of this package works on. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONFORMAL", "F64", "FIT", "I64", "Bool", "Cases", "bucket", "cases_of", "halves"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
FIT, CONFORMAL = 0, 1  # the halves of dev: temperature, bias and scope threshold are fitted on one, prediction sets on the other


def bucket(group: str, seed: int, buckets: int) -> int:
    """Which of `buckets` a lesion or patient falls into: by its name alone, so that a table in another order is cut in the same way."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % buckets


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """scores: (n, k) float64, logits or log-probabilities, not yet divided by a temperature. labels: (n,) indices of classes.

    groups: (n,) whose picture it is (lesion or patient), 0 … n_groups - 1, each occurring.
    """

    scores: F64
    labels: I64
    groups: I64

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def k(self) -> int:
        return int(self.scores.shape[1])

    @property
    def n_groups(self) -> int:
        return int(self.groups.max()) + 1 if len(self) else 0

    def counts(self) -> I64:
        """(k,) pictures of each class."""
        return np.bincount(self.labels, minlength=self.k).astype(np.int64)

    def groups_of_class(self) -> I64:
        """(k,) lesions or patients of each class."""
        return np.array([len(np.unique(self.groups[self.labels == c])) for c in range(self.k)], np.int64)

    def shares(self) -> F64:
        """(k,) share of each class among the pictures."""
        return np.asarray(self.counts() / max(1, len(self)))

    def only(self, chosen: Bool) -> "Cases":
        """Those for which chosen (n,) holds."""
        _, groups = np.unique(self.groups[chosen], return_inverse=True)
        return Cases(self.scores[chosen], self.labels[chosen], groups.astype(np.int64).reshape(-1))


def cases_of(scores: NDArray[np.floating], labels: NDArray[np.integer], groups: Sequence[str]) -> Cases:
    """scores (n, k), labels (n,), the name of each picture's group -> Cases."""
    _, index = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    return Cases(np.asarray(scores, np.float64), np.asarray(labels, np.int64), index.astype(np.int64).reshape(-1))


def halves(groups: Sequence[str], seed: int) -> I64:
    """(n,) FIT or CONFORMAL for the group of each picture: dev is cut once, as the export cuts it."""
    return np.array([bucket(group, seed, 2) for group in groups], np.int64)
