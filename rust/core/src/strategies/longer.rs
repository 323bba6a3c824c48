//! A strategy that looks at longer bars than the run's: four hours in a run of one hour, a day in one of minutes.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::features::{FeatureConfig, FeatureRow, FeatureState};
use crate::strategies::{Context, Strategy, StrategyContext, Vote};
use crate::types::Bar;

const DAY: i64 = 86_400_000;
const WEEK: i64 = 7 * DAY;
/// The epoch was a Thursday; weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY;

/// Puts short bars together into long ones that begin at multiples of their length in UTC, weeks on Mondays.
///
/// A long bar closes with the short one that ends it, or, where that one is missing, when a bar of a later one comes. The first is left
/// out when it does not begin with its first short bar: what is missing of it would depend on where the history starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resampler {
    short: i64,
    long: i64,
    current: Option<Current>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Current {
    bar: Bar,
    /// It began within the history.
    whole: bool,
    /// Its last short bar has come.
    closed: bool,
}

impl Resampler {
    /// From bars of `short` to bars of `long` milliseconds, a whole multiple of it.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when it is none.
    pub fn new(short: i64, long: i64) -> Result<Self> {
        if short <= 0 || long <= short || long % short != 0 {
            let expected = format!("a whole multiple of the run's bars of {} s, and longer", short / 1000);
            return Err(CoreError::parameter("timeframe", format!("{} s", long / 1000), expected));
        }
        Ok(Self { short, long, current: None })
    }

    fn begin(&self, ts: i64) -> i64 {
        let shift = if self.long % WEEK == 0 { MONDAY } else { 0 };
        (ts - shift).div_euclid(self.long) * self.long + shift
    }

    /// Takes a short bar and calls `f` with each long bar that closes: after a gap there may be two.
    #[inline]
    pub fn push(&mut self, bar: &Bar, mut f: impl FnMut(&Bar)) {
        let begin = self.begin(bar.ts);
        match &mut self.current {
            Some(c) if c.bar.ts == begin => {
                c.bar.high = c.bar.high.max(bar.high);
                c.bar.low = c.bar.low.min(bar.low);
                c.bar.close = bar.close;
                c.bar.volume += bar.volume;
            }
            other => {
                let before = other.take();
                let whole = before.is_some() || bar.ts == begin;
                if let Some(late) = before.filter(|c| c.whole && !c.closed) {
                    f(&late.bar);
                }
                *other = Some(Current { bar: Bar { ts: begin, ..*bar }, whole, closed: false });
            }
        }
        if let Some(c) = &mut self.current
            && bar.ts + self.short >= begin + self.long
        {
            c.closed = true;
            if c.whole {
                f(&c.bar);
            }
        }
    }

    /// Short bars of a long one.
    pub fn ratio(&self) -> usize {
        (self.long / self.short) as usize
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.current = None;
    }
}

/// A strategy on longer bars; its vote stands until the next of them closes.
pub(crate) struct Longer {
    inner: Box<dyn Strategy>,
    resampler: Resampler,
    features: Option<FeatureState>,
    row: FeatureRow,
    vote: Vote,
}

#[derive(Serialize, Deserialize)]
struct Image {
    inner: Vec<u8>,
    resampler: Resampler,
    features: Option<FeatureState>,
    vote: Vote,
}

impl Longer {
    /// `inner`, which was built for `context`, on the bars that `resampler` makes.
    pub(crate) fn new(inner: Box<dyn Strategy>, resampler: Resampler, context: StrategyContext) -> Result<Self> {
        let StrategyContext { market, timeframe } = context;
        let config = FeatureConfig { market, timeframe, ..FeatureConfig::default() };
        let features = inner.needs_features().then(|| FeatureState::new(&config)).transpose()?;
        Ok(Self { inner, resampler, features, row: FeatureRow::MISSING, vote: Vote::COLD })
    }
}

