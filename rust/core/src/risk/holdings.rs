//! What the rules need to know of an account, whoever keeps it.

use crate::types::SymbolId;

/// An account as the risk rules see it. Amounts in account currency.
pub trait Holdings {
    /// Cash plus the value of all positions.
    fn equity(&self) -> f64;
    /// Equity that no position ties up.
    fn free_cash(&self) -> f64;
    /// Symbols with an open position, each once.
    fn held(&self) -> &[SymbolId];
    /// Signed quantity of a symbol.
    fn quantity(&self, symbol: SymbolId) -> f64;
    /// Last price of a symbol, quote currency.
    fn price(&self, symbol: SymbolId) -> f64;
    /// Account currency per unit of the symbol's quote currency.
    fn rate(&self, symbol: SymbolId) -> f64;
    /// Equity that a position ties up, as a fraction of its notional.
    fn initial_margin(&self, symbol: SymbolId) -> f64;
}

/// One open position as the stop rules see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Signed quantity.
    pub quantity: f64,
    /// Average entry price.
    pub average_price: f64,
    /// Last price.
    pub last_price: f64,
    /// Most favourable price since entry.
    pub best_price: f64,
    /// Bars since entry.
    pub bars_held: u32,
}
