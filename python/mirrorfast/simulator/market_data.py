"""Binance market data without a key: spot ``/api/v3/…`` and USD-M futures ``/fapi/v1/…``."""

import json
from collections.abc import Iterable
from typing import Any, Final

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.exchange_info import futures_info, spot_info
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.protocol import Answer, Call, Route, VenueError
from mirrorfast.simulator.series import INTERVALS, Candle, Trade

__all__ = ["FUTURES_WEIGHT", "SPOT_WEIGHT", "MarketData", "best", "limit_of"]

_DAY: Final = 86_400_000


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


SPOT_WEIGHT: Final = 6000
FUTURES_WEIGHT: Final = 2400
_SPOT_LIMITS: Final = [
    _limit("REQUEST_WEIGHT", "MINUTE", 1, SPOT_WEIGHT),
    _limit("ORDERS", "SECOND", 10, 100),
    _limit("ORDERS", "DAY", 1, 200_000),
    _limit("RAW_REQUESTS", "MINUTE", 5, 61_000),
]
_FUTURES_LIMITS: Final = [
    _limit("REQUEST_WEIGHT", "MINUTE", 1, FUTURES_WEIGHT),
    _limit("ORDERS", "MINUTE", 1, 1200),
    _limit("ORDERS", "SECOND", 10, 300),
]


class MarketData:
    """Market data as Binance serves it.

    Parameters
    ----------
    market : dict of str to Instrument
        Symbols by Binance's name.
    clock : SimulatedClock
        The venue's time.
    futures : bool
        USD-M futures instead of spot.
    """

    def __init__(self, market: dict[str, Instrument], clock: SimulatedClock, *, futures: bool) -> None:
        self.market, self.clock, self.futures = market, clock, futures
        root = "/fapi/v1/" if futures else "/api/v3/"
        f = futures
        self.routes = {
            ("GET", root + "ping"): Route(lambda _: {}),
            ("GET", root + "time"): Route(lambda _: {"serverTime": clock.reported()}),
            ("GET", root + "exchangeInfo"): Route(self.exchange_info, 1 if f else 20),
            ("GET", root + "klines"): Route(self.klines, _futures_klines_weight if f else 2),
            ("GET", root + "depth"): Route(self.depth, _futures_depth_weight if f else _depth_weight),
            ("GET", root + "trades"): Route(self.trades, 5 if f else 25),
            ("GET", root + "historicalTrades"): Route(self.trades, 20 if f else 25, "key"),
            ("GET", root + "aggTrades"): Route(self.agg_trades, 20 if f else 4),
            ("GET", root + "ticker/24hr"): Route(self.ticker_24hr, self._ticker_weight),
            ("GET", root + "ticker/price"): Route(self.ticker_price, _few_weight),
            ("GET", root + "ticker/bookTicker"): Route(self.book_ticker, _few_weight),
        }
        if futures:
            self.routes["GET", "/fapi/v2/ticker/price"] = Route(self.ticker_price, _few_weight)
            # ccxt loads coin-margined markets by default; this venue lists none.
            self.routes["GET", "/dapi/v1/exchangeInfo"] = Route(lambda _: {"timezone": "UTC", "symbols": []})
        else:
            self.routes["GET", root + "uiKlines"] = Route(self.klines, 2)
            self.routes["GET", root + "avgPrice"] = Route(self.average_price, 2)

    def instrument(self, call: Call) -> Instrument:
        """Symbol that a request names."""
        return self.named(call.text("symbol"))

    def named(self, name: str) -> Instrument:
        """Symbol by Binance's name."""
        found = self.market.get(name)
        if found is None or not found.listed:
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
        return [i for i in self.market.values() if i.listed], False

    def exchange_info(self, call: Call) -> Any:
        """Symbols with their filters, and the limits."""
        info = futures_info if self.futures else spot_info
        return {
            "timezone": "UTC",
            "serverTime": self.clock.reported(),
            "rateLimits": _FUTURES_LIMITS if self.futures else _SPOT_LIMITS,
            "exchangeFilters": [],
            "symbols": [info(i) for i in self.selected(call)[0]],
        }

    def klines(self, call: Call) -> Answer:
        """Candles, the open one included."""
        instrument = self.instrument(call)
        interval = call.text("interval")
        if interval not in INTERVALS:
            raise VenueError(-1120, "Invalid interval.")
        rows = instrument.candle_rows(
            interval,
            call.integer("startTime"),
            call.integer("endTime"),
            limit_of(call, 500, 1500 if self.futures else 1000),
            self.clock.now(),
        )
        return Answer(b"[" + b",".join(rows) + b"]")

    def depth(self, call: Call) -> Any:
        """Order book."""
        instrument = self.instrument(call)
        now = self.clock.now()
        bids, asks = instrument.depth(now, limit_of(call, 500 if self.futures else 100, 1000 if self.futures else 5000))
        return {
            **({"E": now, "T": now} if self.futures else {}),
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
                "price": instrument.price_text(t.price),
                "qty": instrument.quantity_text(t.quantity),
                "quoteQty": f"{instrument.price(t.price) * instrument.quantity(t.quantity):.8f}",
                "time": t.time,
                "isBuyerMaker": t.buyer_is_maker,
                **({} if self.futures else {"isBestMatch": True}),
            }
            for t in instrument.series.between(first, last)
        ]

    def agg_trades(self, call: Call) -> Any:
        """Trades by number or time."""
        instrument = self.instrument(call)
        return [
            {
                "a": t.id,
                "p": instrument.price_text(t.price),
                "q": instrument.quantity_text(t.quantity),
                "f": t.id,
                "l": t.id,
                "T": t.time,
                "m": t.buyer_is_maker,
                **({} if self.futures else {"M": True}),
            }
            for t in select_trades(instrument, call, self.clock.now())
        ]

    def average_price(self, call: Call) -> Any:
        """Mean price of the last five minutes."""
        instrument = self.instrument(call)
        now = self.clock.now()
        return {
            "mins": 5,
            "price": instrument.price_text(instrument.last(now) or 0),
            "closeTime": now,
        }

    def ticker_24hr(self, call: Call) -> Any:
        """Figures of the last day."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [day_row(i, now) for i in instruments]
        return rows[0] if single else rows

    def ticker_price(self, call: Call) -> Any:
        """Last prices."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [{"symbol": i.id, "price": i.price_text(i.last(now) or 0)} for i in instruments]
        return rows[0] if single else rows

    def book_ticker(self, call: Call) -> Any:
        """Best bids and asks."""
        instruments, single = self.selected(call)
        now = self.clock.now()
        rows = [{"symbol": i.id, **best(i, now)} for i in instruments]
        return rows[0] if single else rows

    def _ticker_weight(self, call: Call) -> int:
        if self.futures:
            return 1 if "symbol" in call.params else 40
        if "symbol" in call.params:
            return 2
        count = call.params["symbols"].count(",") + 1 if "symbols" in call.params else 101
        return 2 if count <= 20 else 40 if count <= 100 else 80


