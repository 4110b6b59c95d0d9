"""Cases of a known truth: labels are drawn from stated probabilities, and the outputs are then put off in a known way."""

import numpy as np

from calibration.confidence.cases import Cases


def simulated(
    n: int,
    k: int,
    seed: int,
    *,
    sharpness: float = 1.0,
    bias: tuple[float, ...] = (),
    mix: tuple[float, ...] = (),
    pictures_of_group: int = 1,
) -> Cases:
    """n pictures of k classes. sharpness: outputs this many times too sure. bias: added to the outputs. mix: prevalence of the classes,
    under which the labels are drawn (outputs speak of equal classes). Pictures of one group have one label and nearly one output.
    """
    rng = np.random.default_rng(seed)
    shares = np.array(mix or (1 / k,) * k)
    g = -(-n // pictures_of_group)
    label = rng.choice(k, g, p=shares)
    centre = np.eye(k)[label] * 2.0 + rng.standard_normal((g, k))  # equal normal clouds: the log-odds are linear in them, and known
    scores = np.repeat(centre * 2.0, pictures_of_group, 0)[:n]
    return Cases(
        scores * sharpness + np.array(bias or (0.0,) * k),
        np.repeat(label, pictures_of_group)[:n].astype(np.int64),
        np.repeat(np.arange(g), pictures_of_group)[:n].astype(np.int64),
    )
