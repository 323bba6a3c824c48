"""Binance spot market data: ``/api/v3/…`` without a key."""

import json
from collections.abc import Iterable
from typing import Any, Final

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.protocol import Answer, Call, Route, VenueError
from mirrorfast.simulator.series import INTERVALS, TICKS, Trade

__all__ = ["SpotData", "limit_of"]

_DAY: Final = 86_400_000


class SpotData:
    """Spot market data as Binance serves it.

    Parameters
    ----------
    market : dict of str to Instrument
        Symbols by Binance's name.
    clock : SimulatedClock
        The venue's time.
    weight_limit : int
        Request weight in a minute that ``exchangeInfo`` announces.
    """

    def __init__(self, market: dict[str, Instrument], clock: SimulatedClock, weight_limit: int) -> None:
        self.market, self.clock, self.weight_limit = market, clock, weight_limit
        root = "/api/v3/"
        self.routes = {
            ("GET", root + "ping"): Route(lambda _: {}),
            ("GET", root + "time"): Route(lambda _: {"serverTime": clock.reported()}),
            ("GET", root + "exchangeInfo"): Route(self.exchange_info, 20),
            ("GET", root + "klines"): Route(self.klines, 2),
            ("GET", root + "uiKlines"): Route(self.klines, 2),
            ("GET", root + "depth"): Route(self.depth, _depth_weight),
            ("GET", root + "trades"): Route(self.trades, 25),
            ("GET", root + "historicalTrades"): Route(self.trades, 25, "key"),
            ("GET", root + "aggTrades"): Route(self.agg_trades, 4),
            ("GET", root + "avgPrice"): Route(self.average_price, 2),
            ("GET", root + "ticker/24hr"): Route(self.ticker_24hr, self._ticker_weight),
            ("GET", root + "ticker/price"): Route(self.ticker_price, _few_weight),
            ("GET", root + "ticker/bookTicker"): Route(self.book_ticker, _few_weight),
        }

    def instrument(self, call: Call) -> Instrument:
        """Symbol that a request names."""
        return self.named(call.text("symbol"))

    def named(self, name: str) -> Instrument:
        """Symbol by Binance's name."""
        found = self.market.get(name)
        if found is None:
            raise VenueError(-1121, "Invalid symbol.")
        return found

    def selected(self, call: Call) -> tuple[list[Instrument], bool]:
        """Symbols that a request names, all by default, and whether it was exactly one."""
        if "symbol" in call.params:
            return [self.instrument(call)], True
        if "symbols" in call.params:
            try:
                names = json.loads(call.params["symbols"])
            except ValueError:
                raise VenueError(-1100, "Illegal characters found in parameter 'symbols'.") from None
            return [self.named(name) for name in names], False
        return list(self.market.values()), False

    def exchange_info(self, call: Call) -> Any:
        """Symbols with their filters, and the limits."""
        return {
            "timezone": "UTC",
            "serverTime": self.clock.reported(),
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight_limit},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
                {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61_000},
            ],
            "exchangeFilters": [],
            "symbols": [i.exchange_info() for i in self.selected(call)[0]],
        }

    def klines(self, call: Call) -> Answer:
        """Candles, the open one included."""
        instrument = self.instrument(call)
        interval = call.text("interval")
        if interval not in INTERVALS:
            raise VenueError(-1120, "Invalid interval.")
        rows = instrument.candle_rows(
            interval, call.integer("startTime"), call.integer("endTime"), limit_of(call, 500, 1000), self.clock.now()
        )
        return Answer(b"[" + b",".join(rows) + b"]")

    def depth(self, call: Call) -> Any:
        """Order book."""
        instrument = self.instrument(call)
        now = self.clock.now()
        bids, asks = instrument.depth(now, limit_of(call, 100, 5000))
        return {
            "lastUpdateId": max(instrument.series.position(now), 0) + 1,
            "bids": _levels(instrument, bids),
            "asks": _levels(instrument, asks),
        }

    def trades(self, call: Call) -> Any:
        """Newest trades."""
        instrument = self.instrument(call)
        last = instrument.series.position(self.clock.now())
        limit = limit_of(call, 500, 1000)
        first = last - limit + 1
        if call.integer("fromId") is not None:
            first = call.integer("fromId") or 0
            last = min(last, first + limit - 1)
        return [
            {
                "id": t.id,
                "price": f"{instrument.price(t.price):.8f}",
                "qty": f"{instrument.quantity(t.quantity):.8f}",
                "quoteQty": f"{instrument.price(t.price) * instrument.quantity(t.quantity):.8f}",
                "time": t.time,
                "isBuyerMaker": t.buyer_is_maker,
                "isBestMatch": True,
            }
            for t in instrument.series.between(first, last)
        ]

    def agg_trades(self, call: Call) -> Any:
        """Trades by number or time."""
        instrument = self.instrument(call)
        return [
            {
                "a": t.id,
                "p": f"{instrument.price(t.price):.8f}",
                "q": f"{instrument.quantity(t.quantity):.8f}",
                "f": t.id,
                "l": t.id,
                "T": t.time,
                "m": t.buyer_is_maker,
                "M": True,
            }
            for t in select_trades(instrument, call, self.clock.now())
        ]

    def average_price(self, call: Call) -> Any:
        """Mean price of the last five minutes."""
        instrument = self.instrument(call)
        now = self.clock.now()
        return {
            "mins": 5,
            "price": f"{instrument.price(0) if (last := instrument.last(now)) is None else instrument.price(last):.8f}",
            "closeTime": now,
        }

    def ticker_24hr(self, call: Call) -> Any:
        """Figures of the last day."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [_day(i, now) for i in instruments]
        return rows[0] if single else rows

    def ticker_price(self, call: Call) -> Any:
        """Last prices."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [{"symbol": i.id, "price": f"{i.price(i.last(now) or 0):.8f}"} for i in instruments]
        return rows[0] if single else rows

    def book_ticker(self, call: Call) -> Any:
        """Best bids and asks."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [{"symbol": i.id, **best(i, now)} for i in instruments]
        return rows[0] if single else rows

    def _ticker_weight(self, call: Call) -> int:
        if "symbol" in call.params:
            return 2
        count = call.params["symbols"].count(",") + 1 if "symbols" in call.params else 101
        return 2 if count <= 20 else 40 if count <= 100 else 80


def limit_of(call: Call, default: int, most: int) -> int:
    """The parameter ``limit``; Binance cuts it silently at the most it gives."""
    limit = call.integer("limit", default)
    if limit is None or limit < 1:
        raise VenueError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def select_trades(instrument: Instrument, call: Call, now: int) -> list[Trade]:
    """Trades that ``fromId``, ``startTime``, ``endTime`` and ``limit`` ask for."""
    series = instrument.series
    newest = series.position(now)
    limit = limit_of(call, 500, 1000)
    start, end, number = call.integer("startTime"), call.integer("endTime"), call.integer("fromId")
    last = newest if end is None else min(newest, series.position(end))
    if number is not None:
        return series.between(number, min(last, number + limit - 1))
    if start is not None:
        first = series.position(start - 1) + 1
        return series.between(first, min(last, first + limit - 1))
    return series.between(last - limit + 1, last)


def best(instrument: Instrument, now: int) -> dict[str, str]:
    """Best bid and ask with their quantities."""
    bids, asks = instrument.depth(now, 1)
    bid, ask = bids[0] if bids else (0, 0), asks[0] if asks else (0, 0)
    return {
        "bidPrice": f"{instrument.price(bid[0]):.8f}",
        "bidQty": f"{instrument.quantity(bid[1]):.8f}",
        "askPrice": f"{instrument.price(ask[0]):.8f}",
        "askQty": f"{instrument.quantity(ask[1]):.8f}",
    }


def _levels(instrument: Instrument, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    return [[f"{instrument.price(p):.8f}", f"{instrument.quantity(q):.8f}"] for p, q in levels]


def _day(instrument: Instrument, now: int) -> dict[str, Any]:
    """Figures of the last 24 hours, from the first recorded bar that opened in them."""
    series = instrument.series
    position = series.position(now)
    start = int(series.time[max(position, 0) // TICKS]) if position >= 0 else now
    first = int(series.time.searchsorted(now - _DAY, "left"))
    start = int(series.time[min(first, len(series.time) - 1)])
    if position < 0 or start > now:
        candle = None
    else:
        candle = series.summed("1M", start, now)
    if candle is None:
        zero = "0.00000000"
        names = ("priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice", "lastPrice", "lastQty")
        prices = ("bidPrice", "bidQty", "askPrice", "askQty", "openPrice", "highPrice", "lowPrice", "volume")
        return {
            "symbol": instrument.id,
            **dict.fromkeys((*names, *prices, "quoteVolume"), zero),
            "openTime": now - _DAY,
            "closeTime": now,
            "firstId": -1,
            "lastId": -1,
            "count": 0,
        }
    price, quantity = instrument.price, instrument.quantity
    volume, quote = quantity(candle.volume), candle.quote * instrument.tick * instrument.lot
    change = candle.close - candle.open
    last = series.trade(position)
    before = series.trade(max(first * TICKS - 1, 0)).price
    return {
        "symbol": instrument.id,
        "priceChange": f"{price(change):.8f}",
        "priceChangePercent": f"{change / candle.open * 100:.3f}",
        "weightedAvgPrice": f"{quote / volume if volume else price(candle.close):.8f}",
        "prevClosePrice": f"{price(before):.8f}",
        "lastPrice": f"{price(candle.close):.8f}",
        "lastQty": f"{quantity(last.quantity):.8f}",
        **best(instrument, now),
        "openPrice": f"{price(candle.open):.8f}",
        "highPrice": f"{price(candle.high):.8f}",
        "lowPrice": f"{price(candle.low):.8f}",
        "volume": f"{volume:.8f}",
        "quoteVolume": f"{quote:.8f}",
        "openTime": now - _DAY,
        "closeTime": now,
        "firstId": first * TICKS,
        "lastId": position,
        "count": candle.count,
    }


def _depth_weight(call: Call) -> int:
    limit = call.integer("limit", 100) or 100
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def _few_weight(call: Call) -> int:
    return 2 if "symbol" in call.params else 4
