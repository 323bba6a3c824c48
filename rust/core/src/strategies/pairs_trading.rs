//! Pairs trading: two symbols that belong together, bought and sold against each other while they are apart.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::Param;
use crate::indicators::statistic::support::Tail;
use crate::signals::{above, below};
use crate::strategies::cointegration::{
    Line, Significance, correlation_of_changes, critical_value, dickey_fuller, regress,
};
use crate::strategies::registry::Style;
use crate::strategies::universe::{UniverseRow, UniverseRule, erase};
use crate::strategies::{Vote, unit};
use crate::types::{Bar, SymbolId};

/// Every `refresh` bar times the pairs are chosen anew from the trailing window of `period` bars: correlation of log returns above
/// `correlation`, log prices cointegrated (Engle and Granger, the better of the two directions), hedge ratio between 0.1 and 10. The
/// strongest pair comes first, a symbol is in one pair at most, and an open pair stays.
///
/// The spread `ln y − slope·ln x − intercept` in standard deviations is `z`. Beyond `entry_z` (and short of `stop_z`) the pair is
/// opened against it: legs 1 and −slope, scaled so that the larger is 1. It is closed when `z` is back within `exit_z`, and beyond
/// `stop_z` it is closed and left alone until the next choice. Confidence at entry: `0.5 + 0.5·u((|z| − entry_z) / (stop_z − entry_z))`.
///
/// `kalman` = 0: line and deviation by least squares over the window, frozen while the pair is open. `kalman` = 1: slope and level of
/// the line wander (by `1e-4` of the spread's variance a bar, after Chan 2013) and are filtered bar by bar from the least-squares
/// line on; `z` is the innovation in its own deviation. A symbol in no pair gets no vote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PairsTrading {
    rule: Numbers,
    tracks: Vec<Track>,
    pairs: Vec<Pair>,
    since: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    period: usize,
    refresh: usize,
    correlation: f64,
    significance: Significance,
    entry_z: f64,
    exit_z: f64,
    stop_z: f64,
    kalman: bool,
}

/// The last bars of a symbol.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Track {
    /// Open times; whole milliseconds stay exact in a float.
    times: Tail,
    /// Log of the close relative to the first one, so that a price unit leaves no trace.
    logs: Tail,
    first: f64,
    now: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pair {
    y: u32,
    x: u32,
    fit: Fit,
    filter: Option<Kalman>,
    side: i8,
    confidence: f64,
    barred: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Fit {
    intercept: f64,
    slope: f64,
    deviation: f64,
}

impl From<Line> for Fit {
    fn from(l: Line) -> Self {
        Self { intercept: l.intercept, slope: l.slope, deviation: l.deviation }
    }
}

/// Slope and intercept as a random walk, seen through the spread's noise.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kalman {
    /// Means of the window at the start: around them slope and intercept are nearly independent.
    center: [f64; 2],
    state: [f64; 2],
    covariance: [[f64; 2]; 2],
    noise: f64,
    /// Variance that slope and level gain a bar.
    walk: [f64; 2],
}

const WALK: f64 = 1e-4;

impl Kalman {
    fn new(fit: &Line, y: &[f64], x: &[f64]) -> Self {
        let n = y.len() as f64;
        let center = [y.iter().sum::<f64>() / n, x.iter().sum::<f64>() / n];
        let noise = fit.deviation * fit.deviation;
        // Least squares' own uncertainty of slope and level.
        let spread: f64 = x.iter().map(|x| (x - center[1]).powi(2)).sum();
        Self {
            center,
            state: [fit.slope, 0.0],
            covariance: [[noise / spread, 0.0], [0.0, noise / n]],
            noise,
            walk: [WALK * noise * n / spread, WALK * noise],
        }
    }

