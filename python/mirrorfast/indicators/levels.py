"""Prices at which markets have turned."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame

__all__ = ["fibonacci", "fractal", "pivots", "pivots_session", "support_resistance", "swings"]


def fibonacci(high: Values, low: Values, close: Values, *, lookback: int = 55) -> pl.DataFrame:
    """Draw retracements and extensions of the last swing.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    lookback : int, default 55
        Rows looked back, from 1 to 10000.

    Returns
    -------
    polars.DataFrame, shape (n, 15)
        ``fib_direction``, ``fib_high`` … ``fib_nearest_extension``; complete from row 54 on with the defaults, null
        before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The swing runs between the highest high and the lowest low of the window; ``fib_direction`` is +1 where the high
    came last, −1 where the low did, 0 without range. Retracements .236 to .786 count back from its end, extensions
    1.272, 1.618 and 2 from its start; ``fib_nearest_retracement`` and ``fib_nearest_extension`` are the levels
    nearest to the close.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.fibonacci(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)[:5]]
    [-1.0, 14819.98, 12500.0, 12500.0, 13047.52]
    """
    return frame(
        "fibonacci",
        {"high": high, "low": low, "close": close},
        {"lookback": lookback},
        [
            "fib_direction",
            "fib_high",
            "fib_low",
            "fib_0",
            "fib_236",
            "fib_382",
            "fib_500",
            "fib_618",
            "fib_786",
            "fib_1000",
            "fib_ext_1272",
            "fib_ext_1618",
            "fib_ext_2000",
            "fib_nearest_retracement",
            "fib_nearest_extension",
        ],
    )


def pivots(high: Values, low: Values, close: Values) -> pl.DataFrame:
    """Draw the classic pivot points of the bar before.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.

    Returns
    -------
    polars.DataFrame, shape (n, 7)
        ``pivot``, ``resistance_1``, ``support_1``, ``resistance_2``, ``support_2``, ``resistance_3``, ``support_3``;
        complete from row 1 on with the defaults, null before and where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``pivot = (high + low + close) / 3`` of the bar before; three resistances and supports around it.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.pivots(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13964.0, 14078.0, 13833.0, 14209.0, 13719.0, 14323.0, 13588.0]
    """
    return frame(
        "pivots",
        {"high": high, "low": low, "close": close},
        {},
        ["pivot", "resistance_1", "support_1", "resistance_2", "support_2", "resistance_3", "support_3"],
    )


def pivots_session(high: Values, low: Values, close: Values, timestamp: Values, *, start_hour: int = 0) -> pl.DataFrame:
    """Draw the classic pivot points of the session before.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    timestamp : array-like, shape (n,)
        Opening times of the bars in UTC: timestamps, or milliseconds since the epoch.
    start_hour : int, default 0
        Hour of the day, UTC, at which a session begins, from 0 to 23.

    Returns
    -------
    polars.DataFrame, shape (n, 7)
        ``pivot``, ``resistance_1``, ``support_1``, ``resistance_2``, ``support_2``, ``resistance_3``, ``support_3``;
        complete from row 1 on with the defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    As :func:`pivots`, of the last complete session; a session is a day of UTC that begins at ``start_hour``. Null
    through the first.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.pivots_session(bars["high"], bars["low"], bars["close"], bars["timestamp"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13326.59, 14153.19, 12013.4, 15466.38, 11186.8, 16292.98, 9873.61]
    """
    return frame(
        "pivots_session",
        {"high": high, "low": low, "close": close, "timestamp": timestamp},
        {"start_hour": start_hour},
        ["pivot", "resistance_1", "support_1", "resistance_2", "support_2", "resistance_3", "support_3"],
    )


def fractal(high: Values, low: Values, *, left: int = 2, right: int = 2) -> pl.DataFrame:
    """Mark the bars that confirm a swing high or low.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    left : int, default 2
        Bars before a swing that it must top, from 1 to 10000.
    right : int, default 2
        Bars after a swing that confirm it, from 1 to 10000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``fractal_high``, ``fractal_low``; complete from row 4 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    100 where the bar ``right`` bars ago is higher (lower) than the ``left`` bars before it and the ``right`` after
    it, else 0, as TA-Lib's FRACTAL: known only when confirmed.

    References
    ----------
    .. [1] B. Williams, *Trading Chaos*, 1995.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.fractal(bars["high"], bars["low"])
    >>> [round(value, 2) for value in found.row(-1)]
    [0.0, 0.0]
    """
    return frame("fractal", {"high": high, "low": low}, {"left": left, "right": right}, ["fractal_high", "fractal_low"])


def swings(high: Values, low: Values, *, left: int = 2, right: int = 2) -> pl.DataFrame:
    """Take the last confirmed swing high and low.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    left : int, default 2
        Bars before a swing that it must top, from 1 to 10000.
    right : int, default 2
        Bars after a swing that confirm it, from 1 to 10000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``swing_high``, ``swing_low``; complete from row 4 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Prices of the last highs and lows that :func:`fractal` confirmed; null until there was one.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.swings(bars["high"], bars["low"])
    >>> [round(value, 2) for value in found.row(-1)]
    [14280.26, 12633.8]
    """
    return frame("swings", {"high": high, "low": low}, {"left": left, "right": right}, ["swing_high", "swing_low"])


def support_resistance(
    high: Values,
    low: Values,
    close: Values,
    *,
    lookback: int = 100,
    left: int = 2,
    right: int = 2,
    tolerance: float = 0.005,
) -> pl.DataFrame:
    """Find the nearest zones in which swings turned.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    lookback : int, default 100
        Rows looked back, from 1 to 100000.
    left : int, default 2
        Bars before a swing that it must top, from 1 to 10000.
    right : int, default 2
        Bars after a swing that confirm it, from 1 to 10000.
    tolerance : float, default 0.005
        Distance, as a fraction, within which swings are one zone, from 0 to 0.5.

    Returns
    -------
    polars.DataFrame, shape (n, 4)
        ``support``, ``support_touches``, ``resistance``, ``resistance_touches``; complete from row 4 on with the
        defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Swing prices of the look-back within ``tolerance`` of each other form a zone; the nearest below and above the
    close, with the number of swings in them. Null where there is none.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.support_resistance(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13818.7, 3.0, 14100.0, 1.0]
    """
    return frame(
        "support_resistance",
        {"high": high, "low": low, "close": close},
        {"lookback": lookback, "left": left, "right": right, "tolerance": tolerance},
        ["support", "support_touches", "resistance", "resistance_touches"],
    )
