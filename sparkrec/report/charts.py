"""Charts as inline SVG.

Positions are per cents of the drawing's width and sizes are pixels, so that a chart fills its column on a wide screen
and on a phone alike while its text and lines keep their size. Colours come from the page's style sheet.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
from markupsafe import Markup

from sparkrec.report.quality import Score, Standing
from sparkrec.report.wording import count, figure

DIAMOND = "M0 -6.5 6.5 0 0 6.5 -6.5 0Z"


@dataclass(frozen=True)
class Scale:
    """A stretch of numbers and where each of them lies on the drawing."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def around(cls, low: float, high: float, ticks: int) -> "Scale":
        """The scale with about so many round ticks that holds both ends.

        >>> Scale.around(0.0, 0.137, 4)
        Scale(low=0.0, high=0.15, ticks=(0.0, 0.05, 0.1, 0.15))
        """
        if not high > low:
            low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
        rough = (high - low) / ticks
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * 0.75)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        places = [round(index * step, 12) for index in range(first, last + 1)]
        return cls(places[0], places[-1], tuple(places))

    def percent(self, value: float) -> float:
        """How far along the scale a value lies, from 0 to 100."""
        return 100 * (value - self.low) / (self.high - self.low)

    def label(self, value: float) -> str:
        """A tick's text, with as many decimals as the step between ticks needs."""
        step = self.ticks[1] - self.ticks[0]
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{value:,.{decimals}f}"


def score_scale(scores: Sequence[Score]) -> Scale:
    """One scale for all the intervals that stand under each other; it starts at 0 so that lengths compare."""
    ends = [end for score in scores for end in (score.low, score.value, score.high) if math.isfinite(end)]
    return Scale.around(min([0.0, *ends]), max([0.0, *ends]) or 1.0, 4)


def axis(scale: Scale) -> Markup:
    """The tick labels above a column of strips."""
    labels = Markup("").join(
        Markup('<text x="{}" y="14" text-anchor="middle">{}</text>').format(_at(scale.percent(tick)), scale.label(tick))
        for tick in scale.ticks
    )
    return Markup('<svg class="strip axis" height="20" aria-hidden="true">{}</svg>').format(labels)