    /// Takes a pair of log prices; returns the innovation in its deviations.
    fn update(&mut self, y: f64, x: f64) -> f64 {
        let (y, x) = (y - self.center[0], x - self.center[1]);
        let [[mut a, b], [_, mut d]] = self.covariance;
        a += self.walk[0];
        d += self.walk[1];
        let innovation = y - self.state[0] * x - self.state[1];
        let (px, pl) = (a * x + b, b * x + d);
        let variance = px * x + pl + self.noise;
        let gain = if variance > 0.0 { 1.0 / variance } else { 0.0 };
        let (kx, kl) = (px * gain, pl * gain);
        self.state = [self.state[0] + kx * innovation, self.state[1] + kl * innovation];
        self.covariance = [[a - kx * px, b - kx * pl], [b - kx * pl, d - kl * pl]];
        if variance > 0.0 { innovation / variance.sqrt() } else { 0.0 }
    }
}

/// A pair that passed the tests.
struct Candidate {
    y: u32,
    x: u32,
    line: Line,
    statistic: f64,
}

impl PairsTrading {
    fn new(p: &[f64], symbols: usize) -> Self {
        let period = p[0] as usize;
        let track = Track { times: Tail::new(period), logs: Tail::new(period), first: f64::NAN, now: i64::MIN };
        let significance = match p[3] as u32 {
            1 => Significance::One,
            5 => Significance::Five,
            _ => Significance::Ten,
        };
        Self {
            rule: Numbers {
                period,
                refresh: p[1] as usize,
                correlation: p[2],
                significance,
                entry_z: p[4],
                exit_z: p[5],
                stop_z: p[6],
                kalman: p[7] > 0.5,
            },
            tracks: vec![track; symbols],
            pairs: Vec::new(),
            since: 0,
        }
    }

    fn choose(&mut self) {
        self.pairs.retain(|p| p.side != 0);
        let free =
            |k: usize| self.tracks[k].logs.is_full() && !self.pairs.iter().any(|p| [p.y, p.x].contains(&(k as u32)));
        let symbols: Vec<usize> = (0..self.tracks.len()).filter(|&k| free(k)).collect();
        let mut candidates = Vec::new();
        for (at, &i) in symbols.iter().enumerate() {
            for &j in &symbols[at + 1..] {
                candidates.extend(self.test(i, j));
            }
        }
        candidates.sort_by(|a, b| a.statistic.total_cmp(&b.statistic).then((a.y, a.x).cmp(&(b.y, b.x))));
        for c in candidates {
            if self.pairs.iter().any(|p| [p.y, p.x].contains(&c.y) || [p.y, p.x].contains(&c.x)) {
                continue;
            }
            let (y, x) = (self.tracks[c.y as usize].logs.window(), self.tracks[c.x as usize].logs.window());
            let filter = self.rule.kalman.then(|| Kalman::new(&c.line, y, x));
            self.pairs.push(Pair {
                y: c.y,
                x: c.x,
                fit: c.line.into(),
                filter,
                side: 0,
                confidence: 0.0,
                barred: false,
            });
        }
    }

    /// Both tests over the windows of two symbols, in both directions.
    fn test(&self, i: usize, j: usize) -> Option<Candidate> {
        let (a, b) = (&self.tracks[i], &self.tracks[j]);
        if a.times.window() != b.times.window() {
            return None;
        }
        let rho = correlation_of_changes(a.logs.window(), b.logs.window())?;
        if !above(rho, self.rule.correlation) {
            return None;
        }
        let limit = critical_value(self.rule.significance, self.rule.period);
        let mut best: Option<Candidate> = None;
        for (y, x) in [(i, j), (j, i)] {
            let (ly, lx) = (self.tracks[y].logs.window(), self.tracks[x].logs.window());
            let Some(line) = regress(ly, lx) else { continue };
            let residuals: Vec<f64> = ly.iter().zip(lx).map(|(y, x)| y - line.intercept - line.slope * x).collect();
            let Some(statistic) = dickey_fuller(&residuals) else { continue };
            let fits = below(statistic, limit) && (0.1..=10.0).contains(&line.slope);
            if fits && best.as_ref().is_none_or(|b| statistic < b.statistic) {
                best = Some(Candidate { y: y as u32, x: x as u32, line, statistic });
            }
        }
        best
    }

