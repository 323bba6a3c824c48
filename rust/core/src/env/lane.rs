//! One episode after the other in one environment.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::Result;
use crate::fill::CostConfig;
use crate::instrument::Instrument;
use crate::order::{Fill, Liquidity, Purpose, Side};
use crate::portfolio::Portfolio;
use crate::random::Random;
use crate::risk::precision::takes;

use super::config::EnvConfig;
use super::market::Market;
use super::observation::{ACCOUNT, ObservationWindow, account_entries};

/// Least ratio of equity after to before a step that enters a reward: a loss of everything is finite.
const RUIN: f64 = 1e-3;

/// What one step gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Scaled reward.
    pub reward: f64,
    /// The drawdown limit was reached.
    pub terminated: bool,
    /// The data or the episode's length came to its end.
    pub truncated: bool,
}

impl Outcome {
    /// The episode is over.
    #[inline]
    pub fn done(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// An episode so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Episode {
    /// Which market it runs on.
    pub market: usize,
    /// Bar of the first observation.
    pub start: usize,
    /// Steps taken.
    pub steps: usize,
    /// Sum of the rewards.
    pub reward: f64,
    /// Equity now.
    pub equity: f64,
    /// Highest equity.
    pub peak: f64,
    /// Loss from it, a fraction.
    pub drawdown: f64,
    /// Fees paid.
    pub fees: f64,
    /// Notional traded in units of equity.
    pub turnover: f64,
    /// Fills.
    pub fills: u64,
    /// Actions that were NaN or out of range: the position was kept.
    pub refused: u64,
    /// Fee of this episode, a fraction of the notional.
    pub transaction_cost: f64,
}

/// One environment.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) episode: Episode,
    pub(super) portfolio: Portfolio,
    /// Bar that the observation ends with.
    pub(super) at: usize,
    pub(super) done: bool,
    last: usize,
    random: Random,
    costs: CostConfig,
    window: ObservationWindow,
    /// The account's part of the present row, by symbol.
    entries: SmallVec<[[f32; ACCOUNT]; 1]>,
    orders: SmallVec<[f64; 4]>,
}

impl Lane {
    pub(super) fn new(market: &Market, config: &EnvConfig, seed: u64, k: u64) -> Result<Self> {
        let symbols = market.instruments.len();
        Ok(Self {
            episode: Episode::default(),
            portfolio: market.account(config.capital)?,
            at: 0,
            done: true,
            last: 0,
            random: Random::stream(seed, k),
            costs: config.costs(1.0, 1.0),
            window: ObservationWindow::new(config.lookback, market.features, symbols),
            entries: SmallVec::from_elem([0.0; ACCOUNT], symbols),
            orders: SmallVec::from_elem(0.0, symbols),
        })
    }

    pub(super) fn reseed(&mut self, seed: u64, k: u64) {
        self.random = Random::stream(seed, k);
    }

    /// Begins an episode: on `market` and at bar `start` where they are given, else drawn.
    pub(super) fn reset(
        &mut self,
        markets: &Arc<[Market]>,
        config: &EnvConfig,
        market: Option<usize>,
        start: Option<usize>,
    ) -> Result<()> {
        // Always the same draws in the same order, so that what is given changes nothing of what is drawn later.
        let drawn = self.random.below(markets.len() as u64) as usize;
        let place = self.random.unit();
        let (fee, slippage) = (self.random.unit(), self.random.unit());
        let which = market.unwrap_or(drawn);
        let market = &markets[which];
        let (first, end) = (market.first(config), market.len - 1);
        let latest = end - config.episode_length.unwrap_or(1).min(end - first);
        let from = start.unwrap_or(if config.random_start {
            first + (place * (latest - first + 1) as f64) as usize
        } else {
            first
        });
        self.last = config.episode_length.map_or(end, |n| end.min(from.saturating_add(n)));
        let (low, high) = config.cost_range;
        let factor = |u: f64| low + u * (high - low);
        self.costs = config.costs(factor(fee), factor(slippage));
        self.portfolio = market.account(config.capital)?;
        for s in 0..market.instruments.len() {
            self.portfolio.mark(s as u32, market.bar(from, s).close);
        }
        self.entries.fill([0.0; ACCOUNT]);
        for t in from + 1 - config.lookback..=from {
            self.window.push(market.row(t), &self.entries);
        }
        self.at = from;
        self.done = false;
        self.episode = Episode {
            market: which,
            start: from,
            equity: config.capital,
            peak: config.capital,
            transaction_cost: self.costs.taker_fee,
            ..Episode::default()
        };
        Ok(())
    }

