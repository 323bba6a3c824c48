//! What a policy sees: the last rows of encoded market features, each with four numbers of the account.

use serde::{Deserialize, Serialize};

use crate::portfolio::Portfolio;
use crate::types::SymbolId;

/// Numbers of the account in a row: position, equity change since the start, unrealised profit, drawdown.
pub const ACCOUNT: usize = 4;

/// The account's part of a row, each in [−1, 1]: the position as a share of `max_position`, then the change of equity since
/// `start`, the unrealised profit as a share of equity, and the drawdown from `peak`.
#[inline(always)]
pub fn account_entries(
    portfolio: &Portfolio,
    symbol: SymbolId,
    equity: f64,
    start: f64,
    peak: f64,
    max_position: f64,
) -> [f32; ACCOUNT] {
    if equity <= 0.0 {
        return [0.0, -1.0, 0.0, 1.0];
    }
    let unit = |x: f64| if x.is_nan() { 0.0 } else { x.clamp(-1.0, 1.0) as f32 };
    if portfolio.position(symbol).is_flat() {
        return [0.0, unit(equity / start - 1.0), 0.0, unit(1.0 - equity / peak)];
    }
    [
        unit(portfolio.notional(symbol) / (equity * max_position)),
        unit(equity / start - 1.0),
        unit(portfolio.unrealised(symbol) / equity),
        unit(1.0 - equity / peak),
    ]
}

/// The last rows, oldest first: push a row at every closed bar, read [`ObservationWindow::rows`] at any time. Rows that have not come
/// yet are 0, the middle. With several symbols a row is their blocks side by side, each of features and account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservationWindow {
    lookback: usize,
    features: usize,
    width: usize,
    /// Every row twice, `lookback` rows apart, so that any `lookback` rows in a row are in one piece.
    rows: Vec<f32>,
    next: usize,
    seen: usize,
}

impl ObservationWindow {
    /// A window of `lookback` rows, at least one, of `symbols` blocks of `features` numbers of the market and those of the account.
    pub fn new(lookback: usize, features: usize, symbols: usize) -> Self {
        let (lookback, width) = (lookback.max(1), symbols * (features + ACCOUNT));
        Self { lookback, features, width, rows: vec![0.0; 2 * lookback * width], next: 0, seen: 0 }
    }

    /// Takes the row of a closed bar: the features of all symbols, one after the other, and of each the account's numbers.
    ///
    /// # Panics
    /// If there are fewer features than the window was made for.
    #[inline(always)]
    pub fn push(&mut self, features: &[f32], account: &[[f32; ACCOUNT]]) {
        let n = self.features;
        for at in [self.next, self.next + self.lookback] {
            let row = &mut self.rows[at * self.width..(at + 1) * self.width];
            for ((block, entries), k) in row.chunks_exact_mut(n + ACCOUNT).zip(account).zip(0..) {
                let (market, own) = block.split_at_mut(n);
                market.copy_from_slice(&features[k * n..(k + 1) * n]);
                own.copy_from_slice(entries);
            }
        }
        self.next += 1;
        if self.next == self.lookback {
            self.next = 0;
        }
        self.seen += 1;
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        self.rows.fill(0.0);
        (self.next, self.seen) = (0, 0);
    }

    /// The window, `lookback` rows, oldest first, in one piece.
    #[inline(always)]
    pub fn rows(&self) -> &[f32] {
        &self.rows[self.next * self.width..(self.next + self.lookback) * self.width]
    }

    /// (rows, numbers a row).
    pub fn shape(&self) -> (usize, usize) {
        (self.lookback, self.width)
    }

    /// As many rows came as it holds.
    pub fn is_full(&self) -> bool {
        self.seen >= self.lookback
    }
}
