//! The decision engine: closed bars become order intents, fills become positions.
//!
//! Backtest, paper and live drive this same object; they differ only in where bars and fills come from. A caller does, per bar
//! time: fills of the open → [`DecisionEngine::on_fill`] each; fills inside the bar → the same; then [`DecisionEngine::on_bars`]
//! with everything that closed. Whatever the engine asks for lands in a [`Step`].

mod account;
mod config;
mod fills;
mod halt;
mod rates;
mod step;
mod symbol;
mod universe;

use serde::{Deserialize, Serialize};

use account::{Account, Sums};
pub use config::{EngineConfig, RateSymbol, StrategyConfig, SymbolConfig};
use rates::Rates;
pub use step::{Decision, EquityPoint, Step, WeightChange};
use symbol::{SymbolState, Working};
use universe::Universe;

use crate::ensemble::{EnsembleInput, StrategyTrainer};
use crate::env::ACCOUNT;
use crate::error::{CoreError, Result};
use crate::exchange::SimulatedExchange;
use crate::instrument::Instrument;
use crate::meta::MetaController;
use crate::order::{CancelReason, Intent, Order, OrderKind, Purpose, Side, TimeInForce};
use crate::portfolio::Portfolio;
use crate::risk::{RiskEngine, RiskMeter, RiskStep, Rule, Steps, TargetRequest, Verdict};
use crate::strategies::Vote;
use crate::types::{Bar, SymbolId, interval_ms};

/// What comes from outside with a batch of bars.
#[derive(Debug, Clone, Copy, Default)]
pub struct External<'a> {
    /// Votes of the external strategies, `n` per bar of the batch; empty when there are none.
    pub votes: &'a [Vote],
    /// Position and confidence of the policy per bar of the batch; empty without a policy.
    pub policy: &'a [Option<(f64, f64)>],
}

/// What was decided on one bar of one symbol, while it becomes an order.
struct Choice {
    id: u64,
    symbol: SymbolId,
    held: f64,
    pending: f64,
    /// Close of the bar, ms.
    ts: i64,
    verdict: Verdict,
    quantity: f64,
    order: u64,
    purpose: Option<Purpose>,
    steps: Steps,
}

/// Turns closed bars into order intents and fills into positions.
pub struct DecisionEngine {
    config: EngineConfig,
    interval: i64,
    instruments: Vec<Instrument>,
    portfolio: Portfolio,
    rates: Rates,
    /// Symbols, by id, whose bars only tell a rate.
    watched: Vec<bool>,
    /// The bars of one time that are traded, where some are not.
    traded: Vec<(SymbolId, Bar)>,
    risk: RiskEngine,
    meta: MetaController,
    trainer: StrategyTrainer,
    meters: Vec<RiskMeter>,
    symbols: Vec<SymbolState>,
    universe: Universe,
    next_order: u64,
    next_decision: u64,
    /// Bars that open before are not acted on.
    since: i64,
    peak: f64,
    last: EquityPoint,
    /// Counts the changes of the trainer's weights.
    revision: u64,
}

#[derive(Serialize, Deserialize)]
struct Image {
    version: u32,
    config: String,
    portfolio: Portfolio,
    /// Last closes of the symbols that set rates.
    rates: Vec<f64>,
    risk: RiskEngine,
    trainer: StrategyTrainer,
    meters: Vec<RiskMeter>,
    symbols: Vec<Vec<u8>>,
    universe: Vec<Vec<u8>>,
    next_order: u64,
    next_decision: u64,
    peak: f64,
    last: EquityPoint,
}

/// Layout of [`DecisionEngine::snapshot`]; raised whenever a state changes shape.
const SNAPSHOT_VERSION: u32 = 4;

/// The simulated venue of a run: its instruments, costs and funding; where margin is checked, the account as well.
///
/// # Errors
/// As [`SimulatedExchange::with_account`] and [`SimulatedExchange::set_funding_rates`].
pub fn venue(config: &EngineConfig) -> Result<SimulatedExchange> {
    let instruments: Vec<Instrument> = config.symbols.iter().map(|s| s.instrument.clone()).collect();
    let account = rates::account(config, &instruments)?;
    let mut exchange = SimulatedExchange::with_account(&config.costs, &instruments, &account)?;
    for (k, symbol) in config.symbols.iter().enumerate() {
        if !symbol.funding.is_empty() {
            exchange.set_funding_rates(k as SymbolId, symbol.funding.clone())?;
        }
    }
    Ok(exchange)
}

