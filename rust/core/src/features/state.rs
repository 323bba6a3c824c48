//! The features of one symbol, bar by bar.

use serde::{Deserialize, Serialize};

use super::columns::{Col, FeatureRow, code, flag};
use super::config::FeatureConfig;
use super::kernels::{Recursive, Windows};
use super::levels::Levels;
use crate::bars::Series;
use crate::error::{CoreError, Result};
use crate::indicators::momentum::RsiDivergence;
use crate::signals::{
    ClusterInputs, CompositeInputs, ConfidenceInputs, LegacyInputs, SignalInputs, SignalThresholds, StateInputs,
    StrengthInputs, TrendInputs, above, cluster_validated, composite_score, confidence_score, enhanced_score,
    legacy_label, market_regime, momentum_strength, price_above, reversion, signal, signal_state, signal_strength,
    trend_regime, trend_score, volatility_regime, volume_composite_score,
};
use crate::types::Bar;

/// Neutral value of an alternative column that nobody supplied.
const NEUTRAL: f64 = 50.0;

/// The features of one symbol.
///
/// [`FeatureState::push`] advances what must see every bar and is cheap; [`FeatureState::row`] adds what looks back over a window
/// (profiles, Fibonacci levels) and everything judged from it, and costs something only where a row is wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeatureState {
    config: FeatureConfig,
    signal: SignalThresholds,
    recursive: Recursive,
    windows: Windows,
    levels: Levels,
    seen: usize,
    last: Bar,
    /// The last bar was finite.
    valid: bool,
    fear_greed: f64,
    btc_dominance: f64,
}

impl FeatureState {
    /// A symbol that has seen no bar.
    ///
    /// # Errors
    /// As [`FeatureConfig::validate`].
    pub fn new(config: &FeatureConfig) -> Result<Self> {
        config.validate()?;
        let nothing = f64::NAN;
        Ok(Self {
            signal: config.signal_thresholds(),
            recursive: Recursive::new(&config.enhanced),
            windows: Windows::new(config),
            levels: Levels::new(config),
            config: config.clone(),
            seen: 0,
            last: Bar { ts: 0, open: nothing, high: nothing, low: nothing, close: nothing, volume: nothing },
            valid: false,
            fear_greed: NEUTRAL,
            btc_dominance: NEUTRAL,
        })
    }

    /// Bars before the first row without a missing value.
    pub fn warm_up(&self) -> usize {
        self.windows.warm_up().max(self.levels.warm_up())
    }

    /// Bars taken so far.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The configuration.
    pub fn config(&self) -> &FeatureConfig {
        &self.config
    }

    /// Sets the alternative columns from now on.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when a value lies outside 0 to 100.
    pub fn set_alternative(&mut self, fear_greed: f64, btc_dominance: f64) -> Result<()> {
        for (name, v) in [("fear_greed", fear_greed), ("btc_dominance", btc_dominance)] {
            if !(0.0..=100.0).contains(&v) {
                return Err(CoreError::parameter(name, v, "a number from 0 to 100"));
            }
        }
        (self.fear_greed, self.btc_dominance) = (fear_greed, btc_dominance);
        Ok(())
    }

    /// Takes the next closed bar. One with a NaN or an infinity leaves the state as it is, and its row is missing.
    #[inline]
    pub fn push(&mut self, bar: &Bar) {
        self.valid = [bar.open, bar.high, bar.low, bar.close, bar.volume].iter().all(|v| v.is_finite());
        if !self.valid {
            return;
        }
        self.recursive.push(bar);
        self.windows.push(bar);
        self.levels.push(bar);
        self.last = *bar;
        self.seen += 1;
    }

    /// Takes all bars of a checked series where only the row after the last one will be asked for.
    ///
    /// The state afterwards gives the same rows, bit for bit, as after pushing the bars one by one.
    pub fn push_all(&mut self, series: &Series<'_>) {
        if self.seen > 0 {
            for i in 0..series.len() {
                self.push(&series.bar(i));
            }
            return;
        }
        let Some(end) = series.len().checked_sub(1) else { return };
        self.recursive.run_last(series);
        self.windows.run_last(series);
        self.levels.run_last(series);
        self.last = series.bar(end);
        self.valid = true;
        self.seen = series.len();
    }

    /// Writes the row of the last bar.
    #[inline]
    pub fn row(&mut self, x: &mut FeatureRow) {
        self.fill(x, true);
    }

    /// The row of the last bar; without levels, the columns of which [`Col::needs_levels`] is true are missing.
    pub(crate) fn fill(&mut self, x: &mut FeatureRow, levels: bool) {
        *x = FeatureRow::MISSING;
        if !self.valid {
            return;
        }
        self.indicators(x);
        if levels {
            self.levels(x);
        }
        self.scores(x);
        self.classification(x);
        x[Col::FearGreed] = self.fear_greed;
        x[Col::BtcDominance] = self.btc_dominance;
        x[Col::InsufficientHistory] = flag(self.seen <= self.warm_up());
    }