def strip(score: Score, scale: Scale, look: str, reference: float | None = None) -> Markup:
    """One value with its interval; ``look`` is the class that says what kind of model it is.

    The table cell beside it holds the same figures as text, so that the drawing is hidden from screen readers.
    """
    y = "50%"
    marks = [
        Markup('<line class="grid" x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(_at(scale.percent(tick)))
        for tick in scale.ticks
    ]
    if reference is not None:
        marks.append(
            Markup('<line class="reference" x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(_at(scale.percent(reference)))
        )
    if math.isfinite(score.value):
        ends = [scale.percent(end if math.isfinite(end) else score.value) for end in (score.low, score.high)]
        marks.append(
            Markup('<line class="interval" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(_at(ends[0]), _at(ends[1]), y=y)
        )
        x = _at(scale.percent(score.value))
        if "deep" in look.split():
            marks.append(
                Markup('<svg x="{}" y="{}" overflow="visible"><path class="mark" d="{}"/></svg>').format(x, y, DIAMOND)
            )
        else:
            marks.append(Markup('<circle class="mark" cx="{}" cy="{}" r="5"/>').format(x, y))
    return Markup('<svg class="strip {}" aria-hidden="true">{}</svg>').format(look, Markup("").join(marks))


def classes_of(standing: Standing) -> str:
    """The classes by which the style sheet tells models apart."""
    return ("deep" if standing.deep else "baseline") + (" published" if standing.published else "")


def bar(value: float, largest: float, kind: str = "plain") -> Markup:
    """A bar as long as the value's part of the largest one."""
    width = 0.0 if largest <= 0 or not math.isfinite(value) else 100 * value / largest
    return Markup(
        '<svg class="bar {}" aria-hidden="true"><rect class="track" width="100%" height="100%" rx="2"/>'
        '<rect class="fill" width="{}" height="100%" rx="2"/></svg>'
    ).format(kind, _at(width))


def sparkline(quantiles: Sequence[float]) -> Markup:
    """A line through quantiles at even steps, the lowest at the bottom and the highest at the top.

    It is straight where values are spread evenly, and flat and then steep where few are far above the others.
    """
    low, high = quantiles[0], quantiles[-1]
    height = high - low
    points = [
        f"{100 * place / (len(quantiles) - 1):.0f},{20 - 20 * (value - low) / height if height else 10:.1f}"
        for place, value in enumerate(quantiles)
    ]
    return Markup(
        '<svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">'
        '<polyline points="{}"/></svg>'
    ).format(" ".join(points))


def stacked_bar(parts: Sequence[tuple[str, int]]) -> Markup:
    """One bar cut into its named parts; the names are also the classes that colour them."""
    whole = sum(max(rows, 0) for _, rows in parts)
    drawn, start = [], 0.0
    for name, rows in parts:
        width = 100 * max(rows, 0) / whole if whole else 0.0
        drawn.append(
            Markup('<rect class="{0}" x="{1}" width="{2}" height="100%"><title>{0}: {3}</title></rect>').format(
                name, _at(start), _at(width), count(rows)
            )
        )
        start += width
    label = ", ".join(f"{count(rows)} {name}" for name, rows in parts)
    return Markup('<svg class="stack" role="img" aria-label="{}">{}</svg>').format(label, Markup("").join(drawn))


def loss_curves(epochs: pd.DataFrame, best_epoch: int | None) -> Markup:
    """Training and validation loss by epoch, the best epoch ringed."""
    numbers = [int(epoch) for epoch in epochs["epoch"]]
    curves = {
        "training": [float(loss) for loss in epochs["loss"]],
        "validation": [float(loss) for loss in epochs["validation_loss"]],
    }
    losses = [loss for curve in curves.values() for loss in curve if math.isfinite(loss)]
    if not losses:
        return Markup('<p class="empty">No finite loss was measured.</p>')
    vertical = Scale.around(min(losses), max(losses), 4)
    spare = 0.3 if len(numbers) > 1 else 0.5
    horizontal = Scale(min(numbers) - spare, max(numbers) + spare, tuple(map(float, numbers)))

    drawn = []
    for tick in vertical.ticks:
        y = _at(100 - vertical.percent(tick))
        drawn.append(Markup('<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(y))
        drawn.append(Markup('<text x="-8" y="{}" dy="4" text-anchor="end">{}</text>').format(y, vertical.label(tick)))
    for epoch in numbers[:: math.ceil(len(numbers) / 8)]:
        drawn.append(
            Markup('<text x="{}" y="100%" dy="18" text-anchor="middle">{}</text>').format(
                _at(horizontal.percent(epoch)), epoch
            )
        )
    drawn.append(Markup('<text class="unit" x="50%" y="100%" dy="36" text-anchor="middle">epoch</text>'))
    for name, curve in curves.items():
        drawn.append(_curve(name, numbers, curve, horizontal, vertical, best_epoch if name == "validation" else None))
    summary = f"Loss by epoch: training {figure(curves['training'][0])} to {figure(curves['training'][-1])}"
    if best_epoch is not None:
        best = curves["validation"][numbers.index(best_epoch)]
        summary += f", validation {figure(best)} in the best epoch, {best_epoch}"
    return Markup('<div class="plot"><svg role="img" aria-label="{}">{}</svg></div>').format(
        summary, Markup("").join(drawn)
    )


def _curve(
    name: str, epochs: list[int], losses: list[float], horizontal: Scale, vertical: Scale, ringed: int | None
) -> Markup:
    """Straight lines between neighbouring epochs, broken where a loss is missing."""
    points = [
        (_at(horizontal.percent(epoch)), _at(100 - vertical.percent(loss)), epoch, loss)
        for epoch, loss in zip(epochs, losses, strict=True)
    ]
    drawn = [
        Markup('<line x1="{}" y1="{}" x2="{}" y2="{}"/>').format(here[0], here[1], after[0], after[1])
        for here, after in pairwise(points)
        if math.isfinite(here[3]) and math.isfinite(after[3])
    ]
    for x, y, epoch, loss in points:
        if not math.isfinite(loss):
            continue
        if epoch == ringed:
            drawn.append(Markup('<circle class="ring" cx="{}" cy="{}" r="8"/>').format(x, y))
        drawn.append(
            Markup('<circle cx="{}" cy="{}" r="3.5"><title>epoch {}, {} loss: {}</title></circle>').format(
                x, y, epoch, name, figure(loss)
            )
        )
    return Markup('<g class="{}">{}</g>').format(name, Markup("").join(drawn))


def _at(percent: float) -> str:
    return f"{percent:.2f}%"
