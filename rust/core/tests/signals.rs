//! Every rule of SPEC §4 and every score of SPEC §3: precedence, boundaries, missing inputs, thresholds by market and timeframe.
#![allow(clippy::unwrap_used)]

use mirrorfast_core::signals::{
    CandleCluster, CandleClusters, ClusterInputs, CompositeInputs, ConfidenceInputs, Direction, EnhancedThresholds,
    Label, LegacyInputs, LegacyLabel, LegacyThresholds, MarketRegime, MomentumStrength, RegimeThresholds, Signal,
    SignalInputs, SignalState, SignalThresholds, StateInputs, StateThresholds, StrengthInputs, TrendInputs,
    TrendRegime, VolatilityRegime, cluster_validated, composite_score, confidence_score, enhanced_score, legacy_label,
    market_regime, momentum_strength, reversion, signal, signal_state, signal_strength, trend_regime, trend_score,
    volatility_regime, volume_composite_score,
};
use mirrorfast_core::types::{Market, Timeframe};
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

// ---------------------------------------------------------------------------------------------------------------- signal

fn verdict(m: f64, l: f64, rsi: f64, h: f64, cloud: Option<bool>, reversion_probability: f64) -> Option<Signal> {
    let x = SignalInputs {
        momentum_short: m,
        momentum_long: l,
        rsi,
        macd_pct: h,
        ichimoku_bullish: cloud,
        reversion_probability,
    };
    signal(&x, &SignalThresholds::default())
}

#[test]
fn signal_rules() {
    use Signal::*;
    let table = [
        // Strong Buy and every way to miss one of its conditions; t = 0.05.
        ((0.11, 0.06, 60.0, 0.001, Some(true)), StrongBuy),
        ((0.10, 0.06, 60.0, 0.001, Some(true)), Buy),
        ((0.11, 0.05, 60.0, 0.001, Some(true)), Buy),
        ((0.11, 0.06, 65.0, 0.001, Some(true)), Buy),
        ((0.11, 0.06, 33.0, 0.001, Some(true)), Neutral),
        ((0.11, 0.06, 60.0, 0.0, Some(true)), Neutral),
        ((0.11, 0.06, 60.0, 0.001, Some(false)), Buy),
        // Buy has no upper RSI bound.
        ((0.06, 0.0, 99.0, 0.001, Some(false)), Buy),
        ((0.05, 0.0, 50.0, 0.001, Some(true)), WeakBuy),
        ((0.06, 0.0, 33.1, 0.001, Some(true)), Buy),
        // Weak Buy.
        ((0.001, -0.5, 45.1, 1e-6, Some(false)), WeakBuy),
        ((0.001, 0.0, 45.0, 0.001, Some(true)), Neutral),
        ((0.0, 0.0, 60.0, 0.001, Some(true)), Neutral),
        ((0.001, 0.0, 60.0, -0.001, Some(true)), Neutral),
        // Strong Sell and every way to miss one of its conditions.
        ((-0.11, -0.06, 40.0, -0.001, Some(false)), StrongSell),
        ((-0.10, -0.06, 40.0, -0.001, Some(false)), Sell),
        ((-0.11, -0.05, 40.0, -0.001, Some(false)), Sell),
        ((-0.11, -0.06, 20.0, -0.001, Some(false)), Sell),
        ((-0.11, -0.06, 67.0, -0.001, Some(false)), Neutral),
        ((-0.11, -0.06, 40.0, 0.0, Some(false)), Neutral),
        ((-0.11, -0.06, 40.0, -0.001, Some(true)), Sell),
        // Sell has no lower RSI bound.
        ((-0.06, 0.0, 1.0, -0.001, Some(true)), Sell),
        ((-0.05, 0.0, 50.0, -0.001, Some(true)), WeakSell),
        ((-0.001, 0.5, 54.9, -1e-6, Some(true)), WeakSell),
        ((-0.001, 0.0, 55.0, -0.001, Some(true)), Neutral),
        ((0.0, 0.0, 50.0, -0.001, Some(false)), Neutral),
    ];
    for ((m, l, rsi, h, cloud), expected) in table {
        assert_eq!(verdict(m, l, rsi, h, cloud, 0.0), Some(expected), "m={m} l={l} rsi={rsi} h={h} cloud={cloud:?}");
    }
}

#[test]
fn signal_turns_round_on_a_likely_reversion() {
    let up = |p| verdict(0.11, 0.06, 60.0, 0.001, Some(true), p);
    let down = |p| verdict(-0.11, -0.06, 40.0, -0.001, Some(false), p);
    assert_eq!(up(0.7), Some(Signal::StrongBuy));
    assert_eq!(up(0.71), Some(Signal::MeanReversionSell));
    assert_eq!(up(NAN), Some(Signal::StrongBuy));
    assert_eq!(down(0.7), Some(Signal::StrongSell));
    assert_eq!(down(0.71), Some(Signal::MeanReversionBuy));
    // Only the strong signals turn.
    assert_eq!(verdict(0.06, 0.0, 50.0, 0.001, Some(true), 0.9), Some(Signal::Buy));
    assert_eq!(verdict(-0.06, 0.0, 50.0, -0.001, Some(true), 0.9), Some(Signal::Sell));
}