    fn indicators(&self, x: &mut FeatureRow) {
        let (r, w, price) = (&self.recursive.now, &self.windows.now, self.last.close);
        x[Col::Price] = price;
        x[Col::Volume] = self.last.volume;
        x[Col::VolumeUsd] = w.turnover;
        x[Col::VolumeRatio] = w.volume_ratio;
        x[Col::Obv] = r.obv;
        x[Col::ObvSlope] = w.obv_slope;
        x[Col::Mfi] = w.mfi;
        x[Col::Cmf] = w.cmf;
        let [one, short, long] = self.windows.momenta();
        x[Col::MomentumShort] = short;
        x[Col::MomentumLong] = long;
        x[Col::Momentum1] = one;
        x[Col::Return1] = one;
        x[Col::Roc] = w.roc;
        x[Col::Rsi] = r.rsi;
        [x[Col::StochK], x[Col::StochD]] = w.stoch;
        x[Col::Cci] = w.cci;
        x[Col::WilliamsR] = w.williams_r;
        let [ema_5, ema_9, ema_13, ema_21, ema_50, ema_200] = r.ema;
        x[Col::Ema5] = ema_5;
        x[Col::Ema9] = ema_9;
        x[Col::Ema13] = ema_13;
        x[Col::Ema21] = ema_21;
        x[Col::Ema50] = ema_50;
        x[Col::Ema200] = ema_200;
        x[Col::Sma20] = w.sma_20;
        x[Col::Sma50] = w.sma_50;
        [x[Col::Macd], x[Col::MacdSignal], x[Col::MacdHist]] = r.macd;
        x[Col::MacdPct] = r.macd[2] / price;
        x[Col::Adx] = r.adx;
        x[Col::PlusDi] = r.plus_di;
        x[Col::MinusDi] = r.minus_di;
        x[Col::SupertrendDirection] = r.supertrend_direction;
        x[Col::LinregSlope] = w.linreg_slope;
        x[Col::TrendStrength] = r.adx;
        x[Col::Atr] = r.atr;
        x[Col::Natr] = r.atr / price * 100.0;
        [x[Col::BbUpper], x[Col::BbMiddle], x[Col::BbLower], x[Col::BbWidth], x[Col::BbPosition]] = w.bbands;
        x[Col::Volatility] = w.volatility;
        x[Col::VolatilityRatio] = if w.volatility_mean == 0.0 { 1.0 } else { w.volatility / w.volatility_mean };
        let [tenkan, kijun, senkou_a, senkou_b, _] = w.ichimoku;
        x[Col::Tenkan] = tenkan;
        x[Col::Kijun] = kijun;
        x[Col::SenkouA] = senkou_a;
        x[Col::SenkouB] = senkou_b;
        // With senkou_a the upper edge, above it is above the cloud.
        let bullish = price_above(senkou_a, senkou_b) && price_above(price, senkou_a);
        x[Col::IchimokuBullish] = known(bullish, &[senkou_a, senkou_b]);
        x[Col::Vwap] = r.vwap;
        x[Col::VwapBullish] = known(price_above(price, r.vwap), &[r.vwap]);
        x[Col::Ema5Over13] = known(price_above(ema_5, ema_13), &[ema_13]);
        x[Col::Ema9Over21] = known(price_above(ema_9, ema_21), &[ema_21]);
        x[Col::Ema50Over200] = known(price_above(ema_50, ema_200), &[ema_200]);
        let (past_price, past_rsi) = (self.windows.close_before(), self.recursive.rsi_before());
        let (bearish, bullish) = RsiDivergence::flags(price, past_price, r.rsi, past_rsi);
        x[Col::RsiBearishDiv] = known(bearish, &[past_rsi]);
        x[Col::RsiBullishDiv] = known(bullish, &[past_rsi]);
    }

    fn levels(&mut self, x: &mut FeatureRow) {
        let levels = self.levels.values(x[Col::Vwap]);
        let profile = &levels.profile;
        x[Col::PocPrice] = profile.poc;
        x[Col::PocDistance] = x[Col::Price] / profile.poc - 1.0;
        x[Col::AnchoredPoc] = levels.anchored_poc;
        x[Col::FixedPoc] = levels.fixed_poc;
        x[Col::ValueAreaHigh] = profile.value_area_high;
        x[Col::ValueAreaLow] = profile.value_area_low;
        x[Col::FibDirection] = levels.fibonacci.direction;
        x[Col::FibNearestRetracement] = levels.fibonacci.nearest_retracement;
        x[Col::FibNearestExtension] = levels.fibonacci.nearest_extension;
        x[Col::FibConfluence] = levels.confluence;
        x[Col::VolumeCompositeScore] =
            volume_composite_score(x[Col::VolumeRatio], profile.largest_share, x[Col::PocDistance]);
    }

