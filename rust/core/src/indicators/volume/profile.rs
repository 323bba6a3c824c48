//! Volume by price: plain functions over a window, and nothing kept between calls.
//!
//! A bar's volume is spread evenly over its low–high range: each price bin receives the share of the range that lies in it (a bar
//! without a range gives all to its one bin). Where nothing was traded every bar counts the same, so that the profile becomes one of
//! time at price. Ties and edges are decided with a tolerance far above rounding, so that a change of price or volume unit never
//! moves a result to another bin.

use super::histogram::{Ranges, TIE, point_of_control, spread, value_area};
use crate::wide::wide;
use crate::window::{chains, larger, smaller};

/// Share of the traded volume that the value area holds by convention (Steidlmayer's market profile).
pub const VALUE_AREA: f64 = 0.7;

/// Share of the look-back's range on either side of the last price that a fixed-range profile covers.
pub const FIXED_RANGE: f64 = 0.1;

/// A bin belongs to a high-volume node from this multiple of the mean bin on.
const NODE: f64 = 1.5;

/// What a histogram of volume by price says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// Point of control: middle of the bin with the largest volume; of equals the one nearest the middle of the range.
    pub poc: f64,
    /// Lower edge of the value area, which grows from the point of control towards the larger neighbour (both if equal).
    pub value_area_low: f64,
    /// Upper edge of the value area.
    pub value_area_high: f64,
    /// Largest bin as a share of all, in (0, 1].
    pub largest_share: f64,
    /// Number of high-volume nodes: runs of adjacent bins that each hold at least 1.5 times the mean bin.
    pub nodes: u32,
    /// Volume-weighted middle of the node nearest the last close; the point of control where no bin stands out.
    pub nearest_node: f64,
    /// Lower end of the histogram.
    pub low: f64,
    /// Upper end of the histogram.
    pub high: f64,
}

impl Profile {
    /// A profile of nothing.
    pub const EMPTY: Self = Self {
        poc: f64::NAN,
        value_area_low: f64::NAN,
        value_area_high: f64::NAN,
        largest_share: f64::NAN,
        nodes: 0,
        nearest_node: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
    };
}

/// Bars of a window, oldest first; the columns have one length.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Window<'a> {
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: &'a [f64],
}

impl Window<'_> {
    /// The bars from `start` on.
    #[must_use]
    pub fn from(&self, start: usize) -> Self {
        Self {
            high: &self.high[start..],
            low: &self.low[start..],
            close: &self.close[start..],
            volume: &self.volume[start..],
        }
    }

    /// Highest high and lowest low.
    #[inline(always)]
    fn range(&self) -> (f64, f64) {
        (chains(self.low, f64::INFINITY, smaller), chains(self.high, f64::NEG_INFINITY, larger))
    }
}

/// Profile of a whole window over its low–high range.
///
/// `bins` is where the histogram is made, lowest price first; it holds the volumes afterwards. An empty window or no bins give
/// [`Profile::EMPTY`].
pub fn profile(window: Window<'_>, value_area: f64, bins: &mut [f64]) -> Profile {
    let (low, high) = window.range();
    profile_between(window, low, high, value_area, bins)
}

/// Profile of the bars from the highest high of the window on (the earliest of equal ones).
pub fn anchored_profile(window: Window<'_>, value_area: f64, bins: &mut [f64]) -> Profile {
    profile(window.from(anchor(window.high)), value_area, bins)
}

/// Position of the highest value, the earliest of equal ones; 0 in an empty window.
#[inline(always)]
pub fn anchor(high: &[f64]) -> usize {
    let highest = chains(high, f64::NEG_INFINITY, larger);
    high.iter().position(|&v| v == highest).unwrap_or(0)
}

/// Profile of the prices within `share` of the window's range of the last close; volume outside is left out.
pub fn fixed_range_profile(window: Window<'_>, share: f64, value_area: f64, bins: &mut [f64]) -> Profile {
    let Some(&last) = window.close.last() else { return Profile::EMPTY };
    let (low, high) = window.range();
    let reach = share * (high - low);
    profile_between(window, last - reach, last + reach, value_area, bins)
}

/// Profile of the prices from `low` to `high`.
pub fn profile_between(window: Window<'_>, low: f64, high: f64, value_area: f64, bins: &mut [f64]) -> Profile {
    let Some(&last) = window.close.last() else { return Profile::EMPTY };
    let Some(area) = wide(
        #[inline(always)]
        || area_between(window, low, high, value_area, bins),
    ) else {
        return Profile::EMPTY;
    };
    let width = (high - low) / bins.len() as f64;
    let price = |edge: f64| low + width * edge;
    let (nodes, nearest_node) = nodes(bins, area.total, |edge| (price(edge) - last).abs());
    Profile {
        poc: area.poc,
        value_area_low: area.low,
        value_area_high: area.high,
        largest_share: area.largest_share,
        nodes,
        nearest_node: nearest_node.map_or(area.poc, price),
        low,
        high,
    }
}

