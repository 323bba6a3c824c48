"""From the engine's records to lines of the journal: ids become names, nothing is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mirrorfast._core import BrokerEvent, Fill, Intent, Step
    from mirrorfast.ledger import Batch

__all__ = ["Recorder"]

_STATUS = {"accepted": "accepted", "rejected": "rejected", "cancelled": "cancelled", "expired": "expired"}


class Recorder:
    """Writes what happened into a journal batch.

    Parameters
    ----------
    symbols
        Names by symbol id.
    strategies
        Names in the engine's order.
    """

    def __init__(self, symbols: list[str], strategies: list[str]) -> None:
        self._symbols = symbols
        self._strategies = strategies

    def decisions(self, batch: Batch, step: Step) -> list[dict[str, Any]]:
        """Record the decisions of a step and return them with names in place of ids."""
        named = []
        for d in step.decisions:
            votes = {
                name: {"signal": signal, "confidence": confidence, "contribution": contribution}
                for name, (signal, confidence, contribution) in zip(self._strategies, d["votes"], strict=True)
            }
            line = {
                "id": d["id"],
                "ts": d["ts"],
                "symbol": self._symbols[d["symbol"]],
                "price": d["price"],
                "rule_position": d["rule"],
                "rl_position": d["rl"],
                "target": d["target"],
                "method": d["method"],
                "direction": d["direction"],
                "confidence": d["confidence"],
                "regime": d["regime"],
                "votes": votes,
                "verdict": d["verdict"],
                "reasons": d["reasons"],
                "quantity": d["quantity"],
                "stop_price": d["stop_price"],
                "order_id": d["order"] or None,
            }
            batch.decision(line)
            named.append(line | {"signal": d["signal"], "purpose": d["purpose"], "binding": d["binding"]})
        return named

    def intents(self, batch: Batch, intents: list[Intent], *, withdrawals: Callable[[int], bool] | None = None) -> None:
        """Record orders before they are sent, and withdrawals asked for of orders that `withdrawals` knows."""
        orders = [intent.as_dict() for intent in intents]
        for order in orders:
            if order["kind"] != "submit" and withdrawals is not None and withdrawals(order["id"]):
                batch.order_status({"id": order["id"], "status": "cancelling", "reason": order["reason"]})
        for order in orders:
            if order["kind"] != "submit":
                continue
            batch.order(
                {
                    "id": order["id"],
                    "ts": order["ts"],
                    "decision": order["decision"] or None,
                    "symbol": self._symbols[order["symbol"]],
                    "side": order["side"],
                    "type": order["type"],
                    "quantity": order["quantity"],
                    "price": order["price"],
                    "trigger": order["trigger"],
                    "reduce_only": order["reduce_only"],
                    "purpose": order["purpose"],
                    "tif": order["tif"],
                    "oco": order["oco"],
                }
            )

    def fill(self, batch: Batch, fill: Fill, rate: float, exact: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Record an execution, booked at this rate of its quote currency; return it with names in place of ids.

        `exact` goes before the fill's floats.
        """
        f = fill.as_dict()
        line = {
            "id": f["id"],
            "ts": f["ts"],
            "order": f["order"],
            "symbol": self._symbols[f["symbol"]],
            "side": f["side"],
            "quantity": f["quantity"],
            "price": f["price"],
            "fee": f["fee"],
            "slippage": f["slippage"],
            "liquidity": f["liquidity"],
            "purpose": f["purpose"],
            "rate": _foreign(rate),
        }
        batch.fill(line if exact is None else line | dict(exact))
        return line

    def outcomes(self, batch: Batch, step: Step) -> list[dict[str, Any]]:
        """Record closed trades, changed weights and what the risk engine noticed; return the trades."""
        trades = []
        for t in step.trades:
            line = {k: v for k, v in t.items() if k not in ("symbol", "side")}
            line |= {"symbol": self._symbols[t["symbol"]], "side": t["side"], "ts": t["exit_ts"]}
            line |= {name: _foreign(t[name]) for name in ("entry_rate", "exit_rate")}
            batch.trade(line)
            trades.append(line)
        if step.weights:
            # Only what changed: a recorder that was made for a resumed run knows no others.
            changed = {self._strategies[change["strategy"]]: change for change in step.weights}
            batch.weights(
                {name: change["weight"] for name, change in changed.items()},
                {name: change["grade"] for name, change in changed.items()},
            )
        for event in step.events:
            batch.incident("risk", event["kind"], details=event)
        return trades

    def events(self, batch: Batch, events: list[BrokerEvent], words: str | None = None) -> None:
        """Record what became of orders."""
        for e in events:
            status = _STATUS.get(e.kind)
            if status is not None:
                batch.order_status({"id": e.order, "ts": e.ts, "status": status, "reason": words or e.reason or None})


def _foreign(rate: float) -> float | None:
    """Give no rate for the account's own currency."""
    return None if rate == 1.0 else rate
