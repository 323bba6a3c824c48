"""Candlestick patterns of one or two bars."""

import polars as pl

from mirrorfast.indicators._compute import Values, series

__all__ = [
    "cdl_belt_hold",
    "cdl_dark_cloud_cover",
    "cdl_doji",
    "cdl_dragonfly_doji",
    "cdl_engulfing",
    "cdl_gravestone_doji",
    "cdl_hammer",
    "cdl_hanging_man",
    "cdl_harami",
    "cdl_harami_cross",
    "cdl_inverted_hammer",
    "cdl_marubozu",
    "cdl_piercing",
    "cdl_shooting_star",
    "cdl_spinning_top",
]


def cdl_doji(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: doji.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_doji`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Open and close hardly differ (100); 0 elsewhere. The rule and the candle settings are those of TA-Lib's CDL
    functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_doji(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    610
    """
    return series("cdl_doji", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_dragonfly_doji(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: dragonfly doji.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_dragonfly_doji`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A doji with a lower shadow only (100); 0 elsewhere. The rule and the candle settings are those of TA-Lib's CDL
    functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_dragonfly_doji(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    166
    """
    return series("cdl_dragonfly_doji", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_gravestone_doji(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: gravestone doji.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_gravestone_doji`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A doji with an upper shadow only (100); 0 elsewhere. The rule and the candle settings are those of TA-Lib's CDL
    functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_gravestone_doji(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    99
    """
    return series("cdl_gravestone_doji", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_hammer(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: hammer.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_hammer`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body on a long lower shadow, near the low before (100); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_hammer(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    163
    """
    return series("cdl_hammer", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_inverted_hammer(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: inverted hammer.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_inverted_hammer`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body under a long upper shadow after a gap down (100); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_inverted_hammer(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series("cdl_inverted_hammer", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_hanging_man(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: hanging man.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_hanging_man`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body on a long lower shadow, near the high before (-100); 0 elsewhere. The rule and the candle settings
    are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_hanging_man(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    148
    """
    return series("cdl_hanging_man", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_shooting_star(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: shooting star.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_shooting_star`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body under a long upper shadow after a gap up (-100); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_shooting_star(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    1
    """
    return series("cdl_shooting_star", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_engulfing(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: engulfing.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_engulfing`` and null in the first 2 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A body that engulfs the opposite one before (100 up, -100 down; 80 with one end the same); 0 elsewhere. The rule
    and the candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_engulfing(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    1056
    """
    return series("cdl_engulfing", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_harami(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: harami.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_harami`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body inside the long one before (100 after a black candle, -100 after a white one); 0 elsewhere. The rule
    and the candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_harami(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    587
    """
    return series("cdl_harami", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_harami_cross(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: harami cross.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_harami_cross`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A doji inside the long body before (100 after a black candle, -100 after a white one); 0 elsewhere. The rule and
    the candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_harami_cross(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    107
    """
    return series("cdl_harami_cross", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_piercing(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: piercing line.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_piercing`` and null in the first 11 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long white body from below the low to above the middle of a long black one (100); 0 elsewhere. The rule and the
    candle settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_piercing(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series("cdl_piercing", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_dark_cloud_cover(
    open: Values, high: Values, low: Values, close: Values, *, penetration: float = 0.5
) -> pl.Series:
    """Find the pattern: dark cloud cover.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.
    penetration : float, default 0.5
        Share of the first body that the last must reach into, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cdl_dark_cloud_cover_0.5`` and null in the first 11 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A black body from above the high to deep inside a long white one (-100); 0 elsewhere. The rule and the candle
    settings are those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_dark_cloud_cover(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    0
    """
    return series(
        "cdl_dark_cloud_cover", {"open": open, "high": high, "low": low, "close": close}, {"penetration": penetration}
    )


def cdl_marubozu(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: marubozu.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_marubozu`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long body with hardly any shadow (100 white, -100 black); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_marubozu(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    455
    """
    return series("cdl_marubozu", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_belt_hold(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: belt hold.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_belt_hold`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A long body that opened at its end (100 white, -100 black); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_belt_hold(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    1081
    """
    return series("cdl_belt_hold", {"open": open, "high": high, "low": low, "close": close}, {})


def cdl_spinning_top(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Find the pattern: spinning top.

    Parameters
    ----------
    open, high, low, close : array-like, shape (n,)
        Prices of the bars.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``cdl_spinning_top`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A short body between two longer shadows (100 white, -100 black); 0 elsewhere. The rule and the candle settings are
    those of TA-Lib's CDL functions.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.cdl_spinning_top(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> (found != 0).sum()
    665
    """
    return series("cdl_spinning_top", {"open": open, "high": high, "low": low, "close": close}, {})