    fn scores(&self, x: &mut FeatureRow) {
        let [highest, lowest] = self.windows.now.breakout;
        let price = x[Col::Price];
        let breakout = if highest.is_nan() {
            f64::NAN
        } else if price > highest {
            1.0
        } else if price < lowest {
            0.0
        } else {
            0.5
        };
        let (momentum_short, momentum_long) = (x[Col::MomentumShort], x[Col::MomentumLong]);
        let (rsi, macd_pct, volume_ratio) = (x[Col::Rsi], x[Col::MacdPct], x[Col::VolumeRatio]);
        let trend = trend_score(&TrendInputs { ema_slope: self.recursive.ema_slope(), adx: x[Col::Adx], breakout });
        x[Col::TrendScore] = trend;
        x[Col::ConfidenceScore] = confidence_score(&ConfidenceInputs {
            momentum_short,
            momentum_long,
            rsi,
            macd_pct,
            trend_score: trend,
            volume_ratio,
        });
        x[Col::CompositeScore] = composite_score(&CompositeInputs {
            momentum_short,
            momentum_long,
            rsi,
            macd_pct,
            trend_score: trend,
            volume_ratio,
            ichimoku_bullish: x[Col::IchimokuBullish],
            fib_confluence: x[Col::FibConfluence],
        });
        x[Col::SignalStrength] =
            signal_strength(&StrengthInputs { momentum_short, momentum_long, rsi, macd_pct, volume_ratio });
    }

    fn classification(&self, x: &mut FeatureRow) {
        let c = &self.config;
        let (momentum_1, momentum_short, momentum_long) =
            (x[Col::Momentum1], x[Col::MomentumShort], x[Col::MomentumLong]);
        let (rsi, macd_pct, volume_ratio) = (x[Col::Rsi], x[Col::MacdPct], x[Col::VolumeRatio]);
        let bb_position = x[Col::BbPosition];
        if let Some(turn) = reversion(momentum_1, momentum_short, momentum_long, rsi, &c.enhanced) {
            x[Col::ReversionCandidate] = flag(turn.is_candidate());
            x[Col::ReversionProbability] = turn.probability;
            x[Col::MomentumExhaustion] = flag(turn.momentum_exhaustion);
            x[Col::ExcessiveGain] = flag(turn.excessive_gain);
            x[Col::ExcessiveLoss] = flag(turn.excessive_loss);
        }
        x[Col::MomentumStrength] = code(momentum_strength(momentum_short, &c.enhanced));
        x[Col::EnhancedMomentumScore] = 100.0 * momentum_short;
        let cluster = ClusterInputs { momentum_short, rsi, volume_ratio, adx: x[Col::Adx], macd_pct };
        x[Col::ClusterValidated] = cluster_validated(&cluster, &c.enhanced).map_or(f64::NAN, flag);
        let direction = self.recursive.now.cluster_direction;
        x[Col::ClusterDetected] = known(direction != 0.0, &[direction]);
        x[Col::ClusterStrength] = self.recursive.now.cluster_strength;
        x[Col::DirectionalCluster] = direction;
        let formation = above(direction * momentum_short, 0.0);
        x[Col::TrendFormationSignal] = known(formation, &[direction, momentum_short]);
        let volatility = volatility_regime(x[Col::VolatilityRatio], &c.regime);
        let trend = trend_regime(x[Col::Ema50], x[Col::Ema200], momentum_short, &c.regime);
        x[Col::VolatilityRegime] = code(volatility);
        x[Col::TrendRegime] = code(trend);
        x[Col::MarketRegime] = code(market_regime(volatility, trend));
        x[Col::EnhancedScore] = enhanced_score(
            x[Col::CompositeScore],
            x[Col::EnhancedMomentumScore],
            x[Col::ClusterValidated],
            x[Col::ReversionProbability],
            x[Col::TrendFormationSignal],
        );
        let inputs = SignalInputs {
            momentum_short,
            momentum_long,
            rsi,
            macd_pct,
            ichimoku_bullish: x.flag(Col::IchimokuBullish),
            reversion_probability: x[Col::ReversionProbability],
        };
        x[Col::Signal] = code(signal(&inputs, &self.signal));
        let inputs = StateInputs { momentum_1, momentum_short, volume_ratio, bb_position, rsi };
        x[Col::SignalState] = code(signal_state(&inputs, &c.state));
        let inputs = LegacyInputs { momentum_short, momentum_long, rsi, bb_position, macd_pct };
        x[Col::LegacyLabel] = code(legacy_label(&inputs, &c.legacy));
    }
}

/// A yes/no that is missing while any of its inputs is.
#[inline(always)]
fn known(yes: bool, inputs: &[f64]) -> f64 {
    if inputs.iter().any(|v| v.is_nan()) { f64::NAN } else { flag(yes) }
}
