"""Charts as inline SVG. Colours come from the style sheet by class, so that light and dark follow the page.

The drawing stretches to whatever room there is; words beside it are HTML, so they stay as large as the page's own. Each
chart has a title and a description for those who cannot see it, and `as_table` holds the same numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Show = Callable[[float], str]
_WIDTH, _HEIGHT = 1000.0, 100.0
"""Of the drawing's own coordinates."""
_MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one a day (or week); None where there is nothing to say."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with what stands around it."""

    title: str
    svg: Markup
    legend: Sequence[str]
    """Names of its series, in the order of their colours."""
    top: str
    """What the upper edge stands for."""
    middle: str
    labels: Sequence[str]
    """Of all positions from left to right."""
    series: Sequence[Series]
    show: Show

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for one in self.series for value in one.values)

    @property
    def as_table(self) -> list[tuple[str, list[str]]]:
        """Label and numbers, the newest first."""
        rows = zip(self.labels, *(one.values for one in self.series), strict=True)
        written = [(label, [_written(value, self.show) for value in values]) for label, *values in rows]
        return list(reversed(written))


def lines(
    title: str, labels: Sequence[str], series: Sequence[Series], show: Show, *, top: float | None = None
) -> Chart:
    """A line for each series; days without a number leave a gap. `top`: of the scale, if it is always the same."""
    top = top or _round_up(max((v for one in series for v in one.values if v is not None), default=0.0))
    shapes = [_grid()]
    for number, one in enumerate(series[:_MOST_LINES], start=1):
        path = _path([None if v is None else _y(v, top) for v in one.values])
        shapes.append(Markup('<path class="line s{}" d="{}"/>').format(number, path))
    return _chart(title, labels, series, show, top, shapes)


def bars(title: str, labels: Sequence[str], series: Series, show: Show, *, color: int = 1) -> Chart:
    """A column for each number."""
    top = _round_up(max((v for v in series.values if v is not None), default=0.0))
    slot = _WIDTH / max(1, len(series.values))
    shapes = [_grid()]
    for number, value in enumerate(series.values):
        if value:
            height = max(1.0, _HEIGHT - _y(value, top))
            shapes.append(
                Markup('<rect class="bar f{}" x="{:.1f}" y="{:.2f}" width="{:.1f}" height="{:.2f}"/>').format(
                    color, number * slot + slot * 0.15, _HEIGHT - height, slot * 0.7, height
                )
            )
    return _chart(title, labels, [series], show, top, shapes)


def parts(title: str, counts: Sequence[tuple[str, float]]) -> Markup:
    """One bar, divided; names and numbers stand in its description."""
    total = sum(count for _, count in counts)
    told = ", ".join(f"{name} {count:,.0f}" for name, count in counts)
    shapes, left = [], 0.0
    for number, (_, count) in enumerate(counts, start=1):
        width = _WIDTH * count / total if total else 0.0
        shapes.append(
            Markup('<rect class="part f{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>').format(
                number, left, max(0.0, width - 2), _HEIGHT
            )
        )
        left += width
    return _svg("parts", title, told, shapes)


def meter(title: str, told: str, used: float, limit: float | None) -> Markup:
    """How much of a limit is used; a line marks the limit."""
    scale = max(used, limit or 0.0) * 1.06 or 1.0  # so that the limit is seen as a line
    is_over = limit is not None and used > limit
    kind = "over" if is_over else "near" if limit is not None and used > 0.8 * limit else "f1"
    shapes = [
        Markup('<rect class="track" x="0" y="0" width="{}" height="{}"/>').format(_WIDTH, _HEIGHT),
        Markup('<rect class="{}" x="0" y="0" width="{:.1f}" height="{}"/>').format(
            kind, _WIDTH * used / scale if limit is not None else 0, _HEIGHT
        ),
    ]
    if limit is not None:
        at = min(_WIDTH - 3, _WIDTH * limit / scale)
        shapes.append(Markup('<rect class="limit" x="{:.1f}" y="0" width="3" height="{}"/>').format(at, _HEIGHT))
    return _svg("meter", title, told, shapes)


def _chart(
    title: str, labels: Sequence[str], series: Sequence[Series], show: Show, top: float, shapes: list[Markup]
) -> Chart:
    shapes += [_hover(number, label, series, show, len(labels)) for number, label in enumerate(labels)]
    svg = _svg("plot", title, _told(labels, series, show), shapes)
    names = [one.name for one in series]
    return Chart(title, svg, names, show(top), show(top / 2), labels, series, show)


def _svg(kind: str, title: str, told: str, shapes: Sequence[Markup]) -> Markup:
    """`role=img` hides the shapes from screen readers, which read title and description."""
    head = Markup(
        '<svg class="{}" role="img" viewBox="0 0 {:.0f} {:.0f}" preserveAspectRatio="none" aria-label="{}">'
    ).format(kind, _WIDTH, _HEIGHT, f"{title}. {told}")
    return head + Markup("").join(shapes) + Markup("</svg>")


def _hover(number: int, label: str, series: Sequence[Series], show: Show, count: int) -> Markup:
    """What a mouse reads over a day: the browser's own tooltip."""
    told = ", ".join(f"{one.name} {_written(one.values[number], show)}" for one in series)
    slot = _WIDTH / max(1, count)
    return Markup('<rect class="over-day" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        number * slot, slot, _HEIGHT, f"{label}: {told}"
    )


def _grid() -> Markup:
    return Markup("").join(
        Markup('<line class="grid" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(_WIDTH, y=y) for y in (0, 50, 100)
    )


def _path(heights: Sequence[float | None]) -> str:
    """From point to point; a point without neighbours is a dot."""
    slot = _WIDTH / max(1, len(heights))
    pieces: list[str] = []
    before: float | None = None
    for number, y in enumerate(heights):
        if y is not None:
            x = (number + 0.5) * slot
            pieces.append(f"L{x:.1f} {y:.2f}" if before is not None else f"M{x:.1f} {y:.2f}h.01")
        before = y
    return "".join(pieces)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _HEIGHT * min(value, top) / top if top else _HEIGHT


def _told(labels: Sequence[str], series: Sequence[Series], show: Show) -> str:
    """In a sentence, what a glance at the drawing tells."""
    sentences = []
    for one in series:
        known = [(label, value) for label, value in zip(labels, one.values, strict=True) if value is not None]
        if not known:
            sentences.append(f"{one.name}: nothing yet")
            continue
        low, high = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])
        last = known[-1]
        sentences.append(
            f"{one.name}: between {show(low[1])} ({low[0]}) and {show(high[1])} ({high[0]}), "
            f"last {show(last[1])} ({last[0]})"
        )
    return ". ".join(sentences)


def _written(value: float | None, show: Show) -> str:
    return "—" if value is None else show(value)


def _round_up(value: float) -> float:
    """A scale that ends at a number one can say: 1, 2, 2.5, 5 or 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power >= value:
        power /= 10
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= value * 0.9999)
