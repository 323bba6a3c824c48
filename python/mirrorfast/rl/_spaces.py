"""Spaces of observations and actions, and actions as the core takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from mirrorfast.errors import ShapeError

__all__ = ["Actions", "observation_space"]


def observation_space(rows: int, width: int) -> spaces.Box:
    """Return the space of one observation."""
    return spaces.Box(-1.0, 1.0, (rows, width), np.float32)


class Actions:
    """The space of one action, and how the core's positions come out of it."""

    def __init__(self, symbols: int, positions: tuple[float, ...]) -> None:
        self.symbols = symbols
        # One more level for an index that stands for nothing: the core keeps the position then, and counts.
        self.levels = np.array([*positions, np.nan], np.float32) if positions else None
        n = len(positions)
        self.space: spaces.Space[Any]
        if not positions:
            self.space = spaces.Box(-1.0, 1.0, (symbols,), np.float32)
        elif symbols == 1:
            self.space = spaces.Discrete(n)
        else:
            self.space = spaces.MultiDiscrete([n] * symbols)

    def positions(self, actions: Any, n: int) -> npt.NDArray[np.float32]:
        """Positions of `n` environments, in one piece."""
        if self.levels is None:
            given = np.ascontiguousarray(actions, np.float32)
        else:
            index = np.asarray(actions)
            if index.dtype.kind not in "iu":
                # NaN, 0.5: no choice at all.
                index = np.where(np.isin(index, np.arange(len(self.levels) - 1)), index, -1).astype(np.int64)
            given = self.levels[np.where((index >= 0) & (index < len(self.levels) - 1), index, -1)]
        if given.size != n * self.symbols:
            expected = (n, self.symbols) if n > 1 else (self.symbols,)
            raise ShapeError(f"action: got shape {np.shape(actions)}, expected {expected}")
        return given.reshape(n * self.symbols)
