"""Which interval may stand beside a figure. Few groups, or none that disagree, leave the bootstrap blind: it would print [1, 1]. Pure."""

from math import sqrt

__all__ = ["FEWEST", "FEWEST_OF_A_CLASS", "Interval", "believable", "wilson"]

Interval = tuple[float, float]

FEWEST = 20  # groups; below, percentiles of resampled groups are known to be too narrow. Efron and Tibshirani, 1993, chapter 13
FEWEST_OF_A_CLASS = 3  # groups of each class behind a figure that takes the classes together
Z95 = 1.959963984540054


def wilson(share: float, groups: int) -> Interval:
    """Wilson's score interval of a share, with groups as its trials; it holds also for one case and for a share of 0 or 1.

    Wilson, JASA 1927; recommended for small n by Brown, Cai and DasGupta, Statistical Science 2001. groups >= 1.
    """
    z2 = Z95**2
    middle = (share + z2 / (2 * groups)) / (1 + z2 / groups)
    half = Z95 / (1 + z2 / groups) * sqrt(share * (1 - share) / groups + z2 / (4 * groups**2))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def believable(value: float | None, bootstrap: Interval | None, groups: int, *, is_share: bool) -> Interval | None:
    """The bootstrap's interval where it has seen enough; Wilson's for a share of cases; None: n is too small for any.

    groups: those in the denominator; 0 where too few stand behind the figure to say anything.
    """
    if value is None or groups == 0:
        return None
    if groups >= FEWEST and bootstrap is not None and bootstrap[0] < bootstrap[1]:
        return bootstrap
    return wilson(value, groups) if is_share else None
