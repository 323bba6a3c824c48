"""Currency pairs through yfinance: slow, synchronous, silent about what it lacks; so in a thread, and checked."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl

from mirrorfast.config.data import DataConfig
from mirrorfast.data.candles import CANDLE_SCHEMA
from mirrorfast.data.results import FAILURE_SCHEMA, GAP_SCHEMA, Failure, FetchResult, no_bars
from mirrorfast.data.schema import usable
from mirrorfast.data.timeframes import interval_ms, interval_of
from mirrorfast.data.venue.breaker import Breaker
from mirrorfast.data.venue.counters import Counters
from mirrorfast.data.venue.failures import VenueUnavailableError, kind_of
from mirrorfast.data.venue.limiter import RateLimiter, VenueClosedError, Window
from mirrorfast.errors import ConfigurationError, DataError, ExchangeError, ParameterError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ForexFetcher", "ticker_of"]

_INTERVALS: Final = {
    "1m": "7d", "2m": "60d", "5m": "60d", "15m": "60d", "30m": "60d", "1h": "730d", "1d": "10y", "1w": "10y",
}  # fmt: skip
_NAMES: Final = {"1w": "1wk"}
# Nobody says what Yahoo allows; people who stay at this are not sent away.
_LIMIT: Final = Window(30, 60)
_DAY: Final = 86_400_000
# From Friday 21:00 to Sunday 22:00 UTC the currency market is shut, in winter; an hour around it is nobody's gap.
_SHUT_FROM: Final = 5 * _DAY - 4 * 3_600_000
_SHUT_TO: Final = 7 * _DAY - 3_600_000


def ticker_of(symbol: str) -> str:
    """Name a pair as Yahoo does.

    Parameters
    ----------
    symbol : str
        Such as ``"EUR/USD"``; anything without a slash stays as it is.

    Returns
    -------
    str
        Such as ``"EURUSD=X"``.

    Raises
    ------
    ParameterError
        If a pair is not of two currencies of three letters.

    Examples
    --------
    >>> ticker_of("EUR/USD"), ticker_of("GC=F")
    ('EURUSD=X', 'GC=F')
    """
    if "/" not in symbol:
        return symbol
    base, _, quote = symbol.upper().partition("/")
    if not (len(base) == len(quote) == 3 and base.isalpha() and quote.isalpha()):
        raise ParameterError(f"symbol = {symbol!r}: expected a pair of currencies such as EUR/USD")
    return f"{base}{quote}=X"


class ForexFetcher:
    """Fetches closed bars of currency pairs; a `MomentumScanner` takes it as it takes an exchange.

    Parameters
    ----------
    symbols : sequence of str
        Pairs that a scan takes, such as ``"EUR/USD"``.
    config : DataConfig, optional
        Number of bars, patience, breaker.
    session : object, optional
        Session that yfinance is to use.
    clock : callable, optional
        The time in ms; the wall clock's by default.

    Raises
    ------
    ConfigurationError
        If yfinance is not installed (``pip install "mirrorfast[forex]"``).

    Notes
    -----
    yfinance leaves rows without prices out and says nothing: the table of gaps names them, weekends apart. Yahoo gives
    no volume of currencies: it is 0. An empty answer is an error, never an empty success. ``2m`` to ``30m`` go back 60
    days, ``1m`` seven.
    """

    name = "yahoo"

    def __init__(
        self,
        symbols: Sequence[str] = (),
        config: DataConfig | None = None,
        *,
        session: Any = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        try:
            import yfinance
        except ImportError as error:
            raise ConfigurationError('yfinance is not installed: pip install "mirrorfast[forex]"') from error
        self._yfinance: Any = yfinance
        self._symbols = list(symbols)
        self.config = config or DataConfig()
        self._session = session
        self._clock = clock or (lambda: int(datetime.now(UTC).timestamp() * 1_000))
        self.counters = Counters(self.name)
        self._limiter = RateLimiter([_LIMIT])
        # A few threads wait for Yahoo; more would only meet its limit sooner.
        self._slots = asyncio.Semaphore(4)
        self._breaker = Breaker(
            "yahoo candles",
            failures=self.config.breaker_failures,
            open_s=self.config.breaker_open_s,
            max_open_s=self.config.breaker_max_open_s,
            counts=lambda e: isinstance(e, TemporaryError) and not isinstance(e, VenueClosedError),
            opened=lambda: self.counters.add("breaker_opened"),
        )
        self._kept: dict[tuple[str, str, int], tuple[float, pl.DataFrame]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Forget what is kept."""
        self._kept.clear()

    async def fetch_markets(self) -> pl.DataFrame:
        """List the pairs.

        Returns
        -------
        polars.DataFrame
            ``exchange symbol id``.
        """
        ids = [ticker_of(symbol) for symbol in self._symbols]
        return pl.DataFrame({"exchange": [self.name] * len(ids), "symbol": self._symbols, "id": ids})

    async def fetch_ohlcv(self, symbol: str, timeframe: str = "medium", *, limit: int | None = None) -> pl.DataFrame:
        """Fetch the newest closed bars of one pair.

        Parameters
        ----------
        symbol : str
            Such as ``"EUR/USD"``.
        timeframe : str, default "medium"
            Timeframe key or interval; Yahoo has 1m 2m 5m 15m 30m 1h 1d 1w.
        limit : int, optional
            How many; the configuration's ``candles`` by default.

        Returns
        -------
        polars.DataFrame
            ``exchange`` and the columns of a bar.

        Raises
        ------
        ParameterError
            If Yahoo has no such timeframe, or the symbol is no pair.
        DataError
            If there is no closed bar.
        TemporaryError
            If Yahoo cannot be asked.
        """
        interval = interval_of(timeframe)
        if interval not in _INTERVALS:
            raise ParameterError(f"timeframe = {timeframe!r}: expected one of Yahoo's: {', '.join(_INTERVALS)}")
        count = self.config.candles if limit is None else limit
        ticker, step, loop = ticker_of(symbol), interval_ms(interval), asyncio.get_running_loop()
        key = (ticker, interval, self._clock() // step)
        kept = self._kept.get(key)
        if kept is None or kept[0] < loop.time():
            frame = await self._ask(ticker, interval)
            while len(self._kept) >= self.config.cache_entries:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = (loop.time() + self.config.cache_ttl_s, frame)
            self.counters.add("cache_misses")
        else:
            frame = kept[1]
            self.counters.add("cache_hits")
        if frame.is_empty():
            raise DataError(f"yahoo {symbol} {interval}: no closed bars")
        names = pl.lit(self.name).alias("exchange"), pl.lit(symbol).alias("symbol")
        return frame.tail(count).select(*names, *CANDLE_SCHEMA)

    async def fetch_many(
        self,
        symbols: Sequence[str] | pl.Series,
        timeframes: Sequence[str] = ("medium",),
        *,
        limit: int | None = None,
        progress: Callable[[str, str, Failure | None], None] | None = None,
    ) -> FetchResult:
        """Fetch the newest closed bars of many pairs and timeframes.

        Parameters
        ----------
        symbols, timeframes, limit, progress
            As in `MarketDataFetcher.fetch_many`.

        Returns
        -------
        FetchResult
            Bars by timeframe, failures, and gaps.
        """
        bars: dict[str, list[pl.DataFrame]] = {name: [] for name in timeframes}
        failures, gaps = [], []
        jobs = [(symbol, name) for name in timeframes for symbol in sorted(set(symbols))]
        calls = [self.fetch_ohlcv(symbol, name, limit=limit) for symbol, name in jobs]
        done = await asyncio.gather(*calls, return_exceptions=True)
        for (symbol, name), got in zip(jobs, done, strict=True):
            failure = None
            if isinstance(got, pl.DataFrame):
                bars[name].append(got)
                gaps += [(self.name, symbol, name, *gap) for gap in weekday_gaps(got, name)]
            elif isinstance(got, ExchangeError | DataError | ParameterError):
                kind = "empty" if isinstance(got, DataError) else kind_of(got)
                failure = Failure(self.name, symbol, name, kind, str(got))
                failures.append(asdict(failure))
            else:
                raise got
            if progress is not None:
                progress(symbol, name, failure)
        self.counters.add("gaps", len(gaps))
        return FetchResult(
            {name: pl.concat(frames) if frames else no_bars() for name, frames in bars.items()},
            pl.DataFrame(failures, schema=FAILURE_SCHEMA),
            pl.DataFrame(gaps, schema=GAP_SCHEMA, orient="row"),
        )

    async def _ask(self, ticker: str, interval: str) -> pl.DataFrame:
        with self._breaker.guard():
            async with self._slots, self._limiter.slot(1, patience=self.config.max_pause_s):
                self.counters.add("requests")
                try:
                    asked = asyncio.to_thread(self._history, ticker, interval)
                    table = await asyncio.wait_for(asked, self.config.deadline_s)
                except TimeoutError:
                    raise VenueUnavailableError(f"yahoo {ticker}: no answer", "timeout") from None
                except self._yfinance.exceptions.YFRateLimitError as error:
                    self._limiter.close_for(60, "yahoo: too many requests (429)")
                    self.counters.add("throttled")
                    raise VenueUnavailableError(f"yahoo {ticker}: too many requests", "throttled") from error
                except (OSError, self._yfinance.exceptions.YFException) as error:
                    self.counters.add("unavailable")
                    raise VenueUnavailableError(f"yahoo {ticker}: {type(error).__name__}: {error}") from error
        return await asyncio.to_thread(self._bars, table, interval)

    def _history(self, ticker: str, interval: str) -> Any:
        asked = {"period": _INTERVALS[interval], "interval": _NAMES.get(interval, interval)}
        # keepna: rows without prices come, so that they can be counted.
        return self._yfinance.Ticker(ticker, session=self._session).history(
            **asked, auto_adjust=False, actions=False, keepna=True, raise_errors=True
        )

    def _bars(self, table: Any, interval: str) -> pl.DataFrame:
        if table is None or len(table) == 0:
            return pl.DataFrame(schema=CANDLE_SCHEMA)
        stamps = [int(stamp.timestamp() * 1_000) for stamp in table.index]
        frame = pl.DataFrame(
            {"timestamp": stamps, **{n: table[n.capitalize()].astype(float).tolist() for n in list(CANDLE_SCHEMA)[1:]}},
            schema={**CANDLE_SCHEMA, "timestamp": pl.Int64},
        ).with_columns(pl.col("volume").fill_nan(0.0).fill_null(0.0))
        good = frame.filter(usable())
        self.counters.add("rows_refused", frame.height - good.height)
        ends = pl.col("timestamp") + interval_ms(interval)
        closed = good.filter(ends <= self._clock()).unique("timestamp", keep="last").sort("timestamp")
        self.counters.add("bars", closed.height)
        return closed.with_columns(pl.col("timestamp").cast(CANDLE_SCHEMA["timestamp"]))


def weekday_gaps(bars: pl.DataFrame, timeframe: str) -> list[tuple[int, int, int]]:
    """Find what is missing of a currency's bars while its market is open.

    Parameters
    ----------
    bars
        Bars of one pair.
    timeframe
        Timeframe key or interval.

    Returns
    -------
    list of tuple
        First missing open time, first that is there again, and bars missing between.

    Examples
    --------
    >>> day, hour = 86_400_000, 3_600_000
    >>> monday = 4 * day
    >>> times = pl.Series("timestamp", [monday, monday + 3 * hour]).cast(pl.Datetime("ms", "UTC"))
    >>> weekday_gaps(pl.DataFrame([times]), "1h")
    [(349200000, 356400000, 2)]
    """
    step = interval_ms(timeframe)
    stamps = bars["timestamp"].dt.epoch("ms").to_list()
    found = []
    for before, after in pairwise(stamps):
        if after - before <= step:
            continue
        open_bars = [t for t in range(before + step, after, step) if step < 7 * _DAY and not _shut(t, step)]
        if open_bars:
            found.append((open_bars[0], after, len(open_bars)))
    return found


def _shut(ts: int, step: int) -> bool:
    in_week = (ts - 4 * _DAY) % (7 * _DAY)
    if step >= _DAY:
        return in_week >= 5 * _DAY
    return _SHUT_FROM <= in_week < _SHUT_TO
