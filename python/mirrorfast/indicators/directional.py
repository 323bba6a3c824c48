"""Strength of a trend and the stops that follow it."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = ["adx", "adxr", "dx", "gradient_trend", "minus_di", "plus_di", "sar", "supertrend", "ut_bot"]


def adx(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Measure how strong the trend is (average directional index).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``adx_14`` and null in the first 27 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Wilder's average of :func:`dx`, 0 to 100, seeded by the mean of its first ``period`` values, as TA-Lib's ADX. A
    bar without any movement counts as 0 in the seed and leaves the average as it is later.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.adx(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [31.27, 31.3, 31.33]
    """
    return series("adx", {"high": high, "low": low, "close": close}, {"period": period})


def plus_di(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Measure the upward share of movement (plus directional indicator).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``plus_di_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·Σ +DM / Σ TR``, both sums decaying by Wilder's rule, as TA-Lib's PLUS_DI; 0 where nothing moved. In percent
    for a period of 1 too, where TA-Lib gives a fraction.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.plus_di(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [30.91, 29.11, 28.14]
    """
    return series("plus_di", {"high": high, "low": low, "close": close}, {"period": period})


def minus_di(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Measure the downward share of movement (minus directional indicator).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``minus_di_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·Σ −DM / Σ TR``, both sums decaying by Wilder's rule, as TA-Lib's MINUS_DI; 0 where nothing moved. In percent
    for a period of 1 too, where TA-Lib gives a fraction.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.minus_di(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [11.0, 15.09, 14.59]
    """
    return series("minus_di", {"high": high, "low": low, "close": close}, {"period": period})


def dx(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Measure how one-sided the movement is (directional movement index).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``dx_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·|+DI − −DI| / (+DI + −DI)``, as TA-Lib's DX; keeps its last value (at first 0) where nothing moved.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.dx(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [47.52, 31.71, 31.71]
    """
    return series("dx", {"high": high, "low": low, "close": close}, {"period": period})


def adxr(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Average the trend's strength now and one period ago (ADX rating).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``adxr_14`` and null in the first 40 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(ADX + ADX of period − 1 bars ago) / 2``, as TA-Lib's ADXR.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.adxr(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [32.71, 32.58, 32.26]
    """
    return series("adxr", {"high": high, "low": low, "close": close}, {"period": period})


def supertrend(high: Values, low: Values, close: Values, *, period: int = 10, multiplier: float = 3.0) -> pl.DataFrame:
    """Trail a line at a multiple of ATR behind the trend (Supertrend).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 10
        Length of the window in rows, from 1 to 100000.
    multiplier : float, default 3.0
        Distance of the lines, in multiples of the spread, from 0 to 1e+06.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``supertrend``, ``supertrend_direction``; complete from row 10 on with the defaults, null before and where an
        input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A line ``multiplier`` ATRs from the middle of the bar that only moves with the trend and flips when the close
    crosses it, as TA-Lib's SUPERTREND. ``supertrend_direction`` is +1 above the line, −1 below it; the first row is
    taken as an uptrend.

    References
    ----------
    .. [1] O. Seban, *Supertrend*.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.supertrend(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13229.04, 1.0]
    """
    return frame(
        "supertrend",
        {"high": high, "low": low, "close": close},
        {"period": period, "multiplier": multiplier},
        ["supertrend", "supertrend_direction"],
    )


def sar(high: Values, low: Values, *, acceleration: float = 0.02, maximum: float = 0.2) -> pl.Series:
    """Trail a stop that speeds up towards the price (parabolic stop and reverse).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    acceleration : float, default 0.02
        Step of the acceleration, from 0 to 10.
    maximum : float, default 0.2
        Largest step, from 0 to 10.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``sar_0.02_0.2`` and null in the first row; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``s ← s + a·(extreme − s)``, where ``a`` grows by ``acceleration`` with every new extreme up to ``maximum``; the
    side changes when the price touches ``s``. The first side is long unless the second bar moves down, as in TA-Lib's
    SAR.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.sar(bars["high"], bars["low"]).tail(3).round(2).to_list()
    [13030.35, 13105.34, 13175.84]
    """
    return series("sar", {"high": high, "low": low}, {"acceleration": acceleration, "maximum": maximum})


def ut_bot(high: Values, low: Values, close: Values, *, period: int = 10, sensitivity: float = 1.0) -> pl.DataFrame:
    """Trail an ATR stop and take the side of its last crossing (UT Bot).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 10
        Length of the window in rows, from 1 to 100000.
    sensitivity : float, default 1.0
        Distance of the stop in ATRs, from 0 to 1e+06.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``ut_stop``, ``ut_direction``; complete from row 10 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The stop lies ``sensitivity`` ATRs from the close, trails while the close stays on its side and is set anew beyond
    the close when crossed. ``ut_direction`` is the side taken at the last crossing, 0 before the first.

    References
    ----------
    .. [1] The "UT Bot Alerts" study of TradingView, after HPotter's ATR trailing stop.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.ut_bot(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13856.0, 1.0]
    """
    return frame(
        "ut_bot",
        {"high": high, "low": low, "close": close},
        {"period": period, "sensitivity": sensitivity},
        ["ut_stop", "ut_direction"],
    )


def gradient_trend(high: Values, low: Values, close: Values, *, period: int = 25) -> pl.DataFrame:
    """Filter the trend with a triple EMA (gradient trend filter).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 25
        Period of each stage, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``gradient``, ``gradient_range``, ``gradient_direction``; complete from row 74 on with the defaults, null
        before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``gradient`` is an EMA of an EMA of an EMA of the close, ``gradient_range`` the same of ``high − low``, and
    ``gradient_direction`` the sign of the filter's change over two bars. The study's bands lie 0.354, 0.764 and 1.545
    filtered ranges from the filter.

    References
    ----------
    .. [1] The "Gradient Trend Filter" study of ChartPrime.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.gradient_trend(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13654.8, 337.41, -1.0]
    """
    return frame(
        "gradient_trend",
        {"high": high, "low": low, "close": close},
        {"period": period},
        ["gradient", "gradient_range", "gradient_direction"],
    )
