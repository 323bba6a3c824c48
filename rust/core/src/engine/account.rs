//! The portfolio as the risk rules see it.

use crate::portfolio::{Portfolio, Position};
use crate::risk::{Held, Holdings};
use crate::types::SymbolId;

impl Holdings for Portfolio {
    fn equity(&self) -> f64 {
        self.equity()
    }
    fn free_cash(&self) -> f64 {
        self.free_cash()
    }
    fn held(&self) -> &[SymbolId] {
        self.held()
    }
    fn quantity(&self, symbol: SymbolId) -> f64 {
        self.position(symbol).quantity
    }
    fn price(&self, symbol: SymbolId) -> f64 {
        self.position(symbol).last_price
    }
    fn rate(&self, symbol: SymbolId) -> f64 {
        self.rate(symbol)
    }
    fn initial_margin(&self, symbol: SymbolId) -> f64 {
        self.initial_margin(symbol)
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