/// The part of a [`Profile`] that feature columns show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) poc: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) largest_share: f64,
    total: f64,
}

/// What feature columns show of the three profiles of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Areas {
    /// Of the whole window.
    pub(crate) whole: Option<Area>,
    /// Point of control of [`anchored_profile`].
    pub(crate) anchored_poc: f64,
    /// Point of control of [`fixed_range_profile`].
    pub(crate) fixed_poc: f64,
}

/// The three profiles of a window, with its range found once and nothing made that no column shows.
pub(crate) fn areas(window: Window<'_>, value_area: f64, share: f64, bins: &mut [f64]) -> Areas {
    let Some(&last) = window.close.last() else {
        return Areas { whole: None, anchored_poc: f64::NAN, fixed_poc: f64::NAN };
    };
    wide(
        #[inline(always)]
        || {
            let (low, high) = window.range();
            let reach = share * (high - low);
            let late = window.from(anchor(window.high));
            let (late_low, late_high) = late.range();
            Areas {
                whole: area_between(window, low, high, value_area, bins),
                anchored_poc: poc_between(late, late_low, late_high, bins),
                fixed_poc: poc_between(window, last - reach, last + reach, bins),
            }
        },
    )
}

/// Histogram of the volume between two prices, of the bars where there was none; its sum.
#[inline(always)]
fn weigh(window: Window<'_>, low: f64, high: f64, bins: &mut [f64]) -> Option<f64> {
    if bins.is_empty() {
        return None;
    }
    let mut bars = Ranges { high: window.high, low: window.low, weight: Some(window.volume) };
    let mut total = spread(bars, low, high, bins);
    if total <= 0.0 {
        bars.weight = None;
        total = spread(bars, low, high, bins);
    }
    (total > 0.0).then_some(total)
}

#[inline(always)]
fn poc_between(window: Window<'_>, low: f64, high: f64, bins: &mut [f64]) -> f64 {
    if weigh(window, low, high, bins).is_none() {
        return f64::NAN;
    }
    low + (high - low) / bins.len() as f64 * (point_of_control(bins).0 as f64 + 0.5)
}

#[inline(always)]
fn area_between(window: Window<'_>, low: f64, high: f64, share: f64, bins: &mut [f64]) -> Option<Area> {
    let total = weigh(window, low, high, bins)?;
    let width = (high - low) / bins.len() as f64;
    let price = |edge: f64| low + width * edge;
    let (poc, largest) = point_of_control(bins);
    let (from, to) = value_area(poc, (share - TIE) * total, total, bins);
    Some(Area {
        poc: price(poc as f64 + 0.5),
        low: price(from as f64),
        high: if to + 1 == bins.len() { high } else { price(to as f64 + 1.0) },
        largest_share: largest / total,
        total,
    })
}

