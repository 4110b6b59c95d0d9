"""The mix of classes that probabilities speak of, in words: the same on the screen, in a report and on a command line. Pure."""

from collections.abc import Sequence

__all__ = ["prevalence_words"]

SAME = 1e-4


def prevalence_words(codes: Sequence[str], prevalence: Sequence[float]) -> str:
    """'nv 67 %, mel 11 %, …', the most frequent first; of equal shares, said so; "" for none."""
    if not prevalence:
        return ""
    if max(prevalence) - min(prevalence) < SAME:
        return f"all {len(codes)} classes equally frequent"
    ranked = sorted(zip(prevalence, codes, strict=True), reverse=True)
    return ", ".join(f"{code} {100 * share:.3g} %" for share, code in ranked)
