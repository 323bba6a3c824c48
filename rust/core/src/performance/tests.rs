//! Metrics against written-out formulas, and at the edges.

use super::ratios::Moments;
use super::*;
use crate::order::{Purpose, Side};
use crate::portfolio::Trade;

const DAY: i64 = 86_400_000;

fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{got} is not {expected}");
}

fn daily(n: usize) -> Vec<i64> {
    (0..n as i64).map(|i| i * DAY).collect()
}

fn of(equity: &[f64]) -> Metrics {
    let ts = daily(equity.len());
    metrics(&PerformanceInput { equity, ts: &ts, ..PerformanceInput::default() }, &PerformanceOptions::default())
        .unwrap()
}

fn trade(pnl: f64, exit_ts: i64, symbol: u32) -> Trade {
    Trade {
        symbol,
        side: Side::Buy,
        quantity: 1.0,
        entry_ts: exit_ts - DAY,
        exit_ts,
        entry_price: 100.0,
        exit_price: 100.0 + pnl,
        entry_rate: 1.0,
        exit_rate: 1.0,
        gross: pnl + 1.0,
        fees: 1.0,
        funding: 0.0,
        pnl,
        pnl_fraction: pnl / 1_000.0,
        return_fraction: pnl / 100.0,
        bars: 4,
        mae: -0.02,
        mfe: 0.03,
        slippage: 0.0,
        exit: Purpose::Exit,
        entry_decision: 1,
    }
}

#[test]
fn a_curve_by_hand() {
    // Returns +10 %, −10 %, −5 %, +20 %.
    let m = of(&[100.0, 110.0, 99.0, 94.05, 112.86]);
    let r = [0.1, -0.1, -0.05, 0.2];
    let mean = 0.0375;
    let var = r.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let std = (var / 3.0).sqrt();
    assert_eq!((m.bars, m.periods_per_year), (4.0, 365.0));
    near(m.total_return, 0.1286);
    near(m.annual_return, 1.1286_f64.powf(365.0 / 4.0) - 1.0);
    near(m.annual_volatility, std * 365.0_f64.sqrt());
    near(m.sharpe, mean / std * 365.0_f64.sqrt());
    near(m.sortino, mean / ((0.01 + 0.0025) / 4.0_f64).sqrt() * 365.0_f64.sqrt());
    near(m.omega, 0.3 / 0.15);
    near(m.max_drawdown, -0.145);
    assert_eq!((m.max_drawdown_bars, m.recovery_bars, m.longest_drawdown_bars), (3.0, 1.0, 3.0));
    assert_eq!((m.max_drawdown_days, m.recovery_days), (3.0, 1.0));
    near(m.calmar, m.annual_return / 0.145);
    // Sorted: −0.1, −0.05, 0.1, 0.2; ranks 0.15 and 2.85.
    near(m.value_at_risk, -0.1 + 0.15 * 0.05);
    near(m.conditional_value_at_risk, -0.1);
    near(m.tail_ratio, (0.1 + 0.85 * 0.1) / (0.1 - 0.15 * 0.05));
    let m2 = var / 4.0;
    let m3 = r.iter().map(|x| (x - mean).powi(3)).sum::<f64>() / 4.0;
    let m4 = r.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / 4.0;
    near(m.skew, m3 / m2.powf(1.5) * 12.0_f64.sqrt() / 2.0);
    near(m.kurtosis, 3.0 / 2.0 * (5.0 * (m4 / (m2 * m2) - 3.0) + 6.0));
    near(m.best_bar, 0.2);
    near(m.worst_bar, -0.1);
    assert_eq!(m.exposure, 1.0);
    let sr = mean / std;
    let spread = (1.0 - m3 / m2.powf(1.5) * sr + (m4 / (m2 * m2) - 1.0) / 4.0 * sr * sr).sqrt();
    near(m.probabilistic_sharpe, normal::cdf(sr * 3.0_f64.sqrt() / spread));
    assert_eq!(m.deflated_sharpe, m.probabilistic_sharpe);
}

