"""Statistics of the last rows."""

import polars as pl

from mirrorfast.indicators._compute import Values, series

__all__ = [
    "autocorrelation",
    "beta",
    "correlation",
    "hurst",
    "kurtosis",
    "percent_rank",
    "percentile",
    "rolling_max",
    "rolling_mean",
    "rolling_min",
    "skew",
    "zscore",
]


def rolling_mean(close: Values, *, period: int = 20) -> pl.Series:
    """Take the mean of the window.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``rolling_mean_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ x / period``.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.rolling_mean(bars["close"]).tail(3).round(2).to_list()
    [13361.81, 13393.68, 13428.36]
    """
    return series("rolling_mean", {"close": close}, {"period": period})


def rolling_min(close: Values, *, period: int = 20) -> pl.Series:
    """Take the smallest value of the window.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``rolling_min_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    As TA-Lib's MIN, in constant time for any window.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.rolling_min(bars["close"]).tail(3).round(2).to_list()
    [12701.0, 12701.0, 12701.0]
    """
    return series("rolling_min", {"close": close}, {"period": period})


def rolling_max(close: Values, *, period: int = 20) -> pl.Series:
    """Take the largest value of the window.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``rolling_max_20`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    As TA-Lib's MAX, in constant time for any window.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.rolling_max(bars["close"]).tail(3).round(2).to_list()
    [14168.54, 14168.54, 14168.54]
    """
    return series("rolling_max", {"close": close}, {"period": period})


def zscore(close: Values, *, period: int = 20, ddof: int = 0) -> pl.Series:
    """Measure the distance from the mean in standard deviations.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.
    ddof : int, default 0
        0 for the population, 1 for a sample, from 0 to 1.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``zscore_20_0`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``(x − mean) / σ`` over the window; 0 where all values are equal.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.zscore(bars["close"]).tail(3).round(2).to_list()
    [1.54, 1.17, 0.9]
    """
    return series("zscore", {"close": close}, {"period": period, "ddof": ddof})


def skew(close: Values, *, period: int = 30) -> pl.Series:
    """Measure the asymmetry of the window (sample skewness).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 30
        Length of the window in rows, from 3 to 10000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``skew_30`` and null in the first 29 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The adjusted Fisher–Pearson coefficient, as pandas and Excel give it; null where all values are equal.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.skew(bars["close"]).tail(3).round(4).to_list()
    [0.764, 0.7694, 0.638]
    """
    return series("skew", {"close": close}, {"period": period})


def kurtosis(close: Values, *, period: int = 30) -> pl.Series:
    """Measure the weight of the window's tails (sample excess kurtosis).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 30
        Length of the window in rows, from 4 to 10000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``kurtosis_30`` and null in the first 29 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    The unbiased estimate, 0 for a normal distribution, as pandas and Excel give it; null where all values are equal.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.kurtosis(bars["close"]).tail(3).round(4).to_list()
    [-0.1369, -0.5369, -0.8623]
    """
    return series("kurtosis", {"close": close}, {"period": period})


def percent_rank(close: Values, *, period: int = 100) -> pl.Series:
    """Rank a value among those before it.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 100
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``percent_rank_100`` and null in the first 100 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Share, in percent, of the ``period`` values before this one that are smaller, as TA-Lib's PERCENTRANK.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.percent_rank(bars["close"]).tail(3).round(2).to_list()
    [50.0, 40.0, 32.0]
    """
    return series("percent_rank", {"close": close}, {"period": period})


def percentile(close: Values, *, period: int = 100, percent: float = 50.0) -> pl.Series:
    """Take a percentile of the window.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 100
        Length of the window in rows, from 1 to 100000.
    percent : float, default 50.0
        Percentile, from 0 to 100.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``percentile_100_50`` and null in the first 99 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    By nearest rank ``⌈percent·period / 100⌉``, as TA-Lib's PERCENTILE: always one of the window's values.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.percentile(bars["close"]).tail(3).round(2).to_list()
    [14066.0, 14041.82, 14010.01]
    """
    return series("percentile", {"close": close}, {"period": period, "percent": percent})


def correlation(close: Values, other: Values, *, period: int = 30) -> pl.Series:
    """Measure the correlation of two series.

    Parameters
    ----------
    close : array-like, shape (n,)
        The first series.
    other : array-like, shape (n,)
        The second series.
    period : int, default 30
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``correlation_30`` and null in the first 29 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Pearson's coefficient over the window, as TA-Lib's CORREL; 0 where one of them does not move.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.correlation(bars["close"], bars["open"]).tail(3).round(4).to_list()
    [0.7867, 0.8209, 0.867]
    """
    return series("correlation", {"close": close, "other": other}, {"period": period})


def beta(close: Values, other: Values, *, period: int = 5) -> pl.Series:
    """Measure how one series moves with another.

    Parameters
    ----------
    close : array-like, shape (n,)
        The first series.
    other : array-like, shape (n,)
        The second series.
    period : int, default 5
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``beta_5`` and null in the first 5 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Slope of the second series' returns on the first's over ``period`` returns, as TA-Lib's BETA (market first, then
    the asset).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.beta(bars["close"], bars["open"]).tail(3).round(4).to_list()
    [-0.5282, 0.0359, 0.1154]
    """
    return series("beta", {"close": close, "other": other}, {"period": period})


def autocorrelation(close: Values, *, period: int = 30, lag: int = 1) -> pl.Series:
    """Measure the correlation of a series with its own past.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 30
        Length of the window in rows, from 3 to 100000.
    lag : int, default 1
        Rows between the two values of a pair, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``autocorrelation_30_1`` and null in the first 29 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Pearson's coefficient of the window's values with those ``lag`` rows earlier, over the pairs inside the window, as
    pandas' ``Series.autocorr``; 0 where nothing moves.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.autocorrelation(bars["close"]).tail(3).round(4).to_list()
    [0.8036, 0.8592, 0.8708]
    """
    return series("autocorrelation", {"close": close}, {"period": period, "lag": lag})


def hurst(close: Values, *, period: int = 100, max_lag: int = 16) -> pl.Series:
    """Measure persistence (Hurst exponent).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 100
        Length of the window in rows, from 8 to 100000.
    max_lag : int, default 16
        Largest lag, from 2 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``hurst_100_16`` and null in the first 99 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Half the slope of ``ln mean((ln xₜ − ln xₜ₋ₗ)²)`` on ``ln l`` over the lags 1, 2, 4 … ``max_lag``: 0.5 for a
    random walk, above for a trend, below for a series that returns to its mean; null where nothing moved.

    References
    ----------
    .. [1] T. Di Matteo, T. Aste and M. M. Dacorogna, "Scaling Behaviors in Differently Developed Markets", 2003.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.hurst(bars["close"]).tail(3).round(4).to_list()
    [0.3744, 0.3748, 0.3755]
    """
    return series("hurst", {"close": close}, {"period": period, "max_lag": max_lag})