    /// The spread of a pair at this bar.
    fn spread(rule: &Numbers, tracks: &[Track], pair: &mut Pair) -> f64 {
        let (ty, tx) = (&tracks[pair.y as usize], &tracks[pair.x as usize]);
        let (ly, lx) = (ty.logs.window(), tx.logs.window());
        let (y, x) = (ly[ly.len() - 1], lx[lx.len() - 1]);
        if let Some(filter) = &mut pair.filter {
            let z = filter.update(y, x);
            if pair.side == 0 {
                pair.fit.slope = filter.state[0];
            }
            return z;
        }
        if pair.side == 0
            && ty.times.window() == tx.times.window()
            && ly.len() == rule.period
            && let Some(line) = regress(ly, lx)
        {
            pair.fit = line.into();
        }
        let gap = y - pair.fit.intercept - pair.fit.slope * x;
        if pair.fit.deviation > 1e-12 { gap / pair.fit.deviation } else { 0.0 }
    }

    fn trade(rule: &Numbers, pair: &mut Pair, z: f64) {
        let size = z.abs();
        if pair.side != 0 {
            // Against the side that was sold, a spread that went through its mean is home as well.
            let home = !above(-f64::from(pair.side) * z, rule.exit_z);
            let lost = above(size, rule.stop_z);
            if home || lost {
                pair.side = 0;
                pair.barred = lost;
            }
        } else if !pair.barred
            && above(size, rule.entry_z)
            && !above(size, rule.stop_z)
            && (0.1..=10.0).contains(&pair.fit.slope)
        {
            pair.side = if z > 0.0 { -1 } else { 1 };
            pair.confidence = 0.5 + 0.5 * unit((size - rule.entry_z) / (rule.stop_z - rule.entry_z));
        }
    }
}

impl UniverseRule for PairsTrading {
    fn update(&mut self, ts: i64, bars: &[(SymbolId, Bar)], votes: &mut [Vote]) {
        for (symbol, bar) in bars {
            let track = &mut self.tracks[*symbol as usize];
            if track.first.is_nan() {
                track.first = bar.close;
            }
            track.times.push(ts as f64);
            track.logs.push((bar.close / track.first).ln());
            track.now = ts;
        }
        self.since += 1;
        let ready = self.tracks.iter().filter(|t| t.logs.is_full()).count() > 1;
        if ready && (self.pairs.is_empty() || self.since >= self.rule.refresh) {
            self.choose();
            self.since = 0;
        }
        for pair in &mut self.pairs {
            let both = [pair.y, pair.x].iter().all(|&s| self.tracks[s as usize].now == ts);
            if both {
                let z = Self::spread(&self.rule, &self.tracks, pair);
                Self::trade(&self.rule, pair, z);
            }
            let legs = if pair.side == 0 {
                [Vote::FLAT; 2]
            } else {
                let (side, scale) = (f64::from(pair.side), pair.fit.slope.max(1.0));
                [side / scale, -side * pair.fit.slope / scale].map(|signal| Vote::new(signal, pair.confidence))
            };
            votes[pair.y as usize] = legs[0];
            votes[pair.x as usize] = legs[1];
        }
    }
    fn symbols(&self) -> usize {
        self.tracks.len()
    }
    fn reset(&mut self) {
        for track in &mut self.tracks {
            track.times.reset();
            track.logs.reset();
            track.first = f64::NAN;
            track.now = i64::MIN;
        }
        self.pairs.clear();
        self.since = 0;
    }
    fn warm_up(&self) -> usize {
        self.rule.period - 1
    }
}

