"""MarketDataFetcher: markets and closed bars of one venue, hundreds of series at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from mirrorfast.config.data import DataConfig
from mirrorfast.data.candles import CANDLE_SCHEMA, Answer, CandleReader, Candles
from mirrorfast.data.gaps import Gap, find_gaps, merged, open_times
from mirrorfast.data.markets import market_table
from mirrorfast.data.results import FAILURE_SCHEMA, GAP_SCHEMA, Failure, FetchResult, no_bars
from mirrorfast.data.schema import BAR_COLUMNS
from mirrorfast.data.suspect import SUSPECT_SCHEMA, find_suspects
from mirrorfast.data.timeframes import bar_open, interval_ms, interval_of
from mirrorfast.data.venue.client import VenueClient
from mirrorfast.data.venue.failures import GarbageAnswerError, kind_of
from mirrorfast.data.venue.rates import Layout
from mirrorfast.errors import ConfigurationError, DataError, ExchangeError, ParameterError, StaleDataError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from mirrorfast.data.venue.counters import Counters
    from mirrorfast.data.venue.hooks import Call

__all__ = ["MarketDataFetcher"]

_log = get_logger(__name__)
# Rows as ccxt returns them.
_PARSED: Final = Layout()
# Gaps that a venue has confirmed, remembered so that an illiquid market is not asked for them at every scan.
_REMEMBERED: Final = 50_000
# Bars that an answer may have lost. A longer gap is a market that was shut; a download asks for it all the same.
_LOST: Final = 10


@dataclass(slots=True)
class _Series:
    """One series as it is kept: without its name, which the table that it goes into adds."""

    frame: pl.DataFrame
    gaps: list[Gap] = field(default_factory=list)


class MarketDataFetcher:
    """Fetches markets and closed bars of one venue through ccxt.

    Parameters
    ----------
    exchange : str or ccxt.async_support.Exchange
        ccxt's name of the venue, such as ``"binance"``, or a ccxt exchange made by the caller, who closes it.
    config : DataConfig, optional
        Limits, patience and caches.
    options : dict, optional
        For ccxt's constructor, where `exchange` is a name.
    pro : bool, default False
        Make an exchange of ``ccxt.pro``, which has streams.

    Raises
    ------
    ConfigurationError
        If ccxt is not installed (``pip install "mirrorfast[exchange]"``).
    ParameterError
        If ccxt has no such exchange.

    Notes
    -----
    To be made and used inside one running event loop, and closed: ``async with`` does it. Every request keeps to the
    venue's weight limit and asks nothing of a venue that said to wait; what fails for the moment is repeated with full
    jitter; a kind of call that keeps failing is left alone. Only bars that have closed by the *venue's* time are
    returned; rows that are no bars are refused and counted. An answer is kept until its timeframe's next bar closes, at
    most ``cache_ttl_s``; callers that want it at one moment share one request.

    Examples
    --------
    >>> async def rank():  # doctest: +SKIP
    ...     async with MarketDataFetcher("binance") as fetcher:
    ...         markets = await fetcher.fetch_markets(quote="USDT", min_volume=1e7)
    ...         return await fetcher.fetch_many(markets["symbol"], ["1h", "1d"])
    """

    def __init__(
        self,
        exchange: Any,
        config: DataConfig | None = None,
        *,
        options: dict[str, Any] | None = None,
        pro: bool = False,
    ) -> None:
        self.config = config or DataConfig()
        self.client = VenueClient(exchange, self.config, options=options, pro=pro)
        self._reader = CandleReader()
        self._fresh_markets: dict[str, Any] | None = None
        self._confirmed: OrderedDict[tuple[str, str, int], None] = OrderedDict()
        try:
            from async_lru import alru_cache
        except ImportError as error:
            raise ConfigurationError('async-lru is not installed: pip install "mirrorfast[exchange]"') from error
        self._recent: Any = alru_cache(maxsize=self.config.cache_entries, ttl=self.config.cache_ttl_s)(
            self._load_recent
        )
        self._markets: Any = alru_cache(maxsize=1, ttl=self.config.markets_s)(self._load_markets)

    @property
    def name(self) -> str:
        """Ccxt's name of the venue."""
        return self.client.name

    @property
    def counters(self) -> Counters:
        """What happened on the way, counted; a collector for ``prometheus_client`` too."""
        return self.client.counters

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections and threads."""
        await asyncio.gather(self._recent.cache_close(), self._markets.cache_close())
        self._reader.close()
        await self.client.aclose()

    def forget(self) -> None:
        """Forget the series that are kept: the next callers ask the venue."""
        self._recent.cache_clear()

    async def fetch_markets(
        self, *, quote: str | None = None, kind: str | None = None, min_volume: float | None = None
    ) -> pl.DataFrame:
        """List the active markets.

        Parameters
        ----------
        quote : str, optional
            Quote currency; the configuration's by default, ``""`` for all.
        kind : {"spot", "swap"}, optional
            Kind of market; the configuration's by default.
        min_volume : float, optional
            Least volume of the last 24 hours in quote currency; the configuration's by default.

        Returns
        -------
        polars.DataFrame, shape (n, 13)
            ``exchange symbol id base quote kind price_step amount_step min_amount min_cost maker taker quote_volume``,
            the most traded first. Volumes are null where no floor was asked for.

        Raises
        ------
        ExchangeError
            If the venue cannot be asked.
        """
        markets = await self._markets()
        floor = self.config.min_volume if min_volume is None else min_volume
        wanted = {"quote": self.config.quote if quote is None else quote, "kind": kind or self.config.kind}
        table = await asyncio.to_thread(market_table, self.name, markets, **wanted)
        if not floor:
            return table.sort("symbol")
        tickers = await self.client.apart("tickers", lambda twin: twin.fetch_tickers())
        if not isinstance(tickers, dict):
            raise GarbageAnswerError(f"{self.name} tickers: an answer without tickers")
        volumes = {
            symbol: float(ticker["quoteVolume"])
            for symbol, ticker in tickers.items()
            if isinstance(ticker, dict) and isinstance(ticker.get("quoteVolume"), int | float)
        }
        volume = pl.Series("quote_volume", [volumes.get(s) for s in table["symbol"]], dtype=pl.Float64)
        return table.with_columns(volume).filter(pl.col("quote_volume") >= floor).sort(
            "quote_volume", "symbol", descending=[True, False]
        )  # fmt: skip

    async def reload_markets(self) -> dict[str, Any]:
        """Load the markets anew, for this fetcher and its ccxt exchange.

        Returns
        -------
        dict
            ccxt's markets by symbol.

        Raises
        ------
        ExchangeError
            If the venue cannot be asked; the markets stay as they were.
        """
        # First the new ones: a caller meanwhile has the old.
        markets = await self._load_markets()
        self._markets.cache_clear()
        self._fresh_markets = markets
        found: dict[str, Any] = await self._markets()
        return found

    async def fetch_ohlcv(
        self,
        symbol: str,
        timeframe: str = "medium",
        *,
        limit: int | None = None,
        start: datetime | int | None = None,
        end: datetime | int | None = None,
    ) -> pl.DataFrame:
        """Fetch closed bars of one symbol.

        Parameters
        ----------
        symbol : str
            ccxt's name of the market, such as ``"BTC/USDT"``.
        timeframe : str, default "medium"
            Timeframe key or interval.
        limit : int, optional
            How many of the newest; the configuration's ``candles`` by default. Not together with `start`.
        start, end : datetime or int, optional
            First open time, and the time before which bars open; UTC, or ms since the epoch. Pages are put together.

        Returns
        -------
        polars.DataFrame, shape (n, 8)
            ``exchange`` and the columns of ``BAR_SCHEMA``, ascending. May be fewer than `limit` for a young market.

        Raises
        ------
        ParameterError
            If the timeframe or the symbol is unknown, or a number is out of range.
        StaleDataError
            If the newest bar is older than ``max_age_bars`` (without `start`).
        DataError
            If the venue has no bars.
        ExchangeError
            If it cannot be asked (`TemporaryError`), or refuses.
        """
        interval = interval_of(timeframe)
        if start is None:
            if end is not None:
                raise ParameterError(f"end = {end}: expected together with start")
            series = await self._newest(symbol, interval, limit)
        else:
            if limit is not None:
                raise ParameterError(f"limit = {limit}: expected without start, which says where to begin")
            pieces = [piece async for piece in self.pages(symbol, interval, start=start, end=end)]
            if not pieces:
                raise DataError(f"{self.name} {symbol} {interval}: no bars from {_moment(start)}")
            frame, twice = merged(pieces)
            self.counters.add("rows_duplicate", twice)
            series = _Series(frame)
        return self._named(series.frame, symbol)

    async def fetch_many(
        self,
        symbols: Sequence[str] | pl.Series,
        timeframes: Sequence[str] = ("medium",),
        *,
        limit: int | None = None,
        fresh: bool = False,
        check: bool = True,
        progress: Callable[[str, str, Failure | None], None] | None = None,
    ) -> FetchResult:
        """Fetch the newest closed bars of many symbols and timeframes; what fails is reported, the rest returned.

        Parameters
        ----------
        symbols : sequence of str
            ccxt's names of the markets.
        timeframes : sequence of str, default ("medium",)
            Timeframe keys or intervals.
        limit : int, optional
            Bars of each; the configuration's ``candles`` by default.
        fresh : bool, default False
            Ask the venue even for what is in memory.
        check : bool, default True
            Look for bars far off both neighbours (``suspect_factor``): asked for again once; then a series whose newest
            bar is such is a failure of kind ``suspect``, and others are listed in ``suspects``.
        progress : callable, optional
            Called with symbol, timeframe and failure (or None) as each series is done.

        Returns
        -------
        FetchResult
            Bars by timeframe as it was named, failures, gaps.

        Raises
        ------
        ParameterError
            If a timeframe is unknown or `limit` below 1.
        """
        intervals = {name: interval_of(name) for name in timeframes}
        self._limit(limit)
        names = list(dict.fromkeys(symbols))
        failures: list[Failure] = []
        series: dict[tuple[str, str], _Series] = {}

        async def one(symbol: str, timeframe: str) -> None:
            failure: Failure | None = None
            try:
                series[timeframe, symbol] = await self._newest(symbol, intervals[timeframe], limit, fresh=fresh)
            except (ExchangeError, DataError, ParameterError) as error:
                kind = "stale" if isinstance(error, StaleDataError) else kind_of(error)
                kind = "empty" if kind == "error" and isinstance(error, DataError) else kind
                failure = Failure(self.name, symbol, timeframe, kind, str(error))
                failures.append(failure)
            if progress is not None:
                progress(symbol, timeframe, failure)

        try:
            await self._markets()
            await self.client.synchronise()
        except ExchangeError as error:
            # Without its markets a venue answers nothing else: every series failed for that one reason.
            kind, reason = kind_of(error), str(error)
            for timeframe in timeframes:
                for symbol in names:
                    failures.append(Failure(self.name, symbol, timeframe, kind, reason))
                    if progress is not None:
                        progress(symbol, timeframe, failures[-1])
        else:
            jobs = iter([(symbol, timeframe) for timeframe in timeframes for symbol in names])

            async def work() -> None:
                for symbol, timeframe in jobs:
                    await one(symbol, timeframe)
                    await asyncio.sleep(
                        0
                    )  # what is in memory comes without waiting: others get their turn all the same

            # Not a task a series: a thousand that start in one turn of the loop would hold it for a third of a second.
            async with asyncio.TaskGroup() as group:
                for _ in range(min(len(names) * len(timeframes), 2 * self.client.concurrency)):
                    group.create_task(work())
        # Thousands of frames joined are milliseconds of work, none of them the event loop's.
        result = await asyncio.to_thread(_result, self.name, list(timeframes), names, series, failures)
        factor = self.config.suspect_factor
        if not check or factor == 0:
            return result
        found = await asyncio.to_thread(_suspects, result, factor)
        if found.is_empty():
            return result
        async with asyncio.TaskGroup() as group:
            for symbol, timeframe in found.select("symbol", "timeframe").unique().iter_rows():
                group.create_task(self._again(symbol, timeframe, intervals[timeframe], limit, series))
        result = await asyncio.to_thread(_result, self.name, list(timeframes), names, series, failures)
        found = await asyncio.to_thread(_suspects, result, factor)
        self.counters.add("suspects", found.height)
        for row in found.filter("newest").iter_rows(named=True):
            del series[row["timeframe"], row["symbol"]]
            reason = f"the newest bar closes at {row['ratio']:.3g} times the one before"
            failures.append(Failure(self.name, row["symbol"], row["timeframe"], "suspect", reason))
        result = await asyncio.to_thread(_result, self.name, list(timeframes), names, series, failures)
        return replace(result, suspects=found.filter(~pl.col("newest")))

    async def _again(
        self, symbol: str, timeframe: str, interval: str, limit: int | None, series: dict[tuple[str, str], _Series]
    ) -> None:
        """Ask for a series once more; what cannot be had again stays as it was."""
        try:
            series[timeframe, symbol] = await self._newest(symbol, interval, limit, fresh=True)
        except (ExchangeError, DataError) as error:
            _log.warning("suspect_not_asked_again", exchange=self.name, symbol=symbol, error=str(error))

    async def pages(
        self,
        symbol: str,
        timeframe: str = "medium",
        *,
        start: datetime | int,
        end: datetime | int | None = None,
    ) -> AsyncIterator[pl.DataFrame]:
        """Go through a symbol's history page by page: what is stored of each page is not asked for again.

        Parameters
        ----------
        symbol, timeframe
            As in `fetch_ohlcv`.
        start, end : datetime or int
            First open time, and the time before which bars open; all closed bars by default.

        Yields
        ------
        polars.DataFrame, shape (n, 6)
            Closed bars without ``symbol``, ascending, each page after the one before it.

        Raises
        ------
        ExchangeError
            If the venue cannot be asked. The pages given are good: go on from the last bar's time.
        """
        interval, step = interval_of(timeframe), interval_ms(timeframe)
        await self._known(symbol)
        await self.client.synchronise()
        cursor = -(-_ms(start) // step) * step if step <= 86_400_000 else _ms(start)
        stop = _ms(end) if end is not None else None
        page = self.client.facts.page
        while True:
            newest = bar_open(self.client.now(), interval) - step
            last = newest if stop is None else min(newest, stop - 1)
            if cursor > last:
                return
            most = min(page, (last - cursor) // step + 2)
            candles = await self._ask(symbol, interval, since=cursor, limit=int(most))
            frame = _between(candles.frame, cursor, last)
            if frame.is_empty():
                cursor += step * page  # a hole, or before the market's first day
                continue
            frame, _ = await self._refilled(symbol, interval, frame)
            yield frame
            cursor = int(open_times(frame)[-1]) + step

    async def _newest(self, symbol: str, interval: str, limit: int | None, *, fresh: bool = False) -> _Series:
        count = self._limit(limit)
        await self._known(symbol)
        await self.client.synchronise()
        step = interval_ms(interval)
        # The bar that is running now is part of the key: an answer does not outlive the close that makes it old.
        key = (symbol, interval, count, bar_open(self.client.now(), interval))
        if fresh:
            self._recent.cache_invalidate(*key)
        hits = self._recent.cache_info().hits
        series: _Series = await self._recent(*key)
        self.counters.add("cache_hits" if self._recent.cache_info().hits > hits else "cache_misses")
        if series.frame.is_empty():
            raise DataError(f"{self.name} {symbol} {interval}: no closed bars")
        last = int(open_times(series.frame)[-1])
        age = self.client.now() - (last + step)
        if age > step * self.config.max_age_bars + self.config.slack_s * 1_000:
            self.counters.add("stale")
            raise StaleDataError(
                f"{self.name} {symbol} {interval}: the newest bar closed {age / 1_000:.0f} s ago: "
                f"expected at most {self.config.max_age_bars} bars"
            )
        return series

    async def _load_recent(self, symbol: str, interval: str, count: int, running: int) -> _Series:
        page, step = self.client.facts.page, interval_ms(interval)
        if count < page:
            candles = await self._ask(symbol, interval, since=None, limit=count + 1)  # and the one that runs
            frame = candles.frame
        else:
            pieces = [p async for p in self.pages(symbol, interval, start=running - step * count)]
            frame = merged(pieces)[0] if pieces else pl.DataFrame(schema=CANDLE_SCHEMA)
        frame, gaps = await self._refilled(symbol, interval, frame.tail(count), longest=_LOST)
        return _Series(frame, gaps)

    async def _ask(self, symbol: str, interval: str, *, since: int | None, limit: int) -> Candles:
        """Ask for one page; an answer that is none, or whose rows are none, is asked for again."""
        exchange, what = self.client.exchange, f"{symbol} {interval}"
        layout = self.client.facts.layout
        step = interval_ms(interval)

        async def read(answer: Any, call: Call) -> Candles:
            reply, now = call.body, self.client.now()
            if reply is None or layout is None:
                candles = await self._reader.read(Answer(answer or [], _PARSED, step, now))
            else:
                candles = await self._reader.read(Answer(reply, layout, step, now))
                if not candles.rows:
                    self.client.blame(call)
            if candles.rows is None or (candles.rows and candles.refused == candles.rows):
                raise GarbageAnswerError(f"{self.name} {what}: {candles.rows or 'no'} rows, none of them a bar")
            if since is None and not candles.rows:
                # A market that is listed has a running bar: an empty list is worth a second try.
                raise GarbageAnswerError(f"{self.name} {what}: an empty list of candles")
            return candles

        def make() -> Awaitable[Any]:
            made: Awaitable[Any] = exchange.fetch_ohlcv(symbol, interval, since, limit)
            return made

        candles: Candles = await self.client.call("candles", make, read=read, what=what, raw=layout is not None)
        self.counters.add("bars", candles.frame.height)
        self.counters.add("rows_refused", candles.refused)
        self.counters.add("rows_open", candles.unfinished)
        self.counters.add("rows_duplicate", candles.duplicates)
        if candles.refused:
            _log.warning("rows_refused", exchange=self.name, symbol=symbol, timeframe=interval, rows=candles.refused)
        return candles

    async def _refilled(
        self, symbol: str, interval: str, frame: pl.DataFrame, *, longest: int | None = None
    ) -> tuple[pl.DataFrame, list[Gap]]:
        """Ask once more for what is missing; what is missing then too, the venue does not have."""
        gaps = find_gaps(frame, interval)
        new = [gap for gap in gaps if (symbol, interval, gap.start) not in self._confirmed]
        if not new:
            return frame, gaps
        self.counters.add("gaps", len(new))
        if len(new) > self.config.max_refills:
            # So many are a market that closes or does not trade, not an answer that lost rows: marked, not asked for.
            self._confirm(symbol, interval, new)
            return frame, gaps
        for gap in new:
            if longest is not None and gap.bars > longest:
                self._confirm(symbol, interval, [gap])
                continue
            try:
                limit = min(gap.bars + 1, self.client.facts.page)
                candles = await self._ask(symbol, interval, since=gap.start, limit=limit)
            except ExchangeError as error:
                _log.warning("gap_not_refilled", exchange=self.name, symbol=symbol, error=str(error))
                continue
            piece = _between(candles.frame, gap.start, gap.end - 1)
            if piece.height == gap.bars:
                self.counters.add("gaps_refilled")
            else:
                self._confirm(symbol, interval, [gap])
            if piece.height:
                frame, _ = merged([frame, piece])
        return frame, find_gaps(frame, interval)

    def _confirm(self, symbol: str, interval: str, gaps: list[Gap]) -> None:
        for gap in gaps:
            self._confirmed[symbol, interval, gap.start] = None
        while len(self._confirmed) > _REMEMBERED:
            self._confirmed.popitem(last=False)

    async def _known(self, symbol: str) -> None:
        markets = await self._markets()
        if symbol not in markets:
            import difflib

            near = difflib.get_close_matches(symbol, markets, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ParameterError(f"symbol = {symbol!r}: expected one of {self.name}'s {len(markets)} markets{hint}")

    async def _load_markets(self) -> dict[str, Any]:
        if (loaded := self._fresh_markets) is not None:
            self._fresh_markets = None
            return loaded
        markets = await self.client.apart("markets", lambda twin: twin.load_markets(reload=True), keep_markets=True)
        if not isinstance(markets, dict) or not markets:
            raise GarbageAnswerError(f"{self.name} markets: an answer without markets")
        self.counters.add("market_loads")
        return markets

    def _limit(self, limit: int | None) -> int:
        count = self.config.candles if limit is None else limit
        if not 1 <= count <= 1_000_000:
            raise ParameterError(f"limit = {limit}: expected a whole number from 1 to 1,000,000")
        return count

    def _named(self, frame: pl.DataFrame, symbol: str) -> pl.DataFrame:
        return frame.select(pl.lit(self.name).alias("exchange"), pl.lit(symbol).alias("symbol"), *CANDLE_SCHEMA)


def _result(
    exchange: str,
    timeframes: list[str],
    symbols: list[str],
    series: dict[tuple[str, str], _Series],
    failures: list[Failure],
) -> FetchResult:
    bars, gaps = {}, []
    for timeframe in timeframes:
        there = [(symbol, series[timeframe, symbol]) for symbol in sorted(symbols) if (timeframe, symbol) in series]
        if not there:
            bars[timeframe] = no_bars()
            continue
        lengths = pl.Series([s.frame.height for _, s in there], dtype=pl.UInt32)
        names = pl.Series("symbol", [symbol for symbol, _ in there])
        column = names[pl.Series(range(len(there)), dtype=pl.UInt32).repeat_by(lengths).explode()]
        frame = pl.concat([s.frame for _, s in there], rechunk=True)
        bars[timeframe] = frame.select(pl.lit(exchange).alias("exchange"), column, *BAR_COLUMNS[1:])
        gaps += [(exchange, symbol, timeframe, gap.start, gap.end, gap.bars) for symbol, s in there for gap in s.gaps]
    order = {symbol: k for k, symbol in enumerate(symbols)}
    failures.sort(key=lambda f: (timeframes.index(f.timeframe), order[f.symbol]))
    return FetchResult(
        bars,
        pl.DataFrame([asdict(f) for f in failures], schema=FAILURE_SCHEMA),
        pl.DataFrame(gaps, schema=GAP_SCHEMA, orient="row"),
    )


def _suspects(result: FetchResult, factor: float) -> pl.DataFrame:
    parts = [
        find_suspects(bars, factor).select(
            pl.lit(bars["exchange"][0]).alias("exchange"), "symbol", pl.lit(timeframe).alias("timeframe"), "timestamp",
            "ratio", "newest",
        )
        for timeframe, bars in result.bars.items()
        if bars.height
    ]  # fmt: skip
    return pl.concat(parts).cast(SUSPECT_SCHEMA) if parts else result.suspects


def _between(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    stamp = pl.col("timestamp").dt.epoch("ms")
    return frame.filter((stamp >= first) & (stamp <= last))


def _ms(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(aware.timestamp() * 1_000)


def _moment(moment: datetime | int) -> str:
    return datetime.fromtimestamp(_ms(moment) / 1_000, UTC).isoformat()