/// Number of high-volume nodes and the position, in bins, of the one with the smallest `distance`.
fn nodes(bins: &[f64], total: f64, distance: impl Fn(f64) -> f64) -> (u32, Option<f64>) {
    let threshold = NODE * total / bins.len() as f64 * (1.0 - TIE);
    let (mut count, mut nearest, mut best) = (0, None, f64::INFINITY);
    let (mut mass, mut moment) = (0.0, 0.0);
    for k in 0..=bins.len() {
        let bin = bins.get(k).copied().unwrap_or(0.0);
        if bin >= threshold {
            mass += bin;
            moment += bin * (k as f64 + 0.5);
        } else if mass > 0.0 {
            count += 1;
            let at = moment / mass;
            let away = distance(at);
            if away < best * (1.0 - TIE) {
                best = away;
                nearest = Some(at);
            }
            (mass, moment) = (0.0, 0.0);
        }
    }
    (count, nearest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    struct Bars {
        high: Vec<f64>,
        low: Vec<f64>,
        close: Vec<f64>,
        volume: Vec<f64>,
    }

    impl Bars {
        fn window(&self) -> Window<'_> {
            Window { high: &self.high, low: &self.low, close: &self.close, volume: &self.volume }
        }

        fn scaled(&self, price: f64, volume: f64) -> Self {
            let by = |c: &[f64], k: f64| c.iter().map(|v| v * k).collect();
            Self {
                high: by(&self.high, price),
                low: by(&self.low, price),
                close: by(&self.close, price),
                volume: by(&self.volume, volume),
            }
        }
    }

    /// Bars on a coarse grid with few volumes, so that edges and ties occur all the time.
    fn grid() -> impl Strategy<Value = Bars> {
        prop::collection::vec((1_u8..30, 0_u8..6, 0.0..=1.0_f64, 0_u8..3), 1..70).prop_map(|rows| {
            let low: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let high: Vec<f64> = rows.iter().map(|r| f64::from(r.0) + f64::from(r.1)).collect();
            let close = rows.iter().map(|r| f64::from(r.0) + (r.2 * f64::from(r.1)).round()).collect();
            Bars { high, low, close, volume: rows.iter().map(|r| f64::from(r.3)).collect() }
        })
    }

    /// Volume of every bin by its definition.
    fn by_definition(bars: &Bars, low: f64, high: f64, n: usize) -> Vec<f64> {
        let width = (high - low) / n as f64;
        let mut bins = vec![0.0; n];
        let traded = bars.volume.iter().sum::<f64>() > 0.0;
        for k in 0..bars.close.len() {
            let v = if traded { bars.volume[k] } else { 1.0 };
            let (l, h) = (bars.low[k], bars.high[k]);
            if h == l {
                bins[(((l - low) / width + 1e-9) as usize).min(n - 1)] += v;
                continue;
            }
            for (b, bin) in bins.iter_mut().enumerate() {
                let (from, to) = (low + width * b as f64, low + width * (b as f64 + 1.0));
                *bin += v * (h.min(to) - l.max(from)).max(0.0) / (h - l);
            }
        }
        bins
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-300)
    }

    proptest! {
        #[test]
        fn the_histogram_is_its_definition(bars in grid(), n in 1_usize..70) {
            let mut bins = vec![f64::NAN; n];
            let p = profile(bars.window(), VALUE_AREA, &mut bins);
            let (low, high) = bars.window().range();
            prop_assert_eq!((p.low, p.high), (low, high));
            let total: f64 = bins.iter().sum();
            let traded: f64 = bars.volume.iter().sum();
            let weight = if traded > 0.0 { traded } else { bars.close.len() as f64 };
            prop_assert!(near(total, weight));
            if high > low {
                for (a, b) in bins.iter().zip(by_definition(&bars, low, high, n)) {
                    prop_assert!((a - b).abs() <= 1e-9 * total, "{} {}", a, b);
                }
            }
            let largest = bins.iter().copied().fold(0.0, f64::max);
            prop_assert!(near(p.largest_share, largest / total));
            prop_assert!(p.value_area_low <= p.poc && p.poc <= p.value_area_high);
            prop_assert!(low <= p.value_area_low && p.value_area_high <= high);
            if high > low {
                let width = (high - low) / n as f64;
                let edge = |price: f64| ((price - low) / width).round() as usize;
                let (from, to) = (edge(p.value_area_low), edge(p.value_area_high));
                let held: f64 = bins[from..to].iter().sum();
                prop_assert!(held >= (VALUE_AREA - 1e-6) * total);
                let poc = ((p.poc - low) / width) as usize;
                prop_assert!(bins[poc] >= largest * (1.0 - 1e-6));
            }
        }

        #[test]
        fn units_do_not_matter(bars in grid(), n in 1_usize..30, price in -20.0..20.0_f64, volume in -20.0..20.0_f64) {
            let (price, volume) = (price.exp2(), volume.exp2());
            let scaled = bars.scaled(price, volume);
            let kinds: [fn(Window<'_>, f64, &mut [f64]) -> Profile; 3] = [
                profile,
                anchored_profile,
                |w, area, bins| fixed_range_profile(w, FIXED_RANGE, area, bins),
            ];
            for kind in kinds {
                let a = kind(bars.window(), VALUE_AREA, &mut vec![0.0; n]);
                let b = kind(scaled.window(), VALUE_AREA, &mut vec![0.0; n]);
                // A range around a low price may reach below zero: relative to its ends.
                let size = b.high.abs().max(b.low.abs());
                let same = |x: f64, y: f64| (x * price - y).abs() <= 1e-9 * size;
                prop_assert!(same(a.poc, b.poc), "{:?} {:?}", a, b);
                prop_assert!(same(a.value_area_low, b.value_area_low), "{:?} {:?}", a, b);
                prop_assert!(same(a.value_area_high, b.value_area_high), "{:?} {:?}", a, b);
                prop_assert!(same(a.nearest_node, b.nearest_node), "{:?} {:?}", a, b);
                prop_assert!(near(a.largest_share, b.largest_share));
                prop_assert_eq!(a.nodes, b.nodes);
            }
        }

        #[test]
        fn a_fixed_range_is_that_part_of_the_histogram(bars in grid(), n in 1_usize..30) {
            let (low, high) = bars.window().range();
            let last = bars.close[bars.close.len() - 1];
            let mut bins = vec![0.0; n];
            let p = fixed_range_profile(bars.window(), 0.25, VALUE_AREA, &mut bins);
            let reach = 0.25 * (high - low);
            prop_assert!(near(p.low, last - reach) && near(p.high, last + reach));
            prop_assert!(p.poc.is_finite());
            if high > low {
                let inside = (0..bars.close.len()).map(|k| {
                    let (l, h) = (bars.low[k], bars.high[k]);
                    let part = if h > l {
                        (h.min(p.high) - l.max(p.low)).max(0.0) / (h - l)
                    } else {
                        f64::from(u8::from(l >= p.low && l <= p.high))
                    };
                    bars.volume[k] * part
                });
                let inside: f64 = inside.sum();
                if inside > 1e-6 {
                    prop_assert!((bins.iter().sum::<f64>() - inside).abs() <= 1e-9 * inside.max(1.0));
                }
            }
        }
    }

    fn bars(rows: &[(f64, f64, f64, f64)]) -> Bars {
        Bars {
            high: rows.iter().map(|r| r.0).collect(),
            low: rows.iter().map(|r| r.1).collect(),
            close: rows.iter().map(|r| r.2).collect(),
            volume: rows.iter().map(|r| r.3).collect(),
        }
    }

    #[test]
    fn a_worked_example() {
        // Ten bins of width 1 from 0 to 10: 10 a bin from the wide bar, 40 more in bin 4, 30 more in bin 7.
        let b = bars(&[(10.0, 0.0, 5.0, 100.0), (5.0, 4.0, 4.5, 40.0), (7.5, 7.5, 7.5, 30.0)]);
        let mut bins = [0.0; 10];
        let p = profile(b.window(), VALUE_AREA, &mut bins);
        assert_eq!(bins, [10.0, 10.0, 10.0, 10.0, 50.0, 10.0, 10.0, 40.0, 10.0, 10.0]);
        assert_eq!((p.poc, p.largest_share), (4.5, 50.0 / 170.0));
        // From bin 4: both neighbours (tie), again both, then 7 over 1: 50 + 20 + 20 + 40 = 130 ≥ 119.
        assert_eq!((p.value_area_low, p.value_area_high), (2.0, 8.0));
        // Mean bin 17: bins 4 and 7 stand out, 7 is at the last close.
        assert_eq!((p.nodes, p.nearest_node), (2, 7.5));
    }

    #[test]
    fn without_volume_time_counts() {
        let b = bars(&[(2.0, 1.0, 1.5, 0.0), (2.0, 1.0, 1.5, 0.0), (9.0, 8.0, 8.5, 0.0)]);
        let p = profile(b.window(), VALUE_AREA, &mut [0.0; 8]);
        assert_eq!((p.poc, p.largest_share), (1.5, 2.0 / 3.0));
    }

    #[test]
    fn a_flat_window_is_its_price() {
        let b = bars(&[(0.1, 0.1, 0.1, 5.0), (0.1, 0.1, 0.1, 0.0)]);
        let expected = (0.1, 0.1, 0.1, 1.0, 0.1);
        for p in [
            profile(b.window(), VALUE_AREA, &mut [0.0; 24]),
            anchored_profile(b.window(), VALUE_AREA, &mut [0.0; 24]),
            fixed_range_profile(b.window(), FIXED_RANGE, VALUE_AREA, &mut [0.0; 24]),
        ] {
            assert_eq!((p.poc, p.value_area_low, p.value_area_high, p.largest_share, p.nearest_node), expected);
        }
    }

    #[test]
    fn the_anchor_is_the_first_highest_high() {
        assert_eq!(anchor(&[1.0, 5.0, 3.0, 5.0, 2.0]), 1);
        let b = bars(&[(2.0, 1.0, 1.5, 1e6), (9.0, 8.0, 8.5, 1.0), (8.0, 7.0, 7.5, 3.0)]);
        let p = anchored_profile(b.window(), VALUE_AREA, &mut [0.0; 2]);
        assert_eq!((p.low, p.high, p.poc), (7.0, 9.0, 7.5));
    }

    #[test]
    fn nothing_gives_nothing() {
        let none = bars(&[]);
        assert!(profile(none.window(), VALUE_AREA, &mut [0.0; 3]).poc.is_nan());
        assert!(anchored_profile(none.window(), VALUE_AREA, &mut [0.0; 3]).poc.is_nan());
        assert!(fixed_range_profile(none.window(), 0.1, VALUE_AREA, &mut [0.0; 3]).poc.is_nan());
        assert!(profile(bars(&[(2.0, 1.0, 1.5, 1.0)]).window(), VALUE_AREA, &mut []).poc.is_nan());
    }
}
