"""Averages and middles drawn over the price."""

import polars as pl

from mirrorfast.indicators._compute import Values, series

__all__ = ["dema", "ema", "hma", "kama", "midpoint", "midprice", "rma", "sma", "t3", "tema", "trima", "vwma", "wma"]


def sma(close: Values, *, period: int = 20) -> pl.Series:
    """Average the last values with equal weights (simple moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``sma_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ x / period`` over the window, as TA-Lib's SMA; the sum is never updated by subtraction, so it does not drift.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.sma(bars["close"]).tail(3).round(2).to_list()
    [13361.81, 13393.68, 13428.36]
    """
    return series("sma", {"close": close}, {"period": period})


def ema(close: Values, *, period: int = 20) -> pl.Series:
    """Average with exponentially falling weights (exponential moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ema_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``e ← e + k·(x − e)`` with ``k = 2 / (period + 1)``, seeded by the mean of the first ``period`` values as TA-Lib's
    EMA.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ema(bars["close"]).tail(3).round(2).to_list()
    [13560.2, 13597.04, 13622.38]
    """
    return series("ema", {"close": close}, {"period": period})


def wma(close: Values, *, period: int = 20) -> pl.Series:
    """Average with linearly falling weights (weighted moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``wma_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The newest value weighs ``period``, the oldest 1, as TA-Lib's WMA.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.wma(bars["close"]).tail(3).round(2).to_list()
    [13564.34, 13620.07, 13664.78]
    """
    return series("wma", {"close": close}, {"period": period})


def dema(close: Values, *, period: int = 20) -> pl.Series:
    """Average exponentially with the lag taken out once (double EMA).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``dema_20`` and null in the first 38 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``2·e₁ − e₂``, where ``e₂`` is the EMA of the EMA ``e₁``, as TA-Lib's DEMA.

    References
    ----------
    .. [1] P. G. Mulloy, "Smoothing Data with Faster Moving Averages", *Stocks & Commodities* 12:1, 1994.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.dema(bars["close"]).tail(3).round(2).to_list()
    [13741.62, 13794.51, 13823.97]
    """
    return series("dema", {"close": close}, {"period": period})


def tema(close: Values, *, period: int = 20) -> pl.Series:
    """Average exponentially with the lag taken out twice (triple EMA).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``tema_20`` and null in the first 57 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``3·e₁ − 3·e₂ + e₃``, each stage the EMA of the one before, as TA-Lib's TEMA.

    References
    ----------
    .. [1] P. G. Mulloy, "Smoothing Data with Less Lag", *Stocks & Commodities* 12:2, 1994.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.tema(bars["close"]).tail(3).round(2).to_list()
    [14040.49, 14079.44, 14085.49]
    """
    return series("tema", {"close": close}, {"period": period})


def hma(close: Values, *, period: int = 20) -> pl.Series:
    """Average smoothly with little lag (Hull moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``hma_20`` and null in the first 22 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``WMA(2·WMA(x, n/2) − WMA(x, n), √n)``, both lengths rounded down, as TA-Lib's HMA.

    References
    ----------
    .. [1] A. Hull, *How to reduce lag in a moving average*, 2005.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.hma(bars["close"]).tail(3).round(2).to_list()
    [14099.11, 14184.61, 14220.94]
    """
    return series("hma", {"close": close}, {"period": period})


def kama(close: Values, *, period: int = 10, fast_period: int = 2, slow_period: int = 30) -> pl.Series:
    """Average fast in a trend and slowly in noise (Kaufman's adaptive moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 10
        Length of the window in rows, from 2 to 100000.
    fast_period : int, default 2
        EMA period of the fastest smoothing, from 1 to 100000.
    slow_period : int, default 30
        EMA period of the slowest smoothing, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``kama_10_2_30`` and null in the first 10 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``k ← k + s²·(x − k)``, where ``s`` runs from the slow to the fast EMA factor with the efficiency ratio ``|x − xₙ|
    / Σ |Δx|`` of the window; starts from the value before the first output, as TA-Lib's KAMA.

    References
    ----------
    .. [1] P. J. Kaufman, *Smarter Trading*, 1995.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.kama(bars["close"]).tail(3).round(2).to_list()
    [13882.54, 13891.75, 13888.49]
    """
    return series("kama", {"close": close}, {"period": period, "fast_period": fast_period, "slow_period": slow_period})


def vwma(close: Values, volume: Values, *, period: int = 20) -> pl.Series:
    """Average weighted by volume (volume-weighted moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    volume : array-like, shape (n,)
        Traded volumes.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``vwma_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ x·v / Σ v`` over the window, as TA-Lib's VWMA; the plain mean where the window has no volume (TA-Lib: NaN).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.vwma(bars["close"], bars["volume"]).tail(3).round(2).to_list()
    [13540.63, 13571.48, 13607.15]
    """
    return series("vwma", {"close": close, "volume": volume}, {"period": period})


def rma(close: Values, *, period: int = 14) -> pl.Series:
    """Average as Wilder does (running moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``rma_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``r ← r + (x − r) / period``, seeded by the mean of the first ``period`` values, as TA-Lib's RMA.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.rma(bars["close"]).tail(3).round(2).to_list()
    [13526.33, 13556.38, 13578.29]
    """
    return series("rma", {"close": close}, {"period": period})


def trima(close: Values, *, period: int = 20) -> pl.Series:
    """Average with most weight in the middle (triangular moving average).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``trima_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    A simple average of a simple average, each about half as long, as TA-Lib's TRIMA.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.trima(bars["close"]).tail(3).round(2).to_list()
    [13251.79, 13322.19, 13400.75]
    """
    return series("trima", {"close": close}, {"period": period})


def t3(close: Values, *, period: int = 5, volume_factor: float = 0.7) -> pl.Series:
    """Average through six exponential stages (Tillson's T3).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 5
        Period of each stage, from 1 to 100000.
    volume_factor : float, default 0.7
        Weight of the correction, 0 for a plain EMA chain, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``t3_5_0.7`` and null in the first 24 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``c₁e₆ + c₂e₅ + c₃e₄ + c₄e₃`` with ``c₁ = −v³``, ``c₂ = 3v² + 3v³``, ``c₃ = −6v² − 3v − 3v³`` and ``c₄ = 1 + 3v +
    v³ + 3v²`` for the volume factor ``v``, as TA-Lib's T3.

    References
    ----------
    .. [1] T. Tillson, "Better Moving Averages", *Stocks & Commodities* 16:1, 1998.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.t3(bars["close"]).tail(3).round(2).to_list()
    [14027.8, 14078.9, 14082.87]
    """
    return series("t3", {"close": close}, {"period": period, "volume_factor": volume_factor})


def midpoint(close: Values, *, period: int = 14) -> pl.Series:
    """Find the middle of a series' range.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``midpoint_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(highest + lowest) / 2`` of the window, as TA-Lib's MIDPOINT.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.midpoint(bars["close"]).tail(3).round(2).to_list()
    [13434.77, 13434.77, 13594.3]
    """
    return series("midpoint", {"close": close}, {"period": period})


def midprice(high: Values, low: Values, *, period: int = 14) -> pl.Series:
    """Find the middle of the price range.

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
    polars.Series, shape (n,)
        With the defaults named ``midprice_14`` and null in the first 13 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(highest high + lowest low) / 2`` of the window, as TA-Lib's MIDPRICE.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.midprice(bars["high"], bars["low"]).tail(3).round(2).to_list()
    [13490.63, 13490.63, 13490.63]
    """
    return series("midprice", {"high": high, "low": low}, {"period": period})
