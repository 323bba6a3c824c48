"""How far prices move."""

import polars as pl

from mirrorfast.indicators._compute import Values, frame, series

__all__ = [
    "atr",
    "bbands",
    "choppiness",
    "donchian",
    "garman_klass",
    "keltner",
    "natr",
    "parkinson",
    "realised_volatility",
    "stddev",
    "true_range",
    "ulcer_index",
    "variance",
]


def true_range(high: Values, low: Values, close: Values) -> pl.Series:
    """Measure a bar's range including the gap before it (true range).

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
    polars.Series, shape (n,)
        Named ``true_range`` and null in the first row; null too where an input is missing.

    Raises
    ------
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``max(high, close₋₁) − min(low, close₋₁)``, as TA-Lib's TRANGE.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.true_range(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [119.54, 245.0, 133.37]
    """
    return series("true_range", {"high": high, "low": low, "close": close}, {})


def atr(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Average the true range (average true range).

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
        With the defaults named ``atr_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Wilder's average of :func:`true_range`, seeded by the mean of its first ``period`` values, as TA-Lib's ATR.

    References
    ----------
    .. [1] J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.atr(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [304.38, 300.14, 288.23]
    """
    return series("atr", {"high": high, "low": low, "close": close}, {"period": period})


def natr(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Average the true range in percent of the close (normalised ATR).

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
        With the defaults named ``natr_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·ATR / close``, as TA-Lib's NATR; in percent for a period of 1 too, where TA-Lib gives the true range itself.

    References
    ----------
    .. [1] J. Forman, "Cross-Market Evaluations with Normalized Average True Range", *Stocks & Commodities* 24:5,
       2006.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.natr(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [2.16, 2.15, 2.08]
    """
    return series("natr", {"high": high, "low": low, "close": close}, {"period": period})


def bbands(close: Values, *, period: int = 20, multiplier: float = 2.0) -> pl.DataFrame:
    """Draw bands of standard deviations around the mean (Bollinger bands).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.
    multiplier : float, default 2.0
        Distance of the lines, in multiples of the spread, from 0 to 1e+06.

    Returns
    -------
    polars.DataFrame, shape (n, 5)
        ``bb_upper``, ``bb_middle``, ``bb_lower``, ``bb_width``, ``bb_position``; complete from row 19 on with the
        defaults, null before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``mean ± multiplier·σ`` with the population deviation, as TA-Lib's BBANDS; ``bb_width = (upper − lower) / middle``
    and ``bb_position = (close − lower) / (upper − lower)``, which is 0.5 where the band has no width.

    References
    ----------
    .. [1] J. Bollinger, *Bollinger on Bollinger Bands*, 2001.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.bbands(bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [14392.54, 13428.36, 12464.18, 0.14, 0.73]
    """
    return frame(
        "bbands",
        {"close": close},
        {"period": period, "multiplier": multiplier},
        ["bb_upper", "bb_middle", "bb_lower", "bb_width", "bb_position"],
    )


def keltner(
    high: Values, low: Values, close: Values, *, period: int = 20, atr_period: int = 10, multiplier: float = 2.0
) -> pl.DataFrame:
    """Draw a channel of ATRs around an average (Keltner channel).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    close : array-like, shape (n,)
        Closing prices.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.
    atr_period : int, default 10
        Period of the ATR, from 1 to 100000.
    multiplier : float, default 2.0
        Distance of the lines, in multiples of the spread, from 0 to 1e+06.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``keltner_upper``, ``keltner_middle``, ``keltner_lower``; complete from row 19 on with the defaults, null
        before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    EMA of the typical price ± ``multiplier``·ATR, both seeded by the windows that end at the channel's first row, as
    TA-Lib's KC.

    References
    ----------
    .. [1] C. W. Keltner, *How to Make Money in Commodities*, 1960; L. B. Raschke.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.keltner(bars["high"], bars["low"], bars["close"])
    >>> [round(value, 2) for value in found.row(-1)]
    [14164.28, 13618.46, 13072.63]
    """
    return frame(
        "keltner",
        {"high": high, "low": low, "close": close},
        {"period": period, "atr_period": atr_period, "multiplier": multiplier},
        ["keltner_upper", "keltner_middle", "keltner_lower"],
    )


def donchian(high: Values, low: Values, *, period: int = 20) -> pl.DataFrame:
    """Draw a channel of the extremes (Donchian channel).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.DataFrame, shape (n, 3)
        ``donchian_upper``, ``donchian_middle``, ``donchian_lower``; complete from row 19 on with the defaults, null
        before and where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Highest high, lowest low and their middle, as TA-Lib's DONCHIAN.

    References
    ----------
    .. [1] R. Donchian.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.donchian(bars["high"], bars["low"])
    >>> [round(value, 2) for value in found.row(-1)]
    [14280.26, 13490.63, 12701.0]
    """
    return frame(
        "donchian",
        {"high": high, "low": low},
        {"period": period},
        ["donchian_upper", "donchian_middle", "donchian_lower"],
    )


def stddev(close: Values, *, period: int = 20, ddof: int = 0) -> pl.Series:
    """Measure the standard deviation of the window.

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
        With the defaults named ``stddev_20_0`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``√(Σ (x − mean)² / (n − ddof))``; with ``ddof=0`` TA-Lib's STDDEV, but accurate at any price level.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.stddev(bars["close"]).tail(3).round(2).to_list()
    [457.32, 474.46, 482.09]
    """
    return series("stddev", {"close": close}, {"period": period, "ddof": ddof})


def variance(close: Values, *, period: int = 20, ddof: int = 0) -> pl.Series:
    """Measure the variance of the window.

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
        With the defaults named ``variance_20_0`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``Σ (x − mean)² / (n − ddof)``; with ``ddof=0`` TA-Lib's VAR, but accurate at any price level.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.variance(bars["close"]).tail(3).round(2).to_list()
    [209138.5, 225109.14, 232412.32]
    """
    return series("variance", {"close": close}, {"period": period, "ddof": ddof})


def realised_volatility(close: Values, *, period: int = 20, periods_per_year: float = 1.0) -> pl.Series:
    """Measure the volatility of log returns.

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 20
        Length of the window in rows, from 2 to 100000.
    periods_per_year : float, default 1.0
        Bars in a year, to annualise with (8760 for hours of a market that never closes); 1 leaves it per bar, from
        1e-06 to 1e+09.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``realised_volatility_20_1`` and null in the first 20 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    Sample standard deviation of the last ``period`` log returns times ``√periods_per_year``.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.realised_volatility(bars["close"]).tail(3).round(4).to_list()
    [0.0161, 0.0162, 0.016]
    """
    return series("realised_volatility", {"close": close}, {"period": period, "periods_per_year": periods_per_year})


def parkinson(high: Values, low: Values, *, period: int = 20, periods_per_year: float = 1.0) -> pl.Series:
    """Estimate volatility from the ranges of bars (Parkinson).

    Parameters
    ----------
    high : array-like, shape (n,)
        Highest prices.
    low : array-like, shape (n,)
        Lowest prices.
    period : int, default 20
        Length of the window in rows, from 1 to 100000.
    periods_per_year : float, default 1.0
        Bars in a year, to annualise with (8760 for hours of a market that never closes); 1 leaves it per bar, from
        1e-06 to 1e+09.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``parkinson_20_1`` and null in the first 19 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``√(Σ ln(high / low)² / (4·ln 2·n))`` times ``√periods_per_year``.

    References
    ----------
    .. [1] M. Parkinson, "The Extreme Value Method for Estimating the Variance of the Rate of Return", *Journal of
       Business* 53:1, 1980.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.parkinson(bars["high"], bars["low"]).tail(3).round(4).to_list()
    [0.0144, 0.0143, 0.0139]
    """
    return series("parkinson", {"high": high, "low": low}, {"period": period, "periods_per_year": periods_per_year})


def garman_klass(
    open: Values, high: Values, low: Values, close: Values, *, period: int = 20, periods_per_year: float = 1.0
) -> pl.Series:
    """Estimate volatility from ranges and bodies of bars (Garman and Klass).

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
    period : int, default 20
        Length of the window in rows, from 1 to 100000.
    periods_per_year : float, default 1.0
        Bars in a year, to annualise with (8760 for hours of a market that never closes); 1 leaves it per bar, from
        1e-06 to 1e+09.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``garman_klass_20_1`` and null in the first 19 rows; null too where an input is
        missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``√(Σ (½·ln(high / low)² − (2·ln 2 − 1)·ln(close / open)²) / n)`` times ``√periods_per_year``.

    References
    ----------
    .. [1] M. B. Garman and M. J. Klass, "On the Estimation of Security Price Volatilities from Historical Data",
       *Journal of Business* 53:1, 1980.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> found = mf.indicators.garman_klass(bars["open"], bars["high"], bars["low"], bars["close"])
    >>> found.tail(3).round(4).to_list()
    [0.0138, 0.0136, 0.0131]
    """
    return series(
        "garman_klass",
        {"open": open, "high": high, "low": low, "close": close},
        {"period": period, "periods_per_year": periods_per_year},
    )


def choppiness(high: Values, low: Values, close: Values, *, period: int = 14) -> pl.Series:
    """Tell a trend from a sideways market (choppiness index).

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
        With the defaults named ``choppiness_14`` and null in the first 14 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``100·log₁₀(Σ TR / (highest high − lowest low)) / log₁₀(period)``: 0 in a straight run, 100 where every bar fills
    the whole box, as TA-Lib's CHOP; 100 too where nothing moved.

    References
    ----------
    .. [1] E. W. Dreiss.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.choppiness(bars["high"], bars["low"], bars["close"]).tail(3).round(2).to_list()
    [35.77, 34.37, 33.29]
    """
    return series("choppiness", {"high": high, "low": low, "close": close}, {"period": period})


def ulcer_index(close: Values, *, period: int = 14) -> pl.Series:
    """Measure the depth of drawdowns (ulcer index).

    Parameters
    ----------
    close : array-like, shape (n,)
        Prices, or any other series.
    period : int, default 14
        Length of the window in rows, from 1 to 100000.

    Returns
    -------
    polars.Series, shape (n,)
        With the defaults named ``ulcer_index_14`` and null in the first 26 rows; null too where an input is missing.

    Raises
    ------
    ParameterError
        If a parameter is out of range, or its window longer than the series.
    DataError
        If an input is not numeric, or the inputs differ in length.

    Notes
    -----
    ``√(mean d²)`` over ``period`` rows, where ``d`` is the drawdown in percent from the highest of the last
    ``period`` values.

    References
    ----------
    .. [1] P. Martin and B. McCann, *The Investor's Guide to Fidelity Funds*, 1989.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.ulcer_index(bars["close"]).tail(3).round(2).to_list()
    [1.95, 1.57, 1.15]
    """
    return series("ulcer_index", {"close": close}, {"period": period})
