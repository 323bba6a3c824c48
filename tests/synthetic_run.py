"""A small, seeded trading run that fills a ledger: three moving-average strategies on two random markets.

It is no part of the product: the tests need a run whose every row is known and which can stop and go on at any bar.
As a program: `synthetic_run.py LEDGER RUN [BARS [KILL_AT [GROUP]]]` writes the run, and kills itself at a bar.
"""

import math
import os
import pickle
import random
import signal
import sys
from dataclasses import dataclass, field

from mirrorfast.ledger import Batch, Checkpoint, Ledger

HOUR = 3_600_000
START = 1_498_867_200_000  # 2017-07-01T00:00Z
STRATEGIES = {"ut_bot": (4, 12), "mean_reversion": (30, 6), "momentum_breakout": (12, 48)}
FEE, SLIPPAGE = 0.0004, 0.0002


@dataclass
class Market:
    symbol: str
    price: float
    drift: float
    volatility: float
    tick: float
    lot: float
    closes: list = field(default_factory=list)
    quantity: float = 0.0
    entry_price: float = 0.0
    entry_ts: int = 0
    entry_bar: int = 0
    entry_decision: int = 0
    entry_equity: float = 0.0
    best: float = 0.0
    worst: float = 0.0
    fees: float = 0.0
    slipped: float = 0.0
    stop: float = 0.0
    stop_order: int = 0
    pending: tuple | None = None


