"""Futures orders, trades and positions as Binance writes them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mirrorfast.simulator.futures_books import MAINTENANCE, Position
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.orders import Execution, Order

__all__ = ["account_update", "algo_row", "algo_update", "futures_row", "order_update", "position_row", "trade_row"]

_ZERO = Decimal(0)


def _n(value: Decimal | None) -> str:
    return f"{value or 0:.8f}"


def futures_row(o: Order) -> dict[str, Any]:
    """Write an order."""
    return {
        "orderId": o.id,
        "symbol": o.symbol,
        "status": o.status,
        "clientOrderId": o.client_id,
        "price": _n(o.price),
        "avgPrice": _n(o.filled_quote / o.filled if o.filled else None),
        "origQty": _n(o.quantity),
        "executedQty": _n(o.filled),
        "cumQty": _n(o.filled),
        "cumQuote": _n(o.filled_quote),
        "timeInForce": o.time_in_force,
        "type": _worked_as(o),
        "reduceOnly": o.reduce_only,
        "closePosition": o.close_position,
        "side": o.side,
        "positionSide": "BOTH",
        "stopPrice": _n(o.stop),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": _worked_as(o),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
        "time": o.time,
        "updateTime": o.updated,
    }


def _worked_as(o: Order) -> str:
    if not o.algo:
        return o.kind
    return "LIMIT" if o.price is not None else "MARKET"


def algo_row(o: Order) -> dict[str, Any]:
    """Write a conditional order."""
    triggered = "TRIGGERED" if o.is_open else "FINISHED"
    status = triggered if o.working else o.status
    return {
        "algoId": o.id,
        "clientAlgoId": o.client_id,
        "algoType": "CONDITIONAL",
        "orderType": o.kind,
        "symbol": o.symbol,
        "side": o.side,
        "positionSide": "BOTH",
        "timeInForce": o.time_in_force,
        "quantity": _n(o.quantity),
        "algoStatus": status,
        "actualOrderId": str(o.id) if o.working else "",
        "actualPrice": _n(o.filled_quote / o.filled if o.filled else None),
        "triggerPrice": _n(o.stop),
        "price": _n(o.price),
        "icebergQuantity": None,
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
        "selfTradePreventionMode": "NONE",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": o.close_position,
        "priceProtect": False,
        "reduceOnly": o.reduce_only,
        "activatePrice": _n(o.stop) if o.trailing is not None else None,
        "callbackRate": None if o.trailing is None else f"{o.trailing / 100:f}",
        "createTime": o.time,
        "updateTime": o.updated,
        "triggerTime": o.working_time,
        "goodTillDate": 0,
    }


def trade_row(e: Execution) -> dict[str, Any]:
    """Write a fill."""
    return {
        "symbol": e.symbol,
        "id": e.id,
        "orderId": e.order_id,
        "side": e.side,
        "price": _n(e.price),
        "qty": _n(e.quantity),
        "realizedPnl": _n(e.realized),
        "quoteQty": _n(e.quote),
        "commission": _n(e.fee),
        "commissionAsset": e.fee_asset,
        "time": e.time,
        "positionSide": "BOTH",
        "buyer": e.side == "BUY",
        "maker": e.maker,
    }


def position_row(p: Position, i: Instrument, mark: Decimal, wallets: Mapping[str, Decimal]) -> dict[str, Any]:
    """Write a position."""
    value = p.amount * mark
    gain = p.unrealized(mark)
    backing = p.wallet if p.isolated else wallets.get(i.quote, _ZERO)
    price = _ZERO
    if p.amount:
        sign = 1 if p.amount > 0 else -1
        # Where backing + amount·(price − entry) equals the maintenance margin.
        price = max((p.amount * p.entry - backing) / (p.amount - abs(p.amount) * MAINTENANCE * sign * sign), _ZERO)
    return {
        "symbol": p.symbol,
        "positionSide": "BOTH",
        "positionAmt": f"{p.amount:f}",
        "entryPrice": _n(p.entry),
        "breakEvenPrice": _n(p.entry),
        "markPrice": _n(mark),
        "unRealizedProfit": _n(gain),
        "unrealizedProfit": _n(gain),
        "liquidationPrice": _n(price),
        "leverage": str(p.leverage),
        "maxNotionalValue": "1000000000",
        "marginType": "isolated" if p.isolated else "cross",
        "isolated": p.isolated,
        "isolatedMargin": _n(p.wallet + gain if p.isolated else None),
        "isolatedWallet": _n(p.wallet),
        "isAutoAddMargin": "false",
        "notional": _n(value),
        "marginAsset": i.quote,
        "initialMargin": _n(abs(value) / p.leverage),
        "maintMargin": _n(abs(value) * MAINTENANCE),
        "positionInitialMargin": _n(abs(value) / p.leverage),
        "openOrderInitialMargin": _n(None),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": p.updated,
    }


def order_update(what: str, o: Order, e: Execution | None, now: int) -> dict[str, Any]:
    """Write one transition of a futures order for the account's stream."""
    kind = what if what in {"NEW", "CANCELED", "TRADE", "EXPIRED"} else "TRADE"
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": now,
        "E": now,
        "o": {
            "s": o.symbol, "c": o.client_id, "S": o.side, "o": _worked_as(o), "f": o.time_in_force,
            "q": _n(o.quantity), "p": _n(o.price), "ap": _n(o.filled_quote / o.filled if o.filled else None),
            "sp": _n(o.stop), "x": kind, "X": o.status, "i": o.id, "l": _n(None if e is None else e.quantity),
            "z": _n(o.filled), "L": _n(None if e is None else e.price), "n": _n(None if e is None else e.fee),
            "N": None if e is None else e.fee_asset, "T": now if e is None else e.time, "t": 0 if e is None else e.id,
            "b": "0", "a": "0", "m": e is not None and e.maker, "R": o.reduce_only, "wt": "CONTRACT_PRICE",
            "ot": _worked_as(o), "ps": "BOTH", "cp": o.close_position, "rp": _n(None if e is None else e.realized),
            "pP": False, "si": 0, "ss": 0, "V": "NONE", "pm": "NONE", "gtd": 0,
        },
    }  # fmt: skip


