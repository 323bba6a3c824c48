//! The simulated venue: takes orders, fills them against bars, settles funding, liquidates.
//!
//! # What the simulation assumes
//! A bar tells four prices and hides their order. Where the order matters, the simulation takes the one that is worst
//! for the trader, so that a result can be beaten in the market but hardly missed for this reason:
//! - **Nothing fills before it could.** An order that is submitted after a bar's close meets the market at the next
//!   open (`latency_bars` later still). An order that answers a fill at the open meets the rest of that bar.
//! - **Worst first.** If a bar touches both a stop that reduces a position and anything else, the stop fills first, the
//!   nearest to the open before farther ones; then entries; targets come last. A position's liquidation price counts as
//!   such a stop.
//! - **Gaps.** A stop that the open has passed fills at the open, else at its trigger; slippage and half the spread
//!   come on top.
//! - **Limits** fill at their price, or at the open where that is better. Whether the price must touch or trade through
//!   the limit is [`CostConfig::limit_through_ticks`]. A limit that is marketable on arrival takes liquidity: taker fee
//!   and slippage, never beyond the limit.
//! - **An entry inside the bar** leaves an unknown rest of the bar. A protective stop that answers it is checked
//!   against the whole range: it counts as hit when the close has passed it, or when the range has reached it and the
//!   open lay on its far side. (Where the open lay beyond the stop already, the way to the entry crossed it, so that
//!   the range proves nothing.) Targets and new entries wait for the next bar.
//! - **Trailing stops** move on a bar's extremes after that bar was checked: no bar both lifts a trailing stop and hits
//!   the lifted stop.
//! - **No fill outside the bar's range**, slippage included.
//! - With `max_volume_share`, all fills of a symbol in one bar share that part of its volume; the rest waits. Volume is
//!   known when the bar closes: this limits how much fills and decides nothing.
//!
//! Two things it cannot know favour the trader, and have a setting: resting limits fill at the touch, as if nobody stood
//! ahead in the queue ([`CostConfig::limit_through_ticks`]), and an order of any size fills in one bar
//! ([`CostConfig::max_volume_share`]).
//!
//! # One bar
//! ```text
//! open_phase(ts, bars)    funding, expiry, arrivals, liquidation gaps; market orders, then what the open touched, worst first
//!   ↳ funding → portfolio; fills → engine → submit
//! range_phase(ts, bars)   liquidations, stops and limits touched inside the bar
//!   ↳ fills → engine → submit; again until it adds no fill, as a stop that answers an entry may be hit in the same bar
//! engine decides on the close → submit
//! ```
//! Both phases are deterministic: symbols in the order of `bars`, orders in the order of submission within a rank.

mod book;
mod execution;
mod margin;
mod session;

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::fill::{CostConfig, MarginMode, SlippageModel};
use crate::instrument::{Instrument, InstrumentKind};
use crate::order::{BrokerEvent, BrokerEventKind, CancelReason, Fill, Intent, Order, OrderKind, RejectReason, Side};
use crate::portfolio::Portfolio;
use crate::types::{Bar, SymbolId};

use book::{Book, Withdrawal};
use session::Session;

pub use book::OpenOrder;

const DAY_MS: i64 = 86_400_000;

/// A funding rate of the past.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FundingRate {
    /// When it was settled, ms.
    pub ts: i64,
    /// Fraction of the notional; longs pay shorts when > 0.
    pub rate: f64,
}

/// Fill model and order book of the paper broker and the backtest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulatedExchange {
    costs: CostConfig,
    instruments: Vec<Instrument>,
    books: Vec<Book>,
    /// Rates of the past by symbol; empty: the constant rate.
    funding: Vec<Vec<FundingRate>>,
    /// The account, where the venue is to know it: margin checks and cross margin.
    account: Option<Portfolio>,
    events: Vec<BrokerEvent>,
    next_fill: u64,
    now: i64,
}

impl SimulatedExchange {
    /// A venue that lists `instruments`, symbol `k` being the `k`-th.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a bad cost or instrument, or for cross margin, which needs
    /// [`SimulatedExchange::with_account`].
    pub fn new(costs: &CostConfig, instruments: &[Instrument]) -> Result<Self> {
        if costs.margin.mode == MarginMode::Cross {
            let expected = "\"unlimited\" or \"isolated\" for an exchange that does not know the account";
            return Err(CoreError::parameter("costs.margin.mode", "cross", expected));
        }
        Self::build(costs, instruments, None)
    }