    /// One bar: orders on this close, fills at the next open, marks at its close.
    #[inline(always)]
    pub(super) fn step<A: Copy + Into<f64>>(&mut self, market: &Market, config: &EnvConfig, actions: &[A]) -> Outcome {
        let before = self.episode.equity;
        for (s, (instrument, &action)) in market.instruments.iter().zip(actions).enumerate() {
            let action: f64 = action.into();
            // False for a NaN, too.
            self.orders[s] = if action.abs() <= 1.0 {
                let held = self.portfolio.position(s as u32).quantity;
                order(instrument, held, action * config.max_position, before, market.bar(self.at, s).close, config)
            } else {
                self.episode.refused += 1;
                0.0
            };
        }
        self.at += 1;
        let mut traded = 0.0;
        for s in 0..market.instruments.len() {
            let bar = market.bar(self.at, s);
            let quantity = self.orders[s];
            if quantity != 0.0 {
                let instrument = &market.instruments[s];
                let side = Side::of(quantity);
                let price = self.costs.taker_price(instrument, side, bar.open, quantity.abs(), bar, 0.0);
                let notional = instrument.notional(quantity.abs(), price);
                let fee = notional * self.costs.taker_fee;
                let fill = Fill {
                    id: 0,
                    order: 0,
                    decision: 0,
                    symbol: s as u32,
                    side,
                    quantity: quantity.abs(),
                    price,
                    fee,
                    slippage: instrument.notional(quantity.abs(), (price - bar.open).abs()),
                    liquidity: Liquidity::Taker,
                    purpose: Purpose::Entry,
                    ts: bar.ts,
                    remaining: 0.0,
                };
                self.portfolio.book(&fill, instrument);
                self.episode.fees += fee;
                self.episode.fills += 1;
                traded += notional;
            }
            self.portfolio.on_bar(s as u32, bar);
        }
        self.account(market, config, before, traded)
    }

    /// Marks the account, and what that means for reward and episode.
    #[inline(always)]
    fn account(&mut self, market: &Market, config: &EnvConfig, before: f64, traded: f64) -> Outcome {
        let equity = self.portfolio.equity();
        let e = &mut self.episode;
        let turnover = traded / before;
        let drawdown = 1.0 - equity / e.peak.max(equity);
        let growth = (equity / before).max(RUIN).ln();
        let deeper = (drawdown - e.drawdown).max(0.0);
        let reward =
            config.reward_scaling * (growth - config.drawdown_penalty * deeper - config.turnover_penalty * turnover);
        e.equity = equity;
        e.peak = e.peak.max(equity);
        e.drawdown = drawdown;
        e.turnover += turnover;
        e.reward += reward;
        e.steps += 1;
        let terminated = drawdown >= config.drawdown_limit;
        self.done = terminated || self.at >= self.last;
        let peak = self.episode.peak;
        for s in 0..market.instruments.len() {
            self.entries[s] =
                account_entries(&self.portfolio, s as u32, equity, config.capital, peak, config.max_position);
        }
        self.window.push(market.row(self.at), &self.entries);
        Outcome { reward, terminated, truncated: !terminated && self.at >= self.last }
    }

    /// The observation, `lookback` rows that end with the present bar.
    #[inline(always)]
    pub(super) fn rows(&self) -> &[f32] {
        self.window.rows()
    }
}

/// The signed quantity that brings a position to `target`, a fraction of equity: the risk engine's order without its caps, for orders
/// that all fill before the next decision.
#[inline(always)]
fn order(instrument: &Instrument, held: f64, target: f64, equity: f64, price: f64, config: &EnvConfig) -> f64 {
    let close = || if held != 0.0 && takes(instrument, held, price) { -held } else { 0.0 };
    if target.abs() <= config.min_target || (target < 0.0 && !instrument.shortable) {
        return close();
    }
    let value = instrument.notional(1.0, price);
    let size = target.abs();
    let ours = held * target > 0.0;
    let have = if ours { held.abs() } else { 0.0 };
    let share = have * value / equity;
    if ours && (size - share).abs() <= config.rebalance_band * share {
        return 0.0;
    }
    let quantity = instrument.floor_quantity(target.signum() * size * equity / value);
    if quantity.abs() > have {
        if takes(instrument, quantity.abs() - have, price) {
            return instrument.round_quantity(quantity - held);
        }
        if ours {
            return 0.0;
        }
    } else if ours && quantity != 0.0 && takes(instrument, quantity, price) {
        let change = instrument.round_quantity(quantity - held);
        return if takes(instrument, change, price) { change } else { 0.0 };
    }
    close()
}
