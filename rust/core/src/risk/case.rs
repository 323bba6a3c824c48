//! One decision: the rules in their order, on one symbol.

use super::config::StopKind;
use super::decision::{RiskDecision, RiskStep, Rule, Steps, TargetRequest, Verdict};
use super::diversify::{self, Exposures};
use super::draft::Draft;
use super::engine::RiskEngine;
use super::holdings::Holdings;
use super::meter::RiskMeter;
use super::stops::{self, Stop};
use super::{cash, exposure, heat, precision, sizing};
use crate::instrument::Instrument;
use crate::order::Purpose;
use crate::types::SymbolId;

/// What all other symbols use of the shared limits, as fractions of equity. Pending and approved orders count as if filled.
#[derive(Default)]
struct Usage {
    exposures: Exposures,
    gross: f64,
    heat: f64,
    /// Margin of what is on order.
    ordered_margin: f64,
}

/// What one unit of quantity is worth, account currency.
fn unit_value<H: Holdings>(portfolio: &H, instrument: &Instrument, symbol: SymbolId, price: f64) -> f64 {
    instrument.notional(1.0, price) * portfolio.rate(symbol)
}

/// What is held and on order once orders against the position have filled.
fn net(held: f64, pending: f64, instrument: &Instrument) -> (f64, f64) {
    if held * pending >= 0.0 {
        return (held, pending);
    }
    let left = instrument.round_quantity(held + pending);
    if left * held > 0.0 { (left, 0.0) } else { (0.0, left) }
}

/// Everything that one decision looks at.
pub(super) struct Case<'a, H> {
    engine: &'a RiskEngine,
    request: &'a TargetRequest,
    portfolio: &'a H,
    meters: &'a [RiskMeter],
    instruments: &'a [Instrument],
    instrument: &'a Instrument,
    /// Signed quantity held, less the exits on their way.
    held: f64,
    /// Signed quantity of the entries on their way; never against `held`.
    pending: f64,
    equity: f64,
    /// Account currency per unit of quantity.
    value: f64,
}

impl<'a, H: Holdings> Case<'a, H> {
    pub(super) fn new(
        engine: &'a RiskEngine,
        request: &'a TargetRequest,
        portfolio: &'a H,
        meters: &'a [RiskMeter],
        instruments: &'a [Instrument],
    ) -> Self {
        let symbol = request.symbol;
        let instrument = &instruments[symbol as usize];
        let (held, pending) = net(portfolio.quantity(symbol), engine.symbols[symbol as usize].pending, instrument);
        Self {
            engine,
            request,
            portfolio,
            meters,
            instruments,
            instrument,
            held,
            pending,
            equity: portfolio.equity(),
            value: unit_value(portfolio, instrument, symbol, request.price),
        }
    }

    /// Applies the rules in order.
    pub(super) fn decide(&self) -> RiskDecision {
        let config = &self.engine.config;
        let target = self.request.target.clamp(-1.0, 1.0);
        let first = |rule, after, limit| -> Steps {
            let mut steps = Steps::new();
            steps.push(RiskStep { rule, before: target, after, limit });
            steps
        };
        if self.engine.halt.is_some() {
            return self.close(Verdict::Approved, Verdict::Hold, first(Rule::Halt, 0.0, f64::NAN));
        }
        if target.is_nan() {
            let held = self.fraction(self.held);
            return self.stay(Verdict::Hold, first(Rule::InvalidTarget, held, f64::NAN));
        }
        if target.abs() <= config.min_target {
            let steps = first(Rule::MinTarget, 0.0, config.min_target);
            return self.close(Verdict::Approved, Verdict::Hold, steps);
        }
        if target < 0.0 && !self.instrument.shortable {
            return self.close(Verdict::Reduced, Verdict::Refused, first(Rule::Shortable, 0.0, 0.0));
        }
        if !(self.equity > 0.0 && self.value > 0.0 && self.value.is_finite()) {
            let steps = first(Rule::Equity, 0.0, 0.0);
            if self.held * target > 0.0 {
                return self.stay(Verdict::Hold, steps);
            }
            return self.close(Verdict::Reduced, Verdict::Refused, steps);
        }
        let mut draft = self.draft(target.signum());
        self.size(&mut draft, target);
        self.limit(&mut draft);
        self.order(draft)
    }

    /// A draft that starts from what is held or on order on that side.
    fn draft(&self, side: f64) -> Draft {
        let ours = |quantity: f64| (quantity * side).max(0.0);
        let held = ours(self.held) + ours(self.pending);
        let held = if held > 0.0 { held * self.value / self.equity } else { 0.0 };
        Draft { side, size: 0.0, held, cut: false, steps: Steps::new() }
    }

    fn fraction(&self, quantity: f64) -> f64 {
        if quantity == 0.0 { 0.0 } else { quantity * self.value / self.equity }
    }

    /// Sizing and stop distance.
    fn size(&self, draft: &mut Draft, target: f64) {
        let config = &self.engine.config;
        let stop = Rule::StopDistance(config.stop.kind);
        let distance = self.distance() / self.request.price;
        let meter = &self.meters[self.request.symbol as usize];
        sizing::apply(draft, target.abs(), &config.sizing, &self.engine.trades, meter, distance, stop);
    }

