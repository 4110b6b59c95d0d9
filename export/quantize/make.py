"""FP32 graph -> INT8 forms: measure, scan, choose what stays in float, write."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.frame import U8
from export.quantize.mixed import Mixed, choose_float
from export.quantize.ptq import Measured, measure, write_form
from export.quantize.sensitivity import LayerEffect, scan
from export.recipe import Quantize
from export.work import Say

__all__ = ["Forms", "make_forms"]

SCANNED = 100  # pictures that a layer's effect is measured on: it ranks layers, it is no figure


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """measured: what they were made from. effects: of every layer alone, the worst first. mixed: what stays in float."""

    measured: Measured
    effects: tuple[LayerEffect, ...]
    mixed: Mixed

    @property
    def worst_layer(self) -> str:
        """The most sensitive layer that is in INT8; empty when none is."""
        return next((effect.layer for effect in self.effects if effect.layer not in self.mixed.in_float), "")


def make_forms(graph: Path, targets: Mapping[str, Path], pictures: U8, asked: U8, how: Quantize, folder: Path, say: Say) -> Forms:
    """targets: scheme -> file. pictures: of train, for what is measured; asked: others, for scan and search; (n, h, w, 3) uint8 each."""
    say(f"quantize: ranges and rounding from {len(pictures)} pictures, once for every form")
    measured = measure(graph, pictures, folder)
    few = asked[:: max(1, len(asked) // SCANNED)]
    say(f"quantize: each layer alone in INT8 on {len(few)} pictures")
    effects = scan(measured, few)

    def said(mixed: Mixed) -> None:
        say(f"quantize: {len(mixed.in_float)} layers in float ({mixed.share:.0%} of the MACs): {mixed.agreement:.2%} labels as FP32")

    mixed = choose_float(measured, effects, [*targets], asked, folder, first=how.float_first, most=how.float_most, said=said)
    for scheme, target in targets.items():
        write_form(measured, scheme, target, mixed.in_float)
    return Forms(measured, effects, mixed)