    /// A venue that begins with the positions of `account` and, unless the margin mode is unlimited, keeps books of its
    /// own from there on: it refuses orders that the account cannot back and can margin all positions together.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a bad cost or instrument; [`CoreError::Shape`] when the account knows other
    /// symbols.
    pub fn with_account(costs: &CostConfig, instruments: &[Instrument], account: &Portfolio) -> Result<Self> {
        if account.positions().len() != instruments.len() {
            return Err(CoreError::shape("symbols of the account", account.positions().len(), instruments.len()));
        }
        let mut account = account.clone();
        account.set_leverage(costs.margin.leverage)?;
        Self::build(costs, instruments, Some(account))
    }

    fn build(costs: &CostConfig, instruments: &[Instrument], account: Option<Portfolio>) -> Result<Self> {
        costs.validate()?;
        for i in instruments {
            i.validate()?;
        }
        let mut books = vec![Book::default(); instruments.len()];
        let keep = costs.margin.mode != MarginMode::Unlimited;
        if let Some(account) = &account {
            for (book, position) in books.iter_mut().zip(account.positions()) {
                book.quantity = position.quantity;
                book.average_price = position.average_price;
                book.last_price = position.last_price;
            }
        }
        Ok(Self {
            costs: *costs,
            instruments: instruments.to_vec(),
            books,
            funding: vec![Vec::new(); instruments.len()],
            account: account.filter(|_| keep),
            events: Vec::new(),
            next_fill: 1,
            now: i64::MIN,
        })
    }

    /// Gives a perpetual the funding rates of the past, which take the place of the constant rate.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for an unknown symbol or a rate that is not finite, [`CoreError::Shape`] for times that
    /// do not rise.
    pub fn set_funding_rates(&mut self, symbol: SymbolId, rates: Vec<FundingRate>) -> Result<()> {
        let Some(slot) = self.funding.get_mut(symbol as usize) else {
            return Err(CoreError::parameter("symbol", symbol, format!("a symbol below {}", self.instruments.len())));
        };
        if let Some(bad) = rates.iter().find(|r| !r.rate.is_finite()) {
            return Err(CoreError::parameter(format!("funding rate at {}", bad.ts), bad.rate, "a finite number"));
        }
        if let Some(pair) = rates.windows(2).find(|w| w[1].ts <= w[0].ts) {
            return Err(CoreError::shape("times of funding rates", pair[1].ts, format!("a time after {}", pair[0].ts)));
        }
        *slot = rates;
        self.books[symbol as usize].funding_at = 0;
        Ok(())
    }

    /// Takes an order or a cancel. An order that cannot stand becomes a [`BrokerEventKind::Rejected`]; a cancel of an
    /// order that is not open does nothing.
    pub fn submit(&mut self, intent: &Intent) {
        match *intent {
            Intent::Submit(order) => self.accept(&order),
            Intent::Cancel { id, symbol, reason } => self.cancel(id, symbol, reason),
        }
    }

    fn accept(&mut self, order: &Order) {
        let (symbol, id) = (order.symbol, order.id);
        let event = |kind| BrokerEvent { ts: order.ts, order: id, symbol, kind };
        if let Err(reason) = self.check(order) {
            self.events.push(event(BrokerEventKind::Rejected { reason }));
            return;
        }
        let instrument = &self.instruments[symbol as usize];
        let order = Order { quantity: instrument.round_quantity(order.quantity), ..*order };
        let kind = on_tick(order.kind, instrument);
        self.books[symbol as usize].orders.push(OpenOrder::new(order, kind, self.costs.latency_bars));
        self.events.push(event(BrokerEventKind::Accepted));
    }

    /// Why an order cannot stand.
    fn check(&self, order: &Order) -> Result<(), RejectReason> {
        let Some(book) = self.books.get(order.symbol as usize) else {
            return Err(RejectReason::UnknownSymbol);
        };
        let instrument = &self.instruments[order.symbol as usize];
        let Order { quantity, side, .. } = *order;
        if !(quantity.is_finite() && quantity > 0.0) {
            return Err(RejectReason::Quantity { quantity });
        }
        let (prices, near) = match order.kind {
            OrderKind::Market => ([1.0, 1.0], book.last_price),
            OrderKind::Limit { price } => ([price, 1.0], price),
            OrderKind::Stop { trigger } => ([trigger, 1.0], trigger),
            OrderKind::StopLimit { trigger, price } => ([trigger, price], price),
            OrderKind::TrailingStop { distance, trigger } => ([distance, trigger], trigger),
        };
        if let Some(&price) = prices.iter().find(|p| !(p.is_finite() && **p > 0.0)) {
            return Err(RejectReason::Price { price });
        }
        if book.orders.iter().any(|o| o.order.id == order.id && o.is_open()) {
            return Err(RejectReason::DuplicateId);
        }
        if !instrument.on_lot(quantity) {
            return Err(RejectReason::OffLot { quantity, lot: instrument.lot });
        }
        if order.reduce_only {
            // Neither minimum holds here: a rest below them must still be closable.
            if book.reducible(side) == 0.0 {
                return Err(RejectReason::NothingToReduce { position: book.quantity });
            }
            return Ok(());
        }
        if quantity < instrument.min_quantity {
            return Err(RejectReason::BelowMinQuantity { quantity, minimum: instrument.min_quantity });
        }
        let notional = instrument.notional(quantity, near);
        if near > 0.0 && notional < instrument.min_notional {
            return Err(RejectReason::BelowMinNotional { notional, minimum: instrument.min_notional });
        }
        if !instrument.shortable && side == Side::Sell && instrument.round_quantity(book.quantity - quantity) < 0.0 {
            return Err(RejectReason::NotShortable { quantity, position: book.quantity });
        }
        self.check_margin(order, near)
    }

