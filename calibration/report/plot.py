"""Small plots as inline SVG: lines, points with bars, bars. Colours and type come from the page's style."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from calibration.report.markup import text

__all__ = ["Axis", "Mark", "bars", "lines", "marks"]

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 14, 42
TEXT_HEIGHT = 13.0


@dataclass(frozen=True, slots=True)
class Axis:
    """low < high. whole: ticks at whole numbers alone."""

    title: str
    low: float
    high: float
    whole: bool = False

    def ticks(self) -> tuple[str, ...]:
        """Numbers that a person would choose, at most seven: multiples of 1, 2 or 5 times a power of ten."""
        rough = max((self.high - self.low) / 6, 1e-12)
        power = 10.0 ** floor(log10(rough))
        step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * (1 - 1e-9))
        step = max(1.0, step) if self.whole else step
        digits = max(0, -floor(log10(step) + 1e-9))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return tuple(f"{i * step:.{digits}f}" for i in range(first, last + 1))

    def at(self, value: float) -> float:
        """0..1 along the axis; beyond its ends, the end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low or 1.0)))


@dataclass(frozen=True, slots=True)
class Mark:
    """A point; bar: low and high of its interval in y; name: written beside it; hint: shown on hovering."""

    x: float
    y: float
    bar: tuple[float, float] | None = None
    name: str = ""
    hint: str = ""


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.at(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.at(value) * (HEIGHT - TOP - BOTTOM)


def _frame(x: Axis, y: Axis) -> str:
    parts = []
    for said in y.ticks():
        at = _y(y, float(said))
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{said}</text>')
    for said in x.ticks():
        parts.append(f'<text x="{_x(x, float(said)):.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{said}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{text(x.title)}</text>')
    parts.append(
        f'<text x="13" y="{HEIGHT / 2 - 14}" text-anchor="middle" transform="rotate(-90 13 {HEIGHT / 2 - 14})">{text(y.title)}</text>'
    )
    return "".join(parts)


def _svg(inside: str, says: str, height: float = HEIGHT) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{text(says)}">{inside}</svg>'


def lines(x: Axis, y: Axis, points: Sequence[tuple[float, float]], says: str, style: str = "a") -> str:
    """One line through (x, y). style: a or b. says: the plot in words, for those who do not see it."""
    path = " ".join(f"{_x(x, px):.1f},{_y(y, py):.1f}" for px, py in points)
    drawn = f'<polyline class="{style}" points="{path}"/>' if len(points) > 1 else ""
    dots = "".join(f'<circle class="d{style}" cx="{_x(x, px):.1f}" cy="{_y(y, py):.1f}" r="2.5"/>' for px, py in points[-1:])
    return _svg(_frame(x, y) + drawn + dots, says)


def marks(x: Axis, y: Axis, points: Sequence[Mark], says: str, *, diagonal: bool = False) -> str:
    """Points with their intervals; diagonal: the line on which x equals y."""
    parts = [_frame(x, y)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        parts.append(f'<path class="ref" d="M{_x(x, low):.1f} {_y(y, low):.1f}L{_x(x, high):.1f} {_y(y, high):.1f}"/>')
    heights = _apart([_y(y, mark.y) - 7 for mark in points])
    for mark, beside in zip(points, heights, strict=True):
        cx, cy = _x(x, mark.x), _y(y, mark.y)
        if mark.bar:
            parts.append(f'<path class="a" d="M{cx:.1f} {_y(y, mark.bar[0]):.1f}V{_y(y, mark.bar[1]):.1f}"/>')
        parts.append(f'<circle class="da" cx="{cx:.1f}" cy="{cy:.1f}" r="4"><title>{text(mark.hint or mark.name)}</title></circle>')
        if mark.name:
            end = cx > (LEFT + WIDTH - RIGHT) / 2
            side = f'x="{cx - 8:.1f}" text-anchor="end"' if end else f'x="{cx + 8:.1f}"'
            parts.append(f'<text {side} y="{beside:.1f}">{text(mark.name)}</text>')
    return _svg("".join(parts), says)


def _apart(heights: Sequence[float]) -> list[float]:
    """Of names, top to bottom: each moved down until it stands clear of the one above it."""
    out = list(heights)
    above = -TEXT_HEIGHT
    for i in sorted(range(len(out)), key=out.__getitem__):
        out[i] = above = max(out[i], above + TEXT_HEIGHT)
    return out


def bars(named: Sequence[tuple[str, float]], says: str) -> str:
    """Horizontal bars, each with its name above it and its value behind it; values >= 0."""
    most = max((value for _, value in named), default=0.0) or 1.0
    parts = []
    for i, (name, value) in enumerate(named):
        top = 8 + i * 32
        length = max(1.0, value / most * (WIDTH - 90))
        parts.append(
            f'<text x="4" y="{top + 8}">{text(name)}</text><rect class="da" x="4" y="{top + 13}" width="{length:.1f}" height="9"/>'
        )
        said = f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
        parts.append(f'<text x="{length + 12:.1f}" y="{top + 22}">{said}</text>')
    return _svg("".join(parts), says, 16 + 32 * len(named))