#[test]
fn signal_with_missing_inputs() {
    assert_eq!(verdict(NAN, 0.06, 60.0, 0.001, Some(true), 0.0), None);
    assert_eq!(verdict(0.11, 0.06, NAN, 0.001, Some(true), 0.0), None);
    assert_eq!(verdict(0.11, 0.06, 60.0, NAN, Some(true), 0.0), None);
    // The strong rules need the long momentum and the cloud, the others do not.
    assert_eq!(verdict(0.11, NAN, 60.0, 0.001, Some(true), 0.0), Some(Signal::Buy));
    assert_eq!(verdict(0.11, 0.06, 60.0, 0.001, None, 0.0), Some(Signal::Buy));
    assert_eq!(verdict(-0.11, NAN, 40.0, -0.001, Some(false), 0.0), Some(Signal::Sell));
    // "not bullish" does not hold for a cloud that is not known.
    assert_eq!(verdict(-0.11, -0.06, 40.0, -0.001, None, 0.0), Some(Signal::Sell));
    assert_eq!(verdict(0.0, NAN, 50.0, 0.001, None, NAN), Some(Signal::Neutral));
}

#[test]
fn signal_thresholds_by_market_and_timeframe() {
    use Timeframe::*;
    let table = [
        (
            Market::Crypto,
            [
                (Scalping, 0.01, 70.0),
                (Short, 0.03, 68.0),
                (Medium, 0.05, 65.0),
                (Daily, 0.06, 65.0),
                (Weekly, 0.15, 70.0),
            ],
        ),
        (
            Market::Forex,
            [
                (Scalping, 0.002, 70.0),
                (Short, 0.005, 68.0),
                (Medium, 0.008, 67.0),
                (Daily, 0.01, 65.0),
                (Weekly, 0.03, 70.0),
            ],
        ),
    ];
    for (market, rows) in table {
        for (timeframe, t, rsi_max) in rows {
            let thresholds = SignalThresholds::of(market, timeframe);
            assert_eq!((thresholds.momentum, thresholds.rsi_min, thresholds.rsi_max), (t, 33.0, rsi_max));
            thresholds.validate().unwrap();
            let at = |m: f64, l: f64, rsi: f64| {
                let x = SignalInputs {
                    momentum_short: m,
                    momentum_long: l,
                    rsi,
                    macd_pct: 0.001,
                    ichimoku_bullish: Some(true),
                    reversion_probability: 0.0,
                };
                signal(&x, &thresholds)
            };
            let more = 1.0 + 1e-9;
            assert_eq!(
                at(2.0 * t * more, t * more, rsi_max - 1e-6),
                Some(Signal::StrongBuy),
                "{market:?} {timeframe:?}"
            );
            assert_eq!(at(2.0 * t, t * more, rsi_max - 1e-6), Some(Signal::Buy));
            assert_eq!(at(2.0 * t * more, t, rsi_max - 1e-6), Some(Signal::Buy));
            assert_eq!(at(2.0 * t * more, t * more, rsi_max), Some(Signal::Buy));
            assert_eq!(at(t, t * more, 60.0), Some(Signal::WeakBuy));
        }
    }
}

#[test]
fn a_value_on_a_threshold_stays_on_it_in_every_price_unit() {
    // 105 / 100 is exactly on t = 0.05, whichever way the last bit falls.
    for k in [1.0, 1.1, 0.3, 1e-7, 7.0, 1e5 / 3.0] {
        let m = (105.0 * k) / (100.0 * k) - 1.0;
        assert_eq!(verdict(m, 0.0, 50.0, 0.001, Some(false), 0.0), Some(Signal::WeakBuy), "k={k}");
    }
    // The MACD of a straight line is rounding noise, not a side.
    assert_eq!(verdict(0.01, 0.0, 60.0, 3e-17, Some(false), 0.0), Some(Signal::Neutral));
}

#[test]
fn direction_of_every_signal() {
    let table = [
        (Signal::StrongBuy, Direction::Buy),
        (Signal::Buy, Direction::Buy),
        (Signal::WeakBuy, Direction::Buy),
        (Signal::MeanReversionBuy, Direction::Buy),
        (Signal::Neutral, Direction::Neutral),
        (Signal::WeakSell, Direction::Sell),
        (Signal::Sell, Direction::Sell),
        (Signal::StrongSell, Direction::Sell),
        (Signal::MeanReversionSell, Direction::Sell),
    ];
    assert_eq!(table.len(), Signal::ALL.len());
    for (s, expected) in table {
        assert_eq!(s.direction(), expected);
    }
}

