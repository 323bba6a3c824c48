//! Volume-based support and resistance: bounces off and breaks through the levels where volume turned the price.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::indicators::Indicator;
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::statistic::PercentRank;
use crate::indicators::step;
use crate::signals::{above, below, price_above};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase};
use crate::types::Bar;

/// A bar's high (low) that stands above (below) those of two bars on either side, on a volume at or above the `volume_percentile`
/// of the `lookback` bars before it, makes a zone; one within `merge` of a zone joins it at their volume-weighted price.
///
/// * **Bounce** up: the close before was above the zone, this low came within `tolerance` of it, the close is above both zone and
///   open. Down in the mirror.
/// * **Break** up: the close before was not above the zone, this one is by more than `tolerance`. Down in the mirror. A break goes
///   before a bounce, a zone of more pivots before one of fewer.
///
/// The position is held until the next event, or until the close is beyond `tolerance` on the wrong side of its zone. Confidence
/// at entry: `min(1, 0.5 + 0.1·pivots)` of the zone. The `max_zones` zones touched last are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vbsr {
    rule: Numbers,
    rank: PercentRank,
    /// The last four bars with the rank of their volume, oldest first.
    recent: SmallVec<[(Bar, f64); 4]>,
    zones: Vec<Zone>,
    bars: u64,
    /// Zone of the position held.
    anchor: f64,
    holding: Holding,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    percentile: f64,
    merge: f64,
    tolerance: f64,
    max_zones: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Zone {
    price: f64,
    volume: f64,
    pivots: u32,
    touched: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Event {
    /// 2 for a break, 1 for a bounce.
    kind: u8,
    pivots: u32,
    side: f64,
    zone: f64,
}

impl Vbsr {
    fn new(p: &[f64]) -> Self {
        Self {
            rule: Numbers { percentile: p[1], merge: p[2], tolerance: p[3], max_zones: p[4] as usize },
            rank: PercentRank::new(p[0] as usize),
            recent: SmallVec::new(),
            zones: Vec::new(),
            bars: 0,
            anchor: f64::NAN,
            holding: Holding::new(),
        }
    }

    /// The bar two back is a pivot once two more bars confirm it.
    fn pivots(&mut self, bar: &Bar) {
        let [a, b, c, d] = self.recent.as_slice() else { return };
        let (pivot, rank) = (c.0, c.1);
        if rank.is_nan() || below(rank, self.rule.percentile) {
            return;
        }
        let others = [&a.0, &b.0, &d.0, bar];
        let peak = others.iter().all(|o| price_above(pivot.high, o.high));
        let trough = others.iter().all(|o| price_above(o.low, pivot.low));
        if peak {
            self.add(pivot.high, pivot.volume);
        }
        if trough {
            self.add(pivot.low, pivot.volume);
        }
    }

    fn add(&mut self, price: f64, volume: f64) {
        let mut zone = Zone { price, volume, pivots: 1, touched: self.bars };
        // A merged zone moves and may meet the next one.
        while let Some(k) = self.nearest(zone.price) {
            let other = self.zones.remove(k);
            let volume = zone.volume + other.volume;
            zone.price = (zone.price * zone.volume + other.price * other.volume) / volume;
            zone.volume = volume;
            zone.pivots += other.pivots;
        }
        self.zones.push(zone);
        if self.zones.len() > self.rule.max_zones {
            let oldest = (0..self.zones.len()).min_by_key(|&k| self.zones[k].touched);
            self.zones.remove(oldest.unwrap_or(0));
        }
    }

    fn nearest(&self, price: f64) -> Option<usize> {
        let distance = |z: &Zone| (z.price / price - 1.0).abs();
        let k = (0..self.zones.len()).min_by(|&a, &b| distance(&self.zones[a]).total_cmp(&distance(&self.zones[b])))?;
        (!above(distance(&self.zones[k]), self.rule.merge)).then_some(k)
    }

    fn event(&mut self, bar: &Bar, before: f64) -> Option<Event> {
        let t = self.rule.tolerance;
        let mut best: Option<Event> = None;
        for zone in &mut self.zones {
            let level = zone.price;
            let (was_above, is_above) = (price_above(before, level), price_above(bar.close, level));
            let (was_below, is_below) = (price_above(level, before), price_above(level, bar.close));
            let found = if !was_above && above(bar.close / level, 1.0 + t) {
                (2, 1.0)
            } else if !was_below && below(bar.close / level, 1.0 - t) {
                (2, -1.0)
            } else if was_above
                && is_above
                && !above((bar.low / level - 1.0).abs(), t)
                && price_above(bar.close, bar.open)
            {
                (1, 1.0)
            } else if was_below
                && is_below
                && !above((bar.high / level - 1.0).abs(), t)
                && price_above(bar.open, bar.close)
            {
                (1, -1.0)
            } else {
                continue;
            };
            zone.touched = self.bars;
            let event = Event { kind: found.0, pivots: zone.pivots, side: found.1, zone: level };
            if best.is_none_or(|b| (event.kind, event.pivots) > (b.kind, b.pivots)) {
                best = Some(event);
            }
        }
        best
    }
}

impl Rule for Vbsr {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let bar = context.bar;
        let [rank] = step(&mut self.rank, [bar.volume]);
        self.bars += 1;
        let before = self.recent.last().map(|(b, _)| b.close);
        // Events are judged by the zones that stood before this bar: it cannot bounce off a zone that it confirms itself.
        let event = before.and_then(|before| self.event(bar, before));
        self.pivots(bar);
        if self.recent.len() == 4 {
            self.recent.remove(0);
        }
        self.recent.push((*bar, rank));
        if rank.is_nan() {
            return Vote::COLD;
        }
        let side = f64::from(self.holding.side());
        if let Some(e) = event {
            self.holding.take(e.side, (0.5 + 0.1 * f64::from(e.pivots)).min(1.0));
            // An event on the side already held moves the line of defence with the price.
            self.anchor = e.zone;
        } else if side != 0.0 && below(side * (bar.close / self.anchor - 1.0), -self.rule.tolerance) {
            self.holding.close();
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.rank.reset();
        self.recent.clear();
        self.zones.clear();
        self.bars = 0;
        self.anchor = f64::NAN;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.rank.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "vbsr",
    class: "VBSRAgent",
    style: Style::Adaptive,
    params: &[
        Param::int("lookback", 100, 1, MAX_PERIOD),
        Param::float("volume_percentile", 85.0, 0.0, 100.0),
        Param::float("merge", 0.005, 0.0, 0.5),
        Param::float("tolerance", 0.0025, 0.0, 0.5),
        Param::int("max_zones", 20, 1, 1_000),
    ],
    summary: "Bounces off and breaks through zones where a high-volume fractal turned the price.",
    takes_model: false,
    rule: None,
    build: |p, _, _| Ok(erase(Vbsr::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    /// Twelve quiet bars, then a trough at 95 on high volume, confirmed by two bars.
    fn trough() -> Tape {
        Tape::new()
            .flat(12, 100.0, 0.5, 10.0)
            .bar(100.0, 100.0, 97.0, 97.5, 12.0)
            .bar(97.5, 98.0, 95.0, 97.0, 90.0)
            .bar(97.0, 98.5, 96.5, 98.0, 10.0)
            .bar(98.0, 99.5, 97.5, 99.0, 10.0)
    }

    const SHORT: &[(&str, f64)] = &[("lookback", 10.0)];

    #[test]
    fn bounce_off_support() {
        let tape = trough().bar(96.0, 97.0, 95.1, 96.8, 10.0).bar(96.8, 97.5, 96.5, 97.0, 10.0);
        let v = votes("vbsr", SHORT, &tape);
        assert!(v[..10].iter().all(|v| !v.is_warm()));
        assert!(v[10..16].iter().all(|v| v.signal == 0.0));
        assert_eq!((v[16].signal, v[16].confidence), (1.0, 0.6));
        assert_eq!(v[17], v[16]);
    }

    #[test]
    fn a_bounce_needs_touch_and_a_rising_bar() {
        for bar in [[96.0, 97.0, 95.4, 96.8], [97.0, 97.2, 95.1, 96.8]] {
            let [o, h, l, c] = bar;
            assert_eq!(votes("vbsr", SHORT, &trough().bar(o, h, l, c, 10.0))[16].signal, 0.0);
        }
    }

    #[test]
    fn break_of_support_and_return() {
        let tape = trough()
            .bar(96.0, 96.0, 94.0, 94.2, 10.0)
            .bar(94.2, 94.9, 94.0, 94.8, 10.0)
            .bar(94.8, 96.0, 94.8, 95.9, 10.0);
        let v = votes("vbsr", SHORT, &tape);
        assert_eq!((v[16].signal, v[16].confidence), (-1.0, 0.6));
        assert_eq!(v[17].signal, -1.0);
        assert_eq!(v[18].signal, 1.0, "broken back");
    }

    #[test]
    fn low_volume_makes_no_zone() {
        let tape = Tape::new()
            .flat(12, 100.0, 0.5, 10.0)
            .bar(100.0, 100.0, 97.0, 97.5, 12.0)
            .bar(97.5, 98.0, 95.0, 97.0, 9.0)
            .bar(97.0, 98.5, 96.5, 98.0, 10.0)
            .bar(98.0, 99.5, 97.5, 99.0, 10.0)
            .bar(96.0, 97.0, 95.1, 96.8, 10.0);
        assert_eq!(votes("vbsr", SHORT, &tape)[16].signal, 0.0);
    }

    #[test]
    fn close_pivots_share_a_zone() {
        // A second trough 0.2 % higher: one zone of two pivots at the volume-weighted price.
        let tape = trough()
            .bar(99.0, 99.0, 97.0, 97.5, 10.0)
            .bar(97.5, 98.0, 95.5, 97.0, 90.0)
            .bar(97.0, 98.5, 96.5, 98.0, 10.0)
            .bar(98.0, 99.5, 97.5, 99.0, 10.0)
            .bar(96.0, 97.0, 95.25, 96.8, 10.0);
        let v = votes("vbsr", &[("lookback", 10.0), ("merge", 0.006)], &tape);
        let last = v[v.len() - 1];
        assert_eq!((last.signal, last.confidence), (1.0, 0.7), "{v:?}");
    }
}
