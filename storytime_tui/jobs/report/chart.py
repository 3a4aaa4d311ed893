"""The loss curves of a run as an SVG of a few kilobytes. Loads no torch.

It has no style sheet: text and axes take the colour of the page, and the two hues can be seen on white and on black.
No text of a story or a name is in it.
"""

import math
from collections.abc import Iterator, Sequence

from storytime_tui.jobs.report.facts import RunFigures, thin_evaluations, thin_training

TRAINING, VALIDATION = "#3a86d0", "#dd7a1b"
_WIDTH, _HEIGHT = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 48  # margins
_DRAWN = 600  # points of a curve
_AXIS = 'stroke="currentColor" stroke-opacity="0.6"'
_GRID = 'stroke="currentColor" stroke-opacity="0.15"'
_LABEL = 'fill="currentColor" font-size="12" font-family="sans-serif"'


def loss_chart(figures: RunFigures) -> str:
    """The training and the validation loss over the steps; "" before the first loss. Has no blank line."""
    training = thin_training(figures.training, _DRAWN)
    marks = thin_evaluations(figures.evaluations, _DRAWN)
    losses = [point.loss for point in training] + [each.validation_loss for each in marks]
    if not losses:
        return ""
    steps = [point.step for point in training] + [each.step for each in marks]
    last = max(*steps, 1)
    low, high = min(losses), max(losses)
    space = max(0.05, (high - low) * 0.06)
    low, high = low - space, high + space

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last

    def y(loss: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - loss) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img">',
        "<title>Training and validation loss by step</title>",
    ]
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for loss in _ticks(low, high, 6):
        parts.append(f'<line x1="{_LEFT}" y1="{y(loss):.1f}" x2="{right}" y2="{y(loss):.1f}" {_GRID}/>')
        label = f"{loss:.6g}"
        parts.append(f'<text x="{_LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end" {_LABEL}>{label}</text>')
    for step in _ticks(0, last, 7):
        if step == int(step):
            parts.append(
                f'<line x1="{x(step):.1f}" y1="{bottom}" x2="{x(step):.1f}" y2="{bottom + 5}" {_AXIS}/>'
            )
            anchor = "end" if step == last else "middle"
            parts.append(
                f'<text x="{x(step):.1f}" y="{bottom + 20}" text-anchor="{anchor}" {_LABEL}>{int(step):,}</text>'
            )
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" {_AXIS}/>')
    best = ", ★ the best" if figures.best else ""
    parts.append(
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}" {_LABEL}>loss (nats per token) by step: '
        f'<tspan fill="{TRAINING}">● training, single steps and smoothed</tspan> '
        f'<tspan fill="{VALIDATION}">● validation{best}</tspan></text>'
    )
    if training:
        dots = "".join(f"M{x(point.step):.1f} {y(point.loss):.1f}h0" for point in training)
        parts.append(
            f'<path d="{dots}" fill="none" stroke="{TRAINING}" stroke-opacity="0.3" stroke-width="3" '
            'stroke-linecap="round"/>'
        )
        # thinning keeps a stretch's extremes; their averages differ little
        line = " ".join(f"{x(point.step):.1f},{y(point.smoothed):.1f}" for point in training)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{TRAINING}" stroke-width="2"/>')
    if marks:
        line = " ".join(f"{x(each.step):.1f},{y(each.validation_loss):.1f}" for each in marks)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{VALIDATION}" stroke-width="1.5"/>')
        dots = "".join(f"M{x(each.step):.1f} {y(each.validation_loss):.1f}h0" for each in marks)
        parts.append(
            f'<path d="{dots}" fill="none" stroke="{VALIDATION}" stroke-width="6" stroke-linecap="round"/>'
        )
    if figures.best is not None:
        at_x, at_y = x(figures.best.step), y(figures.best.validation_loss)
        corners = " ".join(f"{at_x + dx:.1f},{at_y + dy:.1f}" for dx, dy in _star(10))
        parts.append(
            f'<polygon points="{corners}" fill="{VALIDATION}" stroke="currentColor" stroke-width="1"/>'
        )
    return "\n".join([*parts, "</svg>"])


def _ticks(low: float, high: float, most: int) -> Sequence[float]:
    """At most `most` round numbers from `low` to `high`, evenly spaced by 1, 2 or 5 times a power of ten."""
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _star(radius: float) -> Iterator[tuple[float, float]]:
    """The corners of a five-pointed star around 0, 0."""
    for corner in range(10):
        away = radius if corner % 2 == 0 else radius * 0.4
        yield away * math.sin(corner * math.pi / 5), -away * math.cos(corner * math.pi / 5)
