//! The portfolio as the risk rules see it.

use std::cell::Cell;

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

/// The account as a policy sees it at one bar of one symbol; NaN where there is no equity left to measure by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Signed notional of the symbol's position as a fraction of equity.
    pub position: f64,
    /// Growth of equity since the start, a fraction.
    pub growth: f64,
    /// Profit of the symbol's open position before costs, as a fraction of equity.
    pub unrealised: f64,
    /// Loss of equity from its peak, a fraction.
    pub drawdown: f64,
}

pub(super) fn outlook(portfolio: &Portfolio, peak: f64, bars: &[(SymbolId, Bar)]) -> Vec<Outlook> {
    let equity = portfolio.equity();
    let share = |amount: f64| if equity > 0.0 { amount / equity } else { f64::NAN };
    let one = |(symbol, _): &(SymbolId, Bar)| Outlook {
        position: share(portfolio.notional(*symbol)),
        growth: equity / portfolio.capital() - 1.0,
        unrealised: share(portfolio.unrealised(*symbol)),
        drawdown: 1.0 - equity / peak.max(equity),
    };
    bars.iter().map(one).collect()
}
