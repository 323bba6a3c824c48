"""A small picture of an episode, drawn without a plotting library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["picture"]

_HEIGHT: Final = 240
_WIDTH: Final = 480
_PAPER: Final = (250, 250, 248)
_PRICE: Final = (70, 90, 120)
_LONG: Final = (46, 125, 80)
_SHORT: Final = (190, 70, 60)
_EQUITY: Final = (20, 20, 20)


def picture(trace: Sequence[tuple[float, float, float]]) -> npt.NDArray[np.uint8]:
    """Draw price (top), position (a band below it) and equity (bottom), each over its own range."""
    image = np.full((_HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    if not trace:
        return image
    price, position, equity = np.array(trace, np.float64).T
    columns = np.linspace(0, _WIDTH - 1, max(len(price), 2)).astype(int)[: len(price)]
    _line(image, columns, price, 8, 118, _PRICE)
    middle, half = 136, 14
    step = max(1, _WIDTH // max(len(price), 1))
    for x, size in zip(columns, np.clip(position, -1.0, 1.0), strict=True):
        tall = round(abs(size) * half)
        rows = slice(middle - tall, middle) if size > 0 else slice(middle, middle + tall)
        image[rows, x : x + step] = _LONG if size > 0 else _SHORT
    image[middle, :] = _PRICE
    _line(image, columns, equity, 156, _HEIGHT - 8, _EQUITY)
    return image


def _line(
    image: npt.NDArray[np.uint8],
    columns: npt.NDArray[np.int_],
    values: npt.NDArray[np.float64],
    top: int,
    bottom: int,
    colour: tuple[int, int, int],
) -> None:
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    rows = np.round(bottom - share * (bottom - top)).astype(int)
    xs = np.arange(columns[0], columns[-1] + 1)
    ys = np.round(np.interp(xs, columns, rows)).astype(int)
    for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
        # Down to the neighbour's row, so that a steep line has no holes.
        other = ys[max(k - 1, 0)]
        image[min(y, other) : max(y, other) + 1, x] = colour