@dataclass
class Simulation:
    seed: int = 7
    bar: int = 0
    cash: float = 10_000.0
    peak: float = 10_000.0
    decision: int = 0
    order: int = 0
    fill: int = 0

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.weights = dict.fromkeys(STRATEGIES, 0.5)
        self.markets = [
            Market("BTC/USD", 2480.0, 0.00045, 0.008, 0.01, 0.0001),
            Market("EUR/USD", 1.1423, 0.00001, 0.0012, 0.00001, 1.0),
        ]

    def equity(self):
        return self.cash + sum(m.quantity * m.price for m in self.markets)

    def step(self):
        ts = START + (self.bar + 1) * HOUR
        batch = Batch(ts)
        regime = ("trending", "ranging", "volatile", "normal")[(self.bar // 150) % 4]
        wobble = 1.8 if regime == "volatile" else 1.0
        trend = math.sin(self.bar / 190.0) * 1.6 + 0.6
        for market in self.markets:
            opened = market.price
            move = market.drift * trend + market.volatility * wobble * self.random.gauss(0, 1) / 2
            low_high = sorted((opened, opened * math.exp(move)))
            low, high = (
                low_high[0] * (1 - abs(self.random.gauss(0, 0.0008))),
                low_high[1] * (1 + abs(self.random.gauss(0, 0.0008))),
            )
            self._fill_pending(batch, market, opened, ts)
            if (
                market.quantity
                and market.stop
                and ((low <= market.stop) if market.quantity > 0 else (high >= market.stop))
            ):
                self._trade(batch, market, -market.quantity, market.stop, ts, "stop_loss", market.stop_order)
            market.price = round(opened * math.exp(move) / market.tick) * market.tick
            market.closes.append(market.price)
            del market.closes[:-64]
            if market.quantity:
                up, down = (high, low) if market.quantity > 0 else (low, high)
                sign = math.copysign(1.0, market.quantity)
                market.best = max(market.best, sign * (up / market.entry_price - 1))
                market.worst = min(market.worst, sign * (down / market.entry_price - 1))
        for market in self.markets:
            self._decide(batch, market, ts, regime)
        equity = self.equity()
        self.peak = max(self.peak, equity)
        exposure = sum(abs(m.quantity) * m.price for m in self.markets)
        batch.equity({"equity": equity, "cash": self.cash, "exposure": exposure, "drawdown": equity / self.peak - 1})
        self.bar += 1
        return batch

    def _votes(self, market):
        votes, total, weight = {}, 0.0, 0.0
        closes = market.closes
        for name, (fast, slow) in STRATEGIES.items():
            if len(closes) < max(fast, slow):
                votes[name] = {"signal": float("nan"), "confidence": 0.0, "contribution": 0.0}
                continue
            edge = sum(closes[-fast:]) / fast / (sum(closes[-slow:]) / slow) - 1
            signal_ = max(-1.0, min(1.0, edge / (1.5 * market.volatility)))
            confidence = min(1.0, abs(signal_) + 0.2)
            votes[name] = {"signal": signal_, "confidence": confidence}
            total += self.weights[name] * signal_ * confidence
            weight += self.weights[name]
        for name, vote in votes.items():
            if "contribution" not in vote:
                vote["contribution"] = self.weights[name] * vote["signal"] * vote["confidence"] / weight
        return votes, (total / weight if weight else 0.0)

    def _decide(self, batch, market, ts, regime):
        self.decision += 1
        votes, consensus = self._votes(market)
        fields = {
            "id": self.decision,
            "symbol": market.symbol,
            "price": market.price,
            "rule_position": consensus,
            "target": consensus,
            "method": "rule_only",
            "direction": "Buy" if consensus > 0.3 else "Sell" if consensus < -0.3 else "Hold",
            "confidence": abs(consensus),
            "regime": regime,
            "votes": votes,
            "verdict": "hold",
            "reasons": [],
        }
        holding = math.copysign(1, market.quantity) if market.quantity else 0
        wish = 1 if consensus > 0.3 else -1 if consensus < -0.3 else holding if abs(consensus) > 0.1 else 0
        if wish != holding and market.pending is None:
            drawdown = self.equity() / self.peak - 1
            if wish and drawdown < -0.06 and self.random.random() < 0.7:
                fields |= {
                    "verdict": "refused",
                    "reasons": [
                        "sizing: target 0.412 is 30.00 % of equity",
                        f"drawdown ladder: 30.00 % of equity cut to 0.00 % (equity is {-drawdown:.2%} below its peak)",
                    ],
                }
            elif wish and regime == "volatile" and self.random.random() < 0.4:
                fields |= {
                    "verdict": "refused",
                    "reasons": [
                        "per-position cap: 30.00 % of equity stands (cap 30.00 %)",
                        "portfolio heat: 30.00 % of equity cut to 0.00 % (all stops together may cost 6.00 %)",
                    ],
                }
            else:
                size = 0.3 * self.equity() / market.price if wish else 0.0
                target = wish * math.floor(size / market.lot) * market.lot
                quantity = round(target - market.quantity, 8)
                if quantity:
                    self.order += 1
                    purpose = "entry" if wish else "exit"
                    batch.order(
                        {
                            "id": self.order,
                            "decision": self.decision,
                            "symbol": market.symbol,
                            "side": "buy" if quantity > 0 else "sell",
                            "type": "market",
                            "quantity": abs(quantity),
                            "purpose": purpose,
                            "ts": ts,
                        }
                    )
                    market.pending = (self.order, quantity, self.decision, wish, target)
                    capped = abs(consensus) > 0.1
                    fields |= {
                        "verdict": "reduced" if capped else "approved",
                        "order_id": self.order,
                        "quantity": quantity,
                        "reasons": [
                            f"per-position cap: {100 * abs(consensus):.2f} % of equity cut to 30.00 % (cap 30.00 %)"
                        ]
                        if capped and wish
                        else [],
                    }
        batch.decision(fields)

    def _fill_pending(self, batch, market, price, ts):
        if market.pending is None:
            return
        order, quantity, decision, wish, target = market.pending
        market.pending = None
        if market.quantity and market.quantity * target <= 0:
            self._trade(batch, market, -market.quantity, price, ts - HOUR, "exit", order)
            quantity = target
        if wish and quantity:
            self._trade(batch, market, quantity, price, ts - HOUR, "entry", order)
            market.entry_decision = decision
            market.stop = round(price * (1 - wish * 4 * market.volatility) / market.tick) * market.tick
            self.order += 1
            market.stop_order = self.order
            batch.order(
                {
                    "id": self.order,
                    "decision": decision,
                    "symbol": market.symbol,
                    "side": "sell" if wish > 0 else "buy",
                    "type": "stop",
                    "quantity": abs(market.quantity),
                    "trigger": market.stop,
                    "reduce_only": True,
                    "purpose": "stop_loss",
                    "ts": ts - HOUR,
                }
            )

    def _trade(self, batch, market, quantity, reference, ts, purpose, order):
        quantity = round(quantity, 8)
        price = reference * (1 + math.copysign(SLIPPAGE, quantity))
        fee, slipped = abs(quantity) * price * FEE, abs(quantity) * abs(price - reference)
        self.fill += 1
        batch.fill(
            {
                "id": self.fill,
                "order": order,
                "symbol": market.symbol,
                "side": "buy" if quantity > 0 else "sell",
                "quantity": abs(quantity),
                "price": price,
                "fee": fee,
                "slippage": slipped,
                "liquidity": "taker",
                "purpose": purpose,
                "ts": ts,
            }
        )
        self.cash -= quantity * price + fee
        if purpose == "entry":
            market.quantity, market.entry_price, market.entry_ts, market.entry_bar = quantity, price, ts, self.bar
            market.fees, market.slipped, market.best, market.worst = fee, slipped, 0.0, 0.0
            market.entry_equity = self.equity()
            return
        gross = market.quantity * (price - market.entry_price)
        fees = market.fees + fee
        batch.trade(
            {
                "symbol": market.symbol,
                "side": "long" if market.quantity > 0 else "short",
                "quantity": abs(market.quantity),
                "entry_ts": market.entry_ts,
                "exit_ts": ts,
                "entry_price": market.entry_price,
                "exit_price": price,
                "gross": gross,
                "fees": fees,
                "funding": 0.0,
                "pnl": gross - fees,
                "pnl_fraction": (gross - fees) / market.entry_equity,
                "return_fraction": (gross - fees) / (abs(market.quantity) * market.entry_price),
                "bars": self.bar - market.entry_bar,
                "mae": market.worst,
                "mfe": market.best,
                "slippage": market.slipped + slipped,
                "exit": purpose,
                "entry_decision": market.entry_decision,
            }
        )
        for name in self.weights:
            self.weights[name] = min(
                1.0, max(0.1, self.weights[name] + (0.004 if gross > fees else -0.003) * (1 + len(name) % 3))
            )
        batch.weights(dict(self.weights), {name: "C" if w >= 0.5 else "D" for name, w in self.weights.items()})
        if purpose == "exit" and market.stop_order:
            batch.order_status({"id": market.stop_order, "status": "cancelled", "reason": "position_closed"})
        market.quantity, market.stop, market.stop_order = 0.0, 0.0, 0


def write_run(path, run, *, bars=400, kill_at=None, group=50, seed=7, commit="group"):
    """Write a run, going on where it stopped if the ledger has it."""
    with Ledger.open(path) as ledger:
        writer = ledger.run(
            run,
            mode="replay",
            config={"seed": seed, "capital": 10_000.0},
            symbols=["BTC/USD", "EUR/USD"],
            commit=commit,
            group=group,
            code_version="test",
        )
        checkpoint = writer.begin_or_resume()
        simulation = pickle.loads(checkpoint.engine) if checkpoint else Simulation(seed=seed)

        def state():
            return Checkpoint(START + simulation.bar * HOUR, pickle.dumps(simulation), feed={"bar": simulation.bar})

        while simulation.bar < bars:
            if kill_at is not None and simulation.bar == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            writer.write(simulation.step(), checkpoint=state)
        writer.finish(ts=START + bars * HOUR, checkpoint=state)
        return writer.digest


if __name__ == "__main__":
    arguments = [int(a) for a in sys.argv[3:]]
    write_run(
        sys.argv[1],
        sys.argv[2],
        bars=arguments[0] if arguments else 4000,
        kill_at=arguments[1] if len(arguments) > 1 and arguments[1] >= 0 else None,
        group=arguments[2] if len(arguments) > 2 else 50,
    )