    /// Distance of a new stop, price units.
    fn distance(&self) -> f64 {
        let symbol = self.request.symbol as usize;
        let (config, meter) = (&self.engine.config.stop, &self.meters[symbol]);
        stops::distance(config, self.request.price, meter, self.instrument.tick)
    }

    /// The caps, in order. Those that only limit growth are looked at where the position is to grow by more than the rebalance band.
    fn limit(&self, draft: &mut Draft) {
        let engine = self.engine;
        let config = &engine.config;
        draft.cap(Rule::PositionCap, config.max_position, config.max_position);
        let grows = draft.grows(config.rebalance_band);
        if grows {
            let usage = self.usage();
            let symbol = self.request.symbol;
            let cluster = diversify::cluster(symbol, &usage.exposures, self.meters, config.correlation_cap_rho);
            diversify::apply(draft, cluster, config.max_position);
            let (own, distance) = self.own_heat(draft.side);
            heat::apply(draft, usage.heat + own, distance, config.max_heat);
            exposure::apply(draft, usage.gross + draft.held, config.max_leverage);
            let margin = self.portfolio.initial_margin(symbol);
            let free = self.free_cash(draft, margin) - usage.ordered_margin;
            cash::apply(draft, free, margin, config.min_cash);
        }
        engine.ladder.apply(draft);
        if grows {
            engine.daily.apply(draft, self.request.ts, config.daily_loss_limit);
        }
    }

    /// Free cash as a fraction of equity, once this symbol's orders have filled and a position on the other side is closed.
    fn free_cash(&self, draft: &Draft, margin: f64) -> f64 {
        let held = self.fraction(self.held) * draft.side;
        let released = if held < 0.0 { -held } else { 0.0 };
        let ordered = draft.held - held.max(0.0);
        self.portfolio.free_cash() / self.equity + margin * (released - ordered)
    }

