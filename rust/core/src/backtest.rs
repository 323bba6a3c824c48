//! The backtest loop: the same calls, in the same order, as the paper and live loops make.

use crate::bars::Bars;
use crate::engine::{Decision, DecisionEngine, EngineConfig, EquityPoint, External, Step, WeightChange, venue};
use crate::error::{CoreError, Result};
use crate::exchange::SimulatedExchange;
use crate::order::{BrokerEvent, Fill, Intent, Order};
use crate::portfolio::Trade;
use crate::risk::RiskEvent;
use crate::strategies::Vote;
use crate::types::{Bar, SymbolId};

/// How much of a run is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // four independent choices
pub struct Record {
    /// Decisions with their votes and reasons; without them a sweep needs far less memory.
    pub decisions: bool,
    /// Orders and broker events.
    pub orders: bool,
    /// Fills.
    pub fills: bool,
    /// One equity point a bar time.
    pub equity: bool,
}

impl Record {
    /// Everything.
    pub const ALL: Self = Self { decisions: true, orders: true, fills: true, equity: true };
}

/// Votes and policy actions made outside the engine, row by row of the bar table.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExternalColumns<'a> {
    /// Signals, then confidences, one pair of columns per external strategy, each as long as the table.
    pub votes: &'a [(&'a [f64], &'a [f64])],
    /// Position and confidence of the policy; NaN for none.
    pub policy: Option<(&'a [f64], &'a [f64])>,
}

/// The account after every bar time, column by column.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)] // the fields of EquityPoint
pub struct EquityCurve {
    pub ts: Vec<i64>,
    pub equity: Vec<f64>,
    pub cash: Vec<f64>,
    pub exposure: Vec<f64>,
    pub drawdown: Vec<f64>,
}

impl EquityCurve {
    /// Room for `n` more points.
    pub fn reserve(&mut self, n: usize) {
        self.ts.reserve_exact(n);
        for column in [&mut self.equity, &mut self.cash, &mut self.exposure, &mut self.drawdown] {
            column.reserve_exact(n);
        }
    }

    /// Adds the next point.
    #[inline]
    pub fn push(&mut self, p: &EquityPoint) {
        self.ts.push(p.ts);
        self.equity.push(p.equity);
        self.cash.push(p.cash);
        self.exposure.push(p.exposure);
        self.drawdown.push(p.drawdown);
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// No points.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Point by point.
    pub fn iter(&self) -> impl Iterator<Item = EquityPoint> + '_ {
        (0..self.len()).map(|i| EquityPoint {
            ts: self.ts[i],
            equity: self.equity[i],
            cash: self.cash[i],
            exposure: self.exposure[i],
            drawdown: self.drawdown[i],
        })
    }
}

/// A finished run.
#[derive(Debug, Clone, Default)]
pub struct BacktestResult {
    /// Equity after every bar time.
    pub equity: EquityCurve,
    /// Decisions, in order.
    pub decisions: Vec<Decision>,
    /// Votes, `n` a decision.
    pub votes: Vec<Vote>,
    /// Contributions, `n` a decision.
    pub contributions: Vec<f64>,
    /// Orders sent, in order.
    pub orders: Vec<Order>,
    /// What became of orders apart from fills.
    pub order_events: Vec<BrokerEvent>,
    /// Fills, in order.
    pub fills: Vec<Fill>,
    /// Account currency per unit of quote currency that each was booked at.
    pub fill_rates: Vec<f64>,
    /// Closed round trips.
    pub trades: Vec<Trade>,
    /// Strategy weights over time.
    pub weights: Vec<WeightChange>,
    /// What the risk engine noticed.
    pub risk_events: Vec<RiskEvent>,
    /// Bars seen.
    pub bars: usize,
}

/// An engine and a simulated exchange, driven one bar time after the other.
pub struct Session {
    /// The engine.
    pub engine: DecisionEngine,
    /// The exchange.
    pub exchange: SimulatedExchange,
    step: Step,
    fills: Vec<Fill>,
    events: Vec<BrokerEvent>,
}

impl Session {
    /// A session before its first bar.
    ///
    /// # Errors
    /// As [`DecisionEngine::new`].
    pub fn new(config: &EngineConfig) -> Result<Self> {
        let engine = DecisionEngine::new(config)?;
        let exchange = venue(config)?;
        Ok(Self { engine, exchange, step: Step::default(), fills: Vec::new(), events: Vec::new() })
    }

    /// One bar time, from the fills at the open to the orders for the next one.
    ///
    /// # Errors
    /// As [`DecisionEngine::on_bars`].
    pub fn on_time(
        &mut self,
        ts: i64,
        bars: &[(SymbolId, Bar)],
        external: &External<'_>,
        record: Record,
        out: &mut BacktestResult,
    ) -> Result<()> {
        self.fill(ts, bars, record, out)?;
        self.engine.on_bars(ts, bars, external, &mut self.step)?;
        self.close(bars, record, out)
    }

    /// [`Session::on_time`] for bars that were checked as a table.
    #[inline]
    fn on_sound_time(
        &mut self,
        ts: i64,
        bars: &[(SymbolId, Bar)],
        external: &External<'_>,
        record: Record,
        out: &mut BacktestResult,
    ) -> Result<()> {
        // On most bars of a single symbol the venue has nothing to say.
        if let [(symbol, bar)] = bars
            && !self.exchange.has_events()
            && self.exchange.pass(ts, *symbol, bar)
        {
            self.step.lean = !record.decisions;
            // Votes come with a decision.
            if !self.step.is_empty() {
                self.step.clear();
            }
        } else {
            self.fill(ts, bars, record, out)?;
        }
        self.engine.on_sound_bars(ts, bars, external, &mut self.step);
        self.close(bars, record, out)
    }