def algo_update(o: Order, now: int) -> dict[str, Any]:
    """Write one transition of a conditional order, up to its trigger, for the account's stream."""
    return {
        "e": "ALGO_UPDATE",
        "T": now,
        "E": now,
        "o": {
            "caid": o.client_id, "aid": o.id, "at": "CONDITIONAL", "o": o.kind, "s": o.symbol, "S": o.side,
            "ps": "BOTH", "f": o.time_in_force, "q": _n(o.quantity), "X": o.status, "ai": "",
            "ap": _n(None), "aq": _n(None),
            "act": "0", "tp": _n(o.stop), "p": _n(o.price), "V": "NONE", "wt": "CONTRACT_PRICE", "pm": "NONE",
            "cp": o.close_position, "pP": False, "R": o.reduce_only, "tt": o.working_time, "gtd": 0,
        },
    }  # fmt: skip


def account_update(p: Position, asset: str, wallet: Decimal, mark: Decimal, now: int) -> dict[str, Any]:
    """Write a wallet and a position that a fill has changed, for the account's stream."""
    return {
        "e": "ACCOUNT_UPDATE",
        "T": now,
        "E": now,
        "a": {
            "m": "ORDER",
            "B": [{"a": asset, "wb": _n(wallet), "cw": _n(wallet - p.wallet), "bc": "0"}],
            "P": [
                {
                    "s": p.symbol, "pa": f"{p.amount:f}", "ep": _n(p.entry), "bep": _n(p.entry), "cr": "0",
                    "up": _n(p.unrealized(mark)), "mt": "isolated" if p.isolated else "cross", "iw": _n(p.wallet),
                    "ps": "BOTH", "ma": asset,
                }
            ],
        },
    }  # fmt: skip