    /// What all other symbols use.
    fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for &other in self.portfolio.held() {
            self.add(&mut usage, other);
        }
        for &other in &self.engine.ordered {
            if self.portfolio.quantity(other) == 0.0 {
                self.add(&mut usage, other);
            }
        }
        usage
    }

    fn add(&self, usage: &mut Usage, other: SymbolId) {
        if other == self.request.symbol {
            return;
        }
        let memory = &self.engine.symbols[other as usize];
        let known = self.portfolio.price(other);
        let price = if known > 0.0 { known } else { memory.price };
        let held = self.portfolio.quantity(other);
        let goal = held + memory.outstanding();
        let value = unit_value(self.portfolio, &self.instruments[other as usize], other, price) / self.equity;
        let exposure = held.abs().max(goal.abs()) * value;
        usage.exposures.push((other, exposure));
        usage.gross += exposure;
        let growth = (goal.abs() - held.abs()).max(0.0);
        let standing = self.stop_distance(other, held, price);
        let planned = self.planned_distance(other, price);
        let risk = if held * goal < 0.0 {
            (held.abs() * standing).max(goal.abs() * planned)
        } else {
            // What is added comes under the stop that stands.
            held.abs() * standing + growth * planned.max(standing)
        };
        usage.heat += risk * value / price;
        usage.ordered_margin += growth * value * self.portfolio.initial_margin(other);
    }

    /// Heat of the held part on this side, and what one more unit of equity in the position would risk.
    fn own_heat(&self, side: f64) -> (f64, f64) {
        let (symbol, price) = (self.request.symbol, self.request.price);
        let fresh = self.distance();
        if self.held * side <= 0.0 {
            let ordered = (self.pending * side).max(0.0);
            return (self.fraction(ordered) * fresh / price, fresh / price);
        }
        // Growth is protected by the stop that stands, or at worst by a fresh one.
        let standing = self.stop_distance(symbol, self.held, price);
        let worst = standing.max(fresh);
        let ordered = (self.pending * side).max(0.0);
        let heat = self.fraction(self.held.abs()) * standing + self.fraction(ordered) * worst;
        (heat / price, worst / price)
    }

    /// Distance from the price to the stop that stands; where none does, that of a fresh one, or the whole price while it is not known.
    fn stop_distance(&self, symbol: SymbolId, held: f64, price: f64) -> f64 {
        if held == 0.0 {
            return 0.0;
        }
        let stop = &self.engine.symbols[symbol as usize].stop;
        if stop.side * held > 0.0 && !stop.price.is_nan() {
            return (stop.side * (price - stop.price)).max(0.0);
        }
        self.fresh_distance(symbol, price)
    }

    fn planned_distance(&self, symbol: SymbolId, price: f64) -> f64 {
        let planned = self.engine.symbols[symbol as usize].stop.planned;
        if planned.is_nan() { self.fresh_distance(symbol, price) } else { planned }
    }

    fn fresh_distance(&self, symbol: SymbolId, price: f64) -> f64 {
        let (config, meter) = (&self.engine.config.stop, &self.meters[symbol as usize]);
        let distance = stops::distance(config, price, meter, self.instruments[symbol as usize].tick);
        if distance.is_nan() { price } else { distance }
    }

    /// Turns the draft into an order on the venue's grid.
    fn order(&self, mut draft: Draft) -> RiskDecision {
        let config = &self.engine.config;
        let side = draft.side;
        let ours = self.held * side > 0.0;
        let change = (draft.size - draft.held).abs();
        if draft.held > 0.0 && change <= config.rebalance_band * draft.held && draft.size > 0.0 {
            draft.note(Rule::RebalanceBand, draft.size, draft.held, config.rebalance_band);
            return self.stay(Verdict::Hold, draft.steps);
        }
        let wanted = side * draft.size * self.equity / self.value;
        let mut quantity = self.instrument.floor_quantity(wanted);
        if draft.size > 0.0 {
            draft.cut |= quantity == 0.0;
            draft.note(Rule::Precision, draft.size, side * self.fraction(quantity), self.smallest());
        }
        let on_order = (self.pending * side).max(0.0);
        let have = self.held.abs() * f64::from(ours) + on_order;
        if quantity.abs() > have {
            if self.takes(quantity.abs() - have) {
                return self.trade(quantity, draft, ours);
            }
            draft.cut = true;
            draft.note(Rule::MinOrder, side * self.fraction(quantity), draft.held, self.smallest());
            if ours || (self.held == 0.0 && on_order > 0.0) {
                return self.stay(Verdict::Hold, draft.steps);
            }
            quantity = 0.0;
        } else if on_order > 0.0 && quantity != 0.0 && quantity.abs() >= have - on_order {
            draft.note(Rule::Pending, draft.size, draft.held, f64::NAN);
            return self.stay(Verdict::Hold, draft.steps);
        }
        if ours && quantity != 0.0 {
            if self.takes(quantity) {
                return self.shrink(quantity, draft);
            }
            // What would be left could never be sold: close it all.
            draft.note(Rule::MinOrder, side * self.fraction(quantity), 0.0, self.smallest());
        }
        let verdict = if draft.cut { Verdict::Reduced } else { Verdict::Approved };
        self.close(verdict, Verdict::Refused, draft.steps)
    }

    fn smallest(&self) -> f64 {
        self.fraction(precision::smallest(self.instrument, self.request.price))
    }

    fn takes(&self, quantity: f64) -> bool {
        precision::takes(self.instrument, quantity, self.request.price)
    }

    /// The stop of a position of this side after the decision.
    fn stop_price(&self, side: f64) -> f64 {
        let stop = &self.engine.symbols[self.request.symbol as usize].stop;
        if stop.side == side {
            return stop.price;
        }
        let distance = self.distance();
        if self.engine.config.stop.kind == StopKind::None || distance.is_nan() {
            return f64::NAN;
        }
        Stop::at(side, self.request.price, distance, self.instrument)
    }

    fn decision(&self, verdict: Verdict, target: f64, order: f64, purpose: Purpose, steps: Steps) -> RiskDecision {
        RiskDecision {
            verdict,
            target_quantity: target,
            order_quantity: self.instrument.round_quantity(order),
            purpose,
            stop_price: if target == 0.0 { f64::NAN } else { self.stop_price(target.signum()) },
            steps,
            ..RiskDecision::none(self.request)
        }
    }

    /// Opens, grows or turns.
    fn trade(&self, quantity: f64, draft: Draft, ours: bool) -> RiskDecision {
        let verdict = if draft.cut { Verdict::Reduced } else { Verdict::Approved };
        let on_order = if self.pending * draft.side > 0.0 { self.pending } else { 0.0 };
        let purpose = if ours { Purpose::Resize } else { Purpose::Entry };
        self.decision(verdict, quantity, quantity - self.held - on_order, purpose, draft.steps)
    }

    /// Closes a part.
    fn shrink(&self, quantity: f64, mut draft: Draft) -> RiskDecision {
        let order = quantity - self.held;
        if !self.takes(order) {
            draft.note(Rule::MinOrder, draft.size, draft.held, self.smallest());
            return self.stay(Verdict::Hold, draft.steps);
        }
        let verdict = if draft.cut { Verdict::Reduced } else { Verdict::Approved };
        self.decision(verdict, quantity, order, Purpose::Resize, draft.steps)
    }

    /// Closes the position, unless it is too small for the venue to take; `idle` where there is none.
    fn close(&self, verdict: Verdict, idle: Verdict, mut steps: Steps) -> RiskDecision {
        if self.held == 0.0 {
            return self.stay(idle, steps);
        }
        if !self.takes(self.held) {
            let held = self.fraction(self.held);
            steps.push(RiskStep { rule: Rule::MinOrder, before: 0.0, after: held, limit: self.smallest() });
            return self.stay(Verdict::Hold, steps);
        }
        let purpose = if self.engine.halt.is_some() { Purpose::Flatten } else { Purpose::Exit };
        self.decision(verdict, 0.0, -self.held, purpose, steps)
    }

    /// No order.
    fn stay(&self, verdict: Verdict, steps: Steps) -> RiskDecision {
        self.decision(verdict, self.held, 0.0, Purpose::Exit, steps)
    }
}
