//! Names, kinds and meaning of the feature columns, and one row of them.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::error::{CoreError, Result};
use crate::signals::{
    Label, LegacyLabel, MarketRegime, MomentumStrength, Signal, SignalState, TrendRegime, VolatilityRegime,
};

/// What a column holds. In a row every kind is an `f64`, and NaN is a value that is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Float,
    /// A small whole number: −1, 0 or 1.
    Int,
    /// 1 for yes, 0 for no.
    Bool,
    /// The index of one of these names.
    Label(&'static [&'static str]),
}

macro_rules! columns {
    ($($group:literal { $($col:ident $name:literal $kind:expr, $summary:literal;)+ })+) => {
        /// A feature column; its number is its place in a [`FeatureRow`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Col {
            $($(#[doc = $summary] $col,)+)+
        }

        impl Col {
            /// Every column, in the order of a row.
            pub const ALL: &'static [Self] = &[$($(Self::$col,)+)+];

            /// Public name.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$col => $name,)+)+ }
            }

            /// Group of SPEC §3.
            pub const fn group(self) -> &'static str {
                match self { $($(Self::$col => $group,)+)+ }
            }

            /// What the column holds.
            pub const fn kind(self) -> Kind {
                match self { $($(Self::$col => $kind,)+)+ }
            }

            /// Meaning in one line.
            pub const fn summary(self) -> &'static str {
                match self { $($(Self::$col => $summary,)+)+ }
            }
        }
    };
}

use Kind::{Bool, Float, Int};

