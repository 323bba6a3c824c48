"""One indicator, one new bar at a time."""

from typing import Any, Self

from mirrorfast import _core

__all__ = ["Stream"]


class Stream(_core.IndicatorStream):
    """An indicator that takes one row at a time and keeps only the state it needs.

    Fed with the rows of a series it gives exactly, bit for bit, what the batch function gives; no row is read twice.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    **params : float
        Parameters; the catalogue's defaults otherwise.

    Attributes
    ----------
    name : str
        Name in the catalogue.
    params : dict of str to float
        Parameters, defaults filled in.
    inputs, outputs : list of str
        What ``update`` takes and gives, in order.
    warm_up : int
        Rows before the first one with all outputs.

    Raises
    ------
    ParameterError
        If the name or a parameter is unknown or out of range.

    See Also
    --------
    catalogue : All indicators.

    Notes
    -----
    ``update(close=...)`` returns a float, or a tuple for several outputs; NaN while warming up. It takes its inputs by
    name or in order, and lets the other columns of a bar pass, so that ``update(**bar)`` works. A missing value (None,
    NaN, infinite) gives NaN and leaves the state as it is. ``snapshot()`` returns bytes; ``restore(bytes)`` takes them
    up and refuses, with ``LedgerError``, those that are damaged or of another indicator. ``reset()`` starts again.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> rsi = mf.indicators.Stream("rsi", period=2)
    >>> [round(rsi.update(close=price), 2) for price in (10.0, 11.0, 10.5, 12.0)]
    [nan, nan, 66.67, 88.89]
    >>> saved = rsi.snapshot()
    >>> round(mf.indicators.Stream.from_snapshot(saved).update(close=11.0), 2) == round(rsi.update(close=11.0), 2)
    True
    """

    __slots__ = ()

    @classmethod
    def from_snapshot(cls, snapshot: bytes) -> Self:
        """Build the stream that a snapshot was taken of, in its state.

        Parameters
        ----------
        snapshot : bytes
            What ``snapshot()`` returned.

        Returns
        -------
        Stream
            A stream that goes on where the other one was.

        Raises
        ------
        LedgerError
            If the bytes are no snapshot, or damaged.
        """
        name, params = cls.describe(snapshot)
        stream = cls(name, **params)
        stream.restore(snapshot)
        return stream

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return type(self).from_snapshot, (self.snapshot(),)

    def __repr__(self) -> str:
        given = "".join(f", {key}={value!r}" for key, value in self.params.items())
        return f"{type(self).__name__}({self.name!r}{given})"