// ---------------------------------------------------------------------------------------------------------- signal_state

fn state(a: f64, b: f64, v: f64, band: f64, rsi: f64) -> Option<SignalState> {
    let x = StateInputs { momentum_1: a, momentum_short: b, volume_ratio: v, bb_position: band, rsi };
    signal_state(&x, &StateThresholds::default())
}

#[test]
fn state_rules() {
    use SignalState::*;
    let table = [
        ((0.08, 0.08, 1.0, 0.5, 50.0), BullParabolic),
        ((0.08, -0.08, 1.0, 0.5, 50.0), BullParabolic),
        ((-0.08, 0.08, 1.0, 0.5, 50.0), BearCapitulation),
        ((-0.08, -0.08, 1.0, 0.5, 50.0), BearCapitulation),
        ((0.075, 0.08, 1.0, 0.5, 50.0), BullStrong),
        ((0.036, 0.036, 1.0, 0.5, 50.0), BullStrong),
        ((0.036, 0.035, 1.0, 0.5, 50.0), Neutral),
        ((-0.036, -0.036, 1.0, 0.5, 50.0), BearStrong),
        ((-0.035, -0.036, 1.0, 0.5, 50.0), Neutral),
        ((0.016, 0.0, 1.0, 0.86, 50.0), BullEarly),
        ((0.016, 0.0, 1.0, 0.85, 50.0), Neutral),
        ((0.015, 0.0, 1.0, 0.86, 50.0), Neutral),
        ((-0.016, 0.0, 1.0, 0.14, 50.0), BearEarly),
        ((-0.016, 0.0, 1.0, 0.15, 50.0), Neutral),
        ((0.001, 0.0, 1.0, 0.5, 34.0), NeutralAccum),
        ((0.0, 0.0, 1.0, 0.5, 34.0), Neutral),
        ((0.001, 0.015, 1.0, 0.5, 34.0), Neutral),
        ((0.001, 0.0, 1.0, 0.5, 35.0), Neutral),
        ((-0.001, 0.0, 1.0, 0.5, 66.0), NeutralDist),
        ((-0.001, 0.0, 1.0, 0.5, 65.0), Neutral),
        // Early comes before accumulation.
        ((0.016, 0.0, 1.0, 0.9, 30.0), BullEarly),
        // The thresholds follow the volume between half and twice.
        ((0.08, 0.08, 2.0, 0.5, 50.0), BullStrong),
        ((0.16, 0.16, 2.0, 0.5, 50.0), BullParabolic),
        ((0.16, 0.16, 50.0, 0.5, 50.0), BullParabolic),
        ((0.04, 0.04, 0.5, 0.5, 50.0), BullParabolic),
        ((0.04, 0.04, 0.0, 0.5, 50.0), BullParabolic),
        ((0.037, 0.037, 0.0, 0.5, 50.0), BullStrong),
    ];
    for ((a, b, v, band, rsi), expected) in table {
        assert_eq!(state(a, b, v, band, rsi), Some(expected), "a={a} b={b} v={v} band={band} rsi={rsi}");
    }
}

#[test]
fn state_with_missing_inputs() {
    assert_eq!(state(NAN, 0.08, 1.0, 0.5, 50.0), None);
    assert_eq!(state(0.08, NAN, 1.0, 0.5, 50.0), None);
    assert_eq!(state(0.08, 0.08, NAN, 0.5, 50.0), None);
    assert_eq!(state(0.08, 0.08, 1.0, NAN, NAN), Some(SignalState::BullParabolic));
    assert_eq!(state(0.016, 0.0, 1.0, 0.9, NAN), Some(SignalState::BullEarly));
    assert_eq!(state(0.001, 0.0, 1.0, NAN, 30.0), Some(SignalState::NeutralAccum));
    assert_eq!(state(0.001, 0.0, 1.0, NAN, 50.0), None);
    assert_eq!(state(0.001, 0.0, 1.0, 0.5, NAN), None);
}

// ---------------------------------------------------------------------------------------------------------- legacy_label

fn legacy(b: f64, c: f64, rsi: f64, band: f64, h: f64) -> Option<LegacyLabel> {
    let x = LegacyInputs { momentum_short: b, momentum_long: c, rsi, bb_position: band, macd_pct: h };
    legacy_label(&x, &LegacyThresholds::default())
}

