"""Charts as inline SVG, which show and print without a script; the script adds pointer, keys and zoom.

A chart is a stretched SVG with the lines (its `viewBox` is the visible range, so zooming moves that and nothing else),
under an unstretched one with grid, markers and crosshair, whose positions are percentages. Text stays HTML and never
shrinks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from mirrorfast.report import numbers
from mirrorfast.report.series import envelope, nice_ticks, time_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Chart", "Line", "Mark", "histogram", "script_json"]

WIDTH: Final = 1000
HEIGHT: Final = 400
#: From this number of visible marks on they are drawn small; the script has the same number.
DENSE: Final = 160

_KEYS_PLAIN: Final = "Arrow keys read values, plus zooms in, Escape shows everything."
_KEYS: Final = _KEYS_PLAIN.replace("values,", "values, n and p step through trades,")

_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    "money": lambda v: numbers.number(v, 0) if abs(v) >= 1000 else numbers.number(v, 2),
    "price": lambda v: (
        numbers.number(v, 0) if v == int(v) and abs(v) >= 10 else numbers.price(v).rstrip("0").rstrip(".")
    ),
    "percent": lambda v: numbers.percent(v, 1),
    "weight": lambda v: numbers.number(v, 2),
}


@dataclass(frozen=True)
class Line:
    """A series of a chart: `style` is a CSS class, `fill` draws the area to the value 0 or the bottom."""

    name: str
    x: npt.NDArray[np.int64]
    y: npt.NDArray[np.float64]
    style: str
    fill: bool = False


@dataclass(frozen=True)
class Mark:
    """A trade's entry or exit: where it is, its glyph and what to say about it."""

    x: int
    y: float
    glyph: str
    style: str
    text: list[str]


@dataclass(frozen=True)
class Chart:
    """A chart over time.

    Attributes
    ----------
    name
        Identifier within the page.
    title
        For those who cannot see it: what it shows.
    lines, marks, links
        What is drawn; links are (x0, y0, x1, y1, style) lines between an entry and its exit.
    form
        How values are written: `money`, `price`, `percent` or `weight`.
    zero
        Whether the axis must contain 0.
    height
        CSS class of the height: `tall`, `middle` or `low`.
    """

    name: str
    title: str
    lines: Sequence[Line]
    form: str = "money"
    marks: Sequence[Mark] = ()
    links: Sequence[tuple[int, float, int, float, str]] = ()
    zero: bool = False
    height: str = "tall"
    _data: dict[str, Any] = field(default_factory=dict, repr=False)

    def render(self) -> str:
        """Return the chart's HTML; its data goes to the script by `data`."""
        lines = [(line, *envelope(line.x, line.y)) for line in self.lines]
        lines = [(line, x, y) for line, x, y in lines if len(x)]
        if not lines:
            return '<p class="empty">Nothing to draw yet.</p>'
        start = int(min(x[0] for _, x, _ in lines))
        end = int(max(x[-1] for _, x, _ in lines))
        low = float(min(y.min() for _, _, y in lines))
        high = float(max(y.max() for _, _, y in lines))
        low = min([low, *(m.y for m in self.marks)])
        high = max([high, *(m.y for m in self.marks)])
        if self.zero:
            low, high = min(low, 0.0), max(high, 0.0)
        end = end if end > start else start + 1
        room = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
        low = low - room
        high = high if self.zero and high == 0.0 else high + room
        view = _View(start, end, low, high)
        self._data.update(
            name=self.name,
            form=self.form,
            view=[start, end, low, high],
            lines=[
                {"name": line.name, "style": line.style, "x": (x - start).tolist(), "y": [_short(v) for v in y]}
                for line, x, y in lines
            ],
            marks=[{"x": m.x - start, "y": _short(m.y), "text": m.text} for m in self.marks],
        )
        return self._html(view, lines)

    @property
    def data(self) -> dict[str, Any]:
        """What the script needs; filled by `render`."""
        return self._data

    def _html(self, view: _View, lines: list[tuple[Line, npt.NDArray[np.int64], npt.NDArray[np.float64]]]) -> str:
        name = escape(self.name, quote=True)
        paths = []
        for line, x, y in lines:
            points = view.path(x, y)
            if line.fill:
                base = min(max(view.y(0.0), 0.0), float(HEIGHT)) if self.zero else float(HEIGHT)
                first, last = view.x(int(x[0])), view.x(int(x[-1]))
                paths.append(
                    f'<path class="area {line.style}" d="{points}L{last:.1f} {base:.1f}L{first:.1f} {base:.1f}Z"/>'
                )
            paths.append(f'<path class="line {line.style}" d="{points}"/>')
        links = "".join(
            f'<path class="link {style}" d="M{view.x(x0):.1f} {view.y(y0):.1f}L{view.x(x1):.1f} {view.y(y1):.1f}"/>'
            for x0, y0, x1, y1, style in self.links
        )
        grid, labels = self._axes(view)
        small = "-s" if len(self.marks) > DENSE else ""
        marks = "".join(
            f'<use href="#g-{m.glyph}{small}" class="mark {m.style}" '
            f'x="{view.x(m.x) / WIDTH:.3%}" y="{view.y(m.y) / HEIGHT:.3%}"/>'
            for m in self.marks
        )
        keys = _KEYS if self.marks else _KEYS_PLAIN
        return (
            f'<div class="chart {self.height}" id="{name}" tabindex="0" role="application" '
            f'aria-roledescription="chart" aria-label="{escape(self.title, quote=True)}. {keys}">'
            f'<div class="ylabels" aria-hidden="true">{labels[0]}</div><div class="plot">'
            f'<svg class="grid" aria-hidden="true">{grid}</svg>'
            f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
            f"{''.join(paths)}{links}</svg>"
            f'<svg class="over" aria-hidden="true">{marks}</svg></div>'
            f'<div class="xlabels" aria-hidden="true">{labels[1]}</div></div>'
        )

    def _axes(self, view: _View) -> tuple[str, tuple[str, str]]:
        grid, left, below = [], [], []
        write = _FORMATS[self.form]
        for value in nice_ticks(view.low, view.high, most={"tall": 6, "middle": 5}.get(self.height, 3)):
            at = f"{view.y(value) / HEIGHT:.3%}"
            zero = ' class="zero"' if self.zero and value == 0 else ""
            grid.append(f'<line x1="0" x2="100%" y1="{at}" y2="{at}"{zero}/>')
            left.append(f'<span style="top:{at}">{escape(write(value))}</span>')
        for number, (ms, label) in enumerate(time_ticks(view.start, view.end)):
            at = f"{view.x(ms) / WIDTH:.3%}"
            grid.append(f'<line y1="0" y2="100%" x1="{at}" x2="{at}"/>')
            odd = ' class="odd"' if number % 2 else ""
            below.append(f'<span style="left:{at}"{odd}>{escape(label)}</span>')
        return "".join(grid), ("".join(left), "".join(below))