    fn cancel(&mut self, id: u64, symbol: SymbolId, reason: CancelReason) {
        let Some(book) = self.books.get_mut(symbol as usize) else { return };
        let Some(at) = book.orders.iter().position(|o| o.order.id == id && o.is_open()) else { return };
        if self.costs.latency_bars > 0 {
            let withdrawal = Withdrawal { bars: self.costs.latency_bars, reason, new: true };
            book.orders[at].cancel.get_or_insert(withdrawal);
            return;
        }
        book.orders.remove(at);
        let ts = self.now;
        self.events.push(BrokerEvent { ts, order: id, symbol, kind: BrokerEventKind::Cancelled { reason } });
    }

    /// Fills what fills at the open of these bars; fills are appended to `out` with the bars' open time `ts`.
    pub fn open_phase(&mut self, ts: i64, bars: &[(SymbolId, Bar)], out: &mut Vec<Fill>) {
        self.now = ts;
        for (symbol, bar) in bars {
            self.begin(ts, *symbol, bar);
        }
        for (symbol, bar) in bars {
            let book = &self.books[*symbol as usize];
            if book.orders.is_empty() && (book.quantity == 0.0 || self.costs.margin.mode == MarginMode::Unlimited) {
                continue;
            }
            let liquidation = self.liquidation_price(*symbol);
            self.session(ts, *symbol, bar, out).open(liquidation);
            self.books[*symbol as usize].entered = false;
        }
    }

    /// Starts a bar of one symbol: its books and funding.
    fn begin(&mut self, ts: i64, symbol: SymbolId, bar: &Bar) {
        let at = symbol as usize;
        let book = &mut self.books[at];
        if let SlippageModel::Volatility { period, .. } = self.costs.slippage
            && book.close > 0.0
        {
            book.variance.push(book.close, period);
        }
        let perpetual = self.instruments[at].kind == InstrumentKind::Perpetual;
        if perpetual {
            let rate = book.due(ts, &self.costs.funding, &self.funding[at]);
            if rate != 0.0 && book.quantity != 0.0 {
                let amount = self.instruments[at].notional(book.quantity, bar.open) * rate;
                book.funding_paid += amount;
                let kind = BrokerEventKind::Funding { rate, price: bar.open, amount };
                self.events.push(BrokerEvent { ts, order: 0, symbol, kind });
                if let Some(account) = &mut self.account {
                    account.accumulate_funding(symbol, amount);
                }
            }
        }
        book.base = bar.open;
        book.last_price = bar.open;
        book.budget = self.costs.max_volume_share.map_or(f64::INFINITY, |share| {
            self.instruments[at].floor_quantity(share * bar.volume / self.instruments[at].multiplier)
        });
        book.ranged = false;
        book.entered = false;
        if let Some(account) = &mut self.account {
            account.mark(symbol, bar.open);
        }
    }

    /// Fills what these bars touch inside their range; fills are appended to `out` with the bars' open time `ts`.
    ///
    /// After the answers to these fills were submitted, call it again with the same bars, until it appends nothing.
    pub fn range_phase(&mut self, ts: i64, bars: &[(SymbolId, Bar)], out: &mut Vec<Fill>) {
        self.mark_worst(bars);
        for (symbol, bar) in bars {
            let book = &mut self.books[*symbol as usize];
            let idle = book.orders.is_empty()
                && (book.quantity == 0.0
                    || self.costs.margin.mode == MarginMode::Unlimited
                    || (book.ranged && !book.entered));
            if !idle {
                let liquidation = self.liquidation_price(*symbol);
                self.session(ts, *symbol, bar, out).range(liquidation);
            }
            let book = &mut self.books[*symbol as usize];
            book.ranged = true;
            book.close = bar.close;
            book.last_price = bar.close;
        }
        if let Some(account) = &mut self.account {
            for (symbol, bar) in bars {
                account.mark(*symbol, bar.close);
            }
        }
    }

