"""Indicators of a bar table, by the names that scanners know them under."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import polars as pl

from mirrorfast.errors import ParameterError, ShapeError
from mirrorfast.indicators import levels, momentum, trend, volatility, volume
from mirrorfast.indicators._catalogue import entries, entry
from mirrorfast.indicators._compute import ArrowStream, Values, compute, labelled, title

__all__ = ["BarTable", "Custom", "TechnicalIndicators"]

#: A table of bars: a polars frame, or anything that hands one out as Arrow (pandas, pyarrow, DuckDB).
BarTable = pl.DataFrame | ArrowStream

#: A user's own indicator: takes the bars of one symbol, returns as many rows.
Custom = Callable[[pl.DataFrame], pl.Series | pl.DataFrame]


def _table(bars: BarTable, needed: Sequence[str]) -> pl.DataFrame:
    table = bars if isinstance(bars, pl.DataFrame) else pl.DataFrame(bars)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        have = ", ".join(table.columns)
        raise ShapeError(f"columns of bars: got {have}, expected also {', '.join(missing)}")
    return table


def _close(data: BarTable | Values) -> Values:
    if hasattr(data, "columns"):
        return _table(cast("BarTable", data), ["close"])["close"]
    return data


class TechnicalIndicators:
    """Indicators of a bar table, alone or all at once, with room for one's own.

    The methods are static: the class is a namespace. A table has the columns ``open high low close volume``, and may
    have ``symbol`` and ``timestamp``; :meth:`add_all_indicators` keeps symbols apart, the others take one symbol.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> mf.indicators.TechnicalIndicators.calculate_rsi(bars).tail(1).round(2).to_list()
    [56.81]
    """

    _custom: ClassVar[dict[str, Custom]] = {}

    @staticmethod
    def calculate_rsi(data: BarTable | Values, period: int = 14) -> pl.Series:
        """Measure the relative strength index.

        Parameters
        ----------
        data : table of bars, or array-like, shape (n,)
            Bars, or closing prices.
        period : int, default 14
            Changes averaged.

        Returns
        -------
        polars.Series, shape (n,)
            See :func:`mirrorfast.indicators.rsi`.
        """
        return momentum.rsi(_close(data), period=period)

    @staticmethod
    def calculate_macd(
        data: BarTable | Values, fast_period: int = 12, slow_period: int = 26, signal_period: int = 9
    ) -> pl.DataFrame:
        """Measure the moving average convergence divergence.

        Parameters
        ----------
        data : table of bars, or array-like, shape (n,)
            Bars, or closing prices.
        fast_period, slow_period, signal_period : int
            Periods of the three averages.

        Returns
        -------
        polars.DataFrame, shape (n, 3)
            See :func:`mirrorfast.indicators.macd`.
        """
        close = _close(data)
        return trend.macd(close, fast_period=fast_period, slow_period=slow_period, signal_period=signal_period)

    @staticmethod
    def calculate_bollinger_bands(data: BarTable | Values, period: int = 20, multiplier: float = 2.0) -> pl.DataFrame:
        """Draw Bollinger bands.

        Parameters
        ----------
        data : table of bars, or array-like, shape (n,)
            Bars, or closing prices.
        period : int, default 20
            Window in rows.
        multiplier : float, default 2.0
            Width in standard deviations.

        Returns
        -------
        polars.DataFrame, shape (n, 5)
            See :func:`mirrorfast.indicators.bbands`.
        """
        return volatility.bbands(_close(data), period=period, multiplier=multiplier)

    @staticmethod
    def calculate_atr(bars: BarTable, period: int = 14) -> pl.Series:
        """Average the true range.

        Parameters
        ----------
        bars : table of bars
            Bars of one symbol.
        period : int, default 14
            Bars averaged.

        Returns
        -------
        polars.Series, shape (n,)
            See :func:`mirrorfast.indicators.atr`.
        """
        table = _table(bars, ["high", "low", "close"])
        return volatility.atr(table["high"], table["low"], table["close"], period=period)

    @staticmethod
    def calculate_ichimoku(
        bars: BarTable, tenkan_period: int = 9, kijun_period: int = 26, senkou_period: int = 52, displacement: int = 26
    ) -> pl.DataFrame:
        """Draw the Ichimoku cloud, without look-ahead.

        Parameters
        ----------
        bars : table of bars
            Bars of one symbol.
        tenkan_period, kijun_period, senkou_period : int
            Windows of the three lines.
        displacement : int, default 26
            Rows by which the cloud is drawn forward.

        Returns
        -------
        polars.DataFrame, shape (n, 5)
            See :func:`mirrorfast.indicators.ichimoku`.
        """
        table = _table(bars, ["high", "low", "close"])
        return trend.ichimoku(
            table["high"],
            table["low"],
            table["close"],
            tenkan_period=tenkan_period,
            kijun_period=kijun_period,
            senkou_period=senkou_period,
            displacement=displacement,
        )

    @staticmethod
    def calculate_vwap(bars: BarTable, period: int | None = None) -> pl.Series:
        """Average the typical price by volume.

        Parameters
        ----------
        bars : table of bars
            Bars of one symbol.
        period : int, optional
            Rows of a rolling window; from the first bar on where it is not given.

        Returns
        -------
        polars.Series, shape (n,)
            See :func:`mirrorfast.indicators.vwap` and :func:`mirrorfast.indicators.vwap_rolling`.
        """
        table = _table(bars, ["high", "low", "close", "volume"])
        columns = (table["high"], table["low"], table["close"], table["volume"])
        return volume.vwap(*columns) if period is None else volume.vwap_rolling(*columns, period=period)

    @staticmethod
    def calculate_volume_profile(
        bars: BarTable, lookback: int = 68, bins: int = 24, value_area: float = 0.7
    ) -> pl.DataFrame:
        """Find the prices at which volume was traded.

        Parameters
        ----------
        bars : table of bars
            Bars of one symbol.
        lookback : int, default 68
            Rows of the profile.
        bins : int, default 24
            Price bins.
        value_area : float, default 0.7
            Share of the volume that the value area holds.

        Returns
        -------
        polars.DataFrame, shape (n, 6)
            See :func:`mirrorfast.indicators.volume_profile`.
        """
        table = _table(bars, ["high", "low", "close", "volume"])
        return volume.volume_profile(
            table["high"],
            table["low"],
            table["close"],
            table["volume"],
            lookback=lookback,
            bins=bins,
            value_area=value_area,
        )

    @staticmethod
    def fib_levels(bars: BarTable, lookback: int = 55) -> pl.DataFrame:
        """Draw Fibonacci retracements and extensions of the last swing.

        Parameters
        ----------
        bars : table of bars
            Bars of one symbol.
        lookback : int, default 55
            Rows in which the swing is looked for.

        Returns
        -------
        polars.DataFrame, shape (n, 15)
            See :func:`mirrorfast.indicators.fibonacci`.
        """
        table = _table(bars, ["high", "low", "close"])
        return levels.fibonacci(table["high"], table["low"], table["close"], lookback=lookback)

    @staticmethod
    def add_indicator(bars: BarTable, name: str, **params: float) -> pl.DataFrame:
        """Append one indicator's outputs to a table.

        Parameters
        ----------
        bars : table of bars
            Bars of one or, with a ``symbol`` column, of many symbols, each in time order.
        name : str
            Name in the catalogue, or of a registered one.
        **params : float
            Parameters of a catalogue's indicator.

        Returns
        -------
        polars.DataFrame, shape (n, …)
            The table with the outputs behind; a symbol too young for the indicator has nulls.

        Raises
        ------
        ParameterError
            If the indicator or a parameter is unknown or out of range.
        ShapeError
            If the table lacks an input, or a registered indicator returns another number of rows.
        """
        custom = TechnicalIndicators._custom.get(name)
        if custom is None:
            table = _table(bars, entry(name)["inputs"])
            return _by_symbol(table, lambda part: _outputs(part, [name], params))
        if params:
            raise ParameterError(f"{name}.{next(iter(params))}: expected no parameter of a registered indicator")
        return _by_symbol(_table(bars, []), lambda part: _custom_outputs(part, name, custom))

    @staticmethod
    def add_all_indicators(bars: BarTable) -> pl.DataFrame:
        """Append every indicator that the table has the inputs for, with the catalogue's defaults.

        Single outputs are named with their parameters (``rsi_14``), several by their own names (``macd_signal``); a
        name that is taken gets the indicator's name in front (``pivots_session_pivot``). Registered indicators follow.

        Parameters
        ----------
        bars : table of bars
            Bars of one or, with a ``symbol`` column, of many symbols, each in time order.

        Returns
        -------
        polars.DataFrame, shape (n, …)
            The table with all outputs behind; null while warming up.

        Raises
        ------
        ShapeError
            If the table lacks ``open``, ``high``, ``low``, ``close`` or ``volume``.
        """
        table = _table(bars, ["open", "high", "low", "close", "volume"])
        usable = [row for row in entries().values() if set(row["inputs"]) <= set(table.columns)]
        # A row that only gathers others' outputs would repeat them.
        names = [
            row["name"] for row in usable if len(row["outputs"]) == 1 or not set(row["outputs"]) <= entries().keys()
        ]
        table = _by_symbol(table, lambda part: _outputs(part, names, {}))
        for name in TechnicalIndicators._custom:
            table = TechnicalIndicators.add_indicator(table, name)
        return table

    @staticmethod
    def register_custom(name: str, function: Custom) -> None:
        """Register an indicator: a column of :meth:`add_all_indicators`, of ``mf.compute_features`` and of scans.

        Parameters
        ----------
        name : str
            Its name, which is also that of its column where the function returns a series; replaces an earlier one.
        function : callable
            Takes the bars of one symbol, a ``polars.DataFrame``; returns as many rows, series or frame.

        Raises
        ------
        ParameterError
            If the name is taken by the catalogue or is no identifier, or the function cannot be called.

        Examples
        --------
        >>> import polars as pl
        >>> from mirrorfast.indicators import TechnicalIndicators
        >>> TechnicalIndicators.register_custom("spread", lambda bars: bars["high"] - bars["low"])
        >>> bars = pl.DataFrame({"high": [3.0, 4.0], "low": [1.0, 3.5]})
        >>> TechnicalIndicators.add_indicator(bars, "spread")["spread"].to_list()
        [2.0, 0.5]
        >>> TechnicalIndicators.unregister_custom("spread")
        """
        if not name.isidentifier() or name in entries():
            raise ParameterError(f"name = {name!r}: expected an identifier that no indicator of the catalogue has")
        if not callable(function):
            raise ParameterError(f"function = {function!r}: expected a callable")
        TechnicalIndicators._custom[name] = function

    @staticmethod
    def custom_names() -> list[str]:
        """List the registered indicators.

        Returns
        -------
        list of str
            Names in the order of registration; each is a column of :func:`mirrorfast.compute_features` and of scans.

        Examples
        --------
        >>> from mirrorfast.indicators import TechnicalIndicators
        >>> TechnicalIndicators.custom_names()
        []
        """
        return list(TechnicalIndicators._custom)

    @staticmethod
    def unregister_custom(name: str) -> None:
        """Forget a registered indicator.

        Parameters
        ----------
        name : str
            Its name.

        Raises
        ------
        ParameterError
            If there is none of that name.
        """
        if TechnicalIndicators._custom.pop(name, None) is None:
            raise ParameterError(f"name = {name!r}: expected one of {', '.join(TechnicalIndicators._custom) or 'none'}")


def _by_symbol(table: pl.DataFrame, add: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    if "symbol" not in table.columns or table["symbol"].n_unique() <= 1:
        return add(table)
    # Rows come back in the table's own order, whatever that was.
    order = "__row"
    parts = [add(part) for part in table.with_row_index(order).partition_by("symbol", maintain_order=True)]
    return pl.concat(parts).sort(order).drop(order)


def _outputs(table: pl.DataFrame, names: Sequence[str], params: dict[str, Any]) -> pl.DataFrame:
    taken = set(table.columns)
    columns: list[pl.Series] = []
    for name in names:
        row = entry(name)
        full = {p["name"]: params.get(p["name"], p["default"]) for p in row["params"]} | params
        results = compute(name, {key: table[key] for key in row["inputs"]}, full, strict=False)
        labels = [title(name, full)] if len(results) == 1 else row["outputs"]
        for label, values in zip(labels, results, strict=True):
            unique = label if label not in taken else f"{name}_{label}"
            taken.add(unique)
            columns.append(labelled(unique, values))
    return table.with_columns(columns)


def _custom_outputs(table: pl.DataFrame, name: str, function: Custom) -> pl.DataFrame:
    result = function(table)
    columns = [result.alias(name)] if isinstance(result, pl.Series) else result.get_columns()
    if any(len(values) != table.height for values in columns):
        raise ShapeError(f"rows of {name}: got {len(columns[0])}, expected {table.height}")
    return table.with_columns(columns)
