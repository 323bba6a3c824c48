//! The scores of SPEC §3. `u(x)` is `clip(x, 0, 1)`; a score is NaN while any of its inputs is.

use super::{above, at_least, below};

/// `clip(x, 0, 1)`; NaN stays.
#[inline(always)]
fn u(x: f64) -> f64 {
    x.clamp(0.0, 1.0)
}

/// How far the RSI is from its middle, 1 from 30 points on.
#[inline(always)]
fn rsi_share(rsi: f64) -> f64 {
    u((rsi - 50.0).abs() / 30.0)
}

/// The volume above its mean, 1 from 2.5 times on.
#[inline(always)]
fn volume_share(volume_ratio: f64) -> f64 {
    u((volume_ratio - 1.0) / 1.5)
}

/// Inputs of [`trend_score`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendInputs {
    /// Fractional change of `ema_21` over 21 bars.
    pub ema_slope: f64,
    /// ADX 14.
    pub adx: f64,
    /// Where the price stands among the closes of the previous 20 bars: 1 above all, 0 below all, else 0.5.
    pub breakout: f64,
}

/// `10·(0.4·e + 0.4·u(adx / 50) + 0.2·p)` with `e = (clip(50·s, −1, 1) + 1) / 2`, in [0, 10].
#[inline]
pub fn trend_score(x: &TrendInputs) -> f64 {
    let e = 0.5 + 0.5 * (50.0 * x.ema_slope).clamp(-1.0, 1.0);
    10.0 * (0.4 * e + 0.4 * u(x.adx / 50.0) + 0.2 * x.breakout)
}

/// Inputs of [`confidence_score`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Fractional change over the long period.
    pub momentum_long: f64,
    /// RSI 14.
    pub rsi: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
    /// See [`trend_score`].
    pub trend_score: f64,
    /// Volume over its 20-bar mean.
    pub volume_ratio: f64,
}

/// `0.18·u(|m_s| / 0.1) + 0.12·u(|m_l| / 0.2) + 0.18·r + 0.18·u(|h| / 0.01) + 0.22·trend / 10 + 0.12·w`, in [0, 1].
///
/// `w = u((v − 1) / 1.5)` for `v ≥ 1`, else `u(1 + (v − 1) / 0.8)`: a quiet bar counts for up to 1, the usual volume for 0.
#[inline]
pub fn confidence_score(x: &ConfidenceInputs) -> f64 {
    let v = x.volume_ratio;
    // The two branches differ by 1 at v = 1: a volume that equals its mean must not fall to the lower one by rounding.
    let w = if at_least(v, 1.0) { volume_share(v) } else { u(1.0 + (v - 1.0) / 0.8) };
    0.18 * u(x.momentum_short.abs() / 0.1)
        + 0.12 * u(x.momentum_long.abs() / 0.2)
        + 0.18 * rsi_share(x.rsi)
        + 0.18 * u(x.macd_pct.abs() / 0.01)
        + 0.22 * x.trend_score / 10.0
        + 0.12 * w
}

/// Inputs of [`composite_score`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompositeInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Fractional change over the long period.
    pub momentum_long: f64,
    /// RSI 14.
    pub rsi: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
    /// See [`trend_score`].
    pub trend_score: f64,
    /// Volume over its 20-bar mean.
    pub volume_ratio: f64,
    /// 1 or 0; NaN while the cloud is not known.
    pub ichimoku_bullish: f64,
    /// Fibonacci confluence, 0 to 100.
    pub fib_confluence: f64,
}

const COMPOSITE_WEIGHTS: [f64; 8] = [0.20, 0.15, 0.20, 0.15, 0.20, 0.10, 0.10, 0.15];

/// Weighted mean of eight shares, in [0, 100].
///
/// The shares are `u(10·|m_s|)`, `u(5·|m_l|)`, `r`, `u(100·|h|)`, `trend / 10`, `u((v − 1) / 1.5)`, `ichimoku_bullish` and
/// `fib_confluence / 100`, with weights .20 .15 .20 .15 .20 .10 .10 .15 divided by their sum.
#[inline]
pub fn composite_score(x: &CompositeInputs) -> f64 {
    let shares = [
        u(x.momentum_short.abs() * 10.0),
        u(x.momentum_long.abs() * 5.0),
        rsi_share(x.rsi),
        u(x.macd_pct.abs() * 100.0),
        x.trend_score / 10.0,
        volume_share(x.volume_ratio),
        x.ichimoku_bullish,
        x.fib_confluence / 100.0,
    ];
    let total: f64 = COMPOSITE_WEIGHTS.iter().sum();
    let weighted: f64 = shares.iter().zip(&COMPOSITE_WEIGHTS).map(|(share, weight)| share * weight).sum();
    100.0 * weighted / total
}

/// `100·(0.5·u((v − 1) / 1.5) + 0.3·(largest bin / total) + 0.2·u(1 − |poc_distance| / 0.05))`, in [0, 100].
#[inline]
pub fn volume_composite_score(volume_ratio: f64, poc_share: f64, poc_distance: f64) -> f64 {
    100.0 * (0.5 * volume_share(volume_ratio) + 0.3 * poc_share + 0.2 * u(1.0 - poc_distance.abs() / 0.05))
}

/// Inputs of [`signal_strength`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrengthInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Fractional change over the long period.
    pub momentum_long: f64,
    /// RSI 14.
    pub rsi: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
    /// Volume over its 20-bar mean.
    pub volume_ratio: f64,
}

/// Strength of the upward case, in [0, 100] around 50.
///
/// `50 ± (min(150·|m_s|, 15) + min(75·|m_l|, 15))`, plus when both momenta are positive and minus otherwise; +5 for 40 < rsi < 60,
/// −10 for rsi > 70 or < 30; `± min(1000·|h|, 10)` with the sign of h; +5 for v > 1.2, −3 for v < 0.8.
#[inline]
pub fn signal_strength(x: &StrengthInputs) -> f64 {
    let StrengthInputs { momentum_short: m, momentum_long: l, rsi, macd_pct: h, volume_ratio: v } = *x;
    if [m, l, rsi, h, v].iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let momentum = (150.0 * m.abs()).min(15.0) + (75.0 * l.abs()).min(15.0);
    let mut score = if above(m, 0.0) && above(l, 0.0) { 50.0 + momentum } else { 50.0 - momentum };
    if above(rsi, 40.0) && below(rsi, 60.0) {
        score += 5.0;
    } else if above(rsi, 70.0) || below(rsi, 30.0) {
        score -= 10.0;
    }
    score += (1000.0 * h).clamp(-10.0, 10.0);
    if above(v, 1.2) {
        score += 5.0;
    } else if below(v, 0.8) {
        score -= 3.0;
    }
    score.clamp(0.0, 100.0)
}

/// `composite + 0.1·|100·m_s| + 5·cluster_validated + 15·reversion_probability + 8·trend_formation_signal`: what scans sort by.
///
/// The two yes/no inputs are 1, 0 or NaN.
#[inline]
pub fn enhanced_score(
    composite_score: f64,
    enhanced_momentum_score: f64,
    cluster_validated: f64,
    reversion_probability: f64,
    trend_formation_signal: f64,
) -> f64 {
    composite_score
        + 0.1 * enhanced_momentum_score.abs()
        + 5.0 * cluster_validated
        + 15.0 * reversion_probability
        + 8.0 * trend_formation_signal
}
