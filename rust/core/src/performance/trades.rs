//! Metrics of closed trades: all of them, of one symbol, of one strategy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{named_metrics, quotient};
use crate::portfolio::Trade;

named_metrics! {
    /// Metrics of a list of closed trades. Amounts in account currency, after costs.
    TradeMetrics {
        /// Number of trades.
        trades,
        /// Share of trades with a profit.
        win_rate,
        /// Sum of profits and losses.
        pnl,
        /// Fees paid.
        fees,
        /// `Σ profits / Σ losses`.
        profit_factor,
        /// Mean profit of a trade, as a fraction of equity at its entry.
        expectancy,
        /// `mean profit / mean loss`.
        payoff,
        /// Mean profit of the trades with one.
        average_win,
        /// Mean loss of the others, ≤ 0.
        average_loss,
        /// Best trade.
        best,
        /// Worst trade.
        worst,
        /// Most trades without a profit in a row.
        longest_losing_streak,
        /// Mean number of bars held.
        average_bars,
        /// Mean maximum adverse excursion, ≤ 0.
        average_mae,
        /// Mean maximum favourable excursion, ≥ 0.
        average_mfe,
    }
}

/// What the metrics need of a closed trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Profit after costs, account currency.
    pub pnl: f64,
    /// The same as a fraction of equity at the entry.
    pub pnl_fraction: f64,
    /// Fees paid.
    pub fees: f64,
    /// Bars held.
    pub bars: f64,
    /// Maximum adverse excursion, ≤ 0.
    pub mae: f64,
    /// Maximum favourable excursion, ≥ 0.
    pub mfe: f64,
}

impl From<&Trade> for Outcome {
    fn from(t: &Trade) -> Self {
        Self { pnl: t.pnl, pnl_fraction: t.pnl_fraction, fees: t.fees, bars: f64::from(t.bars), mae: t.mae, mfe: t.mfe }
    }
}

/// Metrics of a list of trades, in the order in which they closed.
pub fn trade_metrics<T: Into<Outcome>>(trades: impl IntoIterator<Item = T>) -> TradeMetrics {
    let (mut n, mut wins, mut won, mut lost) = (0.0, 0.0, 0.0, 0.0);
    let (mut fees, mut fraction, mut bars, mut mae, mut mfe) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut best, mut worst) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut streak, mut longest) = (0.0_f64, 0.0_f64);
    for t in trades {
        let t: Outcome = t.into();
        n += 1.0;
        if t.pnl > 0.0 {
            wins += 1.0;
            won += t.pnl;
            streak = 0.0;
        } else {
            lost -= t.pnl;
            streak += 1.0;
            longest = longest.max(streak);
        }
        fees += t.fees;
        fraction += t.pnl_fraction;
        bars += t.bars;
        mae += t.mae;
        mfe += t.mfe;
        best = best.max(t.pnl);
        worst = worst.min(t.pnl);
    }
    if n == 0.0 {
        return TradeMetrics { trades: 0.0, pnl: 0.0, fees: 0.0, ..TradeMetrics::UNDEFINED };
    }
    let (average_win, average_loss) = (quotient(won, wins), -quotient(lost, n - wins));
    TradeMetrics {
        trades: n,
        win_rate: wins / n,
        pnl: won - lost,
        fees,
        profit_factor: quotient(won, lost),
        expectancy: fraction / n,
        payoff: quotient(average_win, -average_loss),
        average_win,
        average_loss,
        best,
        worst,
        longest_losing_streak: longest,
        average_bars: bars / n,
        average_mae: mae / n,
        average_mfe: mfe / n,
    }
}

/// Metrics of the trades of each key (symbol, side, strategy …), in order of the keys.
pub fn group_trades<K: Ord>(trades: &[Trade], key: impl Fn(&Trade) -> K) -> BTreeMap<K, TradeMetrics> {
    let mut groups: BTreeMap<K, Vec<&Trade>> = BTreeMap::new();
    for t in trades {
        groups.entry(key(t)).or_default().push(t);
    }
    groups.into_iter().map(|(k, list)| (k, trade_metrics(list))).collect()
}

/// Equity curve of a list of trades alone, as (times, equity): `capital`, then one row per time at which a trade closed. Trades must be in
/// the order in which they closed.
pub fn trade_curve<'a>(capital: f64, trades: impl IntoIterator<Item = &'a Trade>) -> (Vec<i64>, Vec<f64>) {
    let (mut ts, mut equity) = (Vec::new(), Vec::new());
    let mut value = capital;
    for t in trades {
        if ts.is_empty() {
            ts.push(t.entry_ts.min(t.exit_ts - 1));
            equity.push(capital);
        }
        value += t.pnl;
        if ts.last() == Some(&t.exit_ts) {
            if let Some(last) = equity.last_mut() {
                *last = value;
            }
        } else {
            ts.push(t.exit_ts);
            equity.push(value);
        }
    }
    (ts, equity)
}