columns! {
    "identity" {
        Price "price" Float, "Close of the bar.";
        Volume "volume" Float, "Volume of the bar, base currency.";
    }
    "volume" {
        VolumeUsd "volume_usd" Float, "Mean of close times volume over 20 bars, quote currency.";
        VolumeRatio "volume_ratio" Float, "Volume over its 20-bar mean; 1 where nothing was traded.";
        Obv "obv" Float, "On-balance volume from the first bar.";
        ObvSlope "obv_slope" Float, "Change of OBV over 20 bars as a share of the volume traded in them.";
        Mfi "mfi" Float, "Money flow index 14.";
        Cmf "cmf" Float, "Chaikin money flow 20.";
    }
    "momentum" {
        MomentumShort "momentum_short" Float, "Fractional change of the close over the short period of market and timeframe.";
        MomentumLong "momentum_long" Float, "Fractional change of the close over the long period of market and timeframe.";
        Momentum1 "momentum_1" Float, "Fractional change of the close over one bar.";
        Return1 "return_1" Float, "Simple return of the bar; the same number as `momentum_1`.";
        Roc "roc" Float, "Rate of change over 10 bars, percent.";
        Rsi "rsi" Float, "Relative strength index 14.";
        StochK "stoch_k" Float, "Slow %K of the stochastic 14/3/3.";
        StochD "stoch_d" Float, "Slow %D of the stochastic 14/3/3.";
        Cci "cci" Float, "Commodity channel index 20.";
        WilliamsR "williams_r" Float, "Williams %R 14.";
    }
    "trend" {
        Ema5 "ema_5" Float, "Exponential average 5 of the close.";
        Ema9 "ema_9" Float, "Exponential average 9 of the close.";
        Ema13 "ema_13" Float, "Exponential average 13 of the close.";
        Ema21 "ema_21" Float, "Exponential average 21 of the close.";
        Ema50 "ema_50" Float, "Exponential average 50 of the close.";
        Ema200 "ema_200" Float, "Exponential average 200 of the close.";
        Sma20 "sma_20" Float, "Simple average 20 of the close.";
        Sma50 "sma_50" Float, "Simple average 50 of the close.";
        Macd "macd" Float, "MACD 12/26.";
        MacdSignal "macd_signal" Float, "Signal line 9 of the MACD.";
        MacdHist "macd_hist" Float, "MACD less its signal line.";
        MacdPct "macd_pct" Float, "MACD histogram over price.";
        Adx "adx" Float, "Average directional index 14.";
        PlusDi "plus_di" Float, "Positive directional indicator 14.";
        MinusDi "minus_di" Float, "Negative directional indicator 14.";
        SupertrendDirection "supertrend_direction" Int, "Side of the Supertrend 10/3: 1 up, -1 down.";
        LinregSlope "linreg_slope" Float, "Slope of the regression line through 14 closes, price per bar.";
        TrendStrength "trend_strength" Float, "The same number as adx.";
    }
    "volatility" {
        Atr "atr" Float, "Average true range 14.";
        Natr "natr" Float, "Average true range 14, percent of the close.";
        BbUpper "bb_upper" Float, "Upper Bollinger band 20, 2 population deviations.";
        BbMiddle "bb_middle" Float, "Middle Bollinger band 20.";
        BbLower "bb_lower" Float, "Lower Bollinger band 20, 2 population deviations.";
        BbWidth "bb_width" Float, "Width of the Bollinger bands over their middle.";
        BbPosition "bb_position" Float, "Place of the close between the Bollinger bands (%b); 0.5 where they have no width.";
        Volatility "volatility" Float, "Standard deviation of 20 log returns, per bar.";
        VolatilityRatio "volatility_ratio" Float, "Volatility over its 100-bar mean; 1 where nothing moved.";
    }
    "cloud" {
        Tenkan "tenkan" Float, "Ichimoku conversion line 9.";
        Kijun "kijun" Float, "Ichimoku base line 26.";
        SenkouA "senkou_a" Float, "First edge of the cloud at this bar (made 26 bars ago).";
        SenkouB "senkou_b" Float, "Second edge of the cloud at this bar (made 26 bars ago).";
        IchimokuBullish "ichimoku_bullish" Bool, "`senkou_a` above `senkou_b` and the price above the cloud.";
        Vwap "vwap" Float, "Volume-weighted average price from the first bar.";
        VwapBullish "vwap_bullish" Bool, "Price above the VWAP.";
    }
    "crossovers" {
        Ema5Over13 "ema_5_13_bullish" Bool, "`ema_5` above `ema_13`.";
        Ema9Over21 "ema_9_21_bullish" Bool, "`ema_9` above `ema_21`.";
        Ema50Over200 "ema_50_200_bullish" Bool, "`ema_50` above `ema_200`.";
        RsiBearishDiv "rsi_bearish_div" Bool, "Price higher and RSI lower than 10 bars ago.";
        RsiBullishDiv "rsi_bullish_div" Bool, "Price lower and RSI higher than 10 bars ago.";
    }
    "levels" {
        PocPrice "poc_price" Float, "Price with the largest volume in the look-back.";
        PocDistance "poc_distance" Float, "Fractional distance of the price from the point of control.";
        AnchoredPoc "anchored_poc" Float, "Point of control of the bars since the highest high of the look-back.";
        FixedPoc "fixed_poc" Float, "Point of control within 10 % of the look-back's range of the price.";
        ValueAreaHigh "value_area_high" Float, "Upper edge of the prices that hold 70 % of the volume.";
        ValueAreaLow "value_area_low" Float, "Lower edge of the prices that hold 70 % of the volume.";
        FibDirection "fib_direction" Int, "Swing of the look-back: 1 up (the low came first), -1 down.";
        FibNearestRetracement "fib_nearest_retracement" Float, "Price of the retracement level nearest the close.";
        FibNearestExtension "fib_nearest_extension" Float, "Price of the extension level nearest the close.";
        FibConfluence "fib_confluence" Float, "20 for every fib level, the POC and the VWAP within 0.5 % of the nearest retracement, up to 100.";
    }
    "scores" {
        TrendScore "trend_score" Float, "Slope, ADX and breakout, 0 to 10.";
        ConfidenceScore "confidence_score" Float, "How much speaks for a move, 0 to 1.";
        CompositeScore "composite_score" Float, "Weighted mean of eight shares, 0 to 100.";
        VolumeCompositeScore "volume_composite_score" Float, "Volume, its concentration and the distance from the POC, 0 to 100.";
        SignalStrength "signal_strength" Float, "Strength of the upward case, 0 to 100 around 50.";
        EnhancedScore "enhanced_score" Float, "What scans sort by.";
    }
    "classification" {
        Signal "signal" Kind::Label(Signal::NAMES), "The scan's verdict.";
        SignalState "signal_state" Kind::Label(SignalState::NAMES), "Momentum state with thresholds that widen with the volume.";
        LegacyLabel "legacy_label" Kind::Label(LegacyLabel::NAMES), "The scanner's original label.";
    }
    "enhanced" {
        MomentumStrength "momentum_strength" Kind::Label(MomentumStrength::NAMES), "Size of the short momentum.";
        ClusterValidated "cluster_validated" Bool, "At least three of five conditions agree.";
        EnhancedMomentumScore "enhanced_momentum_score" Float, "Short momentum in percent.";
        ReversionCandidate "reversion_candidate" Bool, "Any sign that the move turns.";
        ReversionProbability "reversion_probability" Float, "How likely a turn is, 0 to 1.";
        MomentumExhaustion "momentum_exhaustion" Bool, "Short and long momentum disagree in size.";
        ExcessiveGain "excessive_gain" Bool, "Overbought and the last bar down.";
        ExcessiveLoss "excessive_loss" Bool, "Oversold and the last bar up.";
        VolatilityRegime "volatility_regime" Kind::Label(VolatilityRegime::NAMES), "Volatility against its own past.";
        TrendRegime "trend_regime" Kind::Label(TrendRegime::NAMES), "Order of the long averages and the short momentum.";
        MarketRegime "market_regime" Kind::Label(MarketRegime::NAMES), "Kind of market.";
        ClusterDetected "cluster_detected" Bool, "A run of growing bodies, or an engulfing, ends here.";
        ClusterStrength "cluster_strength" Float, "Strength of that cluster, 0 to 1.";
        DirectionalCluster "directional_cluster" Int, "Side of that cluster: 1 up, -1 down, 0 none.";
        TrendFormationSignal "trend_formation_signal" Bool, "A cluster in the direction of the short momentum.";
    }
    "alternative" {
        FearGreed "fear_greed" Float, "Fear-and-greed index, 0 to 100; 50 where it is not known.";
        BtcDominance "btc_dominance" Float, "Bitcoin's share of the market, percent; 50 where it is not known.";
    }
    "quality" {
        InsufficientHistory "insufficient_history" Bool, "Some column is not warm yet.";
    }
}