#[test]
fn legacy_rules() {
    use LegacyLabel::*;
    let table = [
        ((0.036, 0.08, 50.0, 0.5, 0.0), ConsistentUptrend),
        // b = c / 2 is no healthy pace; b < high, c > high: no other rule but MACD.
        ((0.04, 0.08, 50.0, 0.5, 0.0), Neutral),
        ((0.035, 0.08, 50.0, 0.5, 0.0), Neutral),
        ((0.08, 0.034, 50.0, 0.5, 0.0), NewSpike),
        ((0.08, -0.034, 50.0, 0.5, 0.0), NewSpike),
        ((0.07, 0.034, 50.0, 0.5, 0.0), Neutral),
        ((-0.036, 0.08, 66.0, 0.81, 0.0), ToppingOut),
        ((-0.036, 0.08, 65.0, 0.81, 0.0), Neutral),
        ((-0.036, 0.08, 66.0, 0.80, 0.0), Neutral),
        ((0.0, 0.0, 50.0, 0.5, 0.0), Consolidation),
        ((0.0, 0.0, 40.0, 0.5, 0.0), Consolidation),
        ((0.0, 0.0, 60.0, 0.5, 0.0), Consolidation),
        ((0.0, 0.0, 39.9, 0.5, 0.0), Lagging),
        ((0.0, 0.0, 60.1, 0.5, 0.0), Lagging),
        ((0.0, 0.015, 50.0, 0.5, 0.0), Lagging),
        ((0.014, -0.034, 50.0, 0.5, 0.0), Lagging),
        ((0.0, 0.035, 50.0, 0.5, 0.0), Neutral),
        ((0.016, 0.036, 50.0, 0.5, 0.0), ModerateUptrend),
        ((0.069, 0.069, 50.0, 0.5, 0.0), ModerateUptrend),
        ((0.015, 0.036, 50.0, 0.5, 0.0), Neutral),
        ((0.036, -0.036, 44.0, 0.5, 0.0), PotentialReversal),
        ((0.036, -0.036, 45.0, 0.5, 0.0), Neutral),
        ((0.016, 0.014, 50.0, 0.5, 0.0), WeakUptrend),
        // Above 7 % out of a flat past the spike comes first.
        ((0.08, 0.014, 50.0, 0.5, 0.0), NewSpike),
        ((0.016, 0.015, 50.0, 0.5, 0.0), Neutral),
        ((0.08, 0.08, 76.0, 0.9, 0.001), Overbought),
        ((0.08, 0.08, 75.0, 0.9, 0.001), MacdBullish),
        ((-0.08, -0.08, 24.0, 0.1, -0.001), Oversold),
        ((-0.08, -0.08, 25.0, 0.1, -0.001), MacdBearish),
        ((0.08, 0.08, 50.0, 0.9, 0.0), Neutral),
        ((-0.08, -0.08, 50.0, 0.1, 0.0), Neutral),
        ((0.035, 0.08, 50.0, 0.9, 0.001), Neutral),
    ];
    for ((b, c, rsi, band, h), expected) in table {
        assert_eq!(legacy(b, c, rsi, band, h), Some(expected), "b={b} c={c} rsi={rsi} band={band} h={h}");
    }
    // Every label can be reached.
    for &label in LegacyLabel::ALL {
        assert!(table.iter().any(|(_, got)| *got == label), "{label}");
    }
}

#[test]
fn legacy_with_missing_inputs() {
    assert_eq!(legacy(NAN, 0.08, 50.0, 0.5, 0.0), None);
    assert_eq!(legacy(0.036, 0.08, NAN, NAN, NAN), Some(LegacyLabel::ConsistentUptrend));
    assert_eq!(legacy(0.08, NAN, 76.0, 0.9, 0.001), Some(LegacyLabel::Overbought));
    assert_eq!(legacy(0.0, 0.0, NAN, 0.5, 0.0), Some(LegacyLabel::Lagging));
    assert_eq!(legacy(0.0, NAN, 50.0, 0.5, 0.0), None);
    assert_eq!(legacy(-0.036, 0.08, 66.0, NAN, 0.001), None);
}

// -------------------------------------------------------------------------------------------------------------- enhanced

#[test]
fn momentum_strength_by_size() {
    let t = EnhancedThresholds::default();
    for (m, expected) in [
        (0.0, MomentumStrength::Weak),
        (0.05, MomentumStrength::Weak),
        (-0.051, MomentumStrength::Moderate),
        (0.1499, MomentumStrength::Moderate),
        (0.15, MomentumStrength::Strong),
        (-0.15, MomentumStrength::Strong),
    ] {
        assert_eq!(momentum_strength(m, &t), Some(expected), "{m}");
    }
    assert_eq!(momentum_strength(NAN, &t), None);
}

