//! Performance: what an equity curve and its trades amount to.
//!
//! Definitions follow empyrical-reloaded where it has the metric (annual return and volatility, Sharpe, Sortino, Calmar, Omega, `VaR`, `CVaR`,
//! tail ratio; sample standard deviation, losses as negative numbers), quantstats for skew, kurtosis and exposure, Bailey & López de
//! Prado for the probabilistic and the deflated Sharpe ratio. What is undefined is NaN, never a sentinel or infinity: no Sharpe
//! ratio without variance, no profit factor without a loss. Every metric takes linear time.

mod drawdown;
mod normal;
mod ratios;
mod sharpe;
mod trades;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use drawdown::{Drawdown, deepest_drawdown, longest_drawdown};
pub use sharpe::{deflated_sharpe, expected_maximum_sharpe, probabilistic_sharpe};
pub use trades::{Outcome, TradeMetrics, group_trades, trade_curve, trade_metrics};

use crate::error::{CoreError, Result};

/// Milliseconds of a year of 365 days.
const YEAR_MS: f64 = 365.0 * 86_400_000.0;

/// How to reckon.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerformanceOptions {
    /// Bars a year; none: as many as the bars seen, scaled from their time span to 365 days.
    pub periods_per_year: Option<f64>,
    /// Risk-free return a bar.
    pub risk_free: f64,
    /// Tail probability of `VaR` and `CVaR`.
    pub tail: f64,
    /// Strategies that were tried before this one was chosen, this one included.
    pub n_trials: f64,
    /// Variance of the trials' Sharpe ratios a bar; none: `1 / (bars − 1)`, what chance alone gives.
    pub trial_variance: Option<f64>,
}

impl Default for PerformanceOptions {
    fn default() -> Self {
        Self { periods_per_year: None, risk_free: 0.0, tail: 0.05, n_trials: 1.0, trial_variance: None }
    }
}

impl PerformanceOptions {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if let Some(n) = self.periods_per_year.filter(|n| !positive(*n)) {
            return Err(CoreError::parameter("periods_per_year", n, "a finite number > 0"));
        }
        if !self.risk_free.is_finite() {
            return Err(CoreError::parameter("risk_free", self.risk_free, "a finite number"));
        }
        if !(self.tail > 0.0 && self.tail < 0.5) {
            return Err(CoreError::parameter("tail", self.tail, "a probability in (0, 0.5)"));
        }
        if !(self.n_trials.is_finite() && self.n_trials >= 1.0) {
            return Err(CoreError::parameter("n_trials", self.n_trials, "a finite number >= 1"));
        }
        if let Some(v) = self.trial_variance.filter(|v| !(v.is_finite() && *v >= 0.0)) {
            return Err(CoreError::parameter("trial_variance", v, "a finite number >= 0"));
        }
        Ok(())
    }
}

/// Makes a struct of metrics that knows its own names, so that bindings and reports cannot forget one.
macro_rules! named_metrics {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)*
        }

        impl $name {
            /// Every metric undefined.
            pub const UNDEFINED: Self = Self { $($field: f64::NAN,)* };
            /// Names, in the order of [`Self::values`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field),)*];

            /// Every metric, in the order of [`Self::NAMES`].
            pub fn values(&self) -> impl Iterator<Item = f64> {
                [$(self.$field,)*].into_iter()
            }
        }
    };
}
use named_metrics;

