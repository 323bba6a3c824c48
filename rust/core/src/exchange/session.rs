//! Matching of one symbol's orders against one bar.

use crate::fill::CostConfig;
use crate::instrument::Instrument;
use crate::order::{BrokerEvent, BrokerEventKind, Fill, OrderKind, Side, TimeInForce};
use crate::portfolio::Portfolio;
use crate::types::{Bar, SymbolId};

use super::DAY_MS;
use super::book::{Book, OpenOrder, Stage};

/// One symbol in one phase of one bar.
pub(super) struct Session<'a> {
    pub(super) costs: &'a CostConfig,
    pub(super) instrument: &'a Instrument,
    pub(super) book: &'a mut Book,
    pub(super) account: Option<&'a mut Portfolio>,
    pub(super) events: &'a mut Vec<BrokerEvent>,
    pub(super) next_fill: &'a mut u64,
    pub(super) out: &'a mut Vec<Fill>,
    pub(super) symbol: SymbolId,
    pub(super) bar: &'a Bar,
    pub(super) ts: i64,
    /// Some order was closed and must be swept out.
    pub(super) closed: bool,
}

/// How a touched order executes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Touch {
    /// Takes liquidity at the reference price, no further than the limit where there is one.
    Take { reference: f64, limit: Option<f64> },
    /// Gives liquidity at this price.
    Give { price: f64 },
    /// A stop-limit whose trigger traded beyond its limit: rests from now on.
    Rest,
}

/// Of the touched orders, the one with the smallest rank goes first.
type Rank = (u8, f64);

