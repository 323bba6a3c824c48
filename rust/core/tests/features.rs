//! The laws of SPEC over every feature column, and the columns against the catalogue.
#![allow(clippy::unwrap_used)]

mod market;

use market::market;
use mirrorfast_core::bars::Series;
use mirrorfast_core::features::{Col, FeatureConfig, FeatureRow, FeatureState, Kind, N};
use mirrorfast_core::indicators::registry;
use mirrorfast_core::signals::{Label, Signal};
use mirrorfast_core::snapshot;
use mirrorfast_core::types::{Bar, Market, Timeframe};
use proptest::prelude::*;

fn rows(config: &FeatureConfig, bars: &[Bar]) -> Vec<FeatureRow> {
    let mut state = FeatureState::new(config).unwrap();
    bars.iter()
        .map(|bar| {
            let mut row = FeatureRow::default();
            state.push(bar);
            state.row(&mut row);
            row
        })
        .collect()
}

fn same(a: &FeatureRow, b: &FeatureRow) -> Result<(), String> {
    for &c in Col::ALL {
        if a[c].to_bits() != b[c].to_bits() && !(a[c].is_nan() && b[c].is_nan()) {
            return Err(format!("{}: {} and {}", c.name(), a[c], b[c]));
        }
    }
    Ok(())
}

struct Columns {
    ts: Vec<i64>,
    values: [Vec<f64>; 5],
}

impl Columns {
    fn new(bars: &[Bar]) -> Self {
        let column = |f: fn(&Bar) -> f64| bars.iter().map(f).collect();
        Self {
            ts: bars.iter().map(|b| b.ts).collect(),
            values: [
                column(|b| b.open),
                column(|b| b.high),
                column(|b| b.low),
                column(|b| b.close),
                column(|b| b.volume),
            ],
        }
    }

    fn series(&self) -> Series<'_> {
        let [open, high, low, close, volume] = &self.values;
        Series { ts: &self.ts, open, high, low, close, volume }
    }
}

fn configs() -> Vec<FeatureConfig> {
    let mut all = vec![];
    for market in [Market::Crypto, Market::Forex] {
        for timeframe in [Timeframe::Scalping, Timeframe::Short, Timeframe::Medium, Timeframe::Daily, Timeframe::Weekly]
        {
            all.push(FeatureConfig::of(market, timeframe));
        }
    }
    all
}

// ------------------------------------------------------------------------------------------------------------ catalogue

