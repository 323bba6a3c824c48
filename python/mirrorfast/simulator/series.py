"""Recorded bars of one symbol, and the path that the price takes inside each of them.

The path of a bar is 13 trades, evenly spaced from its first to its last millisecond, on straight lines through
open, one extreme, the other extreme and close (trades 0, 4, 8 and 12). A rising bar (close ≥ open) visits its low
first, a falling one its high. Each trade has a thirteenth of the bar's volume in whole lots; the last one has the
rest too. So the trades add up to the recorded bar exactly, and the candle that is still open is the sum of the
trades so far. Prices and volumes are whole numbers of ticks and lots: nothing is ever rounded twice.
"""

from bisect import bisect_right
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from mirrorfast.errors import DataError

__all__ = ["INTERVALS", "TICKS", "Candle", "Series", "Trade"]

Ints = npt.NDArray[np.int64]

TICKS: Final = 13
"""Trades in a bar."""

_MINUTE: Final = 60_000
_DAY: Final = 86_400_000
INTERVALS: Final = {
    "1s": 1_000, "1m": _MINUTE, "3m": 3 * _MINUTE, "5m": 5 * _MINUTE, "15m": 15 * _MINUTE, "30m": 30 * _MINUTE,
    "1h": 60 * _MINUTE, "2h": 120 * _MINUTE, "4h": 240 * _MINUTE, "6h": 360 * _MINUTE, "8h": 480 * _MINUTE,
    "12h": 720 * _MINUTE, "1d": _DAY, "3d": 3 * _DAY, "1w": 7 * _DAY, "1M": 30 * _DAY,
}  # fmt: skip
"""Candle lengths that Binance knows, in milliseconds; months have the length of the calendar."""


class Trade(NamedTuple):
    """One trade of the path: time in ms, price in ticks, quantity in lots, running number, whether the buyer rested."""

    time: int
    price: int
    quantity: int
    id: int
    buyer_is_maker: bool


class Candle(NamedTuple):
    """One candle in ticks and lots; ``quote`` is price × quantity summed, ``trades`` their number."""

    open_time: int
    close_time: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote: int
    trades: int