def limit_of(call: Call, default: int, most: int) -> int:
    """Read the parameter ``limit``; Binance cuts it silently at the most it gives."""
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
        "bidPrice": instrument.price_text(bid[0]),
        "bidQty": instrument.quantity_text(bid[1]),
        "askPrice": instrument.price_text(ask[0]),
        "askQty": instrument.quantity_text(ask[1]),
    }


def _levels(instrument: Instrument, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    return [[instrument.price_text(p), instrument.quantity_text(q)] for p, q in levels]


def day_row(i: Instrument, now: int) -> dict[str, Any]:
    """Figures of the last 24 hours, as ``ticker/24hr`` has them."""
    c = i.day(now)
    if c is None:
        c = Candle(now - _DAY, now, 0, 0, 0, 0, 0, 0, 0)
    last = i.series.position(now)
    trade = i.series.last(now)
    volume, quote = i.quantity(c.volume), c.quote * i.price(1) * i.quantity(1)
    price, quantity = i.price_text, i.quantity_text
    return {
        "symbol": i.id,
        "priceChange": price(c.close - c.open),
        "priceChangePercent": f"{(c.close - c.open) / c.open * 100 if c.open else 0:.3f}",
        "weightedAvgPrice": f"{quote / volume if volume else i.price(c.close):.8f}",
        **({} if i.futures else {"prevClosePrice": price(c.open)}),
        "lastPrice": price(c.close),
        "lastQty": quantity(0 if trade is None else trade.quantity),
        **({} if i.futures else best(i, now)),
        "openPrice": price(c.open),
        "highPrice": price(c.high),
        "lowPrice": price(c.low),
        "volume": quantity(c.volume),
        "quoteVolume": f"{quote:.8f}",
        "openTime": now - _DAY,
        "closeTime": now,
        "firstId": last - c.trades + 1,
        "lastId": last,
        "count": c.trades,
    }


def _futures_klines_weight(call: Call) -> int:
    limit = call.integer("limit", 500) or 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def _futures_depth_weight(call: Call) -> int:
    limit = call.integer("limit", 500) or 500
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


def _depth_weight(call: Call) -> int:
    limit = call.integer("limit", 100) or 100
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def _few_weight(call: Call) -> int:
    return 2 if "symbol" in call.params else 4
