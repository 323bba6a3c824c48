//! The kill switch: what a person's word does to orders and positions.

use super::symbol::Working;
use super::{DecisionEngine, Step};
use crate::order::{BrokerEvent, BrokerEventKind, CancelReason, Intent, Order, OrderKind, Purpose, Side, TimeInForce};
use crate::risk::Halt;
use crate::types::SymbolId;

impl DecisionEngine {
    /// The halt in force, if any.
    pub fn halted(&self) -> Option<&Halt> {
        self.risk.halted()
    }

    /// Ends a halt; only a person may ask for this.
    pub fn lift_halt(&mut self) {
        self.risk.lift_halt();
    }

    /// Withdraws every order that would open or enlarge a position. With `close` everything held is closed, too, and nothing is
    /// opened until [`DecisionEngine::lift_halt`]; without it positions stay with their stops, and the caller withholds what
    /// would enlarge them (see [`DecisionEngine::withhold`]).
    pub fn halt(&mut self, ts: i64, close: bool, step: &mut Step) {
        if close {
            self.risk.halt_trading(ts, self.last.equity);
        }
        for k in 0..self.symbols.len() {
            let symbol = k as SymbolId;
            let held = self.portfolio.position(symbol).quantity;
            let mut left = held;
            for w in self.symbols[k].book.working.iter().filter(|w| !w.protective()) {
                // What closes or shrinks what is held may go on; a reversal may not.
                if held * w.remaining < 0.0 && (left + w.remaining) * held >= 0.0 {
                    left += w.remaining;
                } else {
                    step.intents.push(Intent::Cancel { id: w.id, symbol, reason: CancelReason::Operator });
                }
            }
            if !close || left == 0.0 {
                continue;
            }
            let order = Order {
                id: self.next_order,
                decision: 0,
                symbol,
                side: Side::of(-left),
                quantity: left.abs(),
                kind: OrderKind::Market,
                tif: TimeInForce::Gtc,
                reduce_only: true,
                purpose: Purpose::Flatten,
                oco: 0,
                ts,
            };
            self.next_order += 1;
            let working = Working { id: order.id, remaining: -left, purpose: Purpose::Flatten };
            self.symbols[k].book.working.push(working);
            step.intents.push(Intent::Submit(order));
        }
    }

    /// Takes back an order that was asked for and never left: the engine counts on it no longer.
    pub fn withhold(&mut self, order: &Order, ts: i64, step: &mut Step) {
        let kind = BrokerEventKind::Cancelled { reason: CancelReason::Halt };
        self.on_event(&BrokerEvent { ts, order: order.id, symbol: order.symbol, kind }, step);
    }
}
