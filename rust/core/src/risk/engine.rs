//! The risk engine: targets in, orders out.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::config::{RiskConfig, SizingMethod};
use super::daily_loss::DailyLoss;
use super::decision::{RiskDecision, TargetRequest};
use super::draft::NOISE;
use super::drawdown::{DrawdownLevel, Halt, HaltReason, Ladder, RiskEvent, RiskEventKind};
use super::holdings::{Held, Holdings};
use super::meter::RiskMeter;
use super::sizing::TradeRecord;
use super::stops::{self, Stop};
use crate::error::Result;
use crate::instrument::Instrument;
use crate::order::Purpose;
use crate::types::{Bar, SymbolId};

/// What the engine remembers of a symbol.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) stop: Stop,
    /// Signed quantity of open orders.
    pub(super) pending: f64,
    /// Signed quantity approved at the present time beyond what is held and pending.
    approved: f64,
    /// Price of the last decision, for orders on a symbol that the account has no price of.
    pub(super) price: f64,
}

impl Memory {
    const NEW: Self = Self { stop: Stop::NONE, pending: 0.0, approved: 0.0, price: f64::NAN };

    /// Signed quantity that is on its way.
    pub(super) fn outstanding(&self) -> f64 {
        self.pending + self.approved
    }
}

/// Sizing, stops, caps, drawdown ladder and halt of one account (SPEC §9).
///
/// Symbols are decided one after another: what was approved at a time counts against the shared limits of those that come later, so a
/// caller that wants the strongest target served first asks for it first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RiskEngine {
    pub(super) config: RiskConfig,
    pub(super) symbols: Vec<Memory>,
    /// Symbols with something pending or approved.
    pub(super) ordered: Vec<SymbolId>,
    ts: i64,
    pub(super) ladder: Ladder,
    pub(super) daily: DailyLoss,
    pub(super) trades: TradeRecord,
    pub(super) halt: Option<Halt>,
}

