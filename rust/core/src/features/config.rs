//! Configuration of the features: every number of SPEC §3 and §4 with its default.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::indicators::registry::MAX_PERIOD;
use crate::indicators::volume::profile::{FIXED_RANGE, VALUE_AREA};
use crate::signals::{EnhancedThresholds, LegacyThresholds, RegimeThresholds, SignalThresholds, StateThresholds};
use crate::types::{Market, Timeframe};

/// What the feature columns are computed with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureConfig {
    /// Kind of market.
    pub market: Market,
    /// Horizon.
    pub timeframe: Timeframe,
    /// Bars of the short momentum; those of market and timeframe where not given.
    pub momentum_short: Option<usize>,
    /// Bars of the long momentum; those of market and timeframe where not given.
    pub momentum_long: Option<usize>,
    /// Bars of the volume profile and of the Fibonacci swing.
    pub lookback_window: usize,
    /// Price bins of the volume profile.
    pub profile_bins: usize,
    /// Share of the volume in the value area.
    pub value_area: f64,
    /// Share of the look-back's range on either side of the price in the fixed-range profile.
    pub fixed_range: f64,
    /// Fractional distance from the nearest retracement within which a level counts towards the confluence.
    pub fib_tolerance: f64,
    /// Numbers of the `signal` rules; those of market and timeframe where not given.
    pub signal: Option<SignalThresholds>,
    /// Numbers of the `signal_state` rules.
    pub state: StateThresholds,
    /// Numbers of the `legacy_label` rules.
    pub legacy: LegacyThresholds,
    /// Numbers of the enhanced analysis.
    pub enhanced: EnhancedThresholds,
    /// Numbers of the regimes.
    pub regime: RegimeThresholds,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            market: Market::default(),
            timeframe: Timeframe::default(),
            momentum_short: None,
            momentum_long: None,
            lookback_window: 68,
            profile_bins: 24,
            value_area: VALUE_AREA,
            fixed_range: FIXED_RANGE,
            fib_tolerance: 0.005,
            signal: None,
            state: StateThresholds::default(),
            legacy: LegacyThresholds::default(),
            enhanced: EnhancedThresholds::default(),
            regime: RegimeThresholds::default(),
        }
    }
}

/// Longest look-back: every row reads the whole window again.
const MAX_LOOKBACK: usize = 10_000;
/// Most bins of a profile.
const MAX_BINS: usize = 1_000;

impl FeatureConfig {
    /// The defaults for a market and timeframe.
    pub fn of(market: Market, timeframe: Timeframe) -> Self {
        Self { market, timeframe, ..Self::default() }
    }

    /// Bars of the short and the long momentum.
    pub fn momentum_periods(&self) -> (usize, usize) {
        let table = match self.market {
            Market::Crypto => [(10, 60), (5, 20), (4, 12), (7, 30), (4, 12)],
            Market::Forex => [(20, 120), (10, 50), (6, 24), (5, 20), (3, 10)],
        };
        let (short, long) = table[self.timeframe as usize];
        (self.momentum_short.unwrap_or(short), self.momentum_long.unwrap_or(long))
    }

    /// Numbers of the `signal` rules.
    pub fn signal_thresholds(&self) -> SignalThresholds {
        self.signal.unwrap_or_else(|| SignalThresholds::of(self.market, self.timeframe))
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let (short, long) = self.momentum_periods();
        whole("momentum_short", short, 1, MAX_PERIOD as usize)?;
        if long < short || long > MAX_PERIOD as usize {
            let expected = format!("a whole number from momentum_short ({short}) to {MAX_PERIOD}");
            return Err(CoreError::parameter("momentum_long", long, expected));
        }
        whole("lookback_window", self.lookback_window, 2, MAX_LOOKBACK)?;
        whole("profile_bins", self.profile_bins, 1, MAX_BINS)?;
        share("value_area", self.value_area)?;
        share("fixed_range", self.fixed_range)?;
        share("fib_tolerance", self.fib_tolerance)?;
        self.signal_thresholds().validate()?;
        self.state.validate()?;
        self.legacy.validate()?;
        self.enhanced.validate()?;
        self.regime.validate()
    }
}

fn whole(name: &str, v: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&v) {
        return Ok(());
    }
    Err(CoreError::parameter(name, v, format!("a whole number from {min} to {max}")))
}

fn share(name: &str, v: f64) -> Result<()> {
    if v > 0.0 && v <= 1.0 { Ok(()) } else { Err(CoreError::parameter(name, v, "a number above 0, up to 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_periods_of_every_market_and_timeframe() {
        use Timeframe::*;
        let table = [
            (Market::Crypto, [(Scalping, 10, 60), (Short, 5, 20), (Medium, 4, 12), (Daily, 7, 30), (Weekly, 4, 12)]),
            (Market::Forex, [(Scalping, 20, 120), (Short, 10, 50), (Medium, 6, 24), (Daily, 5, 20), (Weekly, 3, 10)]),
        ];
        for (market, rows) in table {
            for (timeframe, short, long) in rows {
                let config = FeatureConfig::of(market, timeframe);
                config.validate().unwrap();
                assert_eq!(config.momentum_periods(), (short, long), "{market:?} {timeframe:?}");
            }
        }
        let own = FeatureConfig { momentum_short: Some(3), momentum_long: Some(9), ..FeatureConfig::default() };
        assert_eq!(own.momentum_periods(), (3, 9));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let base = FeatureConfig::default;
        for (config, field) in [
            (FeatureConfig { momentum_short: Some(0), ..base() }, "momentum_short"),
            (FeatureConfig { momentum_long: Some(2), ..base() }, "momentum_long"),
            (FeatureConfig { lookback_window: 1, ..base() }, "lookback_window"),
            (FeatureConfig { profile_bins: 0, ..base() }, "profile_bins"),
            (FeatureConfig { value_area: 0.0, ..base() }, "value_area"),
            (FeatureConfig { fixed_range: f64::NAN, ..base() }, "fixed_range"),
            (FeatureConfig { fib_tolerance: 2.0, ..base() }, "fib_tolerance"),
            (FeatureConfig { state: StateThresholds { weak: -1.0, ..Default::default() }, ..base() }, "state"),
        ] {
            let text = config.validate().unwrap_err().to_string();
            assert!(text.contains(field), "{text}");
        }
        assert!(serde_json::from_str::<FeatureConfig>(r#"{"lookback": 3}"#).is_err());
        let parsed: FeatureConfig = serde_json::from_str(r#"{"market": "forex", "lookback_window": 55}"#).unwrap();
        assert_eq!((parsed.market, parsed.lookback_window), (Market::Forex, 55));
    }
}
