"""Direction and straightness of a move."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = [
    "apo",
    "aroon",
    "ichimoku",
    "linreg",
    "linreg_intercept",
    "linreg_r2",
    "linreg_slope",
    "macd",
    "ppo",
    "trix",
    "vortex",
]


def macd(close: Values, *, fast_period: int = 12, slow_period: int = 26, signal_period: int = 9) -> pl.DataFrame:
    """Compare a fast and a slow average (moving average convergence divergence).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    fast_period : int, default 12
        Period of the fast average, from 1 to 100000.
    slow_period : int, default 26
        Period of the slow average, from 2 to 100000.
    signal_period : int, default 9
        Period of the signal line, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``macd``, ``macd_signal``, ``macd_hist``; complete from row 33 on with the defaults, null before and where an
        input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``macd = EMA(fast) − EMA(slow)``, ``macd_signal`` its EMA, ``macd_hist`` their difference. As in TA-Lib's MACD,
    the fast average is seeded where the slow one starts, and all three outputs begin on the same row.

    References
    ----------
    .. [1] G. Appel, *The Moving Average Convergence Divergence Method*, 1979.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.macd(bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [178.91, 91.14, 87.77]
    """
    return frame(
        "macd",
        {"close": close},
        {"fast_period": fast_period, "slow_period": slow_period, "signal_period": signal_period},
        ["macd", "macd_signal", "macd_hist"],
    )


def ppo(close: Values, *, fast_period: int = 12, slow_period: int = 26) -> pl.Series:
    """Compare a fast and a slow average in percent (percentage price oscillator).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    fast_period : int, default 12
        Period of the fast average, from 1 to 100000.
    slow_period : int, default 26
        Period of the slow average, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ppo_12_26`` and null in the first 25 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·(EMA(fast) − EMA(slow)) / EMA(slow)``, as TA-Lib's PPO with exponential averages; 0 where the slow one is 0.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ppo(bars["close"]).tail(3).round(2).to_list()
    [1.3, 1.35, 1.32]
    """
    return series("ppo", {"close": close}, {"fast_period": fast_period, "slow_period": slow_period})


def apo(close: Values, *, fast_period: int = 12, slow_period: int = 26) -> pl.Series:
    """Compare a fast and a slow average (absolute price oscillator).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    fast_period : int, default 12
        Period of the fast average, from 1 to 100000.
    slow_period : int, default 26
        Period of the slow average, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``apo_12_26`` and null in the first 25 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``EMA(fast) − EMA(slow)``, each seeded by its own first values, as TA-Lib's APO with exponential averages.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.apo(bars["close"]).tail(3).round(2).to_list()
    [176.47, 182.76, 178.91]
    """
    return series("apo", {"close": close}, {"fast_period": fast_period, "slow_period": slow_period})


def aroon(high: Values, low: Values, *, period: int = 14) -> pl.DataFrame:
    """Tell how recent the extremes are (Aroon).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``aroon_up``, ``aroon_down``, ``aroon_osc``; complete from row 14 on with the defaults, null before and where
        an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``aroon_up = 100·(period − bars since the highest high) / period`` over ``period + 1`` bars, ``aroon_down`` the
    same for the lowest low, ``aroon_osc`` their difference; the latest of equal extremes counts, as in TA-Lib's AROON
    and AROONOSC.

    References
    ----------
    .. [1] T. Chande, "A Time Price Oscillator", *Stocks & Commodities* 13:9, 1995.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.aroon(bars["high"], bars["low"])
    >>> [round(value, 2) for value in found.row(-1)]
    [78.57, 7.14, 71.43]
    """
    return frame("aroon", {"high": high, "low": low}, {"period": period}, ["aroon_up", "aroon_down", "aroon_osc"])


def ichimoku(
    high: Values,
    low: Values,
    close: Values,
    *,
    tenkan_period: int = 9,
    kijun_period: int = 26,
    senkou_period: int = 52,
    displacement: int = 26,
) -> pl.DataFrame:
    """Draw the Ichimoku cloud as it stands over each bar.

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    tenkan_period : int, default 9
        Window of the conversion line, from 1 to 100000.
    kijun_period : int, default 26
        Window of the base line, from 1 to 100000.
    senkou_period : int, default 52
        Window of the slow edge of the cloud, from 1 to 100000.
    displacement : int, default 26
        Rows by which the cloud is drawn forward, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 5)
        ``tenkan``, ``kijun``, ``senkou_a``, ``senkou_b``, ``chikou_ratio``; complete from row 77 on with the
        defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Midprices of three windows. ``senkou_a = (tenkan + kijun) / 2`` and ``senkou_b`` are those of ``displacement``
    bars ago, drawn forward to this bar. The lagging span would show the future: ``chikou_ratio`` is ``close / close``
    of ``displacement`` bars ago instead. Each line starts when its own window is full.

    References
    ----------
    .. [1] G. Hosoda, *Ichimoku Kinko Hyo*, 1969.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.ichimoku(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [13755.23, 13457.03, 13346.88, 13802.67, 1.05]
    """
    return frame(
        "ichimoku",
        {"high": high, "low": low, "close": close},
        {
            "tenkan_period": tenkan_period,
            "kijun_period": kijun_period,
            "senkou_period": senkou_period,
            "displacement": displacement,
        },
        ["tenkan", "kijun", "senkou_a", "senkou_b", "chikou_ratio"],
    )


def trix(close: Values, *, period: int = 15) -> pl.Series:
    """Measure the change of a triple-smoothed average (TRIX).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 15
        Period of each stage, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``trix_15`` and null in the first 43 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    One-bar change, in percent, of an EMA of an EMA of an EMA, as TA-Lib's TRIX.

    References
    ----------
    .. [1] J. K. Hutson, "Good TRIX", *Stocks & Commodities* 1:5, 1983.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.trix(bars["close"]).tail(3).round(4).to_list()
    [0.0321, 0.0655, 0.0928]
    """
    return series("trix", {"close": close}, {"period": period})


def vortex(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.DataFrame:
    """Compare upward and downward movement with the range (Vortex).

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
    polars.DataFrame, shape (n, 2)
        ``vortex_plus``, ``vortex_minus``; complete from row 14 on with the defaults, null before and where an input
        is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ |high − low₋₁| / Σ TR`` and ``Σ |low − high₋₁| / Σ TR``, as TA-Lib's VORTEX; 0 where nothing moved.

    References
    ----------
    .. [1] E. Botes and D. Siepman, "The Vortex Indicator", *Stocks & Commodities* 28:1, 2010.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.vortex(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [1.3, 0.73]
    """
    return frame(
        "vortex", {"high": high, "low": low, "close": close}, {"period": period}, ["vortex_plus", "vortex_minus"]
    )


def linreg(close: Values, *, period: int = 14) -> pl.Series:
    """Take the end point of a straight line through the window (linear regression).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``linreg_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Value at the newest bar of the least-squares line, as TA-Lib's LINEARREG.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.linreg(bars["close"]).tail(3).round(2).to_list()
    [14233.73, 14261.51, 14215.13]
    """
    return series("linreg", {"close": close}, {"period": period})


def linreg_slope(close: Values, *, period: int = 14) -> pl.Series:
    """Take the slope of a straight line through the window (linear regression).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``linreg_slope_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Change per bar of the least-squares line, in units of the series, as TA-Lib's LINEARREG_SLOPE.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.linreg_slope(bars["close"]).tail(3).round(2).to_list()
    [115.09, 107.3, 87.4]
    """
    return series("linreg_slope", {"close": close}, {"period": period})


def linreg_intercept(close: Values, *, period: int = 14) -> pl.Series:
    """Take the starting point of a straight line through the window (linear regression).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``linreg_intercept_14`` and null in the first 13 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Value at the oldest bar of the least-squares line, as TA-Lib's LINEARREG_INTERCEPT.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.linreg_intercept(bars["close"]).tail(3).round(2).to_list()
    [12737.58, 12866.56, 13078.96]
    """
    return series("linreg_intercept", {"close": close}, {"period": period})


def linreg_r2(close: Values, *, period: int = 14) -> pl.Series:
    """Tell how straight the window is (linear regression r²).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``linreg_r2_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Share of the window's variance that its least-squares line explains, 0 to 1; 0 for a flat window.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.linreg_r2(bars["close"]).tail(3).round(4).to_list()
    [0.9078, 0.8612, 0.7589]
    """
    return series("linreg_r2", {"close": close}, {"period": period})