/// Number of feature columns.
pub const N: usize = Col::ALL.len();

impl Col {
    /// Depends on the volume profile or the Fibonacci levels: the part of a row that costs most.
    pub fn needs_levels(self) -> bool {
        self.group() == "levels"
            || matches!(self, Self::CompositeScore | Self::VolumeCompositeScore | Self::EnhancedScore)
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] with the closest known names.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name).ok_or_else(|| {
            let near = crate::indicators::registry::nearest(name, Self::ALL.iter().map(|c| c.name()));
            CoreError::parameter("column", format!("{name:?}"), format!("a known column, such as {near}"))
        })
    }
}

impl Serialize for Col {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Col {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}

/// One row of features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureRow(pub [f64; N]);

impl FeatureRow {
    /// A row of which nothing is known.
    pub const MISSING: Self = Self([f64::NAN; N]);

    /// A yes/no column.
    #[inline]
    pub fn flag(&self, col: Col) -> Option<bool> {
        let v = self[col];
        if v.is_nan() { None } else { Some(v > 0.5) }
    }

    /// The verdict.
    #[inline]
    pub fn signal(&self) -> Option<Signal> {
        Signal::from_code(self[Col::Signal])
    }

    /// The momentum state.
    #[inline]
    pub fn signal_state(&self) -> Option<SignalState> {
        SignalState::from_code(self[Col::SignalState])
    }

    /// The scanner's original label.
    #[inline]
    pub fn legacy_label(&self) -> Option<LegacyLabel> {
        LegacyLabel::from_code(self[Col::LegacyLabel])
    }

    /// The kind of market.
    #[inline]
    pub fn market_regime(&self) -> Option<MarketRegime> {
        MarketRegime::from_code(self[Col::MarketRegime])
    }

    /// The volatility regime.
    #[inline]
    pub fn volatility_regime(&self) -> Option<VolatilityRegime> {
        VolatilityRegime::from_code(self[Col::VolatilityRegime])
    }

    /// The trend regime.
    #[inline]
    pub fn trend_regime(&self) -> Option<TrendRegime> {
        TrendRegime::from_code(self[Col::TrendRegime])
    }
}

impl Default for FeatureRow {
    fn default() -> Self {
        Self::MISSING
    }
}

impl Index<Col> for FeatureRow {
    type Output = f64;

    #[inline(always)]
    fn index(&self, col: Col) -> &f64 {
        &self.0[col as usize]
    }
}

impl IndexMut<Col> for FeatureRow {
    #[inline(always)]
    fn index_mut(&mut self, col: Col) -> &mut f64 {
        &mut self.0[col as usize]
    }
}

/// A label as a row holds it.
#[inline(always)]
pub(super) fn code<L: Label>(label: Option<L>) -> f64 {
    label.map_or(f64::NAN, |l| f64::from(l.code()))
}

/// A yes/no as a row holds it.
#[inline(always)]
pub(super) fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_numbered_in_order_and_named_once() {
        for (k, &c) in Col::ALL.iter().enumerate() {
            assert_eq!(c as usize, k);
            assert_eq!(Col::parse(c.name()), Ok(c));
            assert_eq!(Col::ALL.iter().filter(|o| o.name() == c.name()).count(), 1, "{}", c.name());
            assert!(!c.summary().is_empty() && !c.group().is_empty());
        }
        assert!(Col::parse("rsy").unwrap_err().to_string().contains("rsi"));
    }
}
