"""What divides the averaged log-odds, so that a settled confidence means what it says; 1 unless another number is clearly better. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from calibration.confidence.cases import Cases
from calibration.confidence.compare import cross_validated, over_groups
from calibration.confidence.methods import Method, Scaling, apply, fit, losses, offset_of

__all__ = ["SettledTemperature", "settled_temperature"]


@dataclass(frozen=True, slots=True)
class SettledTemperature:
    """chosen: 1 or `fitted`. change: of the cross-validated loss when `fitted` takes the place of 1, nats, with its standard error."""

    chosen: float
    fitted: float
    change: float
    change_se: float


def settled_temperature(cases: Cases, prevalence: Sequence[float]) -> SettledTemperature:
    """cases.scores: averaged log-odds under a settled temperature of 1. As for stills, no number wins within one standard error."""
    fitted = fit(Method.TEMPERATURE, cases, prevalence).temperature
    held, _ = cross_validated(Method.TEMPERATURE, cases, prevalence)
    as_is = losses(apply(Scaling.none(cases.k), cases.scores, offset_of(cases.shares(), prevalence)), cases)
    change, change_se = over_groups(held - as_is, cases.groups)
    return SettledTemperature(fitted if change < -change_se else 1.0, fitted, change, change_se)
