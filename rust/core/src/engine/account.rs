//! The portfolio as the risk rules see it.

use std::cell::Cell;

use crate::env::{ACCOUNT, account_entries};
use crate::portfolio::{Portfolio, Position};
use crate::risk::{Held, Holdings};
use crate::types::{Bar, SymbolId};

/// The portfolio at one bar time, with the sums over all positions made once: between fills they do not change.
pub(super) struct Account<'a> {
    pub(super) portfolio: &'a Portfolio,
    pub(super) sums: &'a Sums,
}

/// Equity, and what of it is free once somebody asks.
pub(super) struct Sums {
    equity: f64,
    free_cash: Cell<Option<f64>>,
}

impl Sums {
    pub(super) fn of(portfolio: &Portfolio) -> Self {
        Self { equity: portfolio.equity(), free_cash: Cell::new(None) }
    }

    pub(super) fn equity(&self) -> f64 {
        self.equity
    }
}

impl Holdings for Account<'_> {
    #[inline]
    fn equity(&self) -> f64 {
        self.sums.equity
    }
    fn free_cash(&self) -> f64 {
        self.sums.free_cash.get().unwrap_or_else(|| {
            let free = self.portfolio.free_cash();
            self.sums.free_cash.set(Some(free));
            free
        })
    }
    fn held(&self) -> &[SymbolId] {
        self.portfolio.held()
    }
    #[inline]
    fn quantity(&self, symbol: SymbolId) -> f64 {
        self.portfolio.position(symbol).quantity
    }
    fn price(&self, symbol: SymbolId) -> f64 {
        self.portfolio.position(symbol).last_price
    }
    #[inline]
    fn rate(&self, symbol: SymbolId) -> f64 {
        self.portfolio.rate(symbol)
    }
    fn initial_margin(&self, symbol: SymbolId) -> f64 {
        self.portfolio.initial_margin(symbol)
    }
}

impl From<&Position> for Held {
    fn from(p: &Position) -> Self {
        Self {
            quantity: p.quantity,
            average_price: p.average_price,
            last_price: p.last_price,
            best_price: p.best_price,
            bars_held: p.bars_held,
        }
    }
}

/// The account's part of a policy's observation at these bars, one row each.
pub(super) fn outlook(portfolio: &Portfolio, peak: f64, largest: f64, bars: &[(SymbolId, Bar)]) -> Vec<[f32; ACCOUNT]> {
    let (equity, start) = (portfolio.equity(), portfolio.capital());
    bars.iter().map(|(s, _)| account_entries(portfolio, *s, equity, start, peak.max(equity), largest)).collect()
}
