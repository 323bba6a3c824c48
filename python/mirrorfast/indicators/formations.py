"""Candlestick patterns of three bars, and all patterns at once."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = [
    "cdl_evening_doji_star",
    "cdl_evening_star",
    "cdl_morning_doji_star",
    "cdl_morning_star",
    "cdl_patterns",
    "cdl_three_black_crows",
    "cdl_three_inside",
    "cdl_three_outside",
    "cdl_three_white_soldiers",
]


def cdl_morning_star(open: Values, high: Values, low: Values, close: Values, *, penetration: float = 0.3) -> pl.Series:
    """Find the pattern: morning star.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.
    penetration : float, default 0.3
        Share of the first body that the last must reach into, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cdl_morning_star_0.3`` and null in the first 12 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long black body, a short body below it, a white body back into the first (100); 0 elsewhere. The rule and the
    candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_morning_star(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series(
        "cdl_morning_star", {"open": open, "high": high, "low": low, "close": close}, {"penetration": penetration}
    )


def cdl_evening_star(open: Values, high: Values, low: Values, close: Values, *, penetration: float = 0.3) -> pl.Series:
    """Find the pattern: evening star.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.
    penetration : float, default 0.3
        Share of the first body that the last must reach into, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cdl_evening_star_0.3`` and null in the first 12 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long white body, a short body above it, a black body back into the first (-100); 0 elsewhere. The rule and the
    candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_evening_star(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series(
        "cdl_evening_star", {"open": open, "high": high, "low": low, "close": close}, {"penetration": penetration}
    )


def cdl_morning_doji_star(
    open: Values, high: Values, low: Values, close: Values, *, penetration: float = 0.3
) -> pl.Series:
    """Find the pattern: morning doji star.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.
    penetration : float, default 0.3
        Share of the first body that the last must reach into, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cdl_morning_doji_star_0.3`` and null in the first 12 rows; null too where an input
        is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long black body, a doji below it, a white body back into the first (100); 0 elsewhere. The rule and the candle
    settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_morning_doji_star(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series(
        "cdl_morning_doji_star", {"open": open, "high": high, "low": low, "close": close}, {"penetration": penetration}
    )


def cdl_evening_doji_star(
    open: Values, high: Values, low: Values, close: Values, *, penetration: float = 0.3
) -> pl.Series:
    """Find the pattern: evening doji star.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.
    penetration : float, default 0.3
        Share of the first body that the last must reach into, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cdl_evening_doji_star_0.3`` and null in the first 12 rows; null too where an input
        is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long white body, a doji above it, a black body back into the first (-100); 0 elsewhere. The rule and the candle
    settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_evening_doji_star(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series(
        "cdl_evening_doji_star", {"open": open, "high": high, "low": low, "close": close}, {"penetration": penetration}
    )


def cdl_three_white_soldiers(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: three white soldiers.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_three_white_soldiers`` and null in the first 12 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Three rising white candles without upper shadows (100); 0 elsewhere. The rule and the candle settings are those of
    TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_three_white_soldiers(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    20
    """
    return series("cdl_three_white_soldiers", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_three_black_crows(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: three black crows.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_three_black_crows`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    After a white candle three falling black ones without lower shadows (-100); 0 elsewhere. The rule and the candle
    settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_three_black_crows(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series("cdl_three_black_crows", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_three_inside(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: three inside up or down.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_three_inside`` and null in the first 12 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A harami confirmed by a close beyond its first open (100 up, -100 down); 0 elsewhere. The rule and the candle
    settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_three_inside(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series("cdl_three_inside", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_three_outside(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: three outside up or down.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_three_outside`` and null in the first 3 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    An engulfing confirmed by a close further on (100 up, -100 down); 0 elsewhere. The rule and the candle settings
    are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_three_outside(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series("cdl_three_outside", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_patterns(open: Values, high: Values, low: Values, close: Values) -> pl.DataFrame:
    """Find all candlestick patterns in one pass.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.DataFrame, shape (n, 23)
        ``cdl_doji``, ``cdl_dragonfly_doji`` … ``cdl_spinning_top``; complete from row 13 on with the defaults, null
        before and where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The outputs of all ``cdl_`` functions with their default parameters: 100 for a bullish sign, −100 for a bearish
    one, else 0.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_patterns(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> [(found[name] != 0).sum() for name in found.columns[:4]]
    [610, 166, 99, 163]
    """
    return frame(
        "cdl_patterns",
        {"open": open, "high": high, "low": low, "close": close},
        {},
        [
            "cdl_doji",
            "cdl_dragonfly_doji",
            "cdl_gravestone_doji",
            "cdl_hammer",
            "cdl_inverted_hammer",
            "cdl_hanging_man",
            "cdl_shooting_star",
            "cdl_engulfing",
            "cdl_harami",
            "cdl_harami_cross",
            "cdl_piercing",
            "cdl_dark_cloud_cover",
            "cdl_morning_star",
            "cdl_evening_star",
            "cdl_morning_doji_star",
            "cdl_evening_doji_star",
            "cdl_three_white_soldiers",
            "cdl_three_black_crows",
            "cdl_three_inside",
            "cdl_three_outside",
            "cdl_marubozu",
            "cdl_belt_hold",
            "cdl_spinning_top",
        ],
    )