#[test]
fn cluster_validated_counts_conditions() {
    let t = EnhancedThresholds::default();
    let quiet = ClusterInputs { momentum_short: 0.05, rsi: 50.0, volume_ratio: 1.0, adx: 20.0, macd_pct: -0.01 };
    assert_eq!(cluster_validated(&quiet, &t), Some(false));
    let on = |mask: u8| ClusterInputs {
        rsi: if mask & 1 > 0 { 71.0 } else { 70.0 },
        momentum_short: if mask & 2 > 0 { 0.11 } else { 0.1 },
        volume_ratio: if mask & 4 > 0 { 1.51 } else { 1.5 },
        adx: if mask & 8 > 0 { 25.1 } else { 25.0 },
        macd_pct: if mask & 16 > 0 { 0.01 } else { -0.01 },
    };
    for mask in 0..32_u8 {
        assert_eq!(cluster_validated(&on(mask), &t), Some(mask.count_ones() >= 3), "{mask:05b}");
    }
    // Oversold counts as well, and a fall agrees with a negative MACD.
    let down = ClusterInputs { momentum_short: -0.11, rsi: 29.0, volume_ratio: 1.0, adx: 20.0, macd_pct: -0.01 };
    assert_eq!(cluster_validated(&down, &t), Some(true));
    // Three that hold decide it, whatever is missing; two that hold leave it open; enough that fail decide it too.
    assert_eq!(cluster_validated(&ClusterInputs { adx: NAN, ..down }, &t), Some(true));
    assert_eq!(cluster_validated(&ClusterInputs { rsi: NAN, ..down }, &t), None);
    assert_eq!(cluster_validated(&ClusterInputs { adx: NAN, ..quiet }, &t), Some(false));
}

#[test]
fn reversion_signs() {
    let t = EnhancedThresholds::default();
    let of = |a, m, l, rsi| reversion(a, m, l, rsi, &t).unwrap();
    let none = of(0.01, 0.0, 0.0, 50.0);
    assert!(!none.is_candidate() && none.probability == 0.0);
    // 50·0.004 + (73 − 70) / 30.
    let gain = of(-0.004, 0.0, 0.0, 73.0);
    assert!(gain.is_candidate() && gain.excessive_gain && !gain.excessive_loss && !gain.momentum_exhaustion);
    assert!((gain.probability - 0.3).abs() < 1e-12, "{}", gain.probability);
    // Both parts are capped.
    let loss = of(0.5, 0.0, 0.0, 1.0);
    assert!(loss.excessive_loss && (loss.probability - 1.0).abs() < 1e-12);
    // The last bar must go against the extreme, strictly.
    assert!(!of(0.01, 0.0, 0.0, 80.0).is_candidate());
    assert!(!of(0.0, 0.0, 0.0, 80.0).is_candidate());
    assert!(!of(-0.01, 0.0, 0.0, 20.0).is_candidate());
    assert!(!of(-0.01, 0.0, 0.0, 70.0).is_candidate());
    // Momentum divergence.
    let tired = of(0.0, 0.06, -0.07, 50.0);
    assert!(tired.is_candidate() && tired.momentum_exhaustion && tired.probability == 0.4);
    assert!(!of(0.0, 0.05, 0.07, 50.0).momentum_exhaustion);
    assert!(!of(0.0, 0.07, 0.07, 50.0).momentum_exhaustion);
    // The more probable of two signs counts.
    assert_eq!(of(-0.0001, 0.06, 0.07, 71.0).probability, 0.4);
    assert!(of(-0.02, 0.06, 0.07, 71.0).probability > 0.8);
    for k in 0..4 {
        let mut x = [-0.01, 0.06, 0.07, 80.0];
        x[k] = NAN;
        assert_eq!(reversion(x[0], x[1], x[2], x[3], &t), None);
    }
}

#[test]
fn candle_clusters() {
    let t = EnhancedThresholds::default();
    let last = |bodies: &[(f64, f64)]| {
        let mut clusters = CandleClusters::new(&t);
        bodies.iter().map(|&(open, close)| clusters.update(open, close)).last().unwrap()
    };
    assert_eq!(last(&[(100.0, 101.0)]), None);
    let run = last(&[(100.0, 101.0), (101.0, 103.0), (103.0, 106.0)]).unwrap();
    assert_eq!((run.pattern, run.direction, run.strength), (Some(CandleCluster::Run), 1.0, 0.6));
    let run = last(&[(100.0, 99.0), (99.0, 97.0), (97.0, 94.0), (94.0, 90.0)]).unwrap();
    assert_eq!((run.pattern, run.direction, run.strength), (Some(CandleCluster::Run), -1.0, 0.8));
    // Two are no run, equal bodies do not grow, a doji ends a run.
    assert_eq!(last(&[(100.0, 101.0), (101.0, 103.0)]).unwrap().pattern, None);
    assert_eq!(last(&[(100.0, 101.0), (101.0, 103.0), (103.0, 105.0)]).unwrap().pattern, None);
    assert_eq!(last(&[(100.0, 101.0), (101.0, 103.0), (103.0, 103.0), (103.0, 106.0)]).unwrap().pattern, None);
    // Equal bodies in ticks are equal although their floats differ.
    assert_eq!(last(&[(0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5)]).unwrap().pattern, None);
    // Engulfing: opposite, covers, and more than 1.2 times as large.
    let engulfing = last(&[(100.0, 98.0), (97.9, 101.0)]).unwrap();
    assert_eq!((engulfing.pattern, engulfing.direction), (Some(CandleCluster::Engulfing), 1.0));
    assert!((engulfing.strength - 3.1 / 4.8).abs() < 1e-9, "{}", engulfing.strength);
    assert_eq!(last(&[(100.0, 98.0), (98.0, 100.4)]).unwrap().pattern, None);
    assert_eq!(last(&[(100.0, 98.0), (98.1, 101.0)]).unwrap().pattern, None);
    let down = last(&[(98.0, 100.0), (100.0, 90.0)]).unwrap();
    assert_eq!((down.pattern, down.direction, down.strength), (Some(CandleCluster::Engulfing), -1.0, 1.0));
}

