//! Fills and the broker's other answers: positions, protective stops, outcomes for the trainer.

use super::symbol::{ActiveStop, Working};
use super::{DecisionEngine, Step, WeightChange};
use crate::error::{CoreError, Result};
use crate::order::{BrokerEvent, CancelReason, Fill, Intent, Order, OrderKind, Purpose, Side, TimeInForce};
use crate::portfolio::Trade;
use crate::types::SymbolId;

impl DecisionEngine {
    /// Books a fill; a position that opened or changed gets its stop, one that closed loses it.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for an unknown symbol, and what the portfolio refuses; the state is unchanged then.
    pub fn on_fill(&mut self, fill: &Fill, step: &mut Step) -> Result<()> {
        let k = fill.symbol as usize;
        if k >= self.symbols.len() {
            return Err(CoreError::shape("symbol id", fill.symbol, format!("below {}", self.symbols.len())));
        }
        let before = self.portfolio.position(fill.symbol).quantity;
        let trade = self.portfolio.apply_fill(fill, &self.instruments[k])?;
        let position = *self.portfolio.position(fill.symbol);
        self.settle(fill);
        if let Some(trade) = trade {
            self.learn(&trade, step)?;
            step.trades.push(trade);
        }
        let after = position.quantity;
        if before * after <= 0.0 {
            let book = &mut self.symbols[k].book;
            book.entry_contributions.clone_from(&book.planned_contributions);
        }
        let price = self.risk.protect(fill.symbol, &position, &self.meters[k], &self.instruments[k]);
        let stop = self.symbols[k].book.stop;
        if after == 0.0 || price.is_nan() {
            self.drop_stop(fill, step);
        } else if stop.is_none_or(|s| s.price != price || s.quantity != after.abs()) {
            let decision = self.symbols[k].book.planned_decision;
            self.put_stop(fill.symbol, price, decision, fill.ts, step);
        }
        Ok(())
    }

    /// Takes what a broker reports apart from fills.
    pub fn on_event(&mut self, event: &BrokerEvent, step: &mut Step) {
        self.portfolio.apply_event(event);
        if event.closes() {
            self.on_closed(event.order, event.symbol, event.is_rejection(), event.ts, step);
        }
    }

    /// An order ended without (further) fills. A protective stop that the broker refused becomes an exit at market.
    fn on_closed(&mut self, order: u64, symbol: SymbolId, rejected: bool, ts: i64, step: &mut Step) {
        let Some(state) = self.symbols.get_mut(symbol as usize) else { return };
        state.book.working.retain(|w| w.id != order);
        if state.book.stop.is_some_and(|s| s.order == order) {
            state.book.stop = None;
            let held = self.portfolio.position(symbol).quantity;
            let left = held + state.pending();
            if rejected && held != 0.0 && left != 0.0 {
                let exit = Order {
                    id: self.next_order,
                    decision: state.book.planned_decision,
                    symbol,
                    side: Side::of(-left),
                    quantity: left.abs(),
                    kind: OrderKind::Market,
                    tif: TimeInForce::Gtc,
                    reduce_only: true,
                    purpose: Purpose::Exit,
                    oco: 0,
                    ts,
                };
                self.next_order += 1;
                state.book.working.push(Working { id: exit.id, remaining: -left, purpose: Purpose::Exit });
                step.intents.push(Intent::Submit(exit));
            }
        }
    }

    /// Takes the fill off the order it belongs to.
    fn settle(&mut self, fill: &Fill) {
        let book = &mut self.symbols[fill.symbol as usize].book;
        for w in book.working.iter_mut().filter(|w| w.id == fill.order) {
            w.remaining = fill.side.sign() * fill.remaining;
        }
        book.working.retain(|w| w.remaining != 0.0);
        if let Some(stop) = &mut book.stop
            && stop.order == fill.order
        {
            stop.quantity = fill.remaining;
            if fill.remaining == 0.0 {
                book.stop = None;
            }
        }
    }

    fn drop_stop(&mut self, fill: &Fill, step: &mut Step) {
        let book = &mut self.symbols[fill.symbol as usize].book;
        if let Some(stop) = book.stop.take()
            && stop.order != fill.order
        {
            book.working.retain(|w| w.id != stop.order);
            step.intents.push(Intent::Cancel {
                id: stop.order,
                symbol: fill.symbol,
                reason: CancelReason::PositionClosed,
            });
        }
    }

    /// Places the protective stop for the whole position; an older one is withdrawn.
    pub(super) fn put_stop(&mut self, symbol: SymbolId, price: f64, decision: u64, ts: i64, step: &mut Step) {
        let held = self.portfolio.position(symbol).quantity;
        let book = &mut self.symbols[symbol as usize].book;
        if let Some(old) = book.stop.take() {
            book.working.retain(|w| w.id != old.order);
            step.intents.push(Intent::Cancel { id: old.order, symbol, reason: CancelReason::Replaced });
        }
        let order = Order {
            id: self.next_order,
            decision,
            symbol,
            side: Side::of(-held),
            quantity: held.abs(),
            kind: OrderKind::Stop { trigger: price },
            tif: TimeInForce::Gtc,
            reduce_only: true,
            purpose: Purpose::StopLoss,
            oco: 0,
            ts,
        };
        self.next_order += 1;
        book.stop = Some(ActiveStop { order: order.id, price, quantity: order.quantity });
        book.working.push(Working { id: order.id, remaining: -held, purpose: Purpose::StopLoss });
        step.intents.push(Intent::Submit(order));
    }

    /// Credits a closed trade to the strategies that wanted it.
    fn learn(&mut self, trade: &Trade, step: &mut Step) -> Result<()> {
        self.risk.on_trade(trade.return_fraction);
        if !self.config.adapt_weights {
            return Ok(());
        }
        let book = &self.symbols[trade.symbol as usize].book;
        for (k, &contribution) in book.entry_contributions.iter().enumerate() {
            if contribution * trade.side.sign() > 0.0 {
                self.trainer.update(k, trade.pnl_fraction)?;
                self.revision += 1;
                step.weights.push(WeightChange {
                    ts: trade.exit_ts,
                    strategy: k as u32,
                    weight: self.trainer.weights()[k],
                    grade: self.trainer.grade(k)?,
                });
            }
        }
        Ok(())
    }
}