#[test]
fn columns_equal_the_catalogue_bit_for_bit() {
    use Col::*;
    type Source = (Col, &'static str, &'static [(&'static str, f64)], usize);
    let sources: &[Source] = &[
        (VolumeRatio, "volume_ratio", &[("period", 20.0)], 0),
        (Obv, "obv", &[], 0),
        (ObvSlope, "obv_slope", &[("period", 20.0)], 0),
        (Mfi, "mfi", &[("period", 14.0)], 0),
        (Cmf, "cmf", &[("period", 20.0)], 0),
        (Roc, "roc", &[("period", 10.0)], 0),
        (Rsi, "rsi", &[("period", 14.0)], 0),
        (StochK, "stoch", &[], 0),
        (StochD, "stoch", &[], 1),
        (Cci, "cci", &[("period", 20.0)], 0),
        (WilliamsR, "willr", &[("period", 14.0)], 0),
        (Ema5, "ema", &[("period", 5.0)], 0),
        (Ema9, "ema", &[("period", 9.0)], 0),
        (Ema13, "ema", &[("period", 13.0)], 0),
        (Ema21, "ema", &[("period", 21.0)], 0),
        (Ema50, "ema", &[("period", 50.0)], 0),
        (Ema200, "ema", &[("period", 200.0)], 0),
        (Sma20, "sma", &[("period", 20.0)], 0),
        (Sma50, "sma", &[("period", 50.0)], 0),
        (Macd, "macd", &[], 0),
        (MacdSignal, "macd", &[], 1),
        (MacdHist, "macd", &[], 2),
        (Adx, "adx", &[("period", 14.0)], 0),
        (PlusDi, "plus_di", &[("period", 14.0)], 0),
        (MinusDi, "minus_di", &[("period", 14.0)], 0),
        (SupertrendDirection, "supertrend", &[], 1),
        (LinregSlope, "linreg_slope", &[("period", 14.0)], 0),
        (TrendStrength, "adx", &[], 0),
        (Atr, "atr", &[("period", 14.0)], 0),
        (Natr, "natr", &[("period", 14.0)], 0),
        (BbUpper, "bbands", &[], 0),
        (BbMiddle, "bbands", &[], 1),
        (BbLower, "bbands", &[], 2),
        (BbWidth, "bbands", &[], 3),
        (BbPosition, "bbands", &[], 4),
        (Volatility, "realised_volatility", &[("period", 20.0)], 0),
        (Tenkan, "ichimoku", &[], 0),
        (Kijun, "ichimoku", &[], 1),
        (SenkouA, "ichimoku", &[], 2),
        (SenkouB, "ichimoku", &[], 3),
        (Vwap, "vwap", &[], 0),
        (RsiBearishDiv, "rsi_divergence", &[], 0),
        (RsiBullishDiv, "rsi_divergence", &[], 1),
        (PocPrice, "volume_profile", &[("lookback", 68.0)], 0),
        (ValueAreaLow, "volume_profile", &[], 1),
        (ValueAreaHigh, "volume_profile", &[], 2),
        (AnchoredPoc, "anchored_profile", &[], 0),
        (FixedPoc, "fixed_range_profile", &[], 0),
        (FibDirection, "fibonacci", &[("lookback", 68.0)], 0),
        (FibNearestRetracement, "fibonacci", &[("lookback", 68.0)], 13),
        (FibNearestExtension, "fibonacci", &[("lookback", 68.0)], 14),
    ];
    let bars = market(7, 700, 100.0, 1e3);
    let columns = Columns::new(&bars);
    let got = rows(&FeatureConfig::default(), &bars);
    for &(col, name, params, output) in sources {
        let row = registry::find(name).unwrap();
        let mut indicator = row.build_with(params).unwrap();
        let inputs: Vec<&[f64]> = row
            .inputs
            .iter()
            .map(|input| {
                let k = ["open", "high", "low", "close", "volume"].iter().position(|n| *n == input.name()).unwrap();
                columns.values[k].as_slice()
            })
            .collect();
        let mut outputs = vec![vec![f64::NAN; bars.len()]; row.outputs.len()];
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        indicator.run(&inputs, &mut slices).unwrap();
        let mut compared = 0;
        for (i, row) in got.iter().enumerate() {
            let expected = outputs[output][i];
            assert!(
                row[col].to_bits() == expected.to_bits() || (row[col].is_nan() && expected.is_nan()),
                "{} row {i}: {} instead of {expected}",
                col.name(),
                row[col]
            );
            compared += usize::from(!expected.is_nan());
        }
        assert!(compared > 400, "{}: only {compared} values", col.name());
    }
}

#[test]
fn derived_columns_follow_their_formulas() {
    let bars = market(11, 400, 50.0, 10.0);
    let config = FeatureConfig::of(Market::Forex, Timeframe::Short);
    let got = rows(&config, &bars);
    let close: Vec<f64> = bars.iter().map(|b| b.close).collect();
    for i in 320..400 {
        let r = &got[i];
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-9), "row {i}: {a} instead of {b}");
        near(r[Col::MomentumShort], close[i] / close[i - 10] - 1.0);
        near(r[Col::MomentumLong], close[i] / close[i - 50] - 1.0);
        near(r[Col::Momentum1], close[i] / close[i - 1] - 1.0);
        let turnover = bars[i - 19..=i].iter().map(|b| b.close * b.volume).sum::<f64>() / 20.0;
        near(r[Col::VolumeUsd], turnover);
        near(r[Col::MacdPct], r[Col::MacdHist] / close[i]);
        near(r[Col::PocDistance], close[i] / r[Col::PocPrice] - 1.0);
        let mean = got[i - 99..=i].iter().map(|r| r[Col::Volatility]).sum::<f64>() / 100.0;
        near(r[Col::VolatilityRatio], if mean == 0.0 { 1.0 } else { r[Col::Volatility] / mean });
        let slope = r[Col::Ema21] / got[i - 21][Col::Ema21] - 1.0;
        let before = &close[i - 20..i];
        let highest = before.iter().copied().fold(f64::MIN, f64::max);
        let lowest = before.iter().copied().fold(f64::MAX, f64::min);
        let p = if close[i] > highest {
            1.0
        } else if close[i] < lowest {
            0.0
        } else {
            0.5
        };
        let e = ((50.0 * slope).clamp(-1.0, 1.0) + 1.0) / 2.0;
        near(r[Col::TrendScore], 10.0 * (0.4 * e + 0.4 * (r[Col::Adx] / 50.0).clamp(0.0, 1.0) + 0.2 * p));
        near(r[Col::EnhancedMomentumScore], 100.0 * r[Col::MomentumShort]);
        let enhanced = r[Col::CompositeScore]
            + 0.1 * r[Col::EnhancedMomentumScore].abs()
            + 5.0 * r[Col::ClusterValidated]
            + 15.0 * r[Col::ReversionProbability]
            + 8.0 * r[Col::TrendFormationSignal];
        near(r[Col::EnhancedScore], enhanced);
        assert_eq!(r.flag(Col::Ema5Over13), Some(r[Col::Ema5] > r[Col::Ema13]));
        assert_eq!(r.flag(Col::VwapBullish), Some(close[i] > r[Col::Vwap]));
        let bullish = r[Col::SenkouA] > r[Col::SenkouB] && close[i] > r[Col::SenkouA].max(r[Col::SenkouB]);
        assert_eq!(r.flag(Col::IchimokuBullish), Some(bullish));
        assert_eq!(r.flag(Col::ClusterDetected), Some(r[Col::DirectionalCluster] != 0.0));
    }
}

// ----------------------------------------------------------------------------------------------------------------- laws

/// How a column answers to prices × k and volumes × m.
#[derive(Clone, Copy)]
enum Unit {
    Free,
    Price,
    Volume,
    Turnover,
}

fn unit(col: Col) -> Unit {
    use Col::*;
    match col {
        Price
        | Ema5
        | Ema9
        | Ema13
        | Ema21
        | Ema50
        | Ema200
        | Sma20
        | Sma50
        | Macd
        | MacdSignal
        | MacdHist
        | LinregSlope
        | Atr
        | BbUpper
        | BbMiddle
        | BbLower
        | Tenkan
        | Kijun
        | SenkouA
        | SenkouB
        | Vwap
        | PocPrice
        | AnchoredPoc
        | FixedPoc
        | ValueAreaHigh
        | ValueAreaLow
        | FibNearestRetracement
        | FibNearestExtension => Unit::Price,
        Col::Volume | Obv => Unit::Volume,
        VolumeUsd => Unit::Turnover,
        _ => Unit::Free,
    }
}

/// Scores, states, labels: what law 3 speaks of.
fn decides(col: Col) -> bool {
    matches!(col.group(), "scores" | "classification" | "enhanced") || !matches!(col.kind(), Kind::Float)
}

fn check_scale(bars: &[Bar], k: f64, m: f64, config: &FeatureConfig, columns: &[Col]) -> Result<(), TestCaseError> {
    let scaled: Vec<Bar> = bars
        .iter()
        .map(|b| Bar {
            ts: b.ts,
            open: b.open * k,
            high: b.high * k,
            low: b.low * k,
            close: b.close * k,
            volume: b.volume * m,
        })
        .collect();
    let largest_volume = bars.iter().fold(0.0_f64, |m, b| m.max(b.volume));
    for (i, (a, b)) in rows(config, bars).iter().zip(&rows(config, &scaled)).enumerate() {
        for &c in columns {
            let (factor, noise) = match unit(c) {
                Unit::Free => (1.0, 1.0),
                Unit::Price => (k, a[Col::Price]),
                // A sum that comes back to nothing keeps the rounding of what went through it.
                Unit::Volume => (m, largest_volume),
                Unit::Turnover => (k * m, a[c]),
            };
            let (expected, got) = (a[c] * factor, b[c]);
            let both_missing = expected.is_nan() && got.is_nan();
            // An oscillator over a window that barely moves divides rounding by little; what decides anything must not.
            let part = if decides(c) { 1e-9 } else { 1e-6 };
            let tolerance = part * factor * noise.max(a[c].abs());
            prop_assert!(
                both_missing || (expected - got).abs() <= tolerance,
                "{} row {i}: {got} instead of {expected} (k={k}, m={m})",
                c.name()
            );
        }
    }
    Ok(())
}

fn factor() -> impl Strategy<Value = f64> {
    (-7.0..7.0_f64).prop_map(|e| 10.0_f64.powf(e))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_last_row_alone_equals_the_stream(seed in any::<u64>(), n in 0..420_usize, more in 0..150_usize, which in 0..10_usize) {
        let config = configs()[which].clone();
        let bars = market(seed, n + more, 20.0, 500.0);
        let columns = Columns::new(&bars[..n]);
        let (mut one, mut all) = (FeatureState::new(&config).unwrap(), FeatureState::new(&config).unwrap());
        for bar in &bars[..n] {
            one.push(bar);
        }
        all.push_all(&columns.series());
        let (mut a, mut b) = (FeatureRow::default(), FeatureRow::default());
        one.row(&mut a);
        all.row(&mut b);
        prop_assert_eq!(same(&a, &b), Ok(()), "after {} bars", n);
        // And the states go on alike.
        for bar in &bars[n..] {
            one.push(bar);
            all.push(bar);
            one.row(&mut a);
            all.row(&mut b);
            prop_assert_eq!(same(&a, &b), Ok(()));
        }
    }

    #[test]
    fn a_restored_state_goes_on_bit_for_bit(seed in any::<u64>(), cut in 0..300_usize, which in 0..10_usize) {
        let bars = market(seed, 320, 3.0, 1e6);
        let mut state = FeatureState::new(&configs()[which]).unwrap();
        for bar in &bars[..cut] {
            state.push(bar);
        }
        let mut restored: FeatureState = snapshot::from_bytes(&snapshot::to_bytes(&state).unwrap()).unwrap();
        let (mut a, mut b) = (FeatureRow::default(), FeatureRow::default());
        for bar in &bars[cut..] {
            state.push(bar);
            restored.push(bar);
            state.row(&mut a);
            restored.row(&mut b);
            prop_assert_eq!(same(&a, &b), Ok(()));
        }
    }

    #[test]
    fn asking_for_a_row_changes_nothing(seed in any::<u64>()) {
        let bars = market(seed, 260, 3.0, 1e6);
        let every = rows(&FeatureConfig::default(), &bars);
        let mut state = FeatureState::new(&FeatureConfig::default()).unwrap();
        let (mut a, mut b) = (FeatureRow::default(), FeatureRow::default());
        for bar in &bars {
            state.push(bar);
        }
        state.row(&mut a);
        state.row(&mut b);
        prop_assert_eq!(same(&a, &b), Ok(()));
        prop_assert_eq!(same(&a, &every[259]), Ok(()));
    }

    #[test]
    fn a_bar_that_is_not_finite_is_missing_and_leaves_no_trace(seed in any::<u64>(), at in 0..250_usize, field in 0..5_usize) {
        let bars = market(seed, 260, 3.0, 1e6);
        let clean = rows(&FeatureConfig::default(), &bars);
        let mut bad = bars[at];
        *[&mut bad.open, &mut bad.high, &mut bad.low, &mut bad.close, &mut bad.volume][field] = f64::NAN;
        let mut dirty = bars.clone();
        dirty.insert(at, bad);
        let got = rows(&FeatureConfig::default(), &dirty);
        prop_assert_eq!(same(&got[at], &FeatureRow::MISSING), Ok(()));
        for (i, row) in clean.iter().enumerate() {
            prop_assert_eq!(same(row, &got[if i < at { i } else { i + 1 }]), Ok(()));
        }
    }

    #[test]
    fn units_of_price_and_volume_change_no_decision(seed in any::<u64>(), k in factor(), m in factor(), which in 0..10_usize) {
        check_scale(&market(seed, 330, 20.0, 500.0), k, m, &configs()[which], Col::ALL)?;
    }

    #[test]
    fn prices_on_a_grid_change_no_decision(seed in any::<u64>(), k in factor(), m in factor()) {
        // Ticks put values exactly on thresholds, bin edges and each other.
        let tick = |v: f64| (v * 20.0).round() / 20.0;
        let bars: Vec<Bar> = market(seed, 330, 20.0, 50.0)
            .iter()
            .map(|b| Bar {
                ts: b.ts,
                open: tick(b.open),
                high: tick(b.high),
                low: tick(b.low),
                close: tick(b.close),
                volume: b.volume.round(),
            })
            .collect();
        // Supertrend leaves a close exactly on its band to rounding, as TA-Lib does; on so coarse a grid that happens.
        let columns: Vec<Col> = Col::ALL.iter().copied().filter(|&c| c != Col::SupertrendDirection).collect();
        check_scale(&bars, k, m, &FeatureConfig::default(), &columns)?;
    }
}

#[test]
fn flat_quiet_and_tiny_markets_have_every_column() {
    let flat = |price: f64, volume: f64| {
        let bar = |i| Bar { ts: i, open: price, high: price, low: price, close: price, volume };
        (0..300).map(bar).collect::<Vec<_>>()
    };
    let ramp: Vec<Bar> = (0..300)
        .map(|i| {
            let p = 100.0 + 0.1 * i as f64;
            Bar { ts: i, open: p, high: p, low: p, close: p, volume: 5.0 }
        })
        .collect();
    let cases = [flat(100.0, 5.0), flat(0.1, 0.0), flat(1e-7, 3.0), flat(1e-7, 0.0), ramp];
    for (k, bars) in cases.iter().enumerate() {
        let got = rows(&FeatureConfig::default(), bars);
        for &c in Col::ALL {
            assert!(got[299][c].is_finite(), "market {k}: {} = {}", c.name(), got[299][c]);
        }
    }
    let still = &rows(&FeatureConfig::default(), &cases[0])[299];
    assert_eq!(still.signal(), Some(Signal::Neutral));
    assert_eq!((still[Col::Rsi], still[Col::BbPosition], still[Col::VolatilityRatio]), (50.0, 0.5, 1.0));
    for k in [1e-7, 0.3, 7.7, 1e6] {
        for bars in &cases {
            check_scale(bars, k, 1.0 / k, &FeatureConfig::default(), Col::ALL).unwrap();
        }
    }
}

#[test]
fn warm_up_is_exact_and_insufficient_history_says_so() {
    for config in configs() {
        let bars = market(3, 420, 10.0, 100.0);
        let warm_up = FeatureState::new(&config).unwrap().warm_up();
        let got = rows(&config, &bars);
        for (i, row) in got.iter().enumerate() {
            let complete = Col::ALL.iter().all(|&c| !row[c].is_nan());
            assert_eq!(complete, i >= warm_up, "row {i}, warm-up {warm_up}");
            assert_eq!(row.flag(Col::InsufficientHistory), Some(!complete));
        }
    }
}

#[test]
fn a_young_symbol_classifies_on_what_it_has() {
    let bars = market(5, 60, 10.0, 100.0);
    let got = rows(&FeatureConfig::default(), &bars);
    assert_eq!(got[32].signal(), None, "no MACD yet");
    assert!(got[33].signal().is_some() && got[33][Col::IchimokuBullish].is_nan());
    assert!(got[33].legacy_label().is_some() && got[33].signal_state().is_some());
    assert_eq!(got[59].market_regime(), None);
    assert!(got[59][Col::CompositeScore].is_nan());
}

#[test]
fn kinds_hold_what_they_say() {
    let got = rows(&FeatureConfig::default(), &market(9, 600, 10.0, 100.0));
    for row in &got {
        for &c in Col::ALL {
            let v = row[c];
            if v.is_nan() {
                continue;
            }
            match c.kind() {
                Kind::Float => assert!(v.is_finite()),
                Kind::Int => assert!([-1.0, 0.0, 1.0].contains(&v), "{} = {v}", c.name()),
                Kind::Bool => assert!([0.0, 1.0].contains(&v), "{} = {v}", c.name()),
                Kind::Label(names) => assert!(v.fract() == 0.0 && (v as usize) < names.len(), "{} = {v}", c.name()),
            }
        }
        if let Some(s) = row.signal() {
            assert_eq!(f64::from(s.code()), row[Col::Signal]);
        }
    }
    assert_eq!(N, Col::ALL.len());
}

#[test]
fn alternative_columns_are_neutral_until_set() {
    let mut state = FeatureState::new(&FeatureConfig::default()).unwrap();
    let mut row = FeatureRow::default();
    let bars = market(1, 2, 10.0, 1.0);
    state.push(&bars[0]);
    state.row(&mut row);
    assert_eq!((row[Col::FearGreed], row[Col::BtcDominance]), (50.0, 50.0));
    state.set_alternative(20.0, 61.5).unwrap();
    state.push(&bars[1]);
    state.row(&mut row);
    assert_eq!((row[Col::FearGreed], row[Col::BtcDominance]), (20.0, 61.5));
    assert!(state.set_alternative(-1.0, 50.0).unwrap_err().to_string().contains("fear_greed"));
    assert!(state.set_alternative(1.0, f64::NAN).unwrap_err().to_string().contains("btc_dominance"));
}
