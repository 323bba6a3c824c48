"""Feature columns of SPEC §3: one row for every symbol and bar, in batch or as bars close."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ParameterError, ShapeError, UserCodeError
from mirrorfast.indicators._history import CustomHistory
from mirrorfast.indicators.technical import TechnicalIndicators

__all__ = ["FeatureStream", "compute_features", "feature_catalogue"]

_ALTERNATIVE = ("fear_greed", "btc_dominance")


def feature_catalogue() -> pl.DataFrame:
    """List every feature column.

    Returns
    -------
    polars.DataFrame, shape (n_columns, 4)
        ``name``, ``group`` (of SPEC §3), ``kind`` (``float``, ``int``, ``bool`` or ``label``) and ``meaning``, in the
        order in which `compute_features` returns them. The identity columns ``exchange symbol timeframe timestamp``
        stand before them.

    Examples
    --------
    >>> feature_catalogue().filter(pl.col("group") == "classification")["name"].to_list()
    ['signal', 'signal_state', 'legacy_label']
    """
    return pl.DataFrame(_core.feature_catalogue(), schema=["name", "group", "kind", "meaning"], orient="row")


def compute_features(
    bars: Any,
    *,
    timeframe: str = "medium",
    market: str = "crypto",
    last_only: bool = False,
    columns: Sequence[str] | None = None,
    alternative: Any = None,
    config: Mapping[str, Any] | None = None,
    threads: int = 0,
) -> pl.DataFrame:
    """Compute the feature columns of bars.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        Closed bars of any number of symbols, sorted by (symbol, timestamp): ``timestamp`` (bar open; a time without a
        zone is UTC), ``open high low close volume`` (any numeric type) and ``symbol``. Columns ``exchange``,
        ``fear_greed`` and ``btc_dominance`` are handed through where they exist.
    timeframe : str, default "medium"
        ``scalping``, ``short``, ``medium``, ``daily``, ``weekly`` or an interval such as ``15m``: sets momentum periods
        and thresholds. An interval takes those of the nearest key at or below it.
    market : {"crypto", "forex"}, default "crypto"
        Kind of market: sets momentum periods and thresholds.
    last_only : bool, default False
        Return the last row of each symbol only. It equals that row of the full result, bit for bit, and costs a
        fraction.
    columns : sequence of str, optional
        Feature columns to compute, after ``symbol`` and ``timestamp``; all, with every identity column, by default.
        A name given to ``TechnicalIndicators.register_custom`` is one too.
    alternative : DataFrame, optional
        Columns ``timestamp``, ``fear_greed`` and ``btc_dominance`` (0 to 100; either may be left out). Each bar takes
        the newest value published at or before its open, so that nothing of the future enters.
    config : mapping, optional
        Other settings: ``momentum_short``, ``momentum_long``, ``lookback_window`` (68), ``profile_bins`` (24),
        ``value_area`` (0.7), ``fixed_range`` (0.1), ``fib_tolerance`` (0.005), and the thresholds ``signal``,
        ``state``, ``legacy``, ``enhanced``, ``regime``.
    threads : int, default 0
        Threads to spread the symbols over; 0 for one per processor. The result does not depend on it.

    Returns
    -------
    polars.DataFrame, shape (n, 98) or (n_symbols, 98)
        The rows in the order of `bars`. Numbers are ``Float64``, directions ``Int8``, yes/no columns ``Boolean``,
        labels ``String``. A column is null until it is warm: at most 199 rows, as ``ema_200`` needs (longer only for a
        longer ``momentum_long`` or ``lookback_window``); ``insufficient_history`` is true on rows with such a null.

    Raises
    ------
    ParameterError
        If the timeframe, the market, a column or a setting is unknown or out of range.
    ShapeError
        If `bars` is not a table, lacks a column, has one of the wrong type, or is not sorted by symbol.
    DataError
        If a bar cannot be used; the message names symbol, row, column and value.

    See Also
    --------
    FeatureStream : The same rows, as bars close.
    feature_catalogue : Names and meaning of the columns.

    Notes
    -----
    Row *t* depends on bars up to *t* only. Multiplying all prices or all volumes by a constant changes no score, state
    or label. A column that is an indicator has the values of that indicator in :mod:`mirrorfast.indicators`.

    Where SPEC leaves a choice:

    - ``obv_slope`` is the change of OBV over 20 bars as a share of the volume traded in them.
    - ``volatility`` is the sample deviation of 20 log returns, per bar; ``vwap`` is cumulative from the first bar
      given.
    - ``poc_distance`` is price / POC − 1. ``fib_confluence`` counts the nearest retracement itself.
    - ``cluster_detected``: three or more bodies of one direction, each larger than the one before, or a body that
      engulfs the opposite one before it and is more than 1.2 times as large. ``directional_cluster`` is its side,
      ``cluster_strength`` min(1, bodies / 5) or min(1, body / (2.4 · previous body)). ``trend_formation_signal``: a
      cluster in the direction of the short momentum.
    - ``market_regime`` is volatile with a high volatility, else trending in a strong trend, ranging sideways, else
      normal.

    References
    ----------
    J. W. Wilder, *New Concepts in Technical Trading Systems* (1978); J. P. Steidlmayer, *Markets and Market Logic*
    (1986).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> table = compute_features(mf.sample_bars(), timeframe="1h")
    >>> table.select("symbol", pl.col("rsi").round(2), "signal", "market_regime").row(-1)
    ('EUR/USD', 65.21, 'Neutral', 'normal')
    >>> compute_features(mf.sample_bars(), last_only=True, columns=["rsi"]).height
    2
    """
    bars = bars.collect() if isinstance(bars, pl.LazyFrame) else bars
    registered = TechnicalIndicators.custom_names()
    custom = registered if columns is None else [name for name in columns if name in registered]
    result = pl.DataFrame(
        _core.compute_features(
            bars,
            timeframe,
            market,
            last_only=last_only,
            columns=None if columns is None else [name for name in columns if name not in registered],
            config=_settings(config),
            threads=threads,
        )
    )
    result = _handed_through(result, bars, last_only)
    if custom:
        result = _with_custom(result, as_frame(bars), custom, last_only)
    if alternative is not None:
        result = _join_alternative(result, as_frame(alternative, source="alternative"))
    return result


def _settings(config: Mapping[str, Any] | None) -> str | None:
    if config is None:
        return None
    for name in ("market", "timeframe"):
        if name in config:
            raise ParameterError(f"config: {name} = {config[name]!r}: expected as a keyword of its own")
    return json.dumps(dict(config))


def _handed_through(result: pl.DataFrame, bars: Any, last_only: bool) -> pl.DataFrame:
    wanted = ["exchange", *(name for name in _ALTERNATIVE if name in result.columns)]
    if not any(name in _names(bars) for name in wanted):
        return result
    frame = as_frame(bars)
    given = frame.select([name for name in wanted if name in frame.columns])
    if last_only:
        ends = frame["symbol"].rle().struct.field("len").cum_sum() - 1 if "symbol" in frame.columns else [-1]
        given = given[ends] if frame.height else given
    numbers = [
        pl.col(name).cast(pl.Float64).fill_nan(None).fill_null(50.0) for name in _ALTERNATIVE if name in given.columns
    ]
    return result.with_columns(given.with_columns(numbers))


def _with_custom(result: pl.DataFrame, frame: pl.DataFrame, names: Sequence[str], last_only: bool) -> pl.DataFrame:
    made = pl.DataFrame()
    for name in names:
        # Each sees the bars alone, not what others made of them: then a stream can give each its own look-back.
        added = TechnicalIndicators.add_indicator(frame, name).select(pl.exclude(frame.columns))
        made = made.hstack(added) if made.width else added
    if last_only and frame.height:
        ends = frame["symbol"].rle().struct.field("len").cum_sum() - 1 if "symbol" in frame.columns else [-1]
        made = made[ends]
    return result.with_columns(made)


def _names(bars: Any) -> list[str]:
    # pyarrow says `column_names` (its `columns` are arrays); polars and pandas say `columns`.
    names = bars.column_names if hasattr(bars, "column_names") else getattr(bars, "columns", ())
    return [str(name) for name in names]


def _join_alternative(result: pl.DataFrame, alternative: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in _ALTERNATIVE if name in alternative.columns and name in result.columns]
    if "timestamp" not in alternative.columns:
        found = ", ".join(alternative.columns) or "none"
        raise ShapeError(f"alternative: column timestamp is missing: found {found}")
    time = pl.col("timestamp").cast(pl.Datetime("ms", "UTC"))
    newest = alternative.select(time, *(pl.col(name).cast(pl.Float64) for name in names)).drop_nulls("timestamp")
    rows = result.select("timestamp").with_row_index("__row__").sort("timestamp")
    for name in names:
        # Each column by itself: a gap in one must not hide the last value of the other.
        known = newest.select("timestamp", name).drop_nulls().sort("timestamp")
        rows = rows.join_asof(known, on="timestamp", strategy="backward", check_sortedness=False)
    joined = rows.sort("__row__").select(pl.col(name).fill_null(50.0) for name in names)
    return result.with_columns(joined)


class FeatureStream:
    """Features of many symbols, row by row as their bars close.

    Fed with bars in any pieces it returns, bit for bit, the rows that `compute_features` returns for all of them at
    once.

    Parameters
    ----------
    timeframe : str, default "medium"
        As in `compute_features`.
    market : {"crypto", "forex"}, default "crypto"
        As in `compute_features`.
    columns : sequence of str, optional
        Feature columns; all by default.
    config : mapping, optional
        Other settings, as in `compute_features`.
    threads : int, default 0
        Threads to spread the symbols over; 0 for one per processor.

    Raises
    ------
    ParameterError
        If the timeframe, the market, a column or a setting is unknown or out of range.

    See Also
    --------
    compute_features : The same rows for a whole table.

    Notes
    -----
    Calls from several threads are taken one after the other. A stream can be pickled.

    Indicators registered with `TechnicalIndicators.register_custom` before the stream was made are columns of it too.
    Each is called once a symbol and call of `update`, with the last ``lookback`` bars before the new ones, or with all
    bars of the symbol where it was registered without one: then memory and time grow with the stream. What the function
    keeps between calls is not part of `snapshot`; the bars are.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> stream = FeatureStream(timeframe="1h")
    >>> _ = stream.update(bars[:300])
    >>> stream.update(bars[300:301])["rsi"].item() == compute_features(bars[:301])["rsi"][-1]
    True
    >>> stream.symbols
    {'BTC/USD': 301}
    """

    def __init__(
        self,
        *,
        timeframe: str = "medium",
        market: str = "crypto",
        columns: Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
        threads: int = 0,
    ) -> None:
        self._made: dict[str, Any] = {
            "timeframe": timeframe,
            "market": market,
            "columns": None if columns is None else list(columns),
            "config": None if config is None else dict(config),
            "threads": threads,
        }
        registered = TechnicalIndicators.custom_names()
        self._custom = CustomHistory([name for name in registered if columns is None or name in columns])
        built_in = None if columns is None else [name for name in columns if name not in self._custom.names]
        self._stream = _core.FeatureStream(timeframe, market, columns=built_in, config=_settings(config))

    def update(self, bars: Any) -> pl.DataFrame:
        """Take closed bars in and return their rows.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, k)
            Any number of new bars of any symbols, old or new, sorted by (symbol, timestamp); columns as in
            `compute_features`.

        Returns
        -------
        polars.DataFrame, shape (n, 98)
            One row a bar, with the columns of `compute_features`.

        Raises
        ------
        ShapeError
            If `bars` is not a table, lacks a column, or is not sorted by symbol.
        DataError
            If a bar cannot be used, or is not later than the last one of its symbol. No bar of the call is taken in
            then.
        UserCodeError
            If a registered indicator raises; no bar of the call is taken in then.
        """
        bars = bars.collect() if isinstance(bars, pl.LazyFrame) else bars
        custom = self._ask_custom(bars) if self._custom.names else None
        result = pl.DataFrame(self._stream.update(bars, threads=self._made["threads"]))
        result = _handed_through(result, bars, last_only=False)
        if custom is not None:
            self._custom.keep()
            result = result.hstack(custom)
        return result

    def _ask_custom(self, bars: Any) -> pl.DataFrame:
        try:
            return self._custom.ask(as_frame(bars))
        except (UserCodeError, ShapeError, pl.exceptions.PolarsError):
            # Bars that break a rule are the likelier cause, and the better message.
            before = self._stream.snapshot()
            self._stream.update(bars, threads=1)
            self._stream.restore(before)
            raise

    def set_alternative(self, *, fear_greed: float = 50.0, btc_dominance: float = 50.0) -> None:
        """Set the alternative columns of all rows from now on.

        Parameters
        ----------
        fear_greed : float, default 50
            Fear-and-greed index, 0 to 100.
        btc_dominance : float, default 50
            Bitcoin's share of the market in percent.

        Raises
        ------
        ParameterError
            If a value lies outside 0 to 100.
        """
        self._stream.set_alternative(fear_greed, btc_dominance)

    @property
    def symbols(self) -> dict[str, int]:
        """Bars taken in so far, by symbol."""
        return dict(self._stream.symbols())

    def snapshot(self) -> bytes:
        """Return the state as bytes.

        Returns
        -------
        bytes
            What `restore` takes; every number keeps its bits.
        """
        return self._custom.pack(self._stream.snapshot())

    def restore(self, state: bytes) -> None:
        """Take up a state.

        Parameters
        ----------
        state : bytes
            What `snapshot` returned, of a stream with the same settings and columns.

        Raises
        ------
        LedgerError
            If the bytes are damaged, or of a stream with other settings.
        """
        core, kept = self._custom.unpack(state)
        self._stream.restore(core)
        self._custom.take_up(kept)

    def __getstate__(self) -> tuple[dict[str, Any], bytes]:
        return self._made, self.snapshot()

    def __setstate__(self, state: tuple[dict[str, Any], bytes]) -> None:
        made, held = state
        FeatureStream.__init__(self, **made)
        self.restore(held)