impl RiskEngine {
    /// An engine for `n_symbols` symbols.
    ///
    /// # Errors
    /// As [`RiskConfig::validate`].
    pub fn new(config: &RiskConfig, n_symbols: usize) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config: config.clone(),
            symbols: vec![Memory::NEW; n_symbols],
            ordered: Vec::new(),
            ts: i64::MIN,
            ladder: Ladder::NEW,
            daily: DailyLoss::NEW,
            trades: TradeRecord::new(config.sizing.kelly_window),
            halt: None,
        })
    }

    /// Makes room for at least `n_symbols` symbols; new ones have no past.
    pub fn grow(&mut self, n_symbols: usize) {
        if n_symbols > self.symbols.len() {
            self.symbols.resize(n_symbols, Memory::NEW);
        }
    }

    /// The configuration.
    pub fn config(&self) -> &RiskConfig {
        &self.config
    }

    /// Takes the equity at the close time `ts` of a bar, before the decisions on that bar; says what changed.
    #[inline]
    pub fn on_equity(&mut self, ts: i64, equity: f64) -> Option<RiskEvent> {
        if equity.is_nan() {
            return None;
        }
        let rung = self.ladder.update(&self.config.drawdown, equity);
        let daily = self.daily.update(self.config.daily_loss_limit, ts, equity).then_some(RiskEventKind::DailyLoss);
        if self.ladder.level == DrawdownLevel::Halt && self.halt.is_none() {
            self.halt(ts, HaltReason::Drawdown, equity);
        }
        let kind = match (rung, daily) {
            (Some(RiskEventKind::Recovered | RiskEventKind::DrawdownHalf) | None, Some(kind)) => kind,
            (rung, _) => rung?,
        };
        let Ladder { peak, drawdown, .. } = self.ladder;
        Some(RiskEvent { kind, ts, equity, peak, drawdown, daily_loss: self.daily.loss })
    }

    /// Takes the net return on the entry notional of a closed trade, which Kelly sizing learns from.
    pub fn on_trade(&mut self, return_fraction: f64) {
        self.trades.push(return_fraction);
    }

    /// The halt in force.
    pub fn halted(&self) -> Option<&Halt> {
        self.halt.as_ref()
    }

    /// Halts trading by hand: everything is closed, nothing opened, until [`RiskEngine::lift_halt`]. A halt in force stays as it is.
    pub fn halt_trading(&mut self, ts: i64, equity: f64) {
        if self.halt.is_none() {
            self.halt(ts, HaltReason::Operator, equity);
        }
    }

    fn halt(&mut self, ts: i64, reason: HaltReason, equity: f64) {
        let Ladder { peak, drawdown, .. } = self.ladder;
        self.halt = Some(Halt { reason, ts, equity, peak, drawdown });
    }

    /// Lifts the halt, as a person's decision; returns it. A halt by drawdown starts the ladder anew from the next equity: whoever lifts
    /// it accepts the loss, and the old peak would halt trading again at once.
    pub fn lift_halt(&mut self) -> Option<Halt> {
        let halt = self.halt.take()?;
        if halt.reason == HaltReason::Drawdown || self.ladder.level == DrawdownLevel::Halt {
            self.ladder = Ladder::NEW;
        }
        Some(halt)
    }

    /// Rung of the drawdown ladder.
    pub fn level(&self) -> DrawdownLevel {
        self.ladder.level
    }

    /// Fraction lost from the highest equity so far.
    pub fn drawdown(&self) -> f64 {
        self.ladder.drawdown
    }

    /// Highest equity so far, NaN before the first.
    pub fn peak(&self) -> f64 {
        self.ladder.peak
    }

    /// Fraction lost since the start of the UTC day, ≥ 0.
    pub fn daily_loss(&self) -> f64 {
        self.daily.loss
    }

    /// The daily loss limit stands in the way of new risk at `ts`.
    pub fn daily_loss_reached(&self, ts: i64) -> bool {
        self.daily.blocks(ts)
    }

    /// Notes the signed quantity of a symbol's open orders but for its protective ones, so that it counts against shared limits before the symbol is decided
    /// again. [`RiskEngine::evaluate`] does so for its own symbol.
    pub fn set_pending(&mut self, symbol: SymbolId, quantity: f64) {
        self.symbols[symbol as usize].pending = quantity;
        self.list(symbol);
    }

    /// Keeps `ordered` ascending and true to the memory of `symbol`.
    #[inline]
    fn list(&mut self, symbol: SymbolId) {
        let memory = &self.symbols[symbol as usize];
        let open = memory.pending != 0.0 || memory.approved != 0.0;
        if open || !self.ordered.is_empty() {
            self.relist(symbol, open);
        }
    }

    fn relist(&mut self, symbol: SymbolId, open: bool) {
        match self.ordered.binary_search(&symbol) {
            Ok(at) if !open => {
                self.ordered.remove(at);
            }
            Err(at) if open => self.ordered.insert(at, symbol),
            _ => {}
        }
    }

    /// Forgets approvals of an earlier time: they have become orders, fills or nothing since.
    #[inline]
    fn begin(&mut self, ts: i64) {
        if ts == self.ts {
            return;
        }
        self.ts = ts;
        if !self.ordered.is_empty() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        for &symbol in &self.ordered {
            self.symbols[symbol as usize].approved = 0.0;
        }
        let symbols = &self.symbols;
        self.ordered.retain(|&s| symbols[s as usize].pending != 0.0);
    }

    /// The protective stop after a fill of the symbol: a new or turned position gets it from its entry price and the distance that it was
    /// sized with, a resized one keeps it, a closed one loses it. NaN for none.
    pub fn protect(
        &mut self,
        symbol: SymbolId,
        position: impl Into<Held>,
        meter: &RiskMeter,
        instrument: &Instrument,
    ) -> f64 {
        let stop = &mut self.symbols[symbol as usize].stop;
        stop.follow(&self.config.stop, &position.into(), meter, instrument);
        stop.price
    }

    /// The protective stop as it stands, NaN for none.
    pub fn stop(&self, symbol: SymbolId) -> f64 {
        self.symbols[symbol as usize].stop.price
    }

    /// A stop may move after it was placed.
    #[inline]
    pub(crate) fn moves_stops(&self) -> bool {
        self.config.stop.moves()
    }

    /// Moves the stop of a position after a bar (break-even, trailing); the new price if it moved. It never loosens.
    #[inline]
    pub fn stop_update(
        &mut self,
        symbol: SymbolId,
        position: impl Into<Held>,
        bar: &Bar,
        meter: &RiskMeter,
        instrument: &Instrument,
    ) -> Option<f64> {
        if !self.config.stop.moves() {
            return None;
        }
        let held: Held = position.into();
        let best = if held.quantity > 0.0 { held.best_price.max(bar.high) } else { held.best_price.min(bar.low) };
        self.symbols[symbol as usize].stop.advance(&self.config.stop, &held, best, meter, instrument)
    }

    /// Whether a position must be closed at once: its last price has passed the stop (which a trailing stop may have moved there), or it
    /// is too old.
    #[inline]
    pub fn should_exit(&self, symbol: SymbolId, position: impl Into<Held>) -> Option<Purpose> {
        let held: Held = position.into();
        if held.quantity == 0.0 {
            return None;
        }
        if self.symbols[symbol as usize].stop.is_through(held.last_price) {
            return Some(Purpose::StopLoss);
        }
        self.config.stop.max_bars.filter(|&n| held.bars_held >= n).map(|_| Purpose::TimeExit)
    }

    /// Decides on a wanted position.
    ///
    /// `meters` and `instruments` are those of all symbols, by symbol; meters are brought up to date where their returns are read. `pending` is the signed quantity of the symbol's open orders but for
    /// its protective ones: exits on their way count as done, entries as held, unless the order goes against them, which then is sized
    /// as if they were withdrawn.
    pub fn evaluate<H: Holdings>(
        &mut self,
        request: &TargetRequest,
        portfolio: &H,
        meters: &mut [RiskMeter],
        instruments: &[Instrument],
        pending: f64,
    ) -> RiskDecision {
        self.judge(request, portfolio, meters, instruments, pending, true)
    }

    /// Takes up a request.
    #[inline]
    fn note(&mut self, request: &TargetRequest, pending: f64) {
        self.begin(request.ts);
        let memory = &mut self.symbols[request.symbol as usize];
        memory.pending = pending;
        memory.approved = 0.0;
        memory.price = request.price;
    }

    /// Whether [`RiskEngine::evaluate`] would leave everything as it is, nothing being on order: true only where that is certain from
    /// the few numbers that most bars need. The request then counts as decided; otherwise nothing has changed.
    ///
    /// This is the beginning of [`Case`]'s rules, in their order and with their arithmetic, up to the point where one could act.
    #[inline]
    pub(crate) fn rests<H: Holdings>(
        &mut self,
        request: &TargetRequest,
        portfolio: &H,
        meter: &RiskMeter,
        instrument: &Instrument,
    ) -> bool {
        let config = &self.config;
        let held = portfolio.quantity(request.symbol);
        let target = request.target.clamp(-1.0, 1.0);
        let small = target.abs() <= config.min_target;
        let rests = if self.halt.is_some() {
            held == 0.0
        } else if target.is_nan() {
            true
        } else if held == 0.0 {
            small
        } else if small
            || held * target <= 0.0
            || (target < 0.0 && !instrument.shortable)
            || self.ladder.level != DrawdownLevel::Normal
        {
            false
        } else {
            let equity = portfolio.equity();
            let value = instrument.notional(1.0, request.price) * portfolio.rate(request.symbol);
            let have = held.abs() * value / equity;
            let wanted = match config.sizing.method {
                SizingMethod::Target => target.abs(),
                SizingMethod::FixedFraction => {
                    let distance = stops::distance(&config.stop, request.price, meter, instrument.tick);
                    target.abs() * config.sizing.risk_per_trade / (distance / request.price)
                }
                SizingMethod::VolatilityTarget | SizingMethod::Kelly => f64::NAN,
            };
            let cap = config.max_position;
            let size = if wanted <= cap * (1.0 + NOISE) { wanted } else { cap };
            let sound = equity > 0.0 && value > 0.0 && value.is_finite() && wanted > 0.0 && cap > NOISE;
            let grows = size > have * (1.0 + config.rebalance_band);
            sound && !grows && have > 0.0 && (size - have).abs() <= config.rebalance_band * have
        };
        if rests {
            self.note(request, 0.0);
            if !self.ordered.is_empty() {
                self.list(request.symbol);
            }
        }
        rests
    }

    /// [`RiskEngine::evaluate`]; without `explain` the same decision comes without its steps.
    #[inline]
    pub(crate) fn judge<H: Holdings>(
        &mut self,
        request: &TargetRequest,
        portfolio: &H,
        meters: &mut [RiskMeter],
        instruments: &[Instrument],
        pending: f64,
        explain: bool,
    ) -> RiskDecision {
        self.note(request, pending);
        let symbol = request.symbol;
        let held = portfolio.quantity(symbol);
        let decision = if held == 0.0 && pending == 0.0 && request.target == 0.0 {
            RiskDecision::none(request)
        } else {
            Case::new(self, request, portfolio, meters, instruments, explain).decide()
        };
        if decision.opens() {
            let price = request.price;
            let stop = &self.config.stop;
            let (meter, instrument) = (&meters[symbol as usize], &instruments[symbol as usize]);
            let planned = stops::distance(stop, price, meter, instrument.tick);
            let memory = &mut self.symbols[symbol as usize];
            memory.approved = decision.target_quantity - held - pending;
            memory.stop.planned = planned;
        }
        self.list(symbol);
        decision
    }
}