class Series:
    """Bars of one symbol in whole ticks and lots.

    Parameters
    ----------
    time : array of int64
        Opening times, milliseconds since the epoch, increasing.
    open, high, low, close : array of int64
        Prices in ticks.
    volume : array of int64
        Volumes in lots.
    interval : int
        Length of a bar in milliseconds.
    """

    def __init__(self, time: Ints, open: Ints, high: Ints, low: Ints, close: Ints, volume: Ints, interval: int) -> None:  # noqa: A002 - a bar's first price
        if not len(time):
            raise DataError("bars: 0 rows: expected at least one")
        self.time, self.open, self.high, self.low, self.close, self.volume = time, open, high, low, close, volume
        self.interval = interval
        self._times: list[int] = time.tolist()
        self._candles: dict[str, Candles] = {}

    @property
    def start(self) -> int:
        """Opening time of the first bar."""
        return self._times[0]

    @property
    def end(self) -> int:
        """Time at which the last bar has closed."""
        return self._times[-1] + self.interval

    def position(self, now: int) -> int:
        """Tell the number of the last trade at or before a moment, over all bars from 0; -1 before the first."""
        bar = bisect_right(self._times, now) - 1
        if bar < 0:
            return -1
        return bar * TICKS + min(TICKS - 1, (now - self._times[bar]) * (TICKS - 1) // (self.interval - 1))

    def trade(self, position: int) -> Trade:
        """One trade of the path by its number."""
        bar, k = divmod(position, TICKS)
        rising = self.close[bar] >= self.open[bar]
        first, second = (self.low, self.high) if rising else (self.high, self.low)
        corners = (int(self.open[bar]), int(first[bar]), int(second[bar]), int(self.close[bar]))
        leg, part = divmod(k, 4)
        price = corners[leg] if part == 0 else corners[leg] + (corners[leg + 1] - corners[leg]) * part // 4
        before = corners[leg] if part else corners[leg - 1] if leg else price
        each, rest = divmod(int(self.volume[bar]), TICKS)
        # The first trade of a bar's millisecond grid lies on its opening time, the last on its last millisecond.
        time = self._times[bar] + -(-k * (self.interval - 1) // (TICKS - 1))
        return Trade(time, price, each + (rest if k == TICKS - 1 else 0), position, price < before)

    def last(self, now: int) -> Trade | None:
        """Last trade at or before a moment."""
        position = self.position(now)
        return None if position < 0 else self.trade(position)

    def between(self, first: int, last: int) -> list[Trade]:
        """Trades with numbers from ``first`` to ``last``, both inclusive, as far as they exist."""
        return [self.trade(i) for i in range(max(first, 0), min(last, len(self._times) * TICKS - 1) + 1)]

    @cached_property
    def quote(self) -> Ints:
        """Price × quantity of each bar: the exact sum over its path."""
        return self._path_quote(np.arange(len(self._times), dtype=np.int64))

    def _path_quote(self, bars: Ints) -> Ints:
        total = np.zeros(len(bars), dtype=np.int64)
        _, price, quantity = self._path(bars)
        for k in range(TICKS):
            total += price[k] * quantity[k]
        return total

    def _path(self, bars: Ints) -> tuple[Ints, Ints, Ints]:
        """Return times, prices and quantities of whole bars: arrays of shape (13, bars)."""
        o, h, low, c = (a[bars] for a in (self.open, self.high, self.low, self.close))
        rising = c >= o
        corners = (o, np.where(rising, low, h), np.where(rising, h, low), c)
        price = np.empty((TICKS, len(bars)), dtype=np.int64)
        for k in range(TICKS):
            leg, part = divmod(k, 4)
            price[k] = corners[leg] if part == 0 else corners[leg] + (corners[leg + 1] - corners[leg]) * part // 4
        each, rest = np.divmod(self.volume[bars], TICKS)
        quantity = np.repeat(each[None, :], TICKS, axis=0)
        quantity[-1] += rest
        k_ = np.arange(TICKS, dtype=np.int64)[:, None]
        time = self.time[bars][None, :] - (-k_ * (self.interval - 1) // (TICKS - 1))
        return time, price, quantity

    def bucket(self, interval: str, time: Ints) -> Ints:
        """Find the opening times of the candles that moments belong to."""
        if interval == "1M":
            months = time.astype("datetime64[ms]").astype("datetime64[M]")
            return months.astype("datetime64[ms]").astype(np.int64)
        length = INTERVALS[interval]
        # The epoch was a Thursday; a week begins on Monday.
        origin = 4 * _DAY if interval == "1w" else 0
        return (time - origin) // length * length + origin

    def close_time(self, interval: str, open_time: int) -> int:
        """Last millisecond of a candle."""
        if interval == "1M":
            month = np.datetime64(open_time, "ms").astype("datetime64[M]") + 1
            return int(month.astype("datetime64[ms]").astype(np.int64)) - 1
        return open_time + INTERVALS[interval] - 1

    def candles(self, interval: str) -> "Candles":
        """Make the candles of the whole recording, once for each interval."""
        found = self._candles.get(interval)
        if found is None:
            found = self._candles[interval] = Candles(self, interval)
        return found

    def closed_and_open(self, interval: str, now: int) -> "tuple[Candles, int, Candle | None]":
        """Candles of an interval as they are known at a moment.

        Parameters
        ----------
        interval : str
            One of `INTERVALS`.
        now : int
            The moment, in milliseconds.

        Returns
        -------
        tuple of Candles, int and Candle or None
            All candles, how many of them have closed, and the one that is still open, if it has traded.
        """
        candles = self.candles(interval)
        count = candles.closed(now)
        if count >= len(candles.time) or candles.times[count] > now:
            return candles, count, None
        return candles, count, self.summed(interval, candles.times[count], now)

    def summed(self, interval: str, open_time: int, now: int) -> Candle:
        """Sum the trades from ``open_time`` to ``now`` into one candle."""
        first = int(np.searchsorted(self.time, open_time, "left"))
        last = bisect_right(self._times, now) - 1
        close_time = self.close_time(interval, open_time)
        if INTERVALS[interval] < self.interval or first > last:
            return self._fine(open_time, close_time, now)
        whole = slice(first, last)
        part = self.between(last * TICKS, self.position(now))
        prices = [t.price for t in part]
        highs, lows = list(prices), list(prices)
        if last > first:
            highs.append(int(self.high[whole].max()))
            lows.append(int(self.low[whole].min()))
        return Candle(
            open_time,
            close_time,
            int(self.open[first]),
            max(highs),
            min(lows),
            prices[-1],
            int(self.volume[whole].sum()) + sum(t.quantity for t in part),
            int(self.quote[whole].sum()) + sum(t.price * t.quantity for t in part),
            (last - first) * TICKS + len(part),
        )

    def _fine(self, open_time: int, close_time: int, now: int) -> Candle:
        """Sum a candle shorter than the recorded bars; without a trade it is flat at the price before."""
        before = self.position(open_time - 1)
        trades = self.between(before + 1, self.position(min(now, close_time)))
        if not trades:
            flat = self.trade(max(before, 0)).price
            return Candle(open_time, close_time, flat, flat, flat, flat, 0, 0, 0)
        prices = [t.price for t in trades]
        return Candle(
            open_time,
            close_time,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(t.quantity for t in trades),
            sum(t.price * t.quantity for t in trades),
            len(trades),
        )


class Candles:
    """Candles of one interval over a whole recording, as arrays.

    Parameters
    ----------
    series : Series
        The recording.
    interval : str
        One of `INTERVALS`.
    """

    def __init__(self, series: Series, interval: str) -> None:
        if INTERVALS[interval] >= series.interval:
            self._coarse(series, interval)
        else:
            self._fine(series, interval)
        self.times: list[int] = self.time.tolist()
        length = INTERVALS[interval]
        if interval == "1M":
            self.close_times = [series.close_time(interval, t) for t in self.times]
        else:
            self.close_times = [t + length - 1 for t in self.times]
        self.rendered: dict[int, list[bytes | None]] = {}

    def _coarse(self, series: Series, interval: str) -> None:
        bucket = series.bucket(interval, series.time)
        first = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
        last = np.r_[first[1:], len(bucket)] - 1
        self.time = bucket[first]
        self.open, self.close = series.open[first], series.close[last]
        self.high, self.low = np.maximum.reduceat(series.high, first), np.minimum.reduceat(series.low, first)
        self.volume, self.quote = np.add.reduceat(series.volume, first), np.add.reduceat(series.quote, first)
        self.count = (last - first + 1) * TICKS

    def _fine(self, series: Series, interval: str) -> None:
        time, price, quantity = (
            a.T.reshape(-1)
            for a in series._path(np.arange(len(series.time), dtype=np.int64))  # noqa: SLF001 - one module
        )
        trade_bucket = series.bucket(interval, time)
        length = INTERVALS[interval]
        first = np.flatnonzero(np.r_[True, trade_bucket[1:] != trade_bucket[:-1]])
        last = np.r_[first[1:], len(trade_bucket)] - 1
        # Binance has a candle for every minute of trading, flat and without volume where nobody traded.
        each = series.interval // length
        self.time = (series.time[:, None] + np.arange(each, dtype=np.int64)[None, :] * length).reshape(-1)
        at = np.searchsorted(trade_bucket[first], self.time, "right") - 1
        traded = trade_bucket[first][at] == self.time
        flat = price[last][at]
        self.open = np.where(traded, price[first][at], flat)
        self.high = np.where(traded, np.maximum.reduceat(price, first)[at], flat)
        self.low = np.where(traded, np.minimum.reduceat(price, first)[at], flat)
        self.close = flat
        self.volume = np.where(traded, np.add.reduceat(quantity, first)[at], 0)
        self.quote = np.where(traded, np.add.reduceat(price * quantity, first)[at], 0)
        self.count = np.where(traded, (last - first + 1)[at], 0)

    def closed(self, now: int) -> int:
        """How many candles have closed at a moment."""
        # A candle closes one millisecond after its close time.
        return bisect_right(self.close_times, now - 1)

    def row(self, i: int) -> Candle:
        """One candle."""
        return Candle(
            self.times[i],
            self.close_times[i],
            int(self.open[i]),
            int(self.high[i]),
            int(self.low[i]),
            int(self.close[i]),
            int(self.volume[i]),
            int(self.quote[i]),
            int(self.count[i]),
        )