named_metrics! {
    /// Metrics of an equity curve. Returns, volatilities and drawdowns are fractions; losses are negative.
    Metrics {
        /// Number of returns.
        bars,
        /// Bars a year that annualised what follows.
        periods_per_year,
        /// `last / first − 1`.
        total_return,
        /// `(1 + total return)^(1 / years) − 1`, years = bars / bars a year.
        annual_return,
        /// `std·√(bars a year)`.
        annual_volatility,
        /// `mean / std·√(bars a year)` of the returns above the risk-free one (Sharpe, 1994).
        sharpe,
        /// `mean·√(bars a year) / √(mean of squared negative returns)` above the risk-free one (Sortino).
        sortino,
        /// `annual return / |max drawdown|`.
        calmar,
        /// `Σ gains / Σ losses` about the risk-free return (Keating & Shadwick, 2002).
        omega,
        /// Deepest fall from a peak, ≤ 0.
        max_drawdown,
        /// Bars from the peak before the deepest fall to its recovery, or to the end where there was none.
        max_drawdown_bars,
        /// The same in days.
        max_drawdown_days,
        /// Bars from the trough of the deepest fall to its recovery; undefined while it lasts.
        recovery_bars,
        /// The same in days.
        recovery_days,
        /// Most bars spent below a peak.
        longest_drawdown_bars,
        /// Return that one bar in twenty falls below (the tail probability, by linear interpolation).
        value_at_risk,
        /// Mean of the returns in that tail.
        conditional_value_at_risk,
        /// `|95th percentile| / |5th percentile|`.
        tail_ratio,
        /// Sample skewness, corrected for bias.
        skew,
        /// Sample excess kurtosis, corrected for bias.
        kurtosis,
        /// Probability that the true Sharpe ratio is above 0 (Bailey & López de Prado, 2012).
        probabilistic_sharpe,
        /// Probability that it is above what the best of `n_trials` strategies without skill would show (Bailey & López de Prado, 2014).
        deflated_sharpe,
        /// Highest return of a bar.
        best_bar,
        /// Lowest return of a bar.
        worst_bar,
        /// Share of the bars with a position; without positions given, of the bars with a return.
        exposure,
        /// Traded notional / mean equity, a year.
        turnover,
        /// Closed trades.
        trades,
        /// Share of trades with a profit after costs.
        win_rate,
        /// `Σ profits / Σ losses`.
        profit_factor,
        /// Mean profit of a trade, as a fraction of equity at its entry.
        expectancy,
        /// `mean profit / mean loss`.
        payoff,
    }
}

/// What metrics are made of. Only the equity is needed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PerformanceInput<'a> {
    /// Equity after each bar, the first one before any return.
    pub equity: &'a [f64],
    /// Time of each equity value, ms, rising; empty where unknown.
    pub ts: &'a [i64],
    /// Gross exposure at each equity value; empty where unknown.
    pub exposure: &'a [f64],
    /// Sum of the notional of all fills, account currency.
    pub traded: Option<f64>,
    /// Outcomes of the closed trades.
    pub trades: &'a [Outcome],
}

/// Metrics of an equity curve and its trades.
///
/// # Errors
/// [`CoreError::Shape`] when columns differ in length, [`CoreError::Data`] for an equity that is not finite, starts at or below 0, or
/// times that do not rise, and what [`PerformanceOptions::validate`] finds.
pub fn metrics(input: &PerformanceInput<'_>, options: &PerformanceOptions) -> Result<Metrics> {
    options.validate()?;
    let PerformanceInput { equity, ts, exposure, .. } = *input;
    for (name, n) in [("ts", ts.len()), ("exposure", exposure.len())] {
        if n != 0 && n != equity.len() {
            return Err(CoreError::shape(format!("length of {name}"), n, equity.len()));
        }
    }
    check(equity, ts)?;
    // Once nothing is left there is nothing to lose: the returns after ruin are 0.
    let returns: Vec<f64> =
        equity.windows(2).map(|w| if w[0] > 0.0 { w[1].max(0.0) / w[0] - 1.0 } else { 0.0 }).collect();
    let periods = options.periods_per_year.unwrap_or_else(|| periods_per_year(ts));
    let mut m = of_curve(equity, &returns, ts, periods, options);
    if !exposure.is_empty() {
        // The first value is that before the first bar.
        m.exposure = share(exposure.get(1..).unwrap_or(&[]));
    }
    if let (Some(traded), true) = (input.traded, !returns.is_empty()) {
        let mean = ratios::sum(equity.iter().copied()) / equity.len() as f64;
        m.turnover = quotient(traded * periods, mean * returns.len() as f64);
    }
    let t = trade_metrics(input.trades.iter().copied());
    Ok(Metrics {
        trades: t.trades,
        win_rate: t.win_rate,
        profit_factor: t.profit_factor,
        expectancy: t.expectancy,
        payoff: t.payoff,
        ..m
    })
}

/// Metrics of a series of returns, fractions a bar; equity starts at 1.
///
/// # Errors
/// [`CoreError::Data`] for a return that is not a finite number ≥ −1, and what [`PerformanceOptions::validate`] finds.
pub fn metrics_of_returns(returns: &[f64], options: &PerformanceOptions) -> Result<Metrics> {
    options.validate()?;
    let mut equity = Vec::with_capacity(returns.len() + 1);
    let mut value = 1.0;
    equity.push(value);
    for (row, &r) in returns.iter().enumerate() {
        if !(r.is_finite() && r >= -1.0) {
            return Err(fault(row, "returns", r, "a finite number >= -1"));
        }
        value *= 1.0 + r;
        equity.push(value);
    }
    let periods = options.periods_per_year.unwrap_or(f64::NAN);
    Ok(of_curve(&equity, returns, &[], periods, options))
}

