"""Ways to correct a classifier's outputs, from one number to two a class, each fitted by maximum likelihood. Pure.

All are softmax(scale * log p / temperature + bias), as the device computes it (`edge.classify.calibrated`):

temperature   one number (Guo et al., ICML 2017)
bias          temperature and a bias a class; of two classes: Platt scaling (Platt, 1999)
vector        also a factor a class (Guo et al., vector scaling); of two classes: beta calibration (Kull et al., AISTATS 2017)

The labels that a fit sees have a mix of classes of their own. It enters as an offset, log(share / prevalence), so that every picture
counts once and the result speaks of the stated prevalence (Elkan, IJCAI 2001): a class of ten pictures does not shout.
All logarithms and biases have a normal prior around "no correction": what few pictures cannot tell stays as the model says it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import minimize

from calibration.confidence.cases import F64, Cases
from edge.bundle.manifest import Decision
from edge.classify import calibrated

__all__ = ["Method", "Scaling", "apply", "fit", "losses", "offset_of", "uniform", "with_scaling"]

BIAS_SD, LOG_SCALE_SD = 0.5, 0.25  # of the priors; a bias of 0.5 multiplies the odds by 1.6
LOG_TEMPERATURE_SD = 2.0  # hardly felt; where all pictures are right it keeps the temperature from running away
NO_LOSS = 1e-3  # nats


class Method(StrEnum):
    """In order of simplicity."""

    TEMPERATURE = "temperature"
    BIAS = "bias"
    VECTOR = "vector"

    def named(self, k: int) -> str:
        """For people: two classes have names of their own."""
        of_two = {Method.TEMPERATURE: "temperature", Method.BIAS: "Platt (temperature and bias)", Method.VECTOR: "beta calibration"}
        of_more = {Method.TEMPERATURE: "temperature", Method.BIAS: "temperature and class bias", Method.VECTOR: "vector scaling"}
        return (of_two if k == 2 else of_more)[self]

    def numbers(self, k: int) -> int:
        """How many numbers are free in it."""
        return {Method.TEMPERATURE: 1, Method.BIAS: k, Method.VECTOR: 2 * k - 1}[self]


@dataclass(frozen=True, slots=True)
class Scaling:
    """bias: one a class, sum 0. scale: one a class, geometric mean 1, or () for none. at_limit: all is right, none fits best."""

    temperature: float
    bias: tuple[float, ...]
    scale: tuple[float, ...] = ()
    at_limit: bool = False

    @staticmethod
    def none(k: int) -> "Scaling":
        """The outputs as they are."""
        return Scaling(1.0, (0.0,) * k)

    @staticmethod
    def of(decision: Decision) -> "Scaling":
        return Scaling(decision.temperature, decision.bias, decision.scale)


def with_scaling(decision: Decision, scaling: Scaling) -> Decision:
    """The decision with these numbers, rounded as a manifest holds them; its thresholds are not touched."""
    from msgspec.structs import replace

    return replace(
        decision,
        temperature=round(scaling.temperature, 5),
        bias=tuple(round(b, 5) for b in scaling.bias),
        scale=tuple(round(s, 5) for s in scaling.scale),
    )


def uniform(k: int) -> tuple[float, ...]:
    """Every class as frequent as the others: what the probabilities of our bundles speak of."""
    return (1.0 / k,) * k


def offset_of(shares: F64, prevalence: Sequence[float]) -> F64:
    """(k,) log(share / prevalence): added to what speaks of `prevalence`, it speaks of a set with these shares. -inf: a class not there."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(shares) - np.log(np.asarray(prevalence, np.float64)))


def apply(scaling: Scaling, scores: F64, offset: F64 | None = None) -> F64:
    """(n, k) scores -> (n, k) probabilities."""
    bias = np.asarray(scaling.bias, np.float64)
    return calibrated(scores, scaling.temperature, tuple(bias if offset is None else bias + offset), scaling.scale)


def losses(probabilities: F64, cases: Cases) -> F64:
    """(n,) -log of the probability that the true class was given, in nats."""
    own = probabilities[np.arange(len(cases)), cases.labels]
    return np.asarray(-np.log(np.maximum(own, np.finfo(np.float64).tiny)))


def fit(method: Method, cases: Cases, prevalence: Sequence[float], shares: F64 | None = None) -> Scaling:
    """The most likely numbers (with the priors above). shares: mix of the set that `cases` were drawn from; by default their own.

    BFGS from "no correction", with the exact gradient. (Not L-BFGS-B: SciPy's hands vectors of ten numbers to a threaded BLAS, which is
    forty times slower where the cores are busy.)
    """
    n, k = len(cases), cases.k
    offset = offset_of(cases.shares() if shares is None else shares, prevalence)
    log_p = cases.scores - cases.scores.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    truth = np.zeros((n, k))
    truth[np.arange(n), cases.labels] = 1.0
    has_bias, has_scale = method is not Method.TEMPERATURE, method is Method.VECTOR

    def parts(free: F64) -> tuple[F64, F64]:
        bias = free[1 : 1 + k] if has_bias else np.zeros(k)
        return bias, free[1 + k :] if has_scale else np.zeros(k)

    def loss(free: F64) -> tuple[float, F64]:
        bias, log_scale = parts(free)
        factor = np.exp(log_scale - free[0])
        z = log_p * factor + bias + offset
        z = z - z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        own = p[np.arange(n), cases.labels]
        slope = (p - truth) / n  # of the mean loss by z
        along = (slope * log_p).sum(0) * factor  # by the logarithm of each class's factor
        prior = (free[0] / LOG_TEMPERATURE_SD) ** 2 + ((bias / BIAS_SD) ** 2).sum() + ((log_scale / LOG_SCALE_SD) ** 2).sum()
        gradient = [np.array([free[0] / LOG_TEMPERATURE_SD**2 / n - along.sum()])]
        if has_bias:
            gradient.append(slope.sum(0) + bias / BIAS_SD**2 / n)
        if has_scale:
            gradient.append(along + log_scale / LOG_SCALE_SD**2 / n)
        mean = -np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean() + prior / (2 * n)
        return float(mean), np.concatenate(gradient)

    free = 1 + k * has_bias + k * has_scale
    best: F64 = minimize(loss, np.zeros(free), jac=True, method="BFGS", options={"gtol": 1e-7}).x
    bias, log_scale = parts(best)
    middle = float(log_scale.mean())
    scale = tuple(float(s) for s in np.exp(log_scale - middle)) if has_scale else ()
    at_limit = float(losses(apply(Scaling.none(k), log_p * np.exp(log_scale - best[0]) + bias, offset), cases).mean()) < NO_LOSS
    return Scaling(float(np.exp(best[0] - middle)), tuple(float(b) for b in bias - bias.mean()), scale, at_limit)
