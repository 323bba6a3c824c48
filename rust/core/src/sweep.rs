//! Many configurations over one table of bars: decoded once, one run a core at a time, of which only the figures are kept.

use rayon::prelude::*;

use crate::backtest::{self, BacktestResult, ExternalColumns, Record};
use crate::bars::Bars;
use crate::engine::EngineConfig;
use crate::error::{CoreError, Result};
use crate::performance::{Metrics, Outcome, PerformanceInput, PerformanceOptions, metrics};

/// What is kept of one run.
#[derive(Debug, Clone)]
pub struct SweepRow {
    /// The figures of `BacktestResult.stats`.
    pub metrics: Metrics,
    /// Equity after the last bar.
    pub final_equity: f64,
    /// Equity after every bar time, where it was asked for.
    pub equity: Vec<f64>,
}

/// `Σ quantity·(entry price·entry rate + exit price·exit rate)` of the closed trades: the notional that the turnover counts, in
/// account currency.
pub fn traded(result: &BacktestResult) -> f64 {
    result.trades.iter().map(|t| t.quantity * (t.entry_price * t.entry_rate + t.exit_price * t.exit_rate)).sum()
}

/// The figures of a run.
///
/// # Errors
/// As [`metrics`].
pub fn stats(result: &BacktestResult, options: &PerformanceOptions) -> Result<Metrics> {
    let trades: Vec<Outcome> = result
        .trades
        .iter()
        .map(|t| Outcome {
            pnl: t.pnl,
            pnl_fraction: t.pnl_fraction,
            fees: t.fees,
            bars: f64::from(t.bars),
            mae: t.mae,
            mfe: t.mfe,
        })
        .collect();
    let curve = &result.equity;
    let input = PerformanceInput {
        equity: &curve.equity,
        ts: &curve.ts,
        exposure: &curve.exposure,
        traded: Some(traded(result)),
        trades: &trades,
    };
    metrics(&input, options)
}

/// Runs every configuration over the bars, `threads` at a time (all cores where none is said); rows come in the order of `configs`.
///
/// A run holds its equity and its trades while it lasts, so the memory is that of `threads` runs, whatever the number of configurations.
///
/// # Errors
/// The first error in the order of `configs`: what [`backtest::run`] raises.
pub fn sweep(
    bars: &Bars,
    configs: &[EngineConfig],
    threads: Option<usize>,
    keep_equity: bool,
) -> Result<Vec<SweepRow>> {
    let record = Record { decisions: false, orders: false, fills: false, equity: true };
    let one = |config: &EngineConfig| -> Result<SweepRow> {
        let result = backtest::run(bars, config, &ExternalColumns::default(), record)?;
        let metrics = stats(&result, &PerformanceOptions::default())?;
        let final_equity = result.equity.equity.last().copied().unwrap_or(config.capital);
        Ok(SweepRow { metrics, final_equity, equity: if keep_equity { result.equity.equity } else { Vec::new() } })
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()
        .map_err(|e| CoreError::Internal(format!("threads for a sweep: {e}")))?;
    let rows: Vec<Result<SweepRow>> = pool.install(|| configs.par_iter().map(one).collect());
    rows.into_iter().collect()
}