#[test]
fn regimes() {
    let t = RegimeThresholds::default();
    for (ratio, expected) in [
        (1.51, VolatilityRegime::High),
        (1.5, VolatilityRegime::Normal),
        (0.7, VolatilityRegime::Normal),
        (0.69, VolatilityRegime::Low),
    ] {
        assert_eq!(volatility_regime(ratio, &t), Some(expected));
    }
    assert_eq!(volatility_regime(NAN, &t), None);
    for (fast, slow, m, expected) in [
        (101.0, 100.0, 0.011, TrendRegime::StrongUp),
        (101.0, 100.0, 0.01, TrendRegime::Up),
        (101.0, 100.0, -0.01, TrendRegime::Up),
        (101.0, 100.0, -0.011, TrendRegime::Sideways),
        (100.0, 100.0, 0.5, TrendRegime::Sideways),
        (100.0, 101.0, 0.011, TrendRegime::Sideways),
        (100.0, 101.0, 0.0, TrendRegime::Down),
        (100.0, 101.0, -0.011, TrendRegime::StrongDown),
    ] {
        assert_eq!(trend_regime(fast, slow, m, &t), Some(expected), "{fast} {slow} {m}");
        assert_eq!(trend_regime(fast * 1e-7, slow * 1e-7, m, &t), Some(expected), "{fast} {slow} {m}, small prices");
    }
    for x in [(NAN, 1.0, 0.0), (1.0, NAN, 0.0), (1.0, 1.0, NAN)] {
        assert_eq!(trend_regime(x.0, x.1, x.2, &t), None);
    }
    let (high, low, normal) =
        (Some(VolatilityRegime::High), Some(VolatilityRegime::Low), Some(VolatilityRegime::Normal));
    for (volatility, trend, expected) in [
        (high, Some(TrendRegime::StrongUp), Some(MarketRegime::Volatile)),
        (high, None, Some(MarketRegime::Volatile)),
        (normal, Some(TrendRegime::StrongUp), Some(MarketRegime::Trending)),
        (low, Some(TrendRegime::StrongDown), Some(MarketRegime::Trending)),
        (normal, Some(TrendRegime::Sideways), Some(MarketRegime::Ranging)),
        (normal, Some(TrendRegime::Up), Some(MarketRegime::Normal)),
        (low, Some(TrendRegime::Down), Some(MarketRegime::Normal)),
        (normal, None, None),
        (None, Some(TrendRegime::StrongUp), None),
    ] {
        assert_eq!(market_regime(volatility, trend), expected);
    }
}

// ---------------------------------------------------------------------------------------------------------------- scores

fn close_to(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "{got} instead of {expected}");
}

#[test]
fn trend_score_parts() {
    let of = |ema_slope, adx, breakout| trend_score(&TrendInputs { ema_slope, adx, breakout });
    close_to(of(0.0, 0.0, 0.0), 2.0);
    close_to(of(0.02, 50.0, 1.0), 10.0);
    close_to(of(1.0, 90.0, 1.0), 10.0);
    close_to(of(-0.02, 0.0, 0.0), 0.0);
    close_to(of(0.01, 25.0, 0.5), 10.0 * (0.4 * 0.75 + 0.4 * 0.5 + 0.2 * 0.5));
    assert!(of(NAN, 25.0, 0.5).is_nan() && of(0.0, NAN, 0.5).is_nan() && of(0.0, 25.0, NAN).is_nan());
}