#[test]
fn the_number_of_trials_deflates() {
    // The example of Bailey & López de Prado (2014): 100 trials, variance ½ a year, 1 250 daily returns, Sharpe 2.5 a year, skew −3,
    // kurtosis 10. They find an expected maximum of 0.1132 a day and a deflated Sharpe of 0.9004.
    let maximum = expected_maximum_sharpe(100.0, 0.5 / 250.0);
    assert!((maximum - 0.1132).abs() < 5e-5, "{maximum}");
    // A sample deviation of 0.01: with the moments of the population about it the ratio is 2.5/√250.
    let n: f64 = 1_250.0;
    let m2 = 1e-4 * (n - 1.0) / n;
    let moments = Moments { n, mean: 0.01 * 2.5 / 250.0_f64.sqrt(), m2, m3: -3.0 * m2.powf(1.5), m4: 10.0 * m2 * m2 };
    let deflated = deflated_sharpe(&moments, 100.0, Some(0.5 / 250.0));
    assert!((deflated - 0.9004).abs() < 5e-5, "{deflated}");
    // More trials, less trust.
    let trust: Vec<f64> = [1.0, 2.0, 10.0, 1e3, 1e6].map(|n| deflated_sharpe(&moments, n, None)).to_vec();
    assert!(trust.windows(2).all(|w| w[1] < w[0]), "{trust:?}");
}

