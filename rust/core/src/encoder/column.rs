//! One column of the encoder: where it comes from, what is done to it, and its scale.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::features::{Col, Kind};

/// The market features of SPEC §8, in the order of an observation.
pub const MARKET_FEATURES: [&str; 17] = [
    "price",
    "volume",
    "momentum_short",
    "momentum_long",
    "rsi",
    "macd",
    "bb_position",
    "volume_ratio",
    "composite_score",
    "trend_score",
    "confidence_score",
    "fear_greed",
    "btc_dominance",
    "volatility",
    "ichimoku_bullish",
    "vwap_bullish",
    "ema_crossover",
];

/// `IQR / σ` of the normal distribution.
const QUARTILES: f64 = 1.348_979_500_392_163_5;
/// `(99 % − 1 %) / σ` of the normal distribution.
const TAILS: f64 = 4.652_695_748_081_682;

/// What is done to a source before it is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Nothing.
    Identity,
    /// `ln x`: a ratio to a mean.
    Log,
    /// `ln(1 + x)`: a simple return as a log return.
    LogReturn,
    /// A yes/no as −1 and 1; no scale.
    Flag,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in an observation.
    pub name: String,
    /// Feature column that it is made of.
    pub source: String,
    /// What is done to it.
    pub transform: Transform,
    /// Median of the training span.
    pub center: f64,
    /// Robust deviation of the training span; 0 where nothing moved.
    pub scale: f64,
}

impl Column {
    /// The column of a name: a market feature of SPEC §8, any other feature column that is free of units, or a column of
    /// the user's own (taken as it is).
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a feature in units of price or volume, and for a label.
    pub fn of(name: &str) -> Result<Self> {
        let (source, transform) = match name {
            // SPEC's names for what enters as a stationary, scale-free transform.
            "price" => ("return_1", Transform::LogReturn),
            "volume" => ("volume_ratio", Transform::Log),
            "macd" => ("macd_pct", Transform::Identity),
            "ema_crossover" => ("ema_5_13_bullish", Transform::Flag),
            _ => (name, plain(name)?),
        };
        Ok(Self { name: name.to_owned(), source: source.to_owned(), transform, center: 0.0, scale: 0.0 })
    }

    /// Takes median and scale from values; what is not finite does not count.
    ///
    /// # Errors
    /// [`CoreError::Data`] when nothing is finite.
    pub(super) fn fit(&mut self, values: &[f64]) -> Result<()> {
        if self.transform == Transform::Flag {
            (self.center, self.scale) = (0.5, 0.5);
            return Ok(());
        }
        let mut finite: Vec<f64> = values.iter().map(|&x| self.transformed(x)).filter(|x| x.is_finite()).collect();
        if finite.is_empty() {
            return Err(CoreError::Data {
                symbol: None,
                row: 0,
                column: self.source.clone(),
                value: format!("not finite in all {} rows", values.len()),
                expected: "values to fit the encoder on".to_owned(),
            });
        }
        finite.sort_unstable_by(f64::total_cmp);
        let spread = |tail: f64, width: f64| (quantile(&finite, 1.0 - tail) - quantile(&finite, tail)) / width;
        self.center = quantile(&finite, 0.5);
        let quartiles = spread(0.25, QUARTILES);
        let scale = if noise(quartiles, self.center) { spread(0.01, TAILS) } else { quartiles };
        self.scale = if noise(scale, self.center) { 0.0 } else { scale };
        Ok(())
    }

    #[inline]
    fn transformed(&self, x: f64) -> f64 {
        match self.transform {
            Transform::Identity | Transform::Flag => x,
            Transform::Log => x.ln(),
            Transform::LogReturn => x.ln_1p(),
        }
    }

    /// The value as a number in [−1, 1].
    #[inline]
    pub fn encode(&self, x: f64) -> f32 {
        let z = (self.transformed(x) - self.center) / self.scale;
        if self.scale == 0.0 || z.is_nan() {
            return 0.0;
        }
        if self.transform == Transform::Flag { z.clamp(-1.0, 1.0) as f32 } else { (0.5 * z).tanh() as f32 }
    }
}

/// A spread that rounding alone explains. The level of the column counts, as a score of 50 that never moved may differ in its last bits
/// from row to row.
fn noise(spread: f64, level: f64) -> bool {
    spread <= 1e-12 * level.abs().max(1e-3)
}

/// The transform of a column that goes by its own name.
fn plain(name: &str) -> Result<Transform> {
    let Ok(col) = Col::parse(name) else { return Ok(Transform::Identity) };
    let refuse = |what: &str| {
        let expected = "a feature free of units, such as rsi, natr or bb_width";
        Err(CoreError::parameter("features", format!("{name} ({what})"), expected))
    };
    match col.kind() {
        Kind::Bool => Ok(Transform::Flag),
        Kind::Label(_) => refuse("a label"),
        Kind::Float | Kind::Int if in_units(col) => refuse("in units of price or volume"),
        Kind::Float | Kind::Int => Ok(Transform::Identity),
    }
}

/// Columns that grow with the price or the volume.
fn in_units(col: Col) -> bool {
    use Col::{
        AnchoredPoc, Atr, BbLower, BbMiddle, BbUpper, Ema5, Ema9, Ema13, Ema21, Ema50, Ema200, FibNearestExtension,
        FibNearestRetracement, FixedPoc, Kijun, LinregSlope, Macd, MacdHist, MacdSignal, Obv, PocPrice, Price, SenkouA,
        SenkouB, Sma20, Sma50, Tenkan, ValueAreaHigh, ValueAreaLow, Volume, VolumeUsd, Vwap,
    };
    matches!(
        col,
        AnchoredPoc
            | Atr
            | BbLower
            | BbMiddle
            | BbUpper
            | Ema5
            | Ema9
            | Ema13
            | Ema21
            | Ema50
            | Ema200
            | FibNearestExtension
            | FibNearestRetracement
            | FixedPoc
            | Kijun
            | LinregSlope
            | Macd
            | MacdHist
            | MacdSignal
            | Obv
            | PocPrice
            | Price
            | SenkouA
            | SenkouB
            | Sma20
            | Sma50
            | Tenkan
            | ValueAreaHigh
            | ValueAreaLow
            | Volume
            | VolumeUsd
            | Vwap
    )
}

/// Quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (at - low as f64) * (sorted[high] - sorted[low])
}
