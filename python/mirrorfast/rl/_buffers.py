"""Arrays that are handed out and used again once nobody holds them."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

__all__ = ["Buffers"]


class Buffers:
    """Observation arrays of one shape.

    A fresh array of a megabyte costs as much as the step that fills it, as its pages must be mapped; one that is handed
    out again must not be one that somebody kept. The count of references tells: a view holds its array, too.
    """

    def __init__(self, shape: tuple[int, ...], most: int = 8) -> None:
        self._shape = shape
        self._most = most
        self._arrays: list[npt.NDArray[np.float32]] = []

    def take(self) -> npt.NDArray[np.float32]:
        """Hand out an array that nobody else holds; what is in it is left over."""
        for array in self._arrays:
            if sys.getrefcount(array) <= _UNUSED:
                return array
        array = np.empty(self._shape, np.float32)
        if len(self._arrays) < self._most:
            self._arrays.append(array)
        return array


def _references(arrays: list[npt.NDArray[np.float32]]) -> int:
    # What the loop in `take` sees of an array that only its list holds: versions of Python count differently.
    for array in arrays:
        return sys.getrefcount(array)
    return 0


_UNUSED = _references([np.empty(0, np.float32)])
