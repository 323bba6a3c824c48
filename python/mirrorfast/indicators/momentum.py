"""How fast and how one-sidedly prices move."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = [
    "ao",
    "bop",
    "cci",
    "cmo",
    "coppock",
    "mom",
    "roc",
    "rsi",
    "rsi_divergence",
    "stoch",
    "stochf",
    "stochrsi",
    "tsi",
    "ultosc",
    "willr",
]


def rsi(close: Values, *, period: int = 14) -> pl.Series:
    """Measure the share of gains in all movement (relative strength index).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Changes averaged, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``rsi_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·gains / (gains + losses)``, both Wilder averages of the changes. Equal to TA-Lib's RSI, except that a series
    without any change gives 50, the middle, where TA-Lib's C library up to 0.8.2 gives 0, a false "oversold".

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.rsi(bars["close"]).tail(3).round(2).to_list()
    [62.21, 59.01, 56.81]
    """
    return series("rsi", {"close": close}, {"period": period})


def stoch(
    high: Values, low: Values, close: Values, *, fastk_period: int = 14, slowk_period: int = 3, slowd_period: int = 3
) -> pl.DataFrame:
    """Place the close in its recent range, smoothed (slow stochastic).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    fastk_period : int, default 14
        Window of the raw %K, from 1 to 100000.
    slowk_period : int, default 3
        Length of the average of %K, from 1 to 100000.
    slowd_period : int, default 3
        Length of the average of the smoothed %K, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``stoch_k``, ``stoch_d``; complete from row 17 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·(close − lowest low) / (highest high − lowest low)``, averaged over ``slowk_period`` for ``stoch_k`` and
    again over ``slowd_period`` for ``stoch_d``, both simple, as TA-Lib's STOCH; a flat window counts 0.

    References
    ----------
    .. [1] G. C. Lane.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.stoch(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [79.66, 84.53]
    """
    return frame(
        "stoch",
        {"high": high, "low": low, "close": close},
        {"fastk_period": fastk_period, "slowk_period": slowk_period, "slowd_period": slowd_period},
        ["stoch_k", "stoch_d"],
    )


def stochf(high: Values, low: Values, close: Values, *, fastk_period: int = 14, fastd_period: int = 3) -> pl.DataFrame:
    """Place the close in its recent range (fast stochastic).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    fastk_period : int, default 14
        Window of the raw %K, from 1 to 100000.
    fastd_period : int, default 3
        Length of the average of %K, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``stochf_k``, ``stochf_d``; complete from row 15 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``stochf_k = 100·(close − lowest low) / (highest high − lowest low)`` and its simple average ``stochf_d``, as
    TA-Lib's STOCHF; a flat window counts 0.

    References
    ----------
    .. [1] G. C. Lane.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.stochf(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [73.59, 79.66]
    """
    return frame(
        "stochf",
        {"high": high, "low": low, "close": close},
        {"fastk_period": fastk_period, "fastd_period": fastd_period},
        ["stochf_k", "stochf_d"],
    )


def stochrsi(close: Values, *, period: int = 14, fastk_period: int = 5, fastd_period: int = 3) -> pl.DataFrame:
    """Place the RSI in its own recent range (stochastic RSI).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.
    fastk_period : int, default 5
        Window of the raw %K, from 1 to 100000.
    fastd_period : int, default 3
        Length of the average of %K, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``stochrsi_k``, ``stochrsi_d``; complete from row 20 on with the defaults, null before and where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The fast stochastic with the RSI in place of high, low and close, as TA-Lib's STOCHRSI; 0 where the RSI is flat.

    References
    ----------
    .. [1] T. Chande and S. Kroll, *The New Technical Trader*, 1994.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.stochrsi(bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [0.0, 13.49]
    """
    return frame(
        "stochrsi",
        {"close": close},
        {"period": period, "fastk_period": fastk_period, "fastd_period": fastd_period},
        ["stochrsi_k", "stochrsi_d"],
    )


def willr(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Measure the distance of the close from the recent high (Williams %R).

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
        With the defaults named ``willr_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``−100·(highest high − close) / (highest high − lowest low)``, −100 to 0, as TA-Lib's WILLR; 0 in a flat window.

    References
    ----------
    .. [1] L. Williams, *How I Made One Million Dollars*, 1973.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.willr(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [-13.5, -21.1, -26.41]
    """
    return series("willr", {"high": high, "low": low, "close": close}, {"period": period})


def roc(close: Values, *, period: int = 10) -> pl.Series:
    """Measure the change in percent (rate of change).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 10
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``roc_10`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·(x / xₙ − 1)`` against the value ``period`` rows ago, as TA-Lib's ROC; 0 where that was 0.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.roc(bars["close"]).tail(3).round(2).to_list()
    [7.05, 6.11, 5.58]
    """
    return series("roc", {"close": close}, {"period": period})


def mom(close: Values, *, period: int = 10) -> pl.Series:
    """Measure the change (momentum).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 10
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``mom_10`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``x − xₙ`` against the value ``period`` rows ago, as TA-Lib's MOM.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.mom(bars["close"]).tail(3).round(2).to_list()
    [926.72, 803.31, 732.12]
    """
    return series("mom", {"close": close}, {"period": period})


def cci(high: Values, low: Values, close: Values, *, period: int = 20) -> pl.Series:
    """Measure the typical price's distance from its mean (commodity channel index).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 20
        Length of the window in rows, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cci_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(tp − mean) / (0.015·mean |tp − mean|)`` with ``tp = (high + low + close) / 3``, as TA-Lib's CCI; 0 where the
    window is flat.

    References
    ----------
    .. [1] D. Lambert, "Commodity Channel Index", *Commodities*, 1980.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.cci(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [131.17, 92.73, 72.68]
    """
    return series("cci", {"high": high, "low": low, "close": close}, {"period": period})


def cmo(close: Values, *, period: int = 14) -> pl.Series:
    """Compare gains with losses (Chande momentum oscillator).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``cmo_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·(gains − losses) / (gains + losses)``, both Wilder averages as in TA-Lib's CMO, −100 to 100; 0 without any
    change.

    References
    ----------
    .. [1] T. Chande and S. Kroll, *The New Technical Trader*, 1994.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.cmo(bars["close"]).tail(3).round(2).to_list()
    [24.42, 18.03, 13.63]
    """
    return series("cmo", {"close": close}, {"period": period})


def ultosc(
    high: Values, low: Values, close: Values, *, short_period: int = 7, medium_period: int = 14, long_period: int = 28
) -> pl.Series:
    """Measure buying pressure over three windows (ultimate oscillator).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    short_period : int, default 7
        Shortest window, from 1 to 100000.
    medium_period : int, default 14
        Middle window, from 1 to 100000.
    long_period : int, default 28
        Longest window, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ultosc_7_14_28`` and null in the first 28 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·(4·r₁ + 2·r₂ + r₃) / 7`` with ``r = Σ (close − true low) / Σ TR``, as TA-Lib's ULTOSC; a window without
    movement counts 0.

    References
    ----------
    .. [1] L. Williams, "The Ultimate Oscillator", *Stocks & Commodities* 3:4, 1985.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ultosc(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [60.5, 58.75, 51.16]
    """
    return series(
        "ultosc",
        {"high": high, "low": low, "close": close},
        {"short_period": short_period, "medium_period": medium_period, "long_period": long_period},
    )


def tsi(close: Values, *, first_period: int = 25, second_period: int = 13) -> pl.Series:
    """Compare smoothed change with smoothed movement (true strength index).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    first_period : int, default 25
        Period of the first average, from 1 to 100000.
    second_period : int, default 13
        Period of the second average, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``tsi_25_13`` and null in the first 37 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·EMA(EMA(Δx)) / EMA(EMA(|Δx|))``, −100 to 100, as TA-Lib's TSI; 0 where nothing moved.

    References
    ----------
    .. [1] W. Blau, *True Strength Index*, 1991.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.tsi(bars["close"]).tail(3).round(2).to_list()
    [13.56, 14.33, 14.36]
    """
    return series("tsi", {"close": close}, {"first_period": first_period, "second_period": second_period})


def ao(high: Values, low: Values, *, fast_period: int = 5, slow_period: int = 34) -> pl.Series:
    """Compare a short and a long average of the bar's middle (awesome oscillator).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    fast_period : int, default 5
        Period of the fast average, from 1 to 100000.
    slow_period : int, default 34
        Period of the slow average, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ao_5_34`` and null in the first 33 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``SMA(fast) − SMA(slow)`` of ``(high + low) / 2``, as TA-Lib's AO.

    References
    ----------
    .. [1] B. Williams, *New Trading Dimensions*, 1998.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ao(bars["high"], bars["low"]).tail(3).round(2).to_list()
    [730.35, 736.5, 711.28]
    """
    return series("ao", {"high": high, "low": low}, {"fast_period": fast_period, "slow_period": slow_period})


def rsi_divergence(close: Values, *, period: int = 14, lookback: int = 10) -> pl.DataFrame:
    """Find where price and RSI move in opposite directions.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.
    lookback : int, default 10
        Rows looked back, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 2)
        ``rsi_bearish_div``, ``rsi_bullish_div``; complete from row 24 on with the defaults, null before and where an
        input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``rsi_bearish_div`` is 1 where the price is higher and the RSI lower than ``lookback`` bars ago,
    ``rsi_bullish_div`` where it is the other way round, else 0.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.rsi_divergence(bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [0.0, 0.0]
    """
    return frame(
        "rsi_divergence",
        {"close": close},
        {"period": period, "lookback": lookback},
        ["rsi_bearish_div", "rsi_bullish_div"],
    )


def coppock(close: Values, *, wma_period: int = 10, roc1_period: int = 11, roc2_period: int = 14) -> pl.Series:
    """Average two rates of change (Coppock curve).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    wma_period : int, default 10
        Length of the weighted average, from 1 to 100000.
    roc1_period : int, default 11
        Rows of the first rate of change, from 1 to 100000.
    roc2_period : int, default 14
        Rows of the second rate of change, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``coppock_10_11_14`` and null in the first 23 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Weighted average of ``ROC(roc1_period) + ROC(roc2_period)``, as TA-Lib's COPPOCK.

    References
    ----------
    .. [1] E. S. C. Coppock, *Barron's*, 1962.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.coppock(bars["close"]).tail(3).round(2).to_list()
    [13.64, 14.45, 14.98]
    """
    return series(
        "coppock", {"close": close}, {"wma_period": wma_period, "roc1_period": roc1_period, "roc2_period": roc2_period}
    )


def bop(open: Values, high: Values, low: Values, close: Values) -> pl.Series:
    """Measure a bar's body as a share of its range (balance of power).

    Parameters
    ----------
    open : array-like, shape (n,)
        Opening prices.
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.

    Returns
    -------
    polars.Series, shape (n,)
        Named ``bop``; null only where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(close − open) / (high − low)``, −1 to 1, as TA-Lib's BOP; 0 for a bar without range.

    References
    ----------
    .. [1] I. Livshin, "Balance of Power", *Stocks & Commodities* 19:8, 2001.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.bop(bars["open"], bars["high"], bars["low"], bars["close"]).tail(3).round(4).to_list()
    [-0.8494, -0.4898, -0.6289]
    """
    return series("bop", {"open": open, "high": high, "low": low, "close": close}, {})
