//! Hand-made and random bars for the tests of strategies.

use proptest::prelude::prop;
use proptest::strategy::Strategy as _;

use crate::features::{FeatureConfig, FeatureRow, FeatureState};
use crate::strategies::registry::{Row, StrategyContext, find};
use crate::strategies::{Context, Strategy, Vote};
use crate::types::Bar;

/// Hourly bars, written one by one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tape(pub(crate) Vec<Bar>);

impl Tape {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn bar(mut self, open: f64, high: f64, low: f64, close: f64, volume: f64) -> Self {
        let ts = self.0.len() as i64 * 3_600_000;
        self.0.push(Bar { ts, open, high, low, close, volume });
        self
    }

    /// `n` bars that open and close at `price` and reach `reach` to both sides.
    pub(crate) fn flat(mut self, n: usize, price: f64, reach: f64, volume: f64) -> Self {
        for _ in 0..n {
            self = self.bar(price, price + reach, price - reach, price, volume);
        }
        self
    }

    /// A bar from the last close to `close`, without wicks.
    pub(crate) fn to(self, close: f64, volume: f64) -> Self {
        let open = self.0.last().map_or(close, |b| b.close);
        self.bar(open, open.max(close), open.min(close), close, volume)
    }
}

/// Votes of a strategy of the catalogue over the bars.
pub(crate) fn votes(name: &str, params: &[(&str, f64)], tape: &Tape) -> Vec<Vote> {
    let mut strategy = find(name).unwrap().build_with(params, &StrategyContext::default()).unwrap();
    run(&mut *strategy, &tape.0)
}

/// Runs a strategy over bars; with features where it reads them, from a state of their own.
pub(crate) fn run(strategy: &mut dyn Strategy, bars: &[Bar]) -> Vec<Vote> {
    Feed::new(strategy).run(strategy, bars)
}

/// The features that belong to a strategy's bars.
#[derive(Clone)]
pub(crate) struct Feed(Option<FeatureState>);

impl Feed {
    pub(crate) fn new(strategy: &dyn Strategy) -> Self {
        Self(strategy.needs_features().then(|| FeatureState::new(&FeatureConfig::default()).unwrap()))
    }

    pub(crate) fn run(&mut self, strategy: &mut dyn Strategy, bars: &[Bar]) -> Vec<Vote> {
        let mut row = FeatureRow::MISSING;
        let mut vote = |bar: &Bar| {
            if let Some(state) = &mut self.0 {
                state.push(bar);
                state.row(&mut row);
            }
            strategy.update(&Context { bar, features: self.0.is_some().then_some(&row) })
        };
        bars.iter().map(&mut vote).collect()
    }
}

/// A strategy with its default parameters, but for those that make it wait long or work hard for its first vote.
pub(crate) fn build(row: &Row) -> Box<dyn Strategy> {
    let quick = [("train_window", 60.0), ("refit", 25.0), ("trees", 20.0), ("lookback", 50.0)];
    let params: Vec<_> = quick.into_iter().filter(|(name, _)| row.params.iter().any(|p| p.name == *name)).collect();
    row.build_with(&params, &StrategyContext::default()).unwrap()
}

/// Random walks with trends, jumps, flat stretches and bars without volume.
pub(crate) fn bars(n: usize) -> impl proptest::strategy::Strategy<Value = Vec<Bar>> {
    let step = (0..10_u8, -1.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64);
    (prop::collection::vec(step, n), -0.5..0.5_f64, 0.002..0.05_f64).prop_map(|(steps, drift, scale)| {
        let mut price = 100.0_f64;
        let mut bars = Vec::with_capacity(steps.len());
        let mut quiet = 0;
        for (k, (kind, move_, up, down, volume)) in steps.into_iter().enumerate() {
            if kind == 0 {
                quiet = 5 + (up * 20.0) as usize;
            }
            let open = price;
            let (mut high, mut low) = (open, open);
            let mut traded = 1_000.0 * volume * volume;
            if quiet > 0 {
                quiet -= 1;
                traded = if k % 2 == 0 { 0.0 } else { traded };
            } else {
                let size = if kind == 1 { 6.0 * scale } else { scale };
                price = open * (1.0 + size * (move_ + 0.3 * drift));
                high = open.max(price) * (1.0 + 0.5 * scale * up);
                low = open.min(price) * (1.0 - 0.5 * scale * down);
            }
            bars.push(Bar { ts: k as i64 * 3_600_000, open, high, low, close: price, volume: traded });
        }
        bars
    })
}