impl DecisionEngine {
    /// An engine before its first bar.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field of the configuration that cannot be used.
    pub fn new(config: &EngineConfig) -> Result<Self> {
        config.validate()?;
        let n = config.symbols.len();
        let instruments: Vec<Instrument> = config.symbols.iter().map(|s| s.instrument.clone()).collect();
        let symbols = (0..n).map(|k| SymbolState::new(config, k)).collect::<Result<Vec<_>>>()?;
        let weights: Vec<f64> = config.strategies.iter().chain(&config.external).map(|s| s.weight).collect();
        let portfolio = rates::account(config, &instruments)?;
        Ok(Self {
            interval: interval_ms(&config.timeframe)?,
            rates: Rates::new(config, &portfolio)?,
            watched: config.symbols.iter().map(|s| !s.trade).collect(),
            traded: Vec::new(),
            portfolio,
            risk: RiskEngine::new(&config.risk, n)?,
            meta: MetaController::with_config(config.meta.clone())?,
            trainer: StrategyTrainer::with_weights(&weights)?,
            meters: vec![RiskMeter::new(); n],
            symbols,
            universe: Universe::new(config)?,
            instruments,
            next_order: 1,
            next_decision: 1,
            since: config.trade_from.unwrap_or(i64::MIN),
            peak: config.capital,
            last: EquityPoint { ts: 0, equity: config.capital, cash: config.capital, exposure: 0.0, drawdown: 0.0 },
            config: config.clone(),
            revision: 0,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The account.
    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Instruments by symbol id.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Strategy weights and grades.
    pub fn trainer(&self) -> &StrategyTrainer {
        &self.trainer
    }

    /// The account after the last batch.
    pub fn equity_point(&self) -> EquityPoint {
        self.last
    }

    /// The account at the close of these bars, before anything is decided on them, as [`crate::env::account_entries`] shows it to a
    /// policy; `largest` is the largest position that a symbol may have.
    ///
    /// # Errors
    /// As [`DecisionEngine::on_bars`].
    pub fn outlook(&self, bars: &[(SymbolId, Bar)], largest: f64) -> Result<Vec<[f32; ACCOUNT]>> {
        self.check_bars(bars)?;
        let mut portfolio = self.portfolio.clone();
        for (s, bar) in bars {
            portfolio.on_bar(*s, bar);
        }
        Ok(account::outlook(&portfolio, self.peak, largest, bars))
    }

    /// Bars before every strategy of every symbol votes.
    pub fn warm_up(&self) -> usize {
        self.symbols.iter().map(SymbolState::warm_up).max().unwrap_or(0).max(self.universe.warm_up())
    }

    /// The protective stop at work for a symbol, as (order, price).
    pub fn stop(&self, symbol: SymbolId) -> Option<(u64, f64)> {
        self.symbols.get(symbol as usize)?.book.stop.map(|s| (s.order, s.price))
    }

    /// Takes every bar that closed at one time and decides.
    ///
    /// # Errors
    /// [`CoreError::Data`] for a bar that breaks a rule of SPEC, [`CoreError::Shape`] for an unknown symbol or the wrong number
    /// of external votes; the state is unchanged then.
    pub fn on_bars(
        &mut self,
        ts: i64,
        bars: &[(SymbolId, Bar)],
        external: &External<'_>,
        step: &mut Step,
    ) -> Result<EquityPoint> {
        self.check(bars, external)?;
        Ok(self.on_sound_bars(ts, bars, external, step))
    }

    /// [`DecisionEngine::on_bars`] for bars and votes that were checked as a table.
    pub(crate) fn on_sound_bars(
        &mut self,
        ts: i64,
        bars: &[(SymbolId, Bar)],
        external: &External<'_>,
        step: &mut Step,
    ) -> EquityPoint {
        for (s, bar) in bars {
            self.portfolio.on_bar(*s, bar);
            self.meters[*s as usize].take(bar);
        }
        self.rates.take(bars, &mut self.portfolio);
        let sums = Sums::of(&self.portfolio);
        let equity = sums.equity();
        if let Some(event) = self.risk.on_equity(ts + self.interval, equity) {
            step.events.push(event);
        }
        self.advance_universe(ts, bars);
        let n = self.config.external.len();
        for (k, (s, bar)) in bars.iter().enumerate() {
            if self.watched[*s as usize] {
                continue;
            }
            let votes = if n == 0 { &[][..] } else { &external.votes[k * n..(k + 1) * n] };
            let policy = external.policy.get(k).copied().flatten();
            let state = &mut self.symbols[*s as usize];
            state.advance(bar, votes);
            self.universe.tell(*s, &mut state.votes);
            self.decide(*s, bar, policy, &sums, step);
        }
        if self.risk.halted().is_some() {
            self.flatten_silent(ts, bars, step);
        }
        self.peak = self.peak.max(equity);
        self.last = EquityPoint {
            ts,
            equity,
            cash: self.portfolio.cash(),
            exposure: if equity > 0.0 { self.portfolio.gross_exposure() / equity } else { f64::NAN },
            drawdown: if self.peak > 0.0 { 1.0 - equity / self.peak } else { 0.0 },
        };
        self.last
    }

    /// Strategies that compare symbols see those that are traded.
    #[inline]
    fn advance_universe(&mut self, ts: i64, bars: &[(SymbolId, Bar)]) {
        if self.rates.is_empty() {
            self.universe.advance(ts, bars);
            return;
        }
        self.traded.clear();
        self.traded.extend(bars.iter().filter(|(s, _)| !self.watched[*s as usize]));
        if !self.traded.is_empty() {
            self.universe.advance(ts, &self.traded);
        }
    }

    fn check_bars(&self, bars: &[(SymbolId, Bar)]) -> Result<()> {
        for (row, (s, bar)) in bars.iter().enumerate() {
            let Some(instrument) = self.instruments.get(*s as usize) else {
                return Err(CoreError::shape("symbol id", s, format!("below {}", self.instruments.len())));
            };
            if let Some((column, value, expected)) = bar.fault() {
                return Err(CoreError::Data {
                    symbol: Some(instrument.symbol.clone()),
                    row,
                    column: column.to_owned(),
                    value: value.to_string(),
                    expected: expected.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn check(&self, bars: &[(SymbolId, Bar)], external: &External<'_>) -> Result<()> {
        self.check_bars(bars)?;
        let wanted = bars.len() * self.config.external.len();
        if external.votes.len() != wanted {
            return Err(CoreError::shape("external votes", external.votes.len(), wanted));
        }
        if !(external.policy.is_empty() || external.policy.len() == bars.len()) {
            return Err(CoreError::shape("policy actions", external.policy.len(), bars.len()));
        }
        Ok(())
    }

    /// One symbol: votes → consensus → blended target → risk → order.
    fn decide(&mut self, symbol: SymbolId, bar: &Bar, policy: Option<(f64, f64)>, sums: &Sums, step: &mut Step) {
        let id = self.next_decision;
        self.next_decision += 1;
        let state = &mut self.symbols[symbol as usize];
        let (signal, regime) =
            if state.features.is_some() { (state.row.signal(), state.row.market_regime()) } else { (None, None) };
        let input = EnsembleInput { weights: self.trainer.weights(), regime, ts: bar.ts };
        let consensus = state.consensus(&input, self.revision);
        let mut blended = self.meta.decide(consensus.value, policy, regime);
        if bar.ts < self.since {
            blended.position = 0.0;
        }
        let close_ts = bar.ts + self.interval;
        let request = TargetRequest { symbol, target: blended.position, price: bar.close, ts: close_ts, decision: id };
        let account = Account { portfolio: &self.portfolio, sums };
        let at = symbol as usize;
        // Nothing on its way but the stop, nobody to read a decision, and no rule that would act: the bar is done.
        if step.lean
            && state.only_stop()
            && self.risk.rests(&request, &account, &self.meters[at], &self.instruments[at])
        {
            let position = self.portfolio.position(symbol);
            if position.quantity == 0.0 {
                return;
            }
            if self.risk.should_exit(symbol, position).is_none() {
                if self.risk.moves_stops() {
                    self.follow_stop(symbol, bar, close_ts, step);
                }
                return;
            }
        }
        let pending = state.pending();
        let risk = self.risk.judge(&request, &account, &mut self.meters, &self.instruments, pending, !step.lean);
        let position = self.portfolio.position(symbol);
        let held = position.quantity;
        let mut choice = Choice {
            id,
            symbol,
            held,
            pending,
            ts: close_ts,
            verdict: risk.verdict,
            quantity: risk.order_quantity,
            order: 0,
            purpose: risk.trades().then_some(risk.purpose),
            steps: risk.steps,
        };
        if held + pending != 0.0
            && let Some(purpose) = self.risk.should_exit(symbol, position)
        {
            choice.quantity = -(held + pending);
            choice.verdict = Verdict::Approved;
            choice.purpose = Some(purpose);
        }
        if choice.quantity == 0.0 {
            self.follow_stop(symbol, bar, close_ts, step);
        } else {
            self.place(&mut choice, step);
        }
        if step.lean {
            return;
        }
        let state = &self.symbols[symbol as usize];
        step.votes.extend_from_slice(&state.votes);
        step.contributions.extend_from_slice(&state.contributions);
        step.decisions.push(Decision {
            id,
            ts: bar.ts,
            symbol,
            price: bar.close,
            rule: consensus.value,
            rl: policy.map_or(f64::NAN, |p| p.0),
            target: blended.position,
            method: blended.method,
            confidence: consensus.confidence,
            direction: consensus.direction,
            signal,
            regime,
            verdict: choice.verdict,
            steps: choice.steps,
            held,
            quantity: choice.quantity,
            stop_price: risk.stop_price,
            order: choice.order,
            purpose: choice.purpose,
        });
    }

    /// Turns an approved quantity into an order, unless an opposite one is still at work: that one is withdrawn first.
    fn place(&mut self, choice: &mut Choice, step: &mut Step) {
        let Choice { symbol, quantity, held, pending, .. } = *choice;
        let state = &mut self.symbols[symbol as usize];
        if pending * quantity < 0.0 {
            for w in state.book.working.iter().filter(|w| !w.protective()) {
                step.intents.push(Intent::Cancel { id: w.id, symbol, reason: CancelReason::Replaced });
            }
            choice.steps.push(RiskStep { rule: Rule::Pending, before: quantity, after: 0.0, limit: pending });
            choice.quantity = 0.0;
            choice.purpose = None;
            choice.verdict = Verdict::Hold;
            return;
        }
        let reduces = held * quantity < 0.0 && (held + pending + quantity) * held >= 0.0;
        let purpose = choice.purpose.unwrap_or(Purpose::Exit);
        if !reduces && held * quantity <= 0.0 {
            state.book.planned_decision = choice.id;
            state.book.planned_contributions.copy_from_slice(&state.contributions);
        }
        let order = Order {
            id: self.next_order,
            decision: choice.id,
            symbol,
            side: Side::of(quantity),
            quantity: quantity.abs(),
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            reduce_only: reduces,
            purpose,
            oco: 0,
            ts: choice.ts,
        };
        self.next_order += 1;
        state.book.working.push(Working { id: order.id, remaining: quantity, purpose });
        choice.order = order.id;
        choice.purpose = Some(purpose);
        step.intents.push(Intent::Submit(order));
    }

    /// Trailing and break-even: moves the stop where the risk rules say so.
    #[inline]
    fn follow_stop(&mut self, symbol: SymbolId, bar: &Bar, ts: i64, step: &mut Step) {
        let k = symbol as usize;
        let Some(stop) = self.symbols[k].book.stop else { return };
        let position = self.portfolio.position(symbol);
        let moved = self.risk.stop_update(symbol, position, bar, &self.meters[k], &self.instruments[k]);
        let Some(price) = moved else { return };
        if price != stop.price {
            let decision = self.symbols[k].book.planned_decision;
            self.put_stop(symbol, price, decision, ts, step);
        }
    }

    /// Closes what is held in symbols that had no bar in this batch, once.
    fn flatten_silent(&mut self, ts: i64, bars: &[(SymbolId, Bar)], step: &mut Step) {
        for k in 0..self.symbols.len() {
            let symbol = k as SymbolId;
            if bars.iter().any(|(s, _)| *s == symbol) {
                continue;
            }
            let state = &mut self.symbols[k];
            let left = self.portfolio.position(symbol).quantity + state.pending();
            if left == 0.0 {
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
                ts: ts + self.interval,
            };
            self.next_order += 1;
            state.book.working.push(Working { id: order.id, remaining: -left, purpose: Purpose::Flatten });
            step.intents.push(Intent::Submit(order));
        }
    }

    /// The whole state as bytes: an engine built from the same configuration and restored from them goes on bit for bit.
    ///
    /// # Errors
    /// [`CoreError::Internal`] if a part cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&Image {
            version: SNAPSHOT_VERSION,
            config: self.config_text()?,
            portfolio: self.portfolio.clone(),
            rates: self.rates.image(),
            risk: self.risk.clone(),
            trainer: self.trainer.clone(),
            meters: self.meters.clone(),
            symbols: self.symbols.iter().map(SymbolState::image).collect::<Result<_>>()?,
            universe: self.universe.image()?,
            next_order: self.next_order,
            next_decision: self.next_decision,
            peak: self.peak,
            last: self.last,
        })
    }

    /// Takes up a state written by [`DecisionEngine::snapshot`] under the same configuration.
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are damaged, of another version or of another configuration.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let image: Image = crate::snapshot::from_bytes(bytes)?;
        if image.version != SNAPSHOT_VERSION {
            return Err(CoreError::Snapshot(format!(
                "layout {}, this release reads {SNAPSHOT_VERSION}",
                image.version
            )));
        }
        if image.config != self.config_text()? {
            return Err(CoreError::Snapshot("made with another configuration".to_owned()));
        }
        for (state, bytes) in self.symbols.iter_mut().zip(&image.symbols) {
            state.restore(bytes)?;
        }
        self.universe.restore(&image.universe)?;
        self.rates.restore(image.rates)?;
        self.portfolio = image.portfolio;
        self.risk = image.risk;
        self.trainer = image.trainer;
        self.meters = image.meters;
        self.next_order = image.next_order;
        self.next_decision = image.next_decision;
        self.peak = image.peak;
        self.last = image.last;
        Ok(())
    }

    fn config_text(&self) -> Result<String> {
        serde_json::to_string(&self.config).map_err(|e| CoreError::Internal(e.to_string()))
    }
}