#[test]
fn the_normal_distribution() {
    // Abramowitz & Stegun, table 26.1.
    for (x, p) in [
        (0.0, 0.5),
        (1.0, 0.841_344_746_068_543),
        (2.0, 0.977_249_868_051_821),
        (-2.0, 0.022_750_131_948_179),
        (2.999_999, 0.998_650_097_538_5),
        (3.0, 0.998_650_101_968_370),
    ] {
        assert!((normal::cdf(x) - p).abs() < 2e-12, "{x}");
    }
    assert!((normal::cdf(-6.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-12);
    assert!((normal::quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-13);
    for k in 1..200 {
        let p = f64::from(k) / 200.0;
        assert!((normal::cdf(normal::quantile(p)) - p).abs() < 1e-14, "{p}");
    }
    for p in [1e-300, 1e-20, 1e-9, 1e-4] {
        assert!((normal::cdf(normal::quantile(p)) / p - 1.0).abs() < 1e-10, "{p}");
    }
    assert!(normal::quantile(0.0) == f64::NEG_INFINITY && normal::quantile(1.0) == f64::INFINITY);
    assert!(normal::quantile(-0.1).is_nan() && normal::cdf(f64::NAN).is_nan());
    assert!(normal::cdf(-50.0) == 0.0 && normal::cdf(50.0) == 1.0);
}

#[test]
fn undefined_is_nan_and_never_infinite() {
    let cases: [&[f64]; 8] = [
        &[],
        &[100.0],
        &[100.0, 101.0],
        &[100.0; 50],
        &[100.0, 90.0, 80.0, 70.0, 60.0],
        &[100.0, 110.0, 120.0, 130.0, 140.0],
        &[100.0, 50.0, 0.0, 0.0],
        &[100.0, 50.0, -10.0, 20.0],
    ];
    for equity in cases {
        let m = of(equity);
        for (name, value) in Metrics::NAMES.iter().zip(m.values()) {
            assert!(!value.is_infinite(), "{name} of {equity:?}");
        }
        assert_eq!(m.bars, equity.len().saturating_sub(1) as f64);
    }
    assert!(of(&[]).total_return.is_nan() && of(&[]).max_drawdown.is_nan());
    let one = of(&[100.0]);
    assert_eq!((one.total_return, one.max_drawdown), (0.0, 0.0));
    assert!(one.sharpe.is_nan() && one.annual_return.is_nan());

    let flat = of(&[100.0; 50]);
    assert_eq!((flat.total_return, flat.annual_return, flat.annual_volatility, flat.exposure), (0.0, 0.0, 0.0, 0.0));
    assert!(flat.sharpe.is_nan() && flat.sortino.is_nan() && flat.calmar.is_nan() && flat.omega.is_nan());
    assert!(flat.skew.is_nan() && flat.deflated_sharpe.is_nan());

    let losing = of(&[100.0, 90.0, 80.0, 70.0, 60.0]);
    assert!((losing.omega, losing.max_drawdown) == (0.0, -0.4) && losing.sharpe < 0.0);
    assert!(losing.recovery_bars.is_nan());
    assert_eq!(losing.max_drawdown_bars, 4.0);

    let winning = of(&[100.0, 110.0, 120.0, 130.0, 140.0]);
    assert!(winning.sortino.is_nan() && winning.omega.is_nan() && winning.calmar.is_nan());

    // Ruin: everything is lost, once.
    assert_eq!(of(&[100.0, 50.0, -10.0, 20.0]).max_drawdown, -1.0);
    assert_eq!(of(&[100.0, 50.0, 0.0, 0.0]).annual_return, -1.0);
}

#[test]
fn a_constant_return_has_no_sharpe_ratio() {
    // 1 % a bar, to float noise: the deviation is not 0 but 1e-16.
    let equity: Vec<f64> = (0..200).scan(100.0, |e, _| Some(std::mem::replace(e, *e * 1.01))).collect();
    let m = of(&equity);
    assert!(m.sharpe.is_nan() && m.skew.is_nan());
    assert_eq!(m.annual_volatility, 0.0);
}

#[test]
fn annualised_by_the_bars_seen() {
    let ts: Vec<i64> = (0..=252).map(|i| i * 365 * DAY / 252).collect();
    near(periods_per_year(&ts), 252.0);
    near(periods_per_year(&(0..100).map(|i| i * 3_600_000).collect::<Vec<_>>()), 8_760.0);
    assert!(periods_per_year(&[5]).is_nan());
    let equity = [100.0, 101.0, 100.5, 102.0];
    let options = PerformanceOptions { periods_per_year: Some(252.0), ..PerformanceOptions::default() };
    let m = metrics(&PerformanceInput { equity: &equity, ..PerformanceInput::default() }, &options).unwrap();
    assert_eq!(m.periods_per_year, 252.0);
    near(m.annual_return, 1.02_f64.powf(84.0) - 1.0);
    // Without times, days are reckoned from bars a year.
    near(m.max_drawdown_days, 2.0 * 365.0 / 252.0);
}

#[test]
fn returns_and_equity_say_the_same() {
    let returns: Vec<f64> = (0..500).map(|i| 0.02 * (f64::from(i) * 1.7).sin() + 0.001).collect();
    let options = PerformanceOptions { periods_per_year: Some(365.0), ..PerformanceOptions::default() };
    let a = metrics_of_returns(&returns, &options).unwrap();
    let mut equity = vec![1_000.0];
    for r in &returns {
        equity.push(equity[equity.len() - 1] * (1.0 + r));
    }
    let b = metrics(&PerformanceInput { equity: &equity, ..PerformanceInput::default() }, &options).unwrap();
    for ((name, x), y) in Metrics::NAMES.iter().zip(a.values()).zip(b.values()) {
        assert!(x.is_nan() && y.is_nan() || (x - y).abs() <= 1e-9 * y.abs().max(1.0), "{name}: {x} {y}");
    }
}

#[test]
fn drawdowns_are_found() {
    let d = deepest_drawdown(&[10.0, 12.0, 12.0, 9.0, 11.0, 12.0, 13.0, 12.5]).unwrap();
    assert_eq!((d.peak, d.trough, d.recovery), (2, 3, Some(5)));
    near(d.depth, -0.25);
    // A deeper one that lasts, after one that was recovered.
    let d = deepest_drawdown(&[10.0, 9.0, 10.0, 8.0, 8.5]).unwrap();
    assert_eq!((d.peak, d.trough, d.recovery), (2, 3, None));
    assert_eq!(longest_drawdown(&[10.0, 9.0, 9.5, 9.9, 10.0, 8.0, 10.5]), 4);
    assert_eq!(longest_drawdown(&[10.0, 9.0, 9.5]), 2);
    assert_eq!(longest_drawdown(&[1.0, 2.0, 3.0]), 0);
    assert!(deepest_drawdown(&[]).is_none());
}

#[test]
fn bad_input_is_refused_with_its_row() {
    let options = PerformanceOptions::default();
    let message = |equity: &[f64], ts: &[i64], exposure: &[f64]| {
        metrics(&PerformanceInput { equity, ts, exposure, ..PerformanceInput::default() }, &options)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(message(&[1.0, f64::NAN], &[], &[]), "equity = NaN at row 1: expected a finite number");
    assert!(message(&[0.0, 1.0], &[], &[]).starts_with("equity = 0 at row 0"));
    assert_eq!(message(&[1.0, 1.0], &[5, 5], &[]), "timestamp = 5 at row 1: expected rising timestamps");
    assert_eq!(message(&[1.0, 1.0], &[5], &[]), "length of ts: got 1, expected 2");
    assert_eq!(message(&[1.0, 1.0], &[], &[0.0]), "length of exposure: got 1, expected 2");
    assert!(metrics_of_returns(&[0.1, -1.5], &options).unwrap_err().to_string().starts_with("returns = -1.5 at row 1"));
    for (name, bad) in [
        ("periods_per_year", PerformanceOptions { periods_per_year: Some(0.0), ..options }),
        ("risk_free", PerformanceOptions { risk_free: f64::NAN, ..options }),
        ("tail", PerformanceOptions { tail: 0.5, ..options }),
        ("n_trials", PerformanceOptions { n_trials: 0.0, ..options }),
        ("trial_variance", PerformanceOptions { trial_variance: Some(-1.0), ..options }),
    ] {
        assert!(metrics_of_returns(&[0.1], &bad).unwrap_err().to_string().starts_with(name));
    }
}

#[test]
fn exposure_and_turnover() {
    let equity = [100.0, 100.0, 102.0, 104.0, 94.0];
    let input = PerformanceInput {
        equity: &equity,
        exposure: &[0.0, 0.0, 0.5, 0.0, 0.2],
        traded: Some(200.0),
        ..PerformanceInput::default()
    };
    let options = PerformanceOptions { periods_per_year: Some(365.0), ..PerformanceOptions::default() };
    let m = metrics(&input, &options).unwrap();
    assert_eq!(m.exposure, 0.5);
    // Mean equity 100, twice turned over in 4 of 365 days.
    near(m.turnover, 2.0 * 365.0 / 4.0);
}

#[test]
fn trades_by_hand() {
    let list = [trade(30.0, DAY, 0), trade(-10.0, 2 * DAY, 1), trade(-20.0, 3 * DAY, 1), trade(0.0, 4 * DAY, 0)];
    let m = trade_metrics(&list);
    assert_eq!((m.trades, m.win_rate, m.pnl, m.fees), (4.0, 0.25, 0.0, 4.0));
    assert_eq!((m.profit_factor, m.payoff), (1.0, 3.0));
    near(m.expectancy, 0.0);
    assert_eq!((m.average_win, m.average_loss, m.best, m.worst), (30.0, -10.0, 30.0, -20.0));
    assert_eq!((m.longest_losing_streak, m.average_bars), (3.0, 4.0));
    near(m.average_mae, -0.02);

    let by_symbol = group_trades(&list, |t| t.symbol);
    assert_eq!(by_symbol.keys().copied().collect::<Vec<_>>(), [0, 1]);
    assert_eq!((by_symbol[&0].trades, by_symbol[&0].pnl), (2.0, 30.0));
    assert_eq!(by_symbol[&1].win_rate, 0.0);
    assert!(by_symbol[&1].payoff.is_nan());

    let none = trade_metrics::<Outcome>([]);
    assert_eq!(none.trades, 0.0);
    assert!(none.win_rate.is_nan() && none.profit_factor.is_nan());
    // All won: no loss to divide by.
    assert!(trade_metrics(&list[..1]).profit_factor.is_nan());

    let (ts, equity) = trade_curve(1_000.0, &[trade(30.0, DAY, 0), trade(5.0, DAY, 1), trade(-20.0, 3 * DAY, 1)]);
    assert_eq!((ts, equity), (vec![0, DAY, 3 * DAY], vec![1_000.0, 1_035.0, 1_015.0]));
}

#[test]
fn a_million_bars_keep_their_digits() {
    // Returns of ±0.1 %, shifted by 1e-6: the sample deviation is known in closed form.
    let n = 1_000_000;
    let returns: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 0.001 } else { -0.001 } + 1e-6).collect();
    let m = metrics_of_returns(&returns, &PerformanceOptions { periods_per_year: Some(1.0), ..Default::default() })
        .unwrap();
    let std = 0.001 * (f64::from(n) / f64::from(n - 1)).sqrt();
    assert!((m.annual_volatility / std - 1.0).abs() < 1e-12);
    assert!((m.sharpe / (1e-6 / std) - 1.0).abs() < 1e-9);
    assert!(m.skew.abs() < 1e-9);
}