#[test]
fn confidence_score_parts() {
    let base = ConfidenceInputs {
        momentum_short: 0.0,
        momentum_long: 0.0,
        rsi: 50.0,
        macd_pct: 0.0,
        trend_score: 0.0,
        volume_ratio: 1.0,
    };
    close_to(confidence_score(&base), 0.0);
    close_to(confidence_score(&ConfidenceInputs { momentum_short: -0.05, ..base }), 0.09);
    close_to(confidence_score(&ConfidenceInputs { momentum_long: 0.4, ..base }), 0.12);
    close_to(confidence_score(&ConfidenceInputs { rsi: 35.0, ..base }), 0.09);
    close_to(confidence_score(&ConfidenceInputs { macd_pct: -0.005, ..base }), 0.09);
    close_to(confidence_score(&ConfidenceInputs { trend_score: 10.0, ..base }), 0.22);
    close_to(confidence_score(&ConfidenceInputs { volume_ratio: 2.5, ..base }), 0.12);
    close_to(confidence_score(&ConfidenceInputs { volume_ratio: 0.6, ..base }), 0.06);
    close_to(confidence_score(&ConfidenceInputs { volume_ratio: 0.1, ..base }), 0.0);
    // A volume on its mean belongs to the upper branch, rounding or not.
    close_to(confidence_score(&ConfidenceInputs { volume_ratio: 1.0 - f64::EPSILON, ..base }), 0.0);
    for k in 0..6 {
        let mut x = [0.0, 0.0, 50.0, 0.0, 0.0, 1.0];
        x[k] = NAN;
        let x = ConfidenceInputs {
            momentum_short: x[0],
            momentum_long: x[1],
            rsi: x[2],
            macd_pct: x[3],
            trend_score: x[4],
            volume_ratio: x[5],
        };
        assert!(confidence_score(&x).is_nan(), "input {k}");
    }
}

#[test]
fn composite_score_parts() {
    let base = CompositeInputs {
        momentum_short: 0.0,
        momentum_long: 0.0,
        rsi: 50.0,
        macd_pct: 0.0,
        trend_score: 0.0,
        volume_ratio: 1.0,
        ichimoku_bullish: 0.0,
        fib_confluence: 0.0,
    };
    close_to(composite_score(&base), 0.0);
    for (x, weight) in [
        (CompositeInputs { momentum_short: -0.1, ..base }, 0.20),
        (CompositeInputs { momentum_long: 0.2, ..base }, 0.15),
        (CompositeInputs { rsi: 20.0, ..base }, 0.20),
        (CompositeInputs { macd_pct: 0.01, ..base }, 0.15),
        (CompositeInputs { trend_score: 10.0, ..base }, 0.20),
        (CompositeInputs { volume_ratio: 2.5, ..base }, 0.10),
        (CompositeInputs { ichimoku_bullish: 1.0, ..base }, 0.10),
        (CompositeInputs { fib_confluence: 100.0, ..base }, 0.15),
    ] {
        close_to(composite_score(&x), 100.0 * weight / 1.25);
    }
    assert!(composite_score(&CompositeInputs { ichimoku_bullish: NAN, ..base }).is_nan());
}

#[test]
fn volume_composite_score_parts() {
    close_to(volume_composite_score(1.0, 0.0, 1.0), 0.0);
    close_to(volume_composite_score(2.5, 0.0, 1.0), 50.0);
    close_to(volume_composite_score(0.2, 0.5, 1.0), 15.0);
    close_to(volume_composite_score(1.0, 0.0, -0.025), 10.0);
    close_to(volume_composite_score(9.0, 1.0, 0.0), 100.0);
    assert!(volume_composite_score(NAN, 0.5, 0.0).is_nan());
}

#[test]
fn signal_strength_parts() {
    let of = |m, l, rsi, h, v| {
        signal_strength(&StrengthInputs { momentum_short: m, momentum_long: l, rsi, macd_pct: h, volume_ratio: v })
    };
    close_to(of(0.0, 0.0, 65.0, 0.0, 1.0), 50.0);
    close_to(of(0.02, 0.04, 65.0, 0.0, 1.0), 56.0);
    close_to(of(0.5, 0.5, 65.0, 0.0, 1.0), 80.0);
    close_to(of(0.02, -0.04, 65.0, 0.0, 1.0), 44.0);
    close_to(of(-0.02, 0.04, 65.0, 0.0, 1.0), 44.0);
    close_to(of(0.0, 0.04, 65.0, 0.0, 1.0), 47.0);
    for (rsi, change) in [(50.0, 5.0), (40.0, 0.0), (60.0, 0.0), (70.0, 0.0), (70.1, -10.0), (30.0, 0.0), (29.9, -10.0)]
    {
        close_to(of(0.0, 0.0, rsi, 0.0, 1.0), 50.0 + change);
    }
    for (h, change) in [(0.005, 5.0), (0.02, 10.0), (-0.005, -5.0), (-0.02, -10.0)] {
        close_to(of(0.0, 0.0, 65.0, h, 1.0), 50.0 + change);
    }
    for (v, change) in [(1.21, 5.0), (1.2, 0.0), (0.8, 0.0), (0.79, -3.0)] {
        close_to(of(0.0, 0.0, 65.0, 0.0, v), 50.0 + change);
    }
    close_to(of(0.5, 0.5, 50.0, 0.1, 2.0), 100.0);
    close_to(of(-0.5, -0.5, 20.0, -0.1, 0.1), 0.0);
    for k in 0..5 {
        let mut x = [0.02, 0.04, 65.0, 0.0, 1.0];
        x[k] = NAN;
        assert!(of(x[0], x[1], x[2], x[3], x[4]).is_nan(), "input {k}");
    }
}