@dataclass(frozen=True)
class _View:
    start: int
    end: int
    low: float
    high: float

    def x(self, ms: int) -> float:
        return (ms - self.start) / (self.end - self.start) * WIDTH

    def y(self, value: float) -> float:
        return (self.high - value) / (self.high - self.low) * HEIGHT

    def path(self, x: npt.NDArray[np.int64], y: npt.NDArray[np.float64]) -> str:
        px = (x - self.start) / (self.end - self.start) * WIDTH
        py = (self.high - y) / (self.high - self.low) * HEIGHT
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(px.tolist(), py.tolist(), strict=True))


def _short(value: float) -> float:
    return float(f"{value:.7g}")


def histogram(values: Sequence[float], *, bins: int = 21) -> str:
    """Draw the distribution of trade returns; losses and gains in their colours, 0 between two bars."""
    data = np.asarray([v for v in values if v is not None and np.isfinite(v)], dtype=np.float64)
    if len(data) == 0:
        return '<p class="empty">No closed trades yet.</p>'
    reach = float(np.quantile(np.abs(data), 0.98)) or 1e-9
    half = bins // 2 + 1
    width = reach / half
    index = np.clip(np.floor(data / width), -half, half - 1).astype(int) + half
    tally = np.bincount(index, minlength=2 * half)
    top = int(tally.max())
    bars = []
    for k, n in enumerate(tally.tolist()):
        a, b = (k - half) * width, (k - half + 1) * width
        said = f"{numbers.percent(a, 2)} to {numbers.percent(b, 2)}: {n} trade{'s' if n != 1 else ''}"
        style = "gain" if k >= half else "loss"
        bars.append(f'<i class="{style}" style="height:{n / top:.1%}" title="{escape(said, quote=True)}"></i>')
    title = (
        f"Distribution of {len(data)} trade returns; median {numbers.percent(float(np.median(data)), 2)}, "
        f"worst {numbers.percent(float(data.min()), 1)}, best {numbers.percent(float(data.max()), 1)}"
    )
    ends = f"<span>≤ {numbers.percent(-reach, 1)}</span><span>0</span><span>≥ {numbers.percent(reach, 1)}</span>"
    return (
        f'<div class="histogram" role="img" aria-label="{escape(title, quote=True)}">'
        f'<div class="bars">{"".join(bars)}</div>'
        f'<div class="ends" aria-hidden="true">{ends}</div></div>'
    )


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it can close the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")
