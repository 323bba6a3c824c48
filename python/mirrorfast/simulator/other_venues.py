"""Kraken, Bybit and OKX: time, markets, tickers and candles, as the real ccxt classes ask for them."""

import json
from typing import Any, Final

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.protocol import Call, Route, VenueError
from mirrorfast.simulator.series import Candle

__all__ = ["OtherVenues", "refusal_body"]

_KRAKEN: Final = {
    "1": "1m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "240": "4h", "1440": "1d", "10080": "1w",
}  # fmt: skip
_BYBIT: Final = {
    "1": "1m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "120": "2h", "240": "4h", "360": "6h",
    "720": "12h", "D": "1d", "W": "1w", "M": "1M",
}  # fmt: skip
_OKX: Final = {
    "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1H": "1h", "2H": "2h", "4H": "4h",
    "6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d", "3Dutc": "3d", "1Wutc": "1w", "1Mutc": "1M",
}  # fmt: skip
_KRAKEN_ASSETS: Final = {"BTC": "XXBT", "ETH": "XETH", "LTC": "XLTC", "XRP": "XXRP", "DOGE": "XXDG", "USD": "ZUSD"}
_KRAKEN_NAMES: Final = {"BTC": "XBT", "DOGE": "XDG"}


class OtherVenues:
    """Public endpoints of three more venues, over the same recordings.

    Parameters
    ----------
    market : dict of str to Instrument
        Spot symbols.
    clock : SimulatedClock
        The venues' time.
    """

    def __init__(self, market: dict[str, Instrument], clock: SimulatedClock) -> None:
        self.market, self.clock = market, clock
        self._kraken = {_KRAKEN_NAMES.get(i.base, i.base) + i.quote: i for i in market.values()}
        self._okx = {f"{i.base}-{i.quote}": i for i in market.values()}
        self.routes = {
            ("GET", "/0/public/Time"): Route(self.kraken_time),
            ("GET", "/0/public/AssetPairs"): Route(self.kraken_pairs),
            ("GET", "/0/public/Assets"): Route(self.kraken_assets),
            ("GET", "/0/public/Ticker"): Route(self.kraken_ticker),
            ("GET", "/0/public/OHLC"): Route(self.kraken_ohlc),
            ("GET", "/v5/market/time"): Route(self.bybit_time),
            ("GET", "/v5/market/instruments-info"): Route(self.bybit_instruments),
            ("GET", "/v5/market/tickers"): Route(self.bybit_tickers),
            ("GET", "/v5/market/kline"): Route(self.bybit_kline),
            ("GET", "/api/v5/public/time"): Route(self.okx_time),
            ("GET", "/api/v5/public/instruments"): Route(self.okx_instruments),
            ("GET", "/api/v5/market/tickers"): Route(self.okx_tickers),
            ("GET", "/api/v5/market/ticker"): Route(self.okx_tickers),
            ("GET", "/api/v5/market/candles"): Route(self.okx_candles),
            ("GET", "/api/v5/market/history-candles"): Route(self.okx_candles),
        }

    def _rows(self, i: Instrument, interval: str, start: int | None, end: int | None, limit: int) -> list[list[Any]]:
        rows: list[list[Any]] = json.loads(
            b"[" + b",".join(i.candle_rows(interval, start, end, limit, self.clock.now())) + b"]"
        )
        return rows

    def _day(self, i: Instrument) -> tuple[Candle, str, str, str, str]:
        """Figures of a day; best bid, its quantity, best ask, its quantity."""
        now = self.clock.now()
        candle = i.day(now) or Candle(now, now, 0, 0, 0, 0, 0, 0, 0)
        bids, asks = i.depth(now, 1)
        bid, ask = bids[0] if bids else (0, 0), asks[0] if asks else (0, 0)
        return (
            candle,
            f"{i.price(bid[0]):f}",
            f"{i.quantity(bid[1]):f}",
            f"{i.price(ask[0]):f}",
            f"{i.quantity(ask[1]):f}",
        )

    # Kraken: an `error` list and a `result`, status 200 for everything.

    def kraken_time(self, _: Call) -> Any:
        """Server time in seconds."""
        return {"error": [], "result": {"unixtime": self.clock.reported() // 1000, "rfc1123": ""}}

    def kraken_assets(self, _: Call) -> Any:
        """Assets."""
        names = {a for i in self.market.values() for a in (i.base, i.quote)}
        result = {
            _KRAKEN_ASSETS.get(a, a): {
                "aclass": "currency", "altname": _KRAKEN_NAMES.get(a, a), "decimals": 10, "display_decimals": 5,
                "status": "enabled",
            }
            for a in sorted(names)
        }  # fmt: skip
        return {"error": [], "result": result}

    def kraken_pairs(self, _: Call) -> Any:
        """Markets."""
        result = {
            name: {
                "altname": name,
                "wsname": f"{_KRAKEN_NAMES.get(i.base, i.base)}/{i.quote}",
                "aclass_base": "currency",
                "base": _KRAKEN_ASSETS.get(i.base, i.base),
                "aclass_quote": "currency",
                "quote": _KRAKEN_ASSETS.get(i.quote, i.quote),
                "lot": "unit",
                "cost_decimals": 5,
                "pair_decimals": i.price_digits,
                "lot_decimals": i.lot_digits,
                "lot_multiplier": 1,
                "leverage_buy": [],
                "leverage_sell": [],
                "fees": [[0, 0.4]],
                "fees_maker": [[0, 0.25]],
                "fee_volume_currency": "ZUSD",
                "margin_call": 80,
                "margin_stop": 40,
                "ordermin": f"{i.quantity(i.min_lots):f}",
                "costmin": "0.5",
                "tick_size": f"{i.tick:f}",
                "status": "online" if i.status == "TRADING" else "cancel_only",
            }
            for name, i in self._kraken.items()
        }
        return {"error": [], "result": result}

    def kraken_ticker(self, call: Call) -> Any:
        """Figures of the day."""
        names = call.params["pair"].split(",") if "pair" in call.params else list(self._kraken)
        result = {}
        for name in names:
            i = self._kraken_pair(name)
            c, bid, bid_quantity, ask, ask_quantity = self._day(i)
            volume, last = f"{i.quantity(c.volume):f}", f"{i.price(c.close):f}"
            mean = f"{c.quote * i.price(1) / c.volume if c.volume else i.price(c.close):.8f}"
            result[name] = {
                "a": [ask, "1", ask_quantity],
                "b": [bid, "1", bid_quantity],
                "c": [last, f"{i.lot:f}"],
                "v": [volume, volume],
                "p": [mean, mean],
                "t": [c.trades, c.trades],
                "l": [f"{i.price(c.low):f}"] * 2,
                "h": [f"{i.price(c.high):f}"] * 2,
                "o": f"{i.price(c.open):f}",
            }
        return {"error": [], "result": result}

    def kraken_ohlc(self, call: Call) -> Any:
        """List the newest 720 candles at most, after ``since``, the open one last."""
        i = self._kraken_pair(call.params.get("pair", ""))
        interval = _KRAKEN.get(call.params.get("interval", "1"))
        if interval is None:
            raise VenueError(0, "EGeneral:Invalid arguments", 200)
        since = (call.integer("since") or 0) * 1000
        rows = [row for row in self._rows(i, interval, None, None, 720) if row[0] > since]
        answer = [
            [r[0] // 1000, r[1], r[2], r[3], r[4], f"{float(r[7]) / float(r[5]) if float(r[5]) else 0:.8f}", r[5], r[8]]
            for r in rows
        ]
        # `last` is the newest closed candle: what a caller passes as `since` next.
        last = answer[-2][0] if len(answer) > 1 else since // 1000
        return {"error": [], "result": {call.params["pair"]: answer, "last": last}}

    def _kraken_pair(self, name: str) -> Instrument:
        found = self._kraken.get(name)
        if found is None:
            raise VenueError(0, "EQuery:Unknown asset pair", 200)
        return found

    # Bybit: `retCode` and `result`, newest first.

    def _bybit(self, result: Any) -> Any:
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": self.clock.reported()}

    def bybit_time(self, _: Call) -> Any:
        """Server time."""
        now = self.clock.reported()
        return self._bybit({"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)})

    def bybit_instruments(self, call: Call) -> Any:
        """Markets; other categories than spot are empty."""
        rows = []
        if call.params.get("category") == "spot":
            rows = [
                {
                    "symbol": i.id,
                    "baseCoin": i.base,
                    "quoteCoin": i.quote,
                    "innovation": "0",
                    "status": "Trading" if i.status == "TRADING" else "PreLaunch",
                    "marginTrading": "none",
                    "lotSizeFilter": {
                        "basePrecision": f"{i.lot:f}",
                        "quotePrecision": "0.00000001",
                        "minOrderQty": f"{i.quantity(i.min_lots):f}",
                        "maxOrderQty": f"{i.quantity(i.max_lots):f}",
                        "minOrderAmt": f"{i.min_notional:f}",
                        "maxOrderAmt": f"{i.max_notional:f}",
                    },
                    "priceFilter": {"tickSize": f"{i.tick:f}"},
                }
                for i in self.market.values()
            ]
        return self._bybit({"category": call.params.get("category", ""), "list": rows, "nextPageCursor": ""})

    def bybit_tickers(self, call: Call) -> Any:
        """Figures of the day."""
        chosen = [self._bybit_symbol(call)] if "symbol" in call.params else list(self.market.values())
        rows = []
        for i in chosen if call.params.get("category") == "spot" else []:
            c, bid, bid_quantity, ask, ask_quantity = self._day(i)
            rows.append(
                {
                    "symbol": i.id,
                    "bid1Price": bid,
                    "bid1Size": bid_quantity,
                    "ask1Price": ask,
                    "ask1Size": ask_quantity,
                    "lastPrice": f"{i.price(c.close):f}",
                    "prevPrice24h": f"{i.price(c.open):f}",
                    "price24hPcnt": f"{c.close / c.open - 1 if c.open else 0:.4f}",
                    "highPrice24h": f"{i.price(c.high):f}",
                    "lowPrice24h": f"{i.price(c.low):f}",
                    "turnover24h": f"{c.quote * i.price(1) * i.quantity(1):.8f}",
                    "volume24h": f"{i.quantity(c.volume):f}",
                }
            )
        return self._bybit({"category": call.params.get("category", ""), "list": rows})

    def bybit_kline(self, call: Call) -> Any:
        """Candles, newest first, the open one included."""
        i = self._bybit_symbol(call)
        interval = _BYBIT.get(call.params.get("interval", ""))
        if interval is None:
            raise VenueError(10001, "Invalid period!", 200)
        limit = min(max(call.integer("limit") or 200, 1), 1000)
        rows = self._rows(i, interval, call.integer("start"), call.integer("end"), limit)
        answer = [[str(r[0]), r[1], r[2], r[3], r[4], r[5], r[7]] for r in reversed(rows)]
        return self._bybit({"category": "spot", "symbol": i.id, "list": answer})

    def _bybit_symbol(self, call: Call) -> Instrument:
        found = self.market.get(call.params.get("symbol", ""))
        if found is None:
            raise VenueError(10001, "Not supported symbols", 200)
        return found

    # OKX: `code` as text and `data`, newest first.

    def okx_time(self, _: Call) -> Any:
        """Server time."""
        return {"code": "0", "msg": "", "data": [{"ts": str(self.clock.reported())}]}

    def okx_instruments(self, call: Call) -> Any:
        """Markets; other types than spot are empty."""
        rows = []
        if call.params.get("instType") == "SPOT":
            rows = [
                {
                    "instType": "SPOT", "instId": name, "baseCcy": i.base, "quoteCcy": i.quote, "settleCcy": "",
                    "uly": "", "instFamily": "", "category": "1", "ctVal": "", "ctMult": "", "ctType": "", "lever": "",
                    "listTime": str(i.series.start), "expTime": "", "stk": "", "optType": "", "tickSz": f"{i.tick:f}",
                    "lotSz": f"{i.lot:f}", "minSz": f"{i.quantity(i.min_lots):f}", "maxLmtSz": "9999999999",
                    "maxMktSz": "1000000", "state": "live" if i.status == "TRADING" else "suspend",
                }
                for name, i in self._okx.items()
            ]  # fmt: skip
        return {"code": "0", "msg": "", "data": rows}

    def okx_tickers(self, call: Call) -> Any:
        """Figures of the day."""
        names = [call.params["instId"]] if "instId" in call.params else list(self._okx)
        if "instId" not in call.params and call.params.get("instType") != "SPOT":
            names = []
        rows = []
        for name in names:
            i = self._okx_symbol(name)
            c, bid, bid_quantity, ask, ask_quantity = self._day(i)
            rows.append(
                {
                    "instType": "SPOT",
                    "instId": name,
                    "last": f"{i.price(c.close):f}",
                    "lastSz": f"{i.lot:f}",
                    "askPx": ask,
                    "askSz": ask_quantity,
                    "bidPx": bid,
                    "bidSz": bid_quantity,
                    "open24h": f"{i.price(c.open):f}",
                    "high24h": f"{i.price(c.high):f}",
                    "low24h": f"{i.price(c.low):f}",
                    "volCcy24h": f"{c.quote * i.price(1) * i.quantity(1):.8f}",
                    "vol24h": f"{i.quantity(c.volume):f}",
                    "ts": str(self.clock.now()),
                }
            )
        return {"code": "0", "msg": "", "data": rows}

    def okx_candles(self, call: Call) -> Any:
        """Candles newer than ``before``, older than ``after``, newest first; ``candles`` has only the newest 1,440."""
        i = self._okx_symbol(call.params.get("instId", ""))
        interval = _OKX.get(call.params.get("bar", "1m"))
        if interval is None:
            raise VenueError(51000, "Parameter bar error", 400)
        limit = min(max(call.integer("limit") or 100, 1), 300)
        before, after = call.integer("before"), call.integer("after")
        history = call.path.endswith("history-candles")
        end = None if after is None else after - 1
        rows = self._rows(i, interval, None, end, limit)
        if before is not None:
            rows = [row for row in rows if row[0] > before]
        if history:
            rows = [row for row in rows if row[6] < self.clock.now()]
        else:
            newest = self._rows(i, interval, None, None, 1440)
            rows = [row for row in rows if newest and row[0] >= newest[0][0]]
        now = self.clock.now()
        answer = [
            [str(r[0]), r[1], r[2], r[3], r[4], r[5], r[7], r[7], "1" if r[6] < now else "0"] for r in reversed(rows)
        ]
        return {"code": "0", "msg": "", "data": answer}

    def _okx_symbol(self, name: str) -> Instrument:
        found = self._okx.get(name)
        if found is None:
            raise VenueError(51001, "Instrument ID does not exist", 400)
        return found


def refusal_body(venue: str, code: int, message: str) -> Any:
    """Write a refusal as a venue writes it."""
    if venue == "kraken":
        return {"error": [message]}
    if venue == "bybit":
        return {"retCode": code, "retMsg": message, "result": {}}
    if venue == "okx":
        return {"code": str(code), "msg": message, "data": []}
    return {"code": code, "msg": message}
