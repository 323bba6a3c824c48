"""MomentumScanner: fetch, features, classification and rank of whole venues; partial results say what is missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from mirrorfast.data.resample import resampled
from mirrorfast.data.results import FAILURE_SCHEMA, GAP_SCHEMA, FetchResult, no_bars
from mirrorfast.data.schema import BAR_SCHEMA, as_frame, validate_bars
from mirrorfast.data.suspect import SUSPECT_SCHEMA
from mirrorfast.data.timeframes import interval_of
from mirrorfast.data.venue.failures import kind_of
from mirrorfast.errors import DataError, ExchangeError, ParameterError
from mirrorfast.signals.compare import compared
from mirrorfast.signals.confluence import confluence
from mirrorfast.signals.scanner import scan_bars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mirrorfast.data.fetcher import MarketDataFetcher
    from mirrorfast.data.results import Failure

__all__ = ["MomentumScanner", "ScanResult"]

_ANY_BAR = pl.DataFrame(
    [("-", datetime(2024, 1, 1, tzinfo=UTC), 1.0, 1.0, 1.0, 1.0, 1.0)], schema=BAR_SCHEMA, orient="row"
)


@dataclass(frozen=True)
class ScanResult:
    """One scan of one timeframe.

    Attributes
    ----------
    timeframe
        As it was asked for.
    at
        When it was made, UTC.
    rows
        One row a symbol and exchange with all feature columns, highest ``enhanced_score`` first.
    failures
        Symbols that are not in `rows`: exchange, symbol, timeframe, kind, reason.
    gaps
        Bars that a venue does not have.
    suspects
        Bars far off both neighbours that are in the history of a row.
    changes
        Against the scan of this timeframe before: ``change`` is ``new``, ``gone`` or ``signal``; empty at the first.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> scanner = mf.MomentumScanner(mf.sample_bars())
    >>> result = asyncio.run(scanner.scan_market("1h"))
    >>> result.rows.height, result.failures.height
    (2, 0)
    """

    timeframe: str
    at: datetime
    rows: pl.DataFrame
    failures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FAILURE_SCHEMA))
    gaps: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GAP_SCHEMA))
    changes: pl.DataFrame = field(default_factory=pl.DataFrame)
    suspects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUSPECT_SCHEMA))

    def write(
        self, folder: str | Path, *, formats: Sequence[Literal["csv", "parquet"]] = ("csv", "parquet")
    ) -> list[Path]:
        """Write the rows as ``scan_results_{timeframe}_{timestamp}``.

        Parameters
        ----------
        folder : str or Path
            Where to; made if it is not there.
        formats : sequence of {"csv", "parquet"}, default both
            File formats.

        Returns
        -------
        list of Path
            The files. Each appears whole or not at all.

        Raises
        ------
        ParameterError
            If a format is neither.

        Examples
        --------
        >>> import tempfile
        >>> rows = pl.DataFrame({"symbol": ["A"]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = ScanResult("1h", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), rows).write(folder)
        >>> [file.name for file in files]
        ['scan_results_1h_20240102_030405.csv', 'scan_results_1h_20240102_030405.parquet']
        """
        from pathlib import Path

        unknown = [name for name in formats if name not in ("csv", "parquet")]
        if unknown:
            raise ParameterError(f"formats = {unknown[0]!r}: expected csv or parquet")
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        written = []
        for name in formats:
            file = place / f"scan_results_{self.timeframe}_{self.at:%Y%m%d_%H%M%S}.{name}"
            part = file.with_suffix(f".{name}.part")
            if name == "csv":
                self.rows.write_csv(part)
            else:
                self.rows.write_parquet(part)
            part.replace(file)
            written.append(file)
        return written


class MomentumScanner:
    """Scans the markets of one or several venues, or a table of bars.

    Parameters
    ----------
    source : MarketDataFetcher, sequence of them, or DataFrame
        Where bars come from. The same symbol on two venues gives two rows, told apart by ``exchange``.
    config : mapping, optional
        Settings of the features, as for `mirrorfast.compute_features`.
    market : {"crypto", "forex"}, default "crypto"
        Kind of market.
    symbols : sequence of str, optional
        Symbols to scan; by default the active markets that the fetcher's configuration describes.
    alternative : DataFrame, optional
        Alternative data, as for `mirrorfast.compute_features`.
    progress : callable, optional
        Called with exchange, done, all and the failure, if any, as each series is there.

    Raises
    ------
    ParameterError
        If there is no source.

    See Also
    --------
    mirrorfast.scan_bars : The same rank of a table, without keeping anything.

    Notes
    -----
    Features are computed in a thread, without the interpreter's lock: the event loop goes on.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> scanner = MomentumScanner(mf.sample_bars())
    >>> result = asyncio.run(scanner.scan_market("1h", top_n=1))
    >>> result.rows.height, scanner.scan_results["1h"] is result
    (1, True)
    """

    def __init__(
        self,
        source: Any,
        config: Mapping[str, Any] | None = None,
        *,
        market: str = "crypto",
        symbols: Sequence[str] | None = None,
        alternative: Any = None,
        progress: Callable[[str, int, int, Failure | None], None] | None = None,
    ) -> None:
        self._bars: pl.DataFrame | None = None
        self._fetchers: list[MarketDataFetcher] = []
        if hasattr(source, "fetch_many"):
            self._fetchers = [source]
        elif isinstance(source, list | tuple):
            self._fetchers = list(source)
            if not source:
                raise ParameterError("source = []: expected at least one fetcher")
        else:
            self._bars = _validated(source)
        self._config, self._market, self._alternative = config, market, alternative
        self._symbols = None if symbols is None else list(symbols)
        self._progress = progress
        self.scan_results: dict[str, ScanResult] = {}

    async def scan_market(self, timeframe: str = "medium", top_n: int | None = None) -> ScanResult:
        """Scan one timeframe.

        Parameters
        ----------
        timeframe : str, default "medium"
            Timeframe key or interval.
        top_n : int, optional
            Rows to keep; all by default.

        Returns
        -------
        ScanResult
            Rank, failures, gaps, and changes against the scan before; also in ``scan_results``.

        Raises
        ------
        ParameterError
            If the timeframe is unknown or `top_n` below 1.
        """
        return (await self._scan([timeframe], top_n))[timeframe]

    async def scan_multi_timeframe(
        self, timeframes: Sequence[str] = ("short", "medium", "daily"), top_n: int | None = None
    ) -> dict[str, ScanResult]:
        """Scan several timeframes, and say where they agree.

        Parameters
        ----------
        timeframes : sequence of str, default ("short", "medium", "daily")
            Timeframe keys or intervals.
        top_n : int, optional
            Rows of each to keep; all by default.

        Returns
        -------
        dict of str to ScanResult
            By timeframe. The rows have four more columns: ``confluence_signal`` (the direction that more than half of
            the timeframes share, else Neutral), ``multi_tf_confirmed`` (all of them share it, and it is not Neutral),
            ``confluence_zone`` (bullish, bearish or mixed) and ``strong_confluence`` (confirmed, by no weak signal);
            null for a symbol that is not in every timeframe.

        Raises
        ------
        ParameterError
            If a timeframe is unknown, or `top_n` below 1.
        """
        _top(top_n)
        results = await self._scan(list(timeframes), None)
        joined = confluence({name: result.rows for name, result in results.items()})
        for name, rows in joined.items():
            kept = rows if top_n is None else rows.head(top_n)
            old = results[name]
            results[name] = replace(old, rows=kept)
        self.scan_results |= results
        return results

    def get_strong_signals(self, timeframe: str | None = None) -> pl.DataFrame:
        """Give the rows with a strong signal: Strong Buy and Strong Sell.

        Parameters
        ----------
        timeframe : str, optional
            Which scan; the last by default.

        Returns
        -------
        polars.DataFrame
            Rows of that scan.

        Raises
        ------
        DataError
            If there is no such scan.
        """
        return self._last(timeframe).filter(pl.col("signal").is_in(["Strong Buy", "Strong Sell"]))

    def get_reversion_candidates(self, timeframe: str | None = None, *, min_probability: float = 0.0) -> pl.DataFrame:
        """Give the rows that may turn back.

        Parameters
        ----------
        timeframe : str, optional
            Which scan; the last by default.
        min_probability : float, default 0
            Least ``reversion_probability``.

        Returns
        -------
        polars.DataFrame
            Rows of that scan, the most probable first.

        Raises
        ------
        DataError
            If there is no such scan.
        """
        rows = self._last(timeframe).filter("reversion_candidate", pl.col("reversion_probability") >= min_probability)
        return rows.sort("reversion_probability", descending=True)

    def get_cluster_validated_momentum(self, timeframe: str | None = None) -> pl.DataFrame:
        """Give the rows whose momentum three or more other signs confirm.

        Parameters
        ----------
        timeframe : str, optional
            Which scan; the last by default.

        Returns
        -------
        polars.DataFrame
            Rows of that scan, the strongest momentum first.

        Raises
        ------
        DataError
            If there is no such scan.
        """
        rows = self._last(timeframe).filter("cluster_validated")
        return rows.sort(pl.col("enhanced_momentum_score").abs(), descending=True)

    def to_csv(self, folder: str | Path = ".", timeframe: str | None = None) -> Path:
        """Write a scan as ``scan_results_{timeframe}_{timestamp}.csv``.

        Parameters
        ----------
        folder : str or Path, default "."
            Where to.
        timeframe : str, optional
            Which scan; the last by default.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        DataError
            If there is no such scan.
        """
        return self._result(timeframe).write(folder, formats=["csv"])[0]

    def _result(self, timeframe: str | None) -> ScanResult:
        name = next(reversed(self.scan_results), None) if timeframe is None else timeframe
        if name is None or name not in self.scan_results:
            made = ", ".join(self.scan_results) or "none"
            raise DataError(f"timeframe = {timeframe!r}: no scan of it yet: scans made: {made}")
        return self.scan_results[name]

    def _last(self, timeframe: str | None) -> pl.DataFrame:
        return self._result(timeframe).rows

    async def _scan(self, timeframes: list[str], top_n: int | None) -> dict[str, ScanResult]:
        for name in timeframes:
            interval_of(name)
        _top(top_n)
        fetched = await self._fetched(timeframes)
        results: dict[str, ScanResult] = {}
        for name in timeframes:
            bars = pl.concat([f.bars[name] for f in fetched]) if fetched else pl.DataFrame()
            rows = await asyncio.to_thread(self._rank, bars, name)
            failures = pl.concat([f.failures.filter(pl.col("timeframe") == name) for f in fetched])
            gaps = pl.concat([f.gaps.filter(pl.col("timeframe") == name) for f in fetched])
            suspects = pl.concat([f.suspects.filter(pl.col("timeframe") == name) for f in fetched])
            before = self.scan_results.get(name)
            changes = compared(None if before is None else before.rows, rows, failures)
            kept = rows if top_n is None else rows.head(top_n)
            results[name] = ScanResult(name, datetime.now(UTC), kept, failures, gaps, changes, suspects)
            self.scan_results.pop(name, None)  # the last scan stands last
            self.scan_results[name] = results[name]
        return results

    async def _fetched(self, timeframes: list[str]) -> list[FetchResult]:
        if self._bars is not None:
            return [_of_table(self._bars, timeframes)]
        return list(await asyncio.gather(*(self._of_venue(fetcher, timeframes) for fetcher in self._fetchers)))

    async def _of_venue(self, fetcher: MarketDataFetcher, timeframes: list[str]) -> FetchResult:
        """Fetch from one venue; one that is dead does not keep the others from being scanned."""
        try:
            symbols = self._symbols or (await fetcher.fetch_markets())["symbol"].to_list()
        except ExchangeError as error:
            lost = [(fetcher.name, "*", name, kind_of(error), str(error)) for name in timeframes]
            return FetchResult(
                {name: no_bars() for name in timeframes}, pl.DataFrame(lost, schema=FAILURE_SCHEMA, orient="row")
            )
        done, total = 0, len(symbols) * len(timeframes)

        def progress(_symbol: str, _timeframe: str, failure: Failure | None) -> None:
            nonlocal done
            done += 1
            if self._progress is not None:
                self._progress(fetcher.name, done, total, failure)

        return await fetcher.fetch_many(symbols, timeframes, progress=progress)

    def _rank(self, bars: pl.DataFrame, timeframe: str) -> pl.DataFrame:
        # Each venue by itself: the features of a symbol must not run on into the same symbol of another.
        parts = bars.partition_by("exchange", maintain_order=True) if "exchange" in bars.columns else [bars]
        ranked = [
            scan_bars(
                part, timeframe=timeframe, market=self._market, alternative=self._alternative, config=self._config
            )
            for part in parts
        ]
        if not ranked:
            # Nothing came: no rows, but the columns of those that would have been.
            return scan_bars(_ANY_BAR, timeframe=timeframe, market=self._market, config=self._config).clear()
        rows = pl.concat(ranked, how="vertical_relaxed")
        return rows.sort("enhanced_score", "symbol", descending=[True, False], nulls_last=True)


def _validated(source: Any) -> pl.DataFrame:
    frame = as_frame(source)
    bars = validate_bars(frame)
    if "exchange" in frame.columns:
        raise ParameterError("bars: column exchange: expected bars of one venue; give fetchers to scan several")
    return bars


def _of_table(bars: pl.DataFrame, timeframes: list[str]) -> FetchResult:
    if len(timeframes) == 1:
        return FetchResult({timeframes[0]: bars})  # bars of whatever length; the timeframe sets the periods
    return FetchResult({name: resampled(bars, name) for name in timeframes})


def _top(top_n: int | None) -> int | None:
    if top_n is not None and top_n < 1:
        raise ParameterError(f"top_n = {top_n}: expected a whole number >= 1")
    return top_n
