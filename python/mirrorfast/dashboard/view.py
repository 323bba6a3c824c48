"""What the dashboard shows of a run: the fold of its journal, told as operations on one document.

The same fold reads the journal of a ledger and, in a running process, the very events that are about to be written.
Nothing here is computed twice or in another way for one of them.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.dashboard.book import Book

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirrorfast.dashboard.ops import Op

__all__ = ["LIMITS", "RunView"]

#: Rows that are kept of each list; everything is in the ledger.
LIMITS: Final = {
    "bars": 300,
    "marks": 200,
    "decisions": 80,
    "trades": 80,
    "incidents": 60,
    "log": 200,
    # Points of the equity curve: beyond these every second one is left out.
    "equity": 1_200,
}
#: Entry decisions whose votes are remembered until their trade is closed.
_REMEMBERED: Final = 5_000
_NONE: Final = "(none)"
_GONE: Final = object()


def number(value: Any) -> float | None:
    """Read a journal's number: decimal text, a float, or nothing."""
    if value is None:
        return None
    out = float(value)
    return out if math.isfinite(out) else None


def _plain(value: Any) -> Any:
    """Read what a journal keeps as JSON text until it is written."""
    return json.loads(value) if isinstance(value, str) else value


class RunView:
    """Folds a run's events into operations on the document that a dashboard shows.

    Parameters
    ----------
    run
        Name of the run.
    symbols
        Its symbols.
    mode, status
        What kind of run, and how it stands.
    capital
        Equity at the start, where known; else the first equity.
    facts
        More to show in the header, such as the version.
    """

    def __init__(
        self,
        run: str,
        symbols: Iterable[str],
        *,
        mode: str = "paper",
        status: str = "running",
        capital: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._symbols = list(symbols)
        self._capital = capital
        self._book = Book()
        self._sets: dict[tuple[str, ...], Any] = {}
        self._adds: dict[tuple[str, ...], deque[Any]] = {}
        self._backers: OrderedDict[int, dict[str, float]] = OrderedDict()
        self._streaks: dict[str, dict[str, Any]] = {}
        self._strategies: dict[str, dict[str, Any]] = {}
        self._equity: list[list[float]] = []
        self._stride, self._seen = 1, 0
        self._peak = -math.inf
        self._totals = {"trades": 0, "wins": 0, "pnl": 0.0, "fees": 0.0, "fills": 0, "refused": 0}
        self._account: dict[str, Any] = {}
        self._moved: set[str] = set()
        self._counted = False
        self._said: dict[tuple[str, ...], Any] = {}
        self._with_bars: set[str] = set()
        self._facts = {"name": run, "mode": mode, "status": status, "symbols": self._symbols, **(facts or {})}
        self._put(("run",), dict(self._facts))
        self._put(("equity",), [])
        for name in ("positions", "signals", "streaks", "strategies", "health", "charts"):
            self._put((name,), {})
        for name in ("decisions", "trades", "incidents", "log"):
            self._put((name,), [])
        self._put(("account",), {})
        self._put(("clock",), {})

    @property
    def name(self) -> str:
        """Name of the run."""
        return str(self._facts["name"])

    # ------------------------------------------------------------------ what comes in

    def event(self, ts: int, kind: str, payload: Mapping[str, Any]) -> None:
        """Take note of one event of the journal.

        Parameters
        ----------
        ts
            Its time, ms.
        kind
            What it is; one that is not known is passed over.
        payload
            Its fields, as they are written.
        """
        handler = getattr(self, "_on_" + kind, None)
        if handler is not None:
            handler(ts, payload)

    def bar(self, ts: int, symbol: str, open_: float, high: float, low: float, close: float) -> None:
        """Take note of a closed bar."""
        self._with_bars.add(symbol)
        self._bar(symbol, [ts, open_, high, low, close])

    def clock(self, ts: int, done: int | None, total: int | None) -> None:
        """Say how far the run is."""
        self._put(("clock",), {"ts": ts, "done": done, "total": total})

    def status(self, status: str) -> None:
        """Say how the run stands: ``running``, ``finished``, ``interrupted``."""
        if self._facts["status"] != status:
            self._facts["status"] = status
            self._put(("run",), dict(self._facts))

    def health(self, name: str, state: str, text: str) -> None:
        """Say how a part of the system is.

        Parameters
        ----------
        name
            Which.
        state
            ``ok``, ``warning``, ``error`` or ``unknown``.
        text
            For people.
        """
        self._say(("health", name), {"state": state, "text": text})

    def log(self, ts: int, level: str, text: str) -> None:
        """Show a line of the log."""
        self._add(("log",), [ts, level, text])

    def control(self, state: Mapping[str, Any]) -> None:
        """Say whether trading is halted and whether this dashboard may change that."""
        self._say(("control",), dict(state))

    def tick(self, seconds: int) -> None:
        """Say what time it is at the server: viewers hear something every second, or know that the line is dead."""
        self._say(("now",), seconds)

    # ------------------------------------------------------------------ what goes out

    def flush(self) -> list[Op]:
        """Give the operations that bring a document up to date, and forget them."""
        for symbol in self._moved:
            position = self._book.position(symbol)
            self._put(("positions", symbol), _GONE if position is None else position)
        if self._account and (self._moved or self._counted):
            equity = self._account["equity"]
            heat = self._book.heat / equity if equity > 0 else None
            self._put(("account",), self._account | self._totals | {"heat": heat})
        self._moved.clear()
        self._counted = False
        ops: list[Op] = [
            ("del", list(path)) if value is _GONE else ("set", list(path), value) for path, value in self._sets.items()
        ]
        ops += [("add", list(path), list(rows), LIMITS[path[-1]]) for path, rows in self._adds.items()]
        self._sets, self._adds = {}, {}
        return ops

    def _say(self, path: tuple[str, ...], value: Any) -> None:
        # Said again and again from outside: only changes are news.
        if self._said.get(path) != value:
            self._said[path] = value
            self._put(path, value)

    def _put(self, path: tuple[str, ...], value: Any) -> None:
        # The last value goes; rows that wait for a list that is replaced are in the new one.
        self._sets.pop(path, None)
        self._sets[path] = value
        self._adds.pop(path, None)

    def _add(self, path: tuple[str, ...], row: Any) -> None:
        rows = self._adds.get(path)
        if rows is None:
            rows = self._adds[path] = deque(maxlen=LIMITS[path[-1]])
        rows.append(row)

    # ------------------------------------------------------------------ the journal's kinds

    def _on_decision(self, ts: int, p: Mapping[str, Any]) -> None:
        symbol, votes = p["symbol"], _plain(p["votes"])
        price = number(p["price"])
        if price is not None and symbol not in self._with_bars:
            self._bar(symbol, [ts, price, price, price, price])
        row = {
            "id": p["id"],
            "ts": ts,
            "symbol": symbol,
            "price": price,
            "consensus": number(p["rule_position"]),
            "policy": number(p["rl_position"]),
            "target": number(p["target"]),
            "direction": p["direction"],
            "confidence": number(p["confidence"]),
            "regime": p["regime"],
            "verdict": p["verdict"],
        }
        self._put(("signals", symbol), row)
        if p["order_id"] is None and p["verdict"] != "refused":
            return
        reasons = _cutting(_plain(p["reasons"]))
        if self._goes_on(ts, p, reasons):
            return
        said = {name: [number(v.get("signal")), number(v.get("confidence"))] for name, v in votes.items()}
        if p["order_id"] is not None:
            self._backers[p["id"]] = {name: number(v.get("contribution")) or 0.0 for name, v in votes.items()}
            if len(self._backers) > _REMEMBERED:
                self._backers.popitem(last=False)
        row = row | {"quantity": number(p["quantity"]), "votes": said, "reasons": reasons}
        self._add(("decisions",), row)

    def _goes_on(self, ts: int, p: Mapping[str, Any], reasons: list[str]) -> bool:
        """Count refusals of one symbol by one rule, bar after bar: they would fill the list."""
        symbol = p["symbol"]
        if p["verdict"] != "refused":
            self._streaks.pop(symbol, None)
            self._put(("streaks", symbol), _GONE)
            return False
        self._counted = True
        self._totals["refused"] += 1
        rule = reasons[-1].partition(":")[0] if reasons else ""
        streak = self._streaks.get(symbol)
        goes_on = streak is not None and streak["rule"] == rule
        if streak is None or not goes_on:
            streak = self._streaks[symbol] = {"rule": rule, "id": p["id"], "times": 0}
        streak["times"] += 1
        self._put(("streaks", symbol), {"id": streak["id"], "times": streak["times"], "ts": ts})
        return goes_on

    def _on_order(self, _ts: int, p: Mapping[str, Any]) -> None:
        if self._book.order(p["id"], p["symbol"], number(p["trigger"]), number(p["quantity"]), p["status"]):
            self._moved.add(p["symbol"])

    def _on_order_status(self, _ts: int, p: Mapping[str, Any]) -> None:
        symbol = self._book.ended(p["id"], p["status"])
        if symbol is not None:
            self._moved.add(symbol)

    def _on_fill(self, ts: int, p: Mapping[str, Any]) -> None:
        symbol, quantity, price = p["symbol"], float(p["quantity"]), float(p["price"])
        signed = quantity if p["side"] == "buy" else -quantity
        rate = number(p.get("rate")) or 1.0
        self._book.fill(symbol, signed, price, order=p["order"], ts=ts, rate=rate)
        self._counted = True
        self._totals["fills"] += 1
        self._totals["fees"] += (number(p["fee"]) or 0.0) * rate
        self._moved.add(symbol)
        self._add(("charts", symbol, "marks"), [ts, price, signed, p["purpose"]])

    def _on_trade(self, ts: int, p: Mapping[str, Any]) -> None:
        pnl = number(p["pnl"]) or 0.0
        self._counted = True
        self._totals["trades"] += 1
        self._totals["wins"] += pnl > 0
        self._totals["pnl"] += pnl
        shares = self._shares(p["entry_decision"], 1.0 if p["side"] == "long" else -1.0)
        for name, share in shares.items():
            row = self._strategy(name)
            row["trades"] += 1
            row["wins"] += pnl > 0
            row["pnl"] += pnl * share
            self._put(("strategies", name), dict(row))
        row = {
            "ts": ts,
            "symbol": p["symbol"],
            "side": p["side"],
            "quantity": number(p["quantity"]),
            "entry_ts": p["entry_ts"],
            "entry": number(p["entry_price"]),
            "exit": number(p["exit_price"]),
            "pnl": pnl,
            "return": number(p["return_fraction"]),
            "closed_by": p["exit"],
            "backers": {name: share for name, share in shares.items() if name != _NONE},
        }
        self._add(("trades",), row)

    def _on_weights(self, _ts: int, p: Mapping[str, Any]) -> None:
        weights, grades = _plain(p["weights"]), _plain(p["grades"])
        for name, weight in weights.items():
            row = self._strategy(name)
            row["weight"], row["grade"] = number(weight), grades.get(name) or row["grade"]
            self._put(("strategies", name), dict(row))

    def _on_equity(self, ts: int, p: Mapping[str, Any]) -> None:
        equity = float(p["equity"])
        if self._capital is None:
            self._capital = equity
        self._peak = max(self._peak, equity, self._capital)
        drawdown = equity / self._peak - 1.0 if self._peak > 0 else 0.0
        self._account = {
            "equity": equity,
            "cash": number(p["cash"]),
            "exposure": number(p["exposure"]),
            "drawdown": drawdown,
            "peak": self._peak,
            "capital": self._capital,
            "ts": ts,
        }
        self._counted = True
        if self._seen % self._stride == 0:
            self._equity.append([ts, equity, drawdown])
            self._add(("equity",), [ts, equity, drawdown])
            if len(self._equity) >= LIMITS["equity"]:
                # Half the points for the whole span: the curve stays bounded however long the run is.
                self._equity = self._equity[::2]
                self._stride *= 2
                self._put(("equity",), [list(point) for point in self._equity])
        self._seen += 1

    def _on_incident(self, ts: int, p: Mapping[str, Any]) -> None:
        self._add(("incidents",), [ts, p["severity"], p["kind"], p["message"]])
        self._add(("log",), [ts, p["severity"], f"{p['kind']}: {p['message']}"])

    def _on_run(self, _ts: int, p: Mapping[str, Any]) -> None:
        self.status(p["status"])

    # ------------------------------------------------------------------ helpers

    def _bar(self, symbol: str, row: list[float]) -> None:
        if self._book.price(symbol, row[4]):
            self._moved.add(symbol)
        self._add(("charts", symbol, "bars"), row)

    def _strategy(self, name: str) -> dict[str, Any]:
        return self._strategies.setdefault(name, {"weight": None, "grade": None, "trades": 0, "wins": 0, "pnl": 0.0})

    def strategies(self, weights: Mapping[str, float | None], grades: Mapping[str, str] | None = None) -> None:
        """Name the strategies of the run, in order, with their first weights."""
        for name, weight in weights.items():
            row = self._strategy(name)
            row["weight"] = row["weight"] if weight is None else weight
            row["grade"] = (grades or {}).get(name, row["grade"])
            self._put(("strategies", name), dict(row))

    def _shares(self, decision: int | None, side: float) -> dict[str, float]:
        """Share a trade among the strategies that stood for it, as `TradeAnalyzerAgent` does."""
        found = self._backers.get(decision) if decision is not None else None
        support = {name: max(0.0, side * c) for name, c in (found or {}).items()}
        total = sum(support.values())
        return {name: c / total for name, c in support.items() if c > 0} if total > 0 else {_NONE: 1.0}


def _cutting(reasons: list[str]) -> list[str]:
    """Leave out the rules that changed nothing."""
    return [reason for reason in reasons if " stands (" not in reason]