pub(super) const ROW: UniverseRow = UniverseRow {
    name: "pairs_trading",
    class: "PairsTradingAgent",
    style: Style::Reversion,
    params: &[
        Param::int("period", 60, 20, 10_000),
        Param::int("refresh", 20, 1, 100_000),
        Param::float("correlation", 0.7, -1.0, 1.0),
        Param::int("significance", 5, 1, 10),
        Param::float("entry_z", 2.0, 0.01, 100.0),
        Param::float("exit_z", 0.5, 0.0, 100.0),
        Param::float("stop_z", 4.0, 0.02, 1_000.0),
        Param::int("kalman", 0, 0, 1),
    ],
    summary: "Both legs of a correlated, cointegrated pair whose spread is apart, until it is back.",
    rule: Some(|p| {
        if ![1.0, 5.0, 10.0].contains(&p[3]) {
            Some(("significance", "1, 5 or 10 per cent"))
        } else if p[5] >= p[4] {
            Some(("exit_z", "a number below entry_z"))
        } else if p[4] >= p[6] {
            Some(("stop_z", "a number above entry_z"))
        } else {
            None
        }
    }),
    build: |p, n| erase(PairsTrading::new(p, n)),
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies::universe::{UniverseStrategy, find};

    const HOUR: i64 = 3_600_000;

    fn bar(ts: i64, close: f64) -> Bar {
        Bar { ts, open: close, high: close, low: close, close, volume: 1.0 }
    }

    fn chirp(k: usize, rate: f64) -> f64 {
        ((k * k) as f64 * rate).sin()
    }

    /// Prices of three symbols: 0 and 1 share a walk (slope 0.8) around a quiet spread, 2 goes its own way.
    fn market(n: usize, shock: impl Fn(usize) -> f64) -> Vec<[f64; 3]> {
        let (mut common, mut other) = (4.0, 3.0);
        (0..n)
            .map(|k| {
                common += 0.02 * chirp(k, 0.7);
                other += 0.02 * chirp(k, 0.13);
                let spread = 0.005 * chirp(k, 0.31) + shock(k);
                [f64::exp(0.5 + 0.8 * common + spread), f64::exp(common), f64::exp(other)]
            })
            .collect()
    }

    fn build(params: &[(&str, f64)]) -> Box<dyn UniverseStrategy> {
        find("pairs_trading").unwrap().build_with(params, 3).unwrap()
    }

    fn run(s: &mut dyn UniverseStrategy, prices: &[[f64; 3]], from: usize) -> Vec<[Vote; 3]> {
        let step = |(k, p): (usize, &[f64; 3])| {
            let ts = (from + k) as i64 * HOUR;
            let bars: Vec<(u32, Bar)> = p.iter().enumerate().map(|(s, &c)| (s as u32, bar(ts, c))).collect();
            let mut votes = [Vote::COLD; 3];
            s.update(ts, &bars, &mut votes);
            votes
        };
        prices.iter().enumerate().map(step).collect()
    }

    #[test]
    fn opens_both_legs_and_closes_at_home() {
        // The spread jumps up by 2.6 of its deviations for three bars.
        let prices = market(90, |k| if (75..78).contains(&k) { 0.013 } else { 0.0 });
        let v = run(&mut *build(&[]), &prices, 0);
        assert!(v[..59].iter().flatten().all(|v| !v.is_warm()));
        assert!(v[60..].iter().all(|v| v[0].is_warm() && v[1].is_warm() && !v[2].is_warm()), "2 has no partner");
        let open = (70..90).find(|&k| v[k][0].signal != 0.0).expect("an entry");
        assert!((75..78).contains(&open));
        let [y, x] = [v[open][0], v[open][1]];
        // Which of the two depends on the other is the test's choice; the legs are opposed and the larger is 1.
        assert!(y.signal < 0.0 && x.signal > 0.0 && y.signal.abs().max(x.signal) == 1.0, "{y:?} {x:?}");
        assert!(y.confidence >= 0.5 && y.confidence == x.confidence);
        assert!(v[85..].iter().all(|v| v[0].signal == 0.0 && v[1].signal == 0.0));
    }

    #[test]
    fn a_spread_that_runs_away_is_cut_and_left_alone() {
        let prices = market(90, |k| match k {
            75 => 0.012,
            76.. => 0.03,
            _ => 0.0,
        });
        let v = run(&mut *build(&[("refresh", 1_000.0)]), &prices, 0);
        assert!(v[75][0].signal < 0.0);
        assert!(v[76..].iter().all(|v| v[0].signal == 0.0), "{:?}", &v[76..]);
    }

    #[test]
    fn kalman_line_trades_the_same_jump() {
        let prices = market(90, |k| if (75..78).contains(&k) { 0.0105 } else { 0.0 });
        let v = run(&mut *build(&[("kalman", 1.0)]), &prices, 0);
        assert!((75..78).any(|k| v[k][0].signal < 0.0 && v[k][1].signal > 0.0), "{:?}", &v[74..80]);
        assert!(v[89][0].signal == 0.0);
    }

    #[test]
    fn gaps_break_the_window_but_not_the_run() {
        let prices = market(150, |_| 0.0);
        let mut s = build(&[]);
        let mut votes = [Vote::COLD; 3];
        for (k, p) in prices.iter().enumerate() {
            let ts = k as i64 * HOUR;
            let mut bars: Vec<(u32, Bar)> = p.iter().enumerate().map(|(s, &c)| (s as u32, bar(ts, c))).collect();
            if k % 50 == 10 {
                bars.remove(1);
            }
            if k == 100 {
                bars[0].1.close = f64::NAN;
            }
            s.update(ts, &bars, &mut votes);
        }
        assert!(votes.iter().all(|v| !v.is_warm() || v.signal.abs() <= 1.0));
    }

    #[test]
    fn refuses_numbers_that_contradict() {
        let row = find("pairs_trading").unwrap();
        for (given, name) in [
            ([("significance", 3.0), ("entry_z", 2.0)], "significance"),
            ([("exit_z", 2.0), ("entry_z", 2.0)], "exit_z"),
            ([("stop_z", 1.5), ("entry_z", 2.0)], "stop_z"),
        ] {
            let error = row.resolve(&given).unwrap_err().to_string();
            assert!(error.starts_with(&format!("pairs_trading.{name}")), "{error}");
        }
        assert!(build(&[]).restore(&row.build_with(&[], 4).unwrap().snapshot().unwrap()).is_err());
    }

    fn same(a: &[[Vote; 3]], b: &[[Vote; 3]], tolerance: f64) -> bool {
        a.iter().flatten().zip(b.iter().flatten()).all(|(x, y)| {
            x.is_warm() == y.is_warm()
                && (!x.is_warm()
                    || ((x.signal - y.signal).abs() <= tolerance && (x.confidence - y.confidence).abs() <= tolerance))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn laws(
            shocks in prop::collection::vec(-0.02..0.02_f64, 200),
            cut in 0..200_usize,
            kalman in 0..2_u8,
            k in -10.0..10.0_f64,
        ) {
            let params = [("kalman", f64::from(kalman)), ("refresh", 7.0)];
            let prices = market(200, |t| if t % 9 < 2 { shocks[t] } else { 0.0 });
            let all = run(&mut *build(&params), &prices, 0);
            let mut first = build(&params);
            let mut parts = run(&mut *first, &prices[..cut], 0);
            prop_assert!(same(&parts, &all[..cut], 0.0));
            let mut second = build(&params);
            second.restore(&first.snapshot().unwrap()).unwrap();
            parts.extend(run(&mut *second, &prices[cut..], cut));
            prop_assert!(same(&parts, &all, 0.0));
            second.reset();
            prop_assert!(same(&run(&mut *second, &prices, 0), &all, 0.0));
            let scaled: Vec<[f64; 3]> = prices.iter().map(|p| [p[0] * k.exp(), p[1], p[2] * 2.0]).collect();
            prop_assert!(same(&run(&mut *build(&params), &scaled, 0), &all, 1e-6));
            prop_assert!(all.iter().flatten().all(|v| !v.is_warm() || v.signal.abs() <= 1.0 && v.confidence <= 1.0));
        }
    }
}