    fn session<'a>(&'a mut self, ts: i64, symbol: SymbolId, bar: &'a Bar, out: &'a mut Vec<Fill>) -> Session<'a> {
        Session {
            costs: &self.costs,
            instrument: &self.instruments[symbol as usize],
            book: &mut self.books[symbol as usize],
            account: self.account.as_mut(),
            events: &mut self.events,
            next_fill: &mut self.next_fill,
            out,
            symbol,
            bar,
            ts,
            closed: false,
        }
    }

    /// Open orders of all symbols, by symbol, then in order of submission.
    pub fn open_orders(&self) -> impl Iterator<Item = &OpenOrder> + '_ {
        self.books.iter().flat_map(|b| b.orders.iter())
    }

    /// Open orders of one symbol, in order of submission.
    pub fn orders_of(&self, symbol: SymbolId) -> &[OpenOrder] {
        self.books.get(symbol as usize).map_or(&[], |b| &b.orders)
    }

    /// An open order.
    pub fn order(&self, id: u64, symbol: SymbolId) -> Option<&OpenOrder> {
        self.orders_of(symbol).iter().find(|o| o.order.id == id)
    }

    /// Signed position of a symbol by the venue's own fills.
    pub fn position(&self, symbol: SymbolId) -> f64 {
        self.books[symbol as usize].quantity
    }

    /// Signed quantity that open orders which may open or add still wait to fill.
    pub fn pending(&self, symbol: SymbolId) -> f64 {
        let open = self.orders_of(symbol).iter().filter(|o| !o.order.reduce_only);
        open.map(|o| o.order.side.sign() * o.remaining).sum()
    }

    /// The venue's own account, where it keeps one.
    pub fn account(&self) -> Option<&Portfolio> {
        self.account.as_ref()
    }

    /// Tells the venue's own account the price of one unit of a currency; nothing to do where it keeps none.
    ///
    /// # Errors
    /// As [`Portfolio::set_rate`].
    pub fn set_rate(&mut self, currency: &str, rate: f64) -> Result<()> {
        self.account.as_mut().map_or(Ok(()), |account| account.set_rate(currency, rate))
    }

    /// Costs in force.
    pub fn costs(&self) -> &CostConfig {
        &self.costs
    }

    /// Listed instruments.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// What was reported since the last call, in order.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, BrokerEvent> {
        self.events.drain(..)
    }

    /// The funding settled since the last call, taken out of what [`SimulatedExchange::drain_events`] would give.
    ///
    /// Call it after the open phase and book it before that phase's fills: who held the position until then pays, also
    /// where the open closes it.
    pub fn drain_funding(&mut self) -> impl Iterator<Item = BrokerEvent> + '_ {
        self.events.extract_if(.., |e| matches!(e.kind, BrokerEventKind::Funding { .. }))
    }

    /// Sets a position without a fill: after a restart, or to begin with a position that exists already.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for an unknown symbol, a quantity that is off the lot grid, or a price that is not a
    /// finite number > 0 for an open position; [`CoreError::Internal`] when the venue keeps the account itself, which
    /// then knows its positions.
    pub fn set_position(&mut self, symbol: SymbolId, quantity: f64, average_price: f64) -> Result<()> {
        let Some(book) = self.books.get_mut(symbol as usize) else {
            return Err(CoreError::parameter("symbol", symbol, format!("a symbol below {}", self.instruments.len())));
        };
        if self.account.is_some() {
            return Err(CoreError::Internal("set_position on an exchange that keeps the account".to_owned()));
        }
        let instrument = &self.instruments[symbol as usize];
        if !(quantity.is_finite() && instrument.on_lot(quantity)) {
            let expected = format!("a multiple of the lot {}", instrument.lot);
            return Err(CoreError::parameter("quantity", quantity, expected));
        }
        if quantity != 0.0 && !(average_price.is_finite() && average_price > 0.0) {
            return Err(CoreError::parameter("average_price", average_price, "a finite number > 0"));
        }
        book.quantity = instrument.round_quantity(quantity);
        book.average_price = if quantity == 0.0 { 0.0 } else { average_price };
        book.funding_paid = 0.0;
        Ok(())
    }
}

/// The same execution with its prices on the tick grid.
fn on_tick(kind: OrderKind, instrument: &Instrument) -> OrderKind {
    // A price far below one tick must not round to nothing.
    let round = |price: f64| instrument.round_price(price).max(instrument.tick);
    match kind {
        OrderKind::Market => OrderKind::Market,
        OrderKind::Limit { price } => OrderKind::Limit { price: round(price) },
        OrderKind::Stop { trigger } => OrderKind::Stop { trigger: round(trigger) },
        OrderKind::StopLimit { trigger, price } => {
            OrderKind::StopLimit { trigger: round(trigger), price: round(price) }
        }
        OrderKind::TrailingStop { distance, trigger } => {
            OrderKind::TrailingStop { distance: round(distance), trigger: round(trigger) }
        }
    }
}

#[cfg(test)]
mod tests;
