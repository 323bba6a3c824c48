"""Where the volume goes."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = [
    "ad",
    "adosc",
    "anchored_profile",
    "cmf",
    "ease_of_movement",
    "fixed_range_profile",
    "force_index",
    "mfi",
    "obv",
    "obv_slope",
    "volume_profile",
    "volume_ratio",
    "vwap",
    "vwap_rolling",
    "vwap_session",
]


def obv(close: Values, volume: Values) -> pl.Series:
    """Add up volume by the direction of the close (on-balance volume).

    Parameters
    ----------
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``obv``; null only where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Starts with the first volume; adds it on a higher close, subtracts it on a lower one, as TA-Lib's OBV.

    References
    ----------
    .. [1] J. E. Granville, *New Key to Stock Market Profits*, 1963.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.obv(bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [172979.28, 172417.01, 171944.69]
    """
    return series("obv", {"close": close, "volume": volume}, {})


def obv_slope(close: Values, volume: Values, *, period: int = 20) -> pl.Series:
    """Measure how one-sided recent volume is.

    Parameters
    ----------
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``obv_slope_20`` and null in the first 20 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(OBVₜ − OBVₜ₋ₙ) / Σ volume`` of the bars between: the share of volume on rising closes less that on falling
    ones, −1 to 1; 0 where nothing was traded.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.obv_slope(bars["close"], bars["volume"]).tail(3).round(4).to_list()
    [0.136, 0.0364, 0.065]
    """
    return series("obv_slope", {"close": close, "volume": volume}, {"period": period})


def ad(high: Values, low: Values, close: Values, volume: Values) -> pl.Series:
    """Add up volume by where bars close (accumulation/distribution line).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``ad``; null only where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ volume·((close − low) − (high − close)) / (high − low)``, as TA-Lib's AD.

    References
    ----------
    .. [1] M. Chaikin.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ad(bars["high"], bars["low"], bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [390513.3, 390396.25, 390002.77]
    """
    return series("ad", {"high": high, "low": low, "close": close, "volume": volume}, {})


def adosc(
    high: Values, low: Values, close: Values, volume: Values, *, fast_period: int = 3, slow_period: int = 10
) -> pl.Series:
    """Compare a fast and a slow average of accumulation (Chaikin oscillator).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    fast_period : int, default 3
        Period of the fast average, from 1 to 100000.
    slow_period : int, default 10
        Period of the slow average, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``adosc_3_10`` and null in the first 9 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``EMA(fast) − EMA(slow)`` of :func:`ad`, both started at its first value, as TA-Lib's ADOSC.

    References
    ----------
    .. [1] M. Chaikin.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.adosc(bars["high"], bars["low"], bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [567.34, 387.99, 154.14]
    """
    return series(
        "adosc",
        {"high": high, "low": low, "close": close, "volume": volume},
        {"fast_period": fast_period, "slow_period": slow_period},
    )


def cmf(high: Values, low: Values, close: Values, volume: Values, *, period: int = 20) -> pl.Series:
    """Measure accumulation as a share of volume (Chaikin money flow).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cmf_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ volume·((close − low) − (high − close)) / (high − low)`` over ``Σ volume`` of the window, −1 to 1, as TA-Lib's
    CMF.

    References
    ----------
    .. [1] M. Chaikin.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.cmf(bars["high"], bars["low"], bars["close"], bars["volume"]).tail(3).round(4).to_list()
    [0.0961, 0.0369, 0.0463]
    """
    return series("cmf", {"high": high, "low": low, "close": close, "volume": volume}, {"period": period})


def mfi(high: Values, low: Values, close: Values, volume: Values, *, period: int = 14) -> pl.Series:
    """Measure the share of volume on rising typical prices (money flow index).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``mfi_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·up / (up + down)`` of ``typical price·volume`` over the window, as TA-Lib's MFI, except that 50 stands where
    there was no flow at all (TA-Lib: 0).

    References
    ----------
    .. [1] G. Quong and A. Soudack, *Stocks & Commodities* 7:3, 1989.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.mfi(bars["high"], bars["low"], bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [76.31, 74.95, 74.61]
    """
    return series("mfi", {"high": high, "low": low, "close": close, "volume": volume}, {"period": period})


def vwap(high: Values, low: Values, close: Values, volume: Values) -> pl.Series:
    """Average the typical price by volume since the first bar (VWAP).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``vwap``; null only where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ tp·volume / Σ volume`` from the first row on, as TA-Lib's VWAP; the plain mean before any volume (TA-Lib: 0).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.vwap(bars["high"], bars["low"], bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [7994.0, 7995.0, 7995.83]
    """
    return series("vwap", {"high": high, "low": low, "close": close, "volume": volume}, {})


def vwap_session(
    high: Values, low: Values, close: Values, volume: Values, timestamp: Values, *, start_hour: int = 0
) -> pl.Series:
    """Average the typical price by volume since the session began (VWAP).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    timestamp : array-like, shape (n,)
        Opening times of the bars in UTC: timestamps, or milliseconds since the epoch.
    start_hour : int, default 0
        Hour of the day, UTC, at which a session begins, from 0 to 23.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``vwap_session_0``; null only where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ tp·volume / Σ volume`` since the session's first bar; a session is a day of UTC that begins at ``start_hour``.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.vwap_session(bars["high"], bars["low"], bars["close"], bars["volume"], bars["timestamp"])
    >>> found.tail(3).round(2).to_list()
    [13449.16, 13466.23, 13477.99]
    """
    return series(
        "vwap_session",
        {"high": high, "low": low, "close": close, "volume": volume, "timestamp": timestamp},
        {"start_hour": start_hour},
    )


def vwap_rolling(high: Values, low: Values, close: Values, volume: Values, *, period: int = 20) -> pl.Series:
    """Average the typical price by volume over a window (rolling VWAP).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``vwap_rolling_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ tp·volume / Σ volume`` over the window.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.vwap_rolling(bars["high"], bars["low"], bars["close"], bars["volume"])
    >>> found.tail(3).round(2).to_list()
    [13513.34, 13549.43, 13581.38]
    """
    return series("vwap_rolling", {"high": high, "low": low, "close": close, "volume": volume}, {"period": period})


def force_index(close: Values, volume: Values, *, period: int = 13) -> pl.Series:
    """Measure the force of moves by change and volume (Elder's force index).

    Parameters
    ----------
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 13
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``force_index_13`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    EMA of ``(close − close₋₁)·volume``.

    References
    ----------
    .. [1] A. Elder, *Trading for a Living*, 1993.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.force_index(bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [127895.62, 99985.91, 80043.14]
    """
    return series("force_index", {"close": close, "volume": volume}, {"period": period})


def ease_of_movement(
    high: Values, low: Values, volume: Values, *, period: int = 14, volume_divisor: float = 10000.0
) -> pl.Series:
    """Measure how far prices move for the volume it takes (ease of movement).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.
    volume_divisor : float, default 10000.0
        Unit of volume, from 1 to 1e+15.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ease_of_movement_14_10000`` and null in the first 14 rows; null too where an input
        is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Mean of ``Δmiddle·(high − low) / (volume / volume_divisor)`` with ``middle = (high + low) / 2``, as TA-Lib's EMV;
    a bar without range or volume counts 0.

    References
    ----------
    .. [1] R. W. Arms, *Volume Cycles in the Stock Market*, 1983.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ease_of_movement(bars["high"], bars["low"], bars["volume"]).tail(3).round(2).to_list()
    [328859.76, 271100.63, 328465.94]
    """
    return series(
        "ease_of_movement",
        {"high": high, "low": low, "volume": volume},
        {"period": period, "volume_divisor": volume_divisor},
    )


def volume_ratio(volume: Values, *, period: int = 20) -> pl.Series:
    """Compare volume with its mean.

    Parameters
    ----------
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``volume_ratio_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``volume`` over its mean of the window, this bar included; 1 where none was traded.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.volume_ratio(bars["volume"]).tail(3).round(2).to_list()
    [1.01, 0.82, 0.71]
    """
    return series("volume_ratio", {"volume": volume}, {"period": period})


def volume_profile(
    high: Values,
    low: Values,
    close: Values,
    volume: Values,
    *,
    lookback: int = 68,
    bins: int = 24,
    value_area: float = 0.7,
) -> pl.DataFrame:
    """Find the prices at which volume was traded (volume profile).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    lookback : int, default 68
        Rows looked back, from 1 to 10000.
    bins : int, default 24
        Number of price bins, from 1 to 1000.
    value_area : float, default 0.7
        Share of the volume that the value area holds, from 0.01 to 1.

    Returns
    -------
    polars.DataFrame, shape (n, 6)
        ``poc``, ``value_area_low``, ``value_area_high``, ``largest_share``, ``node_count``, ``nearest_node``;
        complete from row 67 on with the defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Each bar's volume is spread over ``bins`` equal price bins of the look-back's range. ``poc`` is the middle of the
    largest bin; the value area grows around it until it holds ``value_area`` of the volume; ``largest_share`` is that
    bin's share of the total, ``node_count`` and ``nearest_node`` tell of the high-volume nodes.

    References
    ----------
    .. [1] J. P. Steidlmayer, *Markets and Market Logic*, 1986.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.volume_profile(bars["high"], bars["low"], bars["close"], bars["volume"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13200.65, 12607.79, 14224.67, 0.09, 2.0, 13956.96]
    """
    return frame(
        "volume_profile",
        {"high": high, "low": low, "close": close, "volume": volume},
        {"lookback": lookback, "bins": bins, "value_area": value_area},
        ["poc", "value_area_low", "value_area_high", "largest_share", "node_count", "nearest_node"],
    )


def anchored_profile(
    high: Values,
    low: Values,
    close: Values,
    volume: Values,
    *,
    lookback: int = 68,
    bins: int = 24,
    value_area: float = 0.7,
) -> pl.DataFrame:
    """Find the prices at which volume was traded since the highest high.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    lookback : int, default 68
        Rows looked back, from 1 to 10000.
    bins : int, default 24
        Number of price bins, from 1 to 1000.
    value_area : float, default 0.7
        Share of the volume that the value area holds, from 0.01 to 1.

    Returns
    -------
    polars.DataFrame, shape (n, 4)
        ``anchored_poc``, ``anchored_value_area_low``, ``anchored_value_area_high``, ``bars_since_anchor``; complete
        from row 67 on with the defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A :func:`volume_profile` of the bars from the highest high of the look-back on; ``bars_since_anchor`` tells how
    many.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.anchored_profile(bars["high"], bars["low"], bars["close"], bars["volume"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13200.65, 12607.79, 14116.88, 65.0]
    """
    return frame(
        "anchored_profile",
        {"high": high, "low": low, "close": close, "volume": volume},
        {"lookback": lookback, "bins": bins, "value_area": value_area},
        ["anchored_poc", "anchored_value_area_low", "anchored_value_area_high", "bars_since_anchor"],
    )


def fixed_range_profile(
    high: Values,
    low: Values,
    close: Values,
    volume: Values,
    *,
    lookback: int = 68,
    bins: int = 24,
    range_share: float = 0.1,
    value_area: float = 0.7,
) -> pl.DataFrame:
    """Find the prices at which volume was traded near the close.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    volume : array-like, shape (n,)
        Traded volumes.
    lookback : int, default 68
        Rows looked back, from 1 to 10000.
    bins : int, default 24
        Number of price bins, from 1 to 1000.
    range_share : float, default 0.1
        Share of the range, on either side, from 1e-06 to 1.
    value_area : float, default 0.7
        Share of the volume that the value area holds, from 0.01 to 1.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``fixed_poc``, ``fixed_value_area_low``, ``fixed_value_area_high``; complete from row 67 on with the defaults,
        null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A :func:`volume_profile` of the prices within ``range_share`` of the look-back's range on either side of the last
    close.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.fixed_range_profile(bars["high"], bars["low"], bars["close"], bars["volume"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13960.14, 13820.01, 14078.71]
    """
    return frame(
        "fixed_range_profile",
        {"high": high, "low": low, "close": close, "volume": volume},
        {"lookback": lookback, "bins": bins, "range_share": range_share, "value_area": value_area},
        ["fixed_poc", "fixed_value_area_low", "fixed_value_area_high"],
    )
