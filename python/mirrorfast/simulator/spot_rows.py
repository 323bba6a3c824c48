"""Spot orders, trades and order lists as Binance writes them."""

from decimal import Decimal
from typing import Any

from mirrorfast.simulator.orders import Execution, Order, OrderPair

__all__ = ["cancelled_row", "execution_row", "list_row", "order_row", "placed_row"]


def _number(value: Decimal | None) -> str:
    return f"{value or 0:.8f}"


def _list(o: Order) -> int:
    return -1 if o.pair is None else o.pair.id


def _common(o: Order) -> dict[str, Any]:
    row = {
        "symbol": o.symbol,
        "orderId": o.id,
        "orderListId": _list(o),
        "clientOrderId": o.client_id,
        "price": _number(o.price),
        "origQty": _number(o.quantity),
        "executedQty": _number(o.filled),
        "origQuoteOrderQty": _number(o.quote_quantity),
        "cummulativeQuoteQty": _number(o.filled_quote),
        "status": o.status,
        "timeInForce": o.time_in_force,
        "type": o.kind,
        "side": o.side,
    }
    if o.stop is not None:
        row["stopPrice"] = _number(o.stop)
    if o.trailing is not None:
        row["trailingDelta"] = int(o.trailing)
    return row


def order_row(o: Order) -> dict[str, Any]:
    """Write an order as a query returns it."""
    return {
        **_common(o),
        "stopPrice": _number(o.stop),
        "icebergQty": _number(None),
        "time": o.time,
        "updateTime": o.updated,
        "isWorking": o.working,
        "workingTime": o.working_time or -1,
        "selfTradePreventionMode": "NONE",
    }


def placed_row(o: Order, kind: str) -> dict[str, Any]:
    """Write the answer to an order, as long as it was asked for: ACK, RESULT or FULL."""
    row = {
        "symbol": o.symbol,
        "orderId": o.id,
        "orderListId": _list(o),
        "clientOrderId": o.client_id,
        "transactTime": o.updated,
    }
    if kind == "ACK":
        return row
    row = {**_common(o), **row, "workingTime": o.working_time or -1, "selfTradePreventionMode": "NONE"}
    if kind == "FULL":
        row["fills"] = [
            {
                "price": _number(e.price),
                "qty": _number(e.quantity),
                "commission": _number(e.fee),
                "commissionAsset": e.fee_asset,
                "tradeId": e.id,
            }
            for e in o.executions
        ]
    return row


def cancelled_row(o: Order, name: str, now: int) -> dict[str, Any]:
    """Write the answer to a cancel; `name` is the client id of the request."""
    return {
        **_common(o),
        "origClientOrderId": o.client_id,
        "clientOrderId": name,
        "transactTime": now,
        "selfTradePreventionMode": "NONE",
    }


def execution_row(e: Execution) -> dict[str, Any]:
    """Write a fill as ``myTrades`` returns it."""
    return {
        "symbol": e.symbol,
        "id": e.id,
        "orderId": e.order_id,
        "orderListId": -1,
        "price": _number(e.price),
        "qty": _number(e.quantity),
        "quoteQty": _number(e.quote),
        "commission": _number(e.fee),
        "commissionAsset": e.fee_asset,
        "time": e.time,
        "isBuyer": e.side == "BUY",
        "isMaker": e.maker,
        "isBestMatch": True,
    }


def list_row(pair: OrderPair) -> dict[str, Any]:
    """Write an order list."""
    working = pair.is_open
    return {
        "orderListId": pair.id,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if working else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if working else "ALL_DONE",
        "listClientOrderId": pair.client_id,
        "transactionTime": pair.time,
        "symbol": pair.symbol,
        "orders": [{"symbol": o.symbol, "orderId": o.id, "clientOrderId": o.client_id} for o in pair.orders],
    }