impl Strategy for Longer {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let Self { inner, resampler, features, row, vote } = self;
        let b = context.bar;
        if ![b.open, b.high, b.low, b.close, b.volume].iter().all(|v| v.is_finite()) {
            return Vote::COLD;
        }
        resampler.push(b, |long| {
            if let Some(state) = features {
                state.push(long);
                state.row(row);
            }
            *vote = inner.update(&Context { bar: long, features: features.is_some().then_some(&*row) });
        });
        *vote
    }
    fn reset(&mut self) {
        self.inner.reset();
        self.resampler.reset();
        if let Some(state) = &mut self.features {
            state.reset();
        }
        self.vote = Vote::COLD;
    }
    fn warm_up(&self) -> usize {
        // The first long bar may be cut off, and the last short bar of one is when it is known.
        (self.inner.warm_up() + 2) * self.resampler.ratio() - 1
    }
    fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&Image {
            inner: self.inner.snapshot()?,
            resampler: self.resampler.clone(),
            features: self.features.clone(),
            vote: self.vote,
        })
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let image: Image = crate::snapshot::from_bytes(bytes)?;
        if image.features.is_some() != self.features.is_some() || image.resampler.long != self.resampler.long {
            return Err(CoreError::Snapshot("made with another strategy".to_owned()));
        }
        self.inner.restore(&image.inner)?;
        (self.resampler, self.features, self.vote) = (image.resampler, image.features, image.vote);
        Ok(())
    }
    fn boxed_clone(&self) -> Box<dyn Strategy> {
        Box::new(Self {
            inner: self.inner.boxed_clone(),
            resampler: self.resampler.clone(),
            features: self.features.clone(),
            row: self.row,
            vote: self.vote,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies::{Strategy as _, registry};
    use crate::types::{Market, Timeframe};

    const HOUR: i64 = 3_600_000;

    fn bar(ts: i64, close: f64) -> Bar {
        Bar { ts, open: close - 1.0, high: close + 2.0, low: close - 3.0, close, volume: 1.0 }
    }

    fn long_bars(long: i64, hours: impl IntoIterator<Item = i64>) -> Vec<(i64, Bar)> {
        let mut resampler = Resampler::new(HOUR, long).unwrap();
        let mut out = Vec::new();
        for h in hours {
            resampler.push(&bar(h * HOUR, 100.0 + h as f64), |b| out.push((h, *b)));
        }
        out
    }

    #[test]
    fn four_hours_close_with_the_fourth() {
        let out = long_bars(4 * HOUR, 2..13);
        // The bar of hour 0 began before the history.
        assert_eq!(out.iter().map(|(h, b)| (*h, b.ts / HOUR)).collect::<Vec<_>>(), [(7, 4), (11, 8)]);
        let expected = Bar { ts: 4 * HOUR, open: 103.0, high: 109.0, low: 101.0, close: 107.0, volume: 4.0 };
        assert_eq!(out[0].1, expected);
    }

    #[test]
    fn a_gap_closes_late_and_never_twice() {
        // Hours 7 and 8 to 11 are missing: the bar of 4 closes when 12 comes, and 15 closes its own.
        let out = long_bars(4 * HOUR, [4, 5, 6, 12, 13, 15, 16]);
        assert_eq!(out.iter().map(|(h, b)| (*h, b.ts / HOUR)).collect::<Vec<_>>(), [(12, 4), (15, 12)]);
        assert_eq!(out[0].1.volume, 3.0);
        // One bar ends the bar before it and its own.
        let out = long_bars(2 * HOUR, [2, 5]);
        assert_eq!(out.iter().map(|(h, b)| (*h, b.ts / HOUR)).collect::<Vec<_>>(), [(5, 2), (5, 4)]);
    }

    #[test]
    fn weeks_begin_on_mondays() {
        // 5 January 1970 was a Monday.
        let out = long_bars(WEEK, 0..400);
        assert_eq!(out[0].1.ts, 4 * DAY);
        assert_eq!(out[0].0, 4 * 24 + 7 * 24 - 1);
    }

    #[test]
    fn lengths_must_fit() {
        for (short, long) in [(HOUR, HOUR), (HOUR, HOUR / 2), (4 * HOUR, 6 * HOUR), (0, HOUR)] {
            assert!(Resampler::new(short, long).is_err(), "{short} {long}");
        }
    }

    fn longer(name: &str) -> Longer {
        let context = StrategyContext { market: Market::Crypto, timeframe: Timeframe::parse("4h").unwrap() };
        let inner = registry::find(name).unwrap().build_with(&[], &context).unwrap();
        Longer::new(inner, Resampler::new(HOUR, 4 * HOUR).unwrap(), context).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        /// The votes are those of the strategy on the long bars, a snapshot changes nothing, and nothing is known early.
        #[test]
        fn votes_are_those_on_long_bars(
            moves in prop::collection::vec(-0.05..0.05_f64, 1200),
            cut in 1_usize..1200,
            name in prop::sample::select(vec!["ut_bot", "scanner_signal", "mean_reversion"]),
        ) {
            let mut close = 100.0;
            let bars: Vec<Bar> = moves
                .iter()
                .enumerate()
                .map(|(k, m)| {
                    let open = close;
                    close *= 1.0 + m;
                    let (high, low) = (f64::max(open, close) * 1.01, f64::min(open, close) * 0.99);
                    Bar { ts: k as i64 * HOUR, open, high, low, close, volume: 10.0 + (k % 7) as f64 }
                })
                .collect();
            let mut through = longer(name);
            let mut plain = longer(name);
            let mut resampler = Resampler::new(HOUR, 4 * HOUR).unwrap();
            let mut expected = Vote::COLD;
            let mut first = None;
            for (k, b) in bars.iter().enumerate() {
                if k == cut {
                    let bytes = through.snapshot().unwrap();
                    through = longer(name);
                    through.restore(&bytes).unwrap();
                }
                let got = through.update(&Context { bar: b, features: None });
                resampler.push(b, |long| {
                    if let Some(state) = &mut plain.features {
                        state.push(long);
                        state.row(&mut plain.row);
                    }
                    let features = plain.features.is_some().then_some(&plain.row);
                    expected = plain.inner.update(&Context { bar: long, features });
                });
                prop_assert_eq!(format!("{got:?}"), format!("{expected:?}"));
                if first.is_none() && got.is_warm() {
                    first = Some(k);
                }
            }
            prop_assert!(first.unwrap() <= through.warm_up(), "{:?} {}", first, through.warm_up());
            through.reset();
            let again = through.update(&Context { bar: &bars[0], features: None });
            prop_assert!(!again.is_warm());
        }
    }
}