impl Session<'_> {
    /// Everything that happens at the open.
    pub(super) fn open(&mut self, liquidation: Option<f64>) {
        let immediate = self.arrive();
        if let Some(price) = liquidation
            && passed(Side::of(-self.book.quantity), price, self.bar.open)
        {
            self.liquidate(self.bar.open);
        }
        while let Some((at, touch)) = self.next(Self::at_open) {
            self.execute(at, touch);
        }
        if immediate {
            self.expire_immediate();
        }
        self.sweep();
    }

    /// Expiry, and what was on its way to the venue; true when any order must fill at once.
    fn arrive(&mut self) -> bool {
        let mut immediate = false;
        for at in 0..self.book.orders.len() {
            let o = &mut self.book.orders[at];
            if o.order.tif == TimeInForce::Day && self.ts.div_euclid(DAY_MS) > o.order.ts.div_euclid(DAY_MS) {
                self.end(at, BrokerEventKind::Expired);
                continue;
            }
            if let Some(cancel) = &mut o.cancel {
                if cancel.bars == 0 {
                    let reason = cancel.reason;
                    self.end(at, BrokerEventKind::Cancelled { reason });
                    continue;
                }
                cancel.bars -= 1;
                cancel.new = false;
            }
            if o.delay > 0 {
                o.delay -= 1;
                o.stage = Stage::Idle;
            } else {
                o.stage = Stage::Live;
                immediate |= o.order.tif.is_immediate();
            }
        }
        immediate
    }

    /// Ends limits that had to fill at once and have had their chance.
    fn expire_immediate(&mut self) {
        for at in 0..self.book.orders.len() {
            let o = &self.book.orders[at];
            let met = matches!(o.stage, Stage::Live | Stage::New);
            if met && o.order.tif.is_immediate() && matches!(o.kind, OrderKind::Limit { .. }) {
                self.end(at, BrokerEventKind::Expired);
            }
        }
    }

    /// Everything that happens inside the bar.
    pub(super) fn range(&mut self, liquidation: Option<f64>) {
        let first = !self.book.ranged;
        for at in 0..self.book.orders.len() {
            let o = &mut self.book.orders[at];
            if let Some(cancel) = &mut o.cancel
                && cancel.new
            {
                cancel.bars -= 1;
                cancel.new = false;
            }
            match o.stage {
                Stage::New if o.delay > 0 => {
                    o.delay -= 1;
                    o.stage = Stage::Idle;
                }
                Stage::Live if !first => o.stage = Stage::Idle,
                _ => {}
            }
        }
        if first {
            self.first_range(liquidation);
        } else {
            while let Some((at, touch)) = self.next(Self::after_entry) {
                self.execute(at, touch);
            }
            if let Some(price) = liquidation
                && self.book.entered
                && self.book.quantity != 0.0
                && self.hit(Side::of(-self.book.quantity), price)
            {
                let side = Side::of(-self.book.quantity);
                self.liquidate(if passed(side, price, self.book.base) { self.book.base } else { price });
            }
            for o in &mut self.book.orders {
                if o.stage == Stage::New {
                    o.stage = Stage::Idle;
                }
            }
        }
        self.sweep();
    }

    fn first_range(&mut self, mut liquidation: Option<f64>) {
        loop {
            let next = self.next(Self::inside);
            if let Some(price) = liquidation {
                let side = Side::of(-self.book.quantity);
                let rank = (0, (price - self.bar.open).abs());
                let ahead = next.is_none_or(|(at, _)| self.rank(at) >= rank);
                if self.book.quantity != 0.0 && self.reaches(side, price) && ahead {
                    self.liquidate(price);
                    liquidation = None;
                    continue;
                }
            }
            let Some((at, touch)) = next else { break };
            let before = self.book.quantity;
            self.execute(at, touch);
            if self.book.quantity != before {
                // The price was that of the position before; a changed one is looked at again at the next open.
                let reduced = self.book.quantity != 0.0
                    && (self.book.quantity > 0.0) == (before > 0.0)
                    && self.book.quantity.abs() < before.abs();
                liquidation = liquidation.filter(|_| reduced);
            }
        }
        let mut immediate = false;
        for o in &mut self.book.orders {
            if matches!(o.stage, Stage::Live | Stage::New) {
                immediate |= o.order.tif.is_immediate();
                trail(o, self.bar, self.instrument);
            }
        }
        if immediate {
            self.expire_immediate();
        }
        for o in &mut self.book.orders {
            if matches!(o.stage, Stage::Live | Stage::New) {
                o.stage = Stage::Live;
                o.resting = true;
            }
        }
    }

    /// The first touched order by rank, ties by order of submission.
    fn next(&self, touch: impl Fn(&Self, &OpenOrder) -> Option<Touch>) -> Option<(usize, Touch)> {
        let mut best: Option<(Rank, usize, Touch)> = None;
        for (at, o) in self.book.orders.iter().enumerate() {
            if let Some(touched) = touch(self, o) {
                let rank = self.rank(at);
                if best.is_none_or(|(first, _, _)| rank < first) {
                    best = Some((rank, at, touched));
                }
            }
        }
        best.map(|(_, at, touched)| (at, touched))
    }

    /// Worst first: market orders (at the open alone), stops that reduce, entries, limits that reduce; the nearest to
    /// the open first.
    fn rank(&self, at: usize) -> Rank {
        let o = &self.book.orders[at];
        let reduces = self.book.reducible(o.order.side) > 0.0;
        match o.kind {
            OrderKind::Market => (0, -1.0),
            OrderKind::Stop { trigger }
            | OrderKind::StopLimit { trigger, .. }
            | OrderKind::TrailingStop { trigger, .. } => (u8::from(!reduces), (trigger - self.bar.open).abs()),
            OrderKind::Limit { price } => (if reduces { 2 } else { 1 }, (price - self.bar.open).abs()),
        }
    }

    /// The bar's range reaches a stop on `side`.
    #[inline]
    fn reaches(&self, side: Side, level: f64) -> bool {
        match side {
            Side::Buy => self.bar.high >= level,
            Side::Sell => self.bar.low <= level,
        }
    }

    /// What an order does at the open.
    fn at_open(&self, o: &OpenOrder) -> Option<Touch> {
        if o.stage != Stage::Live {
            return None;
        }
        let open = self.bar.open;
        match o.kind {
            OrderKind::Market => Some(Touch::Take { reference: open, limit: None }),
            OrderKind::Limit { price } => Self::arrives(o, price, open),
            _ => Self::triggered(o, open),
        }
    }

    /// A limit that the market stands at or beyond.
    fn arrives(o: &OpenOrder, limit: f64, price: f64) -> Option<Touch> {
        if !marketable(o.order.side, limit, price) {
            None
        } else if o.resting {
            Some(Touch::Give { price })
        } else {
            Some(Touch::Take { reference: price, limit: Some(limit) })
        }
    }

    /// A stop with the market at `price`.
    fn triggered(o: &OpenOrder, price: f64) -> Option<Touch> {
        match o.kind {
            OrderKind::Stop { trigger } | OrderKind::TrailingStop { trigger, .. } => {
                passed(o.order.side, trigger, price).then_some(Touch::Take { reference: price, limit: None })
            }
            OrderKind::StopLimit { trigger, price: limit } => {
                if !passed(o.order.side, trigger, price) {
                    None
                } else if marketable(o.order.side, limit, price) {
                    Some(Touch::Take { reference: price, limit: Some(limit) })
                } else {
                    Some(Touch::Rest)
                }
            }
            OrderKind::Market | OrderKind::Limit { .. } => None,
        }
    }

    /// What an order that stood at the open, or answered a fill at the open, does inside the bar.
    fn inside(&self, o: &OpenOrder) -> Option<Touch> {
        if !matches!(o.stage, Stage::Live | Stage::New) {
            return None;
        }
        let side = o.order.side;
        match o.kind {
            // One that answers a fill at the open came too late for that open.
            OrderKind::Market => None,
            OrderKind::Limit { price } => {
                if let Some(touch) = Self::arrives(o, price, self.bar.open) {
                    return Some(touch);
                }
                if o.order.tif.is_immediate() {
                    return None;
                }
                let through = f64::from(self.costs.limit_through_ticks) * self.instrument.tick;
                self.reaches(side.opposite(), price - side.sign() * through).then_some(Touch::Give { price })
            }
            OrderKind::Stop { trigger }
            | OrderKind::TrailingStop { trigger, .. }
            | OrderKind::StopLimit { trigger, .. } => {
                if let Some(touch) = Self::triggered(o, self.bar.open) {
                    return Some(touch);
                }
                if self.reaches(side, trigger) { Self::triggered(o, trigger) } else { None }
            }
        }
    }

    /// What an order that answers a fill inside the bar does in the rest of it; see the module on entries inside the
    /// bar.
    fn after_entry(&self, o: &OpenOrder) -> Option<Touch> {
        let side = o.order.side;
        if o.stage != Stage::New || self.book.reducible(side) == 0.0 {
            return None;
        }
        let trigger = match o.kind {
            OrderKind::Stop { trigger }
            | OrderKind::TrailingStop { trigger, .. }
            | OrderKind::StopLimit { trigger, .. } => trigger,
            OrderKind::Market | OrderKind::Limit { .. } => return None,
        };
        let base = self.book.base;
        if passed(side, trigger, base) {
            return Self::triggered(o, base);
        }
        if self.hit(side, trigger) { Self::triggered(o, trigger) } else { None }
    }

    /// The rest of a bar after an entry inside it counts as having reached a protective level.
    fn hit(&self, side: Side, level: f64) -> bool {
        passed(side, level, self.book.base)
            || passed(side, level, self.bar.close)
            || (self.reaches(side, level) && !passed(side, level, self.bar.open))
    }
}

/// Moves a trailing stop by the extremes of the bar that it stood through.
#[inline]
fn trail(o: &mut OpenOrder, bar: &Bar, instrument: &Instrument) {
    if let OrderKind::TrailingStop { distance, trigger } = &mut o.kind {
        *trigger = match o.order.side {
            Side::Sell => trigger.max(instrument.round_price(bar.high - *distance)),
            Side::Buy => trigger.min(instrument.round_price(bar.low + *distance)),
        };
    }
}

/// `price` has gone to the trigger of a stop on `side`, or past it.
#[inline]
pub(super) fn passed(side: Side, trigger: f64, price: f64) -> bool {
    match side {
        Side::Buy => price >= trigger,
        Side::Sell => price <= trigger,
    }
}

/// `price` is no worse than a limit on `side`.
#[inline]
fn marketable(side: Side, limit: f64, price: f64) -> bool {
    passed(side.opposite(), limit, price)
}