#[test]
fn enhanced_score_parts() {
    close_to(enhanced_score(40.0, -20.0, 1.0, 0.4, 1.0), 40.0 + 2.0 + 5.0 + 6.0 + 8.0);
    assert!(enhanced_score(40.0, -20.0, NAN, 0.4, 1.0).is_nan());
}

// ---------------------------------------------------------------------------------------------------------- configuration

#[test]
fn thresholds_out_of_range_are_named() {
    let named = |result: mirrorfast_core::Result<()>, field: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(field), "{text}");
    };
    let signal = SignalThresholds::default();
    named(SignalThresholds { momentum: 0.0, ..signal }.validate(), "signal.momentum");
    named(SignalThresholds { rsi_max: 101.0, ..signal }.validate(), "signal.rsi_max");
    named(SignalThresholds { reversion: NAN, ..signal }.validate(), "signal.reversion");
    let state = StateThresholds::default();
    state.validate().unwrap();
    named(StateThresholds { medium: 0.01, ..state }.validate(), "state");
    named(StateThresholds { band: 0.6, ..state }.validate(), "state.band");
    let legacy = LegacyThresholds::default();
    legacy.validate().unwrap();
    named(LegacyThresholds { low: -1.0, ..legacy }.validate(), "legacy");
    let enhanced = EnhancedThresholds::default();
    enhanced.validate().unwrap();
    named(EnhancedThresholds { cluster_count: 6, ..enhanced }.validate(), "enhanced.cluster_count");
    named(EnhancedThresholds { engulfing: 0.9, ..enhanced }.validate(), "enhanced.engulfing");
    let regime = RegimeThresholds::default();
    regime.validate().unwrap();
    named(RegimeThresholds { high: 0.5, ..regime }.validate(), "regime.high");
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1.0..1.0_f64, 2 => -0.1..0.1_f64, 1 => 0.0..100.0_f64, 1 => Just(0.0), 1 => Just(NAN)]
}

proptest! {
    #[test]
    fn scores_stay_in_their_ranges(m in number(), l in number(), h in number(), v in 0.0..50.0_f64, rsi in 0.0..100.0_f64,
                                   slope in number(), adx in 0.0..100.0_f64, share in 0.0..1.0_f64, d in number()) {
        let trend = trend_score(&TrendInputs { ema_slope: slope, adx, breakout: 0.5 });
        let confidence = confidence_score(&ConfidenceInputs {
            momentum_short: m, momentum_long: l, rsi, macd_pct: h, trend_score: trend, volume_ratio: v });
        let composite = composite_score(&CompositeInputs {
            momentum_short: m, momentum_long: l, rsi, macd_pct: h, trend_score: trend, volume_ratio: v,
            ichimoku_bullish: 1.0, fib_confluence: 100.0 * share });
        let strength = signal_strength(&StrengthInputs {
            momentum_short: m, momentum_long: l, rsi, macd_pct: h, volume_ratio: v });
        let volume = volume_composite_score(v, share, d);
        let inside = |x: f64, max: f64| x.is_nan() || (0.0..=max * (1.0 + 1e-12)).contains(&x);
        prop_assert!(inside(trend, 10.0) && inside(confidence, 1.0) && inside(composite, 100.0));
        prop_assert!(inside(strength, 100.0) && inside(volume, 100.0));
        let some_missing = [m, l, h, slope].iter().any(|x| x.is_nan());
        prop_assert_eq!(confidence.is_nan(), some_missing);
        prop_assert_eq!(composite.is_nan(), some_missing);
    }

    #[test]
    fn buys_and_sells_mirror_each_other(m in -0.3..0.3_f64, l in -0.3..0.3_f64, rsi in 36.0..64.0_f64, h in -0.01..0.01_f64,
                                        cloud in any::<bool>()) {
        // With the RSI away from the bounds that differ by side, negating everything negates the verdict.
        let up = verdict(m, l, rsi, h, Some(cloud), 0.0).map(Label::code);
        let down = verdict(-m, -l, 100.0 - rsi, -h, Some(!cloud), 0.0).map(Label::code);
        prop_assert_eq!(up.map(|code| 6 - code), down);
    }
}