    /// The fills of these bars, with the engine's answers to them.
    #[inline]
    fn fill(&mut self, ts: i64, bars: &[(SymbolId, Bar)], record: Record, out: &mut BacktestResult) -> Result<()> {
        self.step.lean = !record.decisions;
        self.fills.clear();
        self.exchange.open_phase(ts, bars, &mut self.fills);
        self.settle(record, out)?;
        loop {
            self.fills.clear();
            self.exchange.range_phase(ts, bars, &mut self.fills);
            if self.fills.is_empty() {
                break;
            }
            self.settle(record, out)?;
        }
        self.answer(record, out)?;
        self.step.clear();
        Ok(())
    }

    /// Sends what the engine decided on the close.
    #[inline]
    fn close(&mut self, bars: &[(SymbolId, Bar)], record: Record, out: &mut BacktestResult) -> Result<()> {
        self.submit(record, out);
        self.answer(record, out)?;
        if record.equity {
            out.equity.push(&self.engine.equity_point());
        }
        out.bars += bars.len();
        Ok(())
    }

    #[inline]
    fn settle(&mut self, record: Record, out: &mut BacktestResult) -> Result<()> {
        if self.fills.is_empty() { self.answer(record, out) } else { self.book(record, out) }
    }

    fn book(&mut self, record: Record, out: &mut BacktestResult) -> Result<()> {
        for k in 0..self.fills.len() {
            let fill = self.fills[k];
            self.step.clear();
            self.engine.on_fill(&fill, &mut self.step)?;
            if record.fills {
                out.fills.push(fill);
                out.fill_rates.push(self.engine.portfolio().rate(fill.symbol));
            }
            self.submit(record, out);
        }
        self.answer(record, out)
    }

    /// Sends what the engine asked for and keeps what the run is to remember.
    #[inline]
    fn submit(&mut self, record: Record, out: &mut BacktestResult) {
        if !self.step.is_empty() {
            self.take(record, out);
        }
    }

    fn take(&mut self, record: Record, out: &mut BacktestResult) {
        for intent in &self.step.intents {
            if let Intent::Submit(order) = intent
                && record.orders
            {
                out.orders.push(*order);
            }
            self.exchange.submit(intent);
        }
        out.trades.append(&mut self.step.trades);
        out.weights.append(&mut self.step.weights);
        out.risk_events.append(&mut self.step.events);
        if record.decisions {
            out.decisions.append(&mut self.step.decisions);
            out.votes.append(&mut self.step.votes);
            out.contributions.append(&mut self.step.contributions);
        }
    }

    /// Hands the exchange's answers to the engine until neither has anything to say.
    #[inline]
    fn answer(&mut self, record: Record, out: &mut BacktestResult) -> Result<()> {
        if self.exchange.has_events() { self.talk(record, out) } else { Ok(()) }
    }

    fn talk(&mut self, record: Record, out: &mut BacktestResult) -> Result<()> {
        // An engine answers a rejection with at most one exit order a symbol; more rounds than that would be a bug.
        for _ in 0..8 {
            self.events.clear();
            self.events.extend(self.exchange.drain_events());
            if self.events.is_empty() {
                return Ok(());
            }
            self.step.clear();
            for e in &self.events {
                self.engine.on_event(e, &mut self.step);
            }
            if record.orders {
                out.order_events.extend_from_slice(&self.events);
            }
            self.submit(record, out);
        }
        Err(CoreError::Internal("engine and exchange kept answering each other".to_owned()))
    }
}

/// Runs a configuration over a table of bars; symbols of the table must be those of the configuration, in the same order.
///
/// # Errors
/// [`CoreError::Shape`] when the symbols differ, and what [`DecisionEngine::new`] and [`DecisionEngine::on_bars`] raise.
pub fn run(
    bars: &Bars,
    config: &EngineConfig,
    external: &ExternalColumns<'_>,
    record: Record,
) -> Result<BacktestResult> {
    let wanted: Vec<&str> = config.symbols.iter().map(|s| s.instrument.symbol.as_str()).collect();
    if bars.symbols() != wanted {
        return Err(CoreError::shape("symbols of the bars", format!("{:?}", bars.symbols()), format!("{wanted:?}")));
    }
    // Labels that nobody will read are the only use of most features.
    let lean = EngineConfig { classify: config.classify && record.decisions, ..config.clone() };
    let mut session = Session::new(&lean)?;
    let mut out = BacktestResult::default();
    if record.equity {
        // As many bar times as the longest symbol has bars, at least; exactly so many where all have the same.
        out.equity.reserve((0..wanted.len()).map(|k| bars.series(k).len()).max().unwrap_or(0));
    }
    if external.votes.is_empty() && external.policy.is_none() {
        bars.for_each_time(|ts, batch| session.on_sound_time(ts, batch, &External::default(), record, &mut out))?;
        return Ok(out);
    }
    let mut rows: Vec<usize> = (0..wanted.len()).map(|k| bars.offset(k)).collect();
    let mut votes: Vec<Vote> = Vec::new();
    let mut policy: Vec<Option<(f64, f64)>> = Vec::new();
    bars.for_each_time(|ts, batch| {
        votes.clear();
        policy.clear();
        for (s, _) in batch {
            let row = rows[*s as usize];
            rows[*s as usize] += 1;
            votes.extend(external.votes.iter().map(|(signal, confidence)| Vote::new(signal[row], confidence[row])));
            if let Some((position, confidence)) = external.policy {
                policy.push((!position[row].is_nan()).then_some((position[row], confidence[row])));
            }
        }
        session.on_sound_time(ts, batch, &External { votes: &votes, policy: &policy }, record, &mut out)
    })?;
    Ok(out)
}
