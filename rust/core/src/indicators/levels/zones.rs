//! Support and resistance zones.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fractal::{Extremes, LEFT, RIGHT};
use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};

/// Prices that turned the market within a small distance of each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Mean of the turning prices.
    pub price: f64,
    /// How many there were.
    pub touches: u32,
}

/// Joins rising prices into zones: a price belongs to the zone below it while it is within `tolerance` (a fraction) of the zone's mean
/// so far.
pub fn merge(rising: &[f64], tolerance: f64, zones: &mut Vec<Zone>) {
    // Above rounding, so that a change of unit joins the same prices.
    let reach = tolerance * (1.0 + 1e-9);
    zones.clear();
    for &price in rising {
        match zones.last_mut() {
            Some(zone) if price - zone.price <= reach * zone.price.abs() => {
                zone.touches += 1;
                zone.price += (price - zone.price) / f64::from(zone.touches);
            }
            _ => zones.push(Zone { price, touches: 1 }),
        }
    }
}

/// The zone next below (or at) a price and the one next above it; `zones` rise.
pub fn nearest(zones: &[Zone], price: f64) -> (Option<Zone>, Option<Zone>) {
    let above = zones.partition_point(|zone| zone.price <= price);
    (above.checked_sub(1).map(|k| zones[k]), zones.get(above).copied())
}

/// Nearest zones of the swings (see [`super::Fractal`]) of the last `lookback` bars.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Zones {
    highs: Extremes<true>,
    lows: Extremes<false>,
    lookback: usize,
    right: usize,
    tolerance: f64,
    row: usize,
    /// Turning prices with the row of their bar, in time order.
    turns: VecDeque<(usize, f64)>,
    /// The same prices, rising.
    rising: Vec<f64>,
    merged: Vec<Zone>,
}

impl Zones {
    /// Swings with sides of at least one bar, joined within `tolerance`, forgotten after `lookback ≥ 1` bars.
    pub fn new(lookback: usize, left: usize, right: usize, tolerance: f64) -> Self {
        let most = 2 * lookback + 2;
        Self {
            highs: Extremes::new(left, right),
            lows: Extremes::new(left, right),
            lookback,
            right,
            tolerance,
            row: 0,
            turns: VecDeque::with_capacity(most),
            rising: Vec::with_capacity(most),
            merged: Vec::with_capacity(most),
        }
    }

    /// The present zones, rising.
    pub fn zones(&self) -> &[Zone] {
        &self.merged
    }

    #[inline(always)]
    fn position(&self, price: f64) -> usize {
        self.rising.partition_point(|&p| p < price)
    }
}

impl Indicator<3, 4> for Zones {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 4] {
        let mut changed = false;
        for price in [self.highs.push(high), self.lows.push(low)].into_iter().flatten() {
            self.turns.push_back((self.row - self.right, price));
            let at = self.position(price);
            self.rising.insert(at, price);
            changed = true;
        }
        while let Some(&(row, price)) = self.turns.front() {
            if row + self.lookback > self.row {
                break;
            }
            self.turns.pop_front();
            let at = self.position(price);
            self.rising.remove(at);
            changed = true;
        }
        self.row += 1;
        if changed {
            merge(&self.rising, self.tolerance, &mut self.merged);
        }
        if self.row <= self.highs.warm_up() {
            return [f64::NAN; 4];
        }
        let (support, resistance) = nearest(&self.merged, close);
        let show = |zone: Option<Zone>| zone.map_or((f64::NAN, 0.0), |z| (z.price, f64::from(z.touches)));
        let ((support, below), (resistance, above)) = (show(support), show(resistance));
        [support, below, resistance, above]
    }
    fn reset(&mut self) {
        self.highs.reset();
        self.lows.reset();
        self.row = 0;
        self.turns.clear();
        self.rising.clear();
        self.merged.clear();
    }
    fn warm_up(&self) -> usize {
        self.highs.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "support_resistance",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("lookback", 100, 1, 100_000), LEFT, RIGHT, Param::float("tolerance", 0.005, 0.0, 0.5)],
    outputs: &["support", "support_touches", "resistance", "resistance_touches"],
    summary: "Nearest zones where swings of the last `lookback` bars turned, with their number; missing where none.",
    rule: Some(|p| (p[0] <= p[2]).then_some(("lookback", "more than right"))),
    build: |p| erase(Zones::new(p[0] as usize, p[1] as usize, p[2] as usize, p[3])),
};