/// Bars a year as seen: `(n − 1) / span`, with years of 365 days; NaN with fewer than two times.
pub fn periods_per_year(ts: &[i64]) -> f64 {
    match ts {
        [first, .., last] => quotient((ts.len() - 1) as f64 * YEAR_MS, (last - first) as f64),
        _ => f64::NAN,
    }
}

fn of_curve(equity: &[f64], returns: &[f64], ts: &[i64], periods: f64, options: &PerformanceOptions) -> Metrics {
    let mut m = Metrics { bars: returns.len() as f64, periods_per_year: periods, trades: 0.0, ..Metrics::UNDEFINED };
    let (Some(&first), Some(&last)) = (equity.first(), equity.last()) else { return m };
    m.total_return = last.max(0.0) / first - 1.0;
    if let Some(deepest) = deepest_drawdown(equity) {
        m.max_drawdown = deepest.depth;
        let end = deepest.recovery.unwrap_or(equity.len() - 1);
        let days = |from: usize, to: usize| {
            if ts.is_empty() { (to - from) as f64 * 365.0 / periods } else { (ts[to] - ts[from]) as f64 / 86_400_000.0 }
        };
        m.max_drawdown_bars = (end - deepest.peak) as f64;
        m.max_drawdown_days = days(deepest.peak, end);
        if let Some(recovery) = deepest.recovery {
            m.recovery_bars = (recovery - deepest.trough) as f64;
            m.recovery_days = days(deepest.trough, recovery);
        }
    }
    m.longest_drawdown_bars = longest_drawdown(equity) as f64;
    if returns.is_empty() {
        return m;
    }
    let n = returns.len() as f64;
    let annual = (1.0 + m.total_return).powf(periods / n) - 1.0;
    // A good minute, compounded for a year, is no number any more.
    m.annual_return = if annual.is_finite() { annual } else { f64::NAN };
    m.calmar = quotient(m.annual_return, -m.max_drawdown);
    m.exposure = share(returns);
    let excess: Vec<f64> = returns.iter().map(|r| r - options.risk_free).collect();
    let moments = ratios::Moments::of(&excess);
    m.annual_volatility = moments.deviation() * periods.sqrt();
    m.sharpe = moments.sharpe() * periods.sqrt();
    m.sortino = ratios::sortino(&excess) * periods.sqrt();
    m.omega = ratios::omega(&excess);
    m.skew = moments.skew();
    m.kurtosis = moments.kurtosis();
    m.probabilistic_sharpe = probabilistic_sharpe(&moments, 0.0);
    m.deflated_sharpe = deflated_sharpe(&moments, options.n_trials, options.trial_variance);
    let mut sorted = returns.to_vec();
    let tails = ratios::tails(&mut sorted, options.tail);
    m.value_at_risk = tails.value_at_risk;
    m.conditional_value_at_risk = tails.conditional;
    m.tail_ratio = tails.ratio;
    m.best_bar = returns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    m.worst_bar = returns.iter().copied().fold(f64::INFINITY, f64::min);
    m
}

/// `a / b`, NaN where `b` is 0.
fn quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// Share of the values that are not 0, NaN of none.
fn share(values: &[f64]) -> f64 {
    quotient(values.iter().filter(|x| **x != 0.0).count() as f64, values.len() as f64)
}

fn fault(row: usize, column: &str, value: f64, expected: &str) -> CoreError {
    let (column, expected) = (column.to_owned(), expected.to_owned());
    CoreError::Data { symbol: None, row, column, value: value.to_string(), expected }
}

fn check(equity: &[f64], ts: &[i64]) -> Result<()> {
    for (row, &e) in equity.iter().enumerate() {
        if !e.is_finite() {
            return Err(fault(row, "equity", e, "a finite number"));
        }
        if row == 0 && e <= 0.0 {
            return Err(fault(row, "equity", e, "a number > 0 to start from"));
        }
    }
    match ts.windows(2).position(|w| w[1] <= w[0]) {
        Some(at) => Err(fault(at + 1, "timestamp", ts[at + 1] as f64, "rising timestamps")),
        None => Ok(()),
    }
}
